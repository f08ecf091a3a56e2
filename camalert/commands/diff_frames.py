"""diff-frames: which pictures show that something moved."""

import functools
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import nullcontext
from typing import TYPE_CHECKING

import click

from camalert import cli

if TYPE_CHECKING:
    from pathlib import Path

    from camalert.motion.detector import Detector
    from camalert.records import Record

CAMERAS = 64  # that are told apart; of more, the one not seen for longest starts anew
ENDINGS = (".jpg", ".jpeg")
Frames = Iterable[tuple[str, bytes | None]]
Percent, Steps = cli.Number(0.01, 100), cli.Number(1, 100)


@cli.command(example="diff-frames yard/ > moved.txt")
@click.argument("paths", nargs=-1, type=cli.PATH, metavar="[PATH]...")
@click.option("--area", metavar="PERCENT", type=Percent, help="The least part that counts.")
@click.option("--threshold", metavar="STEPS", type=Steps, help="The least change of a cell.")
@click.option("--json", "as_json", is_flag=True, help="A line for every picture: score, area, box.")
@click.option("--to-outbox", is_flag=True, help="Read records; pass them into the FIFO `outbox`.")
def main(
    settings: cli.Settings,
    paths: tuple["Path", ...],
    area: float | None,
    threshold: float | None,
    as_json: bool,
    to_outbox: bool,
) -> None:
    """Say which pictures of a camera differ from those before; exit 1 where none does.

    Reads the JPEGs and folders that are named, or from standard input a path a line, JPEGs one
    after the other, or records. What moved comes out in that form; of records all come out.
    """
    import camalert.handover
    import camalert.motion.decoding
    import camalert.records  # noqa: F401 (loaded here, before the first alarm waits for it)
    from camalert.motion.detector import Detector

    @functools.lru_cache(CAMERAS)
    def detector(camera: object) -> Detector:
        motion = settings.config.motion
        return Detector(area or motion.area, threshold or motion.threshold)

    if paths:
        files = list(_files(paths))
        shown = len(files) >= 100 and sys.stderr.isatty()
        with click.progressbar(files, file=sys.stderr) if shown else nullcontext(files) as each:
            _judge(((str(path), None) for path in each), detector, as_json)
        return
    cli.input_expected("a list of paths, of JPEGs or of records")
    head = b"" if to_outbox else cli.peek()
    if to_outbox or head.lstrip().startswith(b"{"):
        outbox = settings.config.folder("run", "outbox") if to_outbox else None
        _stage(settings, detector, cli.RecordLine(head=head, to=outbox))
    elif head.startswith(b"\xff"):
        from camalert.capture import jpeg

        pictures = enumerate(jpeg.frames(_chunks(head)), 1)
        _judge(((f"picture {n}", data) for n, data in pictures), detector, as_json)
    else:
        _judge(((path, None) for path in _lines(head)), detector, as_json)


def _stage(
    settings: cli.Settings, detector: Callable[[object], "Detector"], line: "cli.RecordLine"
) -> None:
    import dataclasses

    from camalert import handover
    from camalert.motion import decoding
    from camalert.records import PictureTaken

    def handle(record: "Record") -> "Iterator[Record]":
        if isinstance(record, PictureTaken) and not record.damaged:
            data = handover.read(settings.config.folder("run"), record.file)
            verdict = detector(record.source).update(decoding.luma(data))
            record = dataclasses.replace(record, **verdict._asdict())
        yield record

    cli.stage(line, handle)


def _judge(frames: Frames, detector: Callable[[object], "Detector"], as_json: bool) -> None:
    """Print what moved; a frame is a path, or a name and its bytes. One shape is one camera."""
    import json

    from camalert.errors import BadData
    from camalert.motion import decoding

    moved = failed = 0
    for name, given in frames:
        try:
            luma = decoding.luma(_read(name) if given is None else given)
        except BadData as error:
            cli.log.error("%s: %s", name, error.reason)
            failed += 1
            continue
        verdict = detector(luma.shape).update(luma)
        moved += verdict.moved
        if as_json:
            cli.write_all(json.dumps({"picture": name} | verdict._asdict()).encode() + b"\n")
        elif verdict.moved:
            cli.write_all(given or os.fsencode(name) + b"\n")
    if not moved:
        raise SystemExit(BadData.code if failed else 1)


def _read(path: str) -> bytes:
    from camalert.errors import BadData
    from camalert.handover import LARGEST

    try:
        with open(path, "rb") as stream:  # noqa: PTH123 (pathlib is slow to load, for --help)
            size = os.fstat(stream.fileno()).st_size  # read(n) takes memory for all of n first
            return stream.read(min(size or LARGEST, LARGEST))
    except (OSError, ValueError) as error:
        raise BadData(path, getattr(error, "strerror", None) or str(error)) from None


def _files(paths: Iterable["Path"]) -> Iterator["Path"]:
    """The paths; for a folder the JPEGs in it, in order of their names."""
    for path in paths:
        inside = sorted(path.iterdir()) if path.is_dir() else [path]
        yield from (item for item in inside if item == path or item.suffix.lower() in ENDINGS)


def _chunks(head: bytes) -> Iterator[bytes]:
    while head:
        yield head
        head = os.read(0, 65536)


def _lines(head: bytes) -> Iterator[str]:
    rest = b""
    for chunk in _chunks(head):
        *lines, rest = (rest + chunk).split(b"\n")
        yield from map(os.fsdecode, filter(None, lines))
    if rest:
        yield os.fsdecode(rest)
