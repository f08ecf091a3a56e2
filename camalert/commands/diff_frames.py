"""diff-frames: which pictures show that something moved."""

import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import click

from camalert import cli
from camalert.errors import BadData, CamalertError

if TYPE_CHECKING:
    from pathlib import Path

    from camalert.motion.judges import Judges
    from camalert.records import Record

Frames = Iterable[tuple[str, bytes | None]]
PERCENT, STEPS = cli.Number(0.01, 100), cli.Number(1, 100)
PRESETS = click.Choice(("low", "medium", "high"))
METHODS = click.Choice(("cells", "pixel", "area"))
THUMBNAILS = click.Choice(("auto", "only", "never"))


@cli.command(example="diff-frames --preset high yard/ > moved.txt")
@click.argument("paths", nargs=-1, type=cli.PATH, metavar="[PATH]...")
@click.option("--camera", metavar="NAME", help="Whose pictures, where no record says it.")
@click.option("--preset", type=PRESETS, help="How easily.")
@click.option("--area", metavar="PERCENT", type=PERCENT, help="The least part that counts.")
@click.option("--threshold", metavar="NUMBER", type=STEPS, help="The least change that counts.")
@click.option(
    "--zone", "zones", metavar="REGION", type=cli.REGION, multiple=True, help="Only here."
)
@click.option("--mask", "masks", metavar="REGION", type=cli.REGION, multiple=True, help="Not here.")
@click.option("--method", type=METHODS, help="The detector, or a classic: pixel by pixel.")
@click.option("--thumbnail", type=THUMBNAILS, help="Judge by the one in the EXIF.")
@click.option("--json", "as_json", is_flag=True, help="A line for every picture: score, area, box.")
@click.option("--to-outbox", is_flag=True, help="Read records; pass them into the FIFO `outbox`.")
def main(
    settings: cli.Settings,
    paths: tuple["Path", ...],
    camera: str | None,
    zones: tuple[str, ...],
    masks: tuple[str, ...],
    as_json: bool,
    to_outbox: bool,
    **settled: Any,
) -> None:
    """Say which pictures of a camera differ from those before; exit 1 where none does.

    Reads the JPEGs and folders that are named, or from standard input a path a line, JPEGs one
    after the other, or records. What moved comes out in that form; of records all come out. A
    REGION is in percent: '0,50 100,100' is the lower half, three and more corners are a polygon.
    """
    from camalert.motion import pictures
    from camalert.motion.judges import Judges

    judges = Judges(lambda: settings.config, settled, zones, masks, camera)
    if paths:
        files = list(pictures.files(paths))
        shown = len(files) >= 100 and sys.stderr.isatty()
        with click.progressbar(files, file=sys.stderr) if shown else nullcontext(files) as each:
            _judge(((path, None) for path in each), judges, as_json)
        return
    cli.input_expected("a list of paths, of JPEGs or of records")
    if to_outbox:
        import camalert.records  # noqa: F401 (loaded here, before the first alarm waits for it)
    head = b"" if to_outbox else cli.peek()
    if to_outbox or head.lstrip().startswith(b"{"):
        outbox = settings.config.folder("run", "outbox") if to_outbox else None
        _stage(settings, judges, cli.RecordLine(head=head, to=outbox))
    elif head.startswith(b"\xff"):
        from camalert.capture import jpeg

        stream = enumerate(jpeg.frames(pictures.chunks(head)), 1)
        _judge(((f"picture {n}", data) for n, data in stream), judges, as_json)
    else:
        _judge(((path, None) for path in pictures.lines(pictures.chunks(head))), judges, as_json)


def _stage(settings: cli.Settings, judges: "Judges", line: "cli.RecordLine") -> None:
    import dataclasses

    from camalert import handover
    from camalert.motion.pictures import Skipped
    from camalert.records import Picture, PictureTaken

    skipped = Skipped()

    def handle(record: "Record") -> "Iterator[Record]":
        damaged = isinstance(record, PictureTaken) and record.damaged
        if isinstance(record, Picture) and not damaged:
            skipped.total += 1
            try:
                data = handover.read(settings.config.folder("run"), record.file)
                found = judges.of(record.source).update(data)
            except CamalertError as error:
                skipped.add(record.file, error)
                record = dataclasses.replace(record, error=str(error)[:200])
            else:
                moved, score, area, box, _ = found
                record = dataclasses.replace(record, moved=moved, score=score, area=area, box=box)
        yield record

    cli.stage(line, handle)
    skipped.end()


def _judge(frames: Frames, judges: "Judges", as_json: bool) -> None:
    """Print what moved; a frame is a path, or a name and its bytes. One size is one camera."""
    from camalert.motion import header, pictures

    if as_json:
        import json
    moved, skipped = 0, pictures.Skipped()
    for name, given in frames:
        skipped.total += 1
        try:
            data = pictures.read(name) if given is None else given
            verdict = judges.of(header.size(data)).update(data)
        except BadData as error:
            skipped.add(name, error)
            continue
        moved += verdict.moved
        if as_json:
            found = verdict._asdict()
            if verdict.distance is None:
                del found["distance"]
            cli.write_all(json.dumps({"picture": name} | found).encode() + b"\n")
        elif verdict.moved:
            cli.write_all(given or os.fsencode(name) + b"\n")
    skipped.end()
    if not moved:
        raise SystemExit(BadData.code if skipped.count else 1)
