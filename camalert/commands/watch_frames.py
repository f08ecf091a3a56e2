"""watch-frames: a record when movement in a camera's frames begins and ends, and of its view."""

from collections.abc import Callable, Iterator
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any

import click

from camalert import cli
from camalert.errors import BadData

if TYPE_CHECKING:
    from pathlib import Path

    from camalert.config import Config
    from camalert.motion.watch import Watch
    from camalert.records import Record

Frames = Iterator[tuple[str, Callable[[], bytes]]]
SECONDS, PERCENT, STEPS = cli.Number(0, 86400), cli.Number(0.01, 100), cli.Number(1, 100)
PRESETS = click.Choice(("low", "medium", "high"))


@cli.command(example="capture-ring porch | watch-frames --to-line")
@click.option("--to-line", is_flag=True, help="Write into the alarm line's FIFO, not to stdout.")
@click.option("--to", type=cli.PATH, metavar="FIFO", help="Write into this FIFO, not to stdout.")
@click.option("--camera", metavar="NAME", help="Whose pictures, where no record says it.")
@click.option("--every", metavar="SECONDS", type=SECONDS, help="Pictures lie so far apart.")
@click.option("--preset", type=PRESETS, help="How easily.")
@click.option("--area", metavar="PERCENT", type=PERCENT, help="The least part that counts.")
@click.option("--threshold", metavar="NUMBER", type=STEPS, help="The least change that counts.")
@click.option("--minimum", metavar="SECONDS", type=SECONDS, help="Movement lasts at least so long.")
@click.option("--clear", metavar="SECONDS", type=cli.Number(0.1, 3600), help="None so long: over.")
@click.option("--cooldown", metavar="SECONDS", type=SECONDS, help="Pause between two events.")
def main(
    settings: cli.Settings,
    to_line: bool,
    to: "Path | None",
    camera: str | None,
    every: float | None,
    preset: str | None,
    area: float | None,
    threshold: float | None,
    **limits: float | None,
) -> None:
    """Watch the frames of cameras as a sensor: when movement begins and ends, and where a view is
    covered, black, blinded, turned or frozen.

    Reads records from capture-ring, takes its frames out and passes all others on; or a path a
    line, or JPEGs one after the other. Numbers that are not given are those of the config.
    """
    from camalert.motion.judges import Judges, known
    from camalert.motion.sketches import Sketches
    from camalert.motion.watch import Watch
    from camalert.records import SystemClock

    cli.input_expected("records of capture-ring, a list of paths or of JPEGs")
    config = _with_limits(settings, limits)
    if camera and config().camera:  # without cameras there are no zones to miss
        known(config(), camera)
    judges = Judges(config, {"preset": preset, "area": area, "threshold": threshold})
    watch = Watch(config, judges, SystemClock(), Sketches(config().folder("state", "view")))
    head = cli.peek()
    if head.lstrip()[:1] in (b"{", b""):
        with cli.sensor_line(settings, to_line, to, head) as line:
            _stage(settings, watch, line)
    else:
        with cli.sensor_line(settings, to_line, to) as line:
            _pictures(head, watch, camera or "camera", every, line.write)


def _with_limits(settings: cli.Settings, limits: dict[str, float | None]) -> "Callable[[], Config]":
    """The config with the limits of the command line in place of its own."""
    from dataclasses import replace

    given: dict[str, Any] = {name: value for name, value in limits.items() if value is not None}

    @lru_cache(1)
    def limited(config: "Config") -> "Config":
        return replace(config, watch=replace(config.watch, **given))

    return lambda: limited(settings.config)


def _stage(settings: cli.Settings, watch: "Watch", line: "cli.RecordLine") -> None:
    import time

    from camalert import handover
    from camalert.motion.watch import current
    from camalert.records import FrameCaptured

    run = settings.config.folder("run")
    for batch in line.batches(timeout=watch.patience):
        for record in current(batch, time.monotonic()):
            if not isinstance(record, FrameCaptured):
                line.write(record)
                continue
            read = partial(handover.read, run, str(run / record.file))
            for found in watch.frame(record.source, record.file, read, record.mono):
                line.write(found)
        for found in watch.idle():
            line.write(found)
    for found in watch.end():
        line.write(found)


def _pictures(
    head: bytes,
    watch: "Watch",
    camera: str,
    every: float | None,
    write: "Callable[[Record], None]",
) -> None:
    """Watch pictures that come as JPEGs or paths: as they come, or as if `every` seconds apart."""
    import time

    from camalert.motion import pictures

    def idle() -> None:
        for record in watch.idle():
            write(record)

    chunks = pictures.chunks(head, idle, watch.patience if every is None else lambda: None)
    frames = _jpegs(chunks) if head.startswith(b"\xff") else _paths(chunks)
    for number, (name, read) in enumerate(frames):
        moment = time.monotonic() if every is None else number * every
        for record in watch.frame(camera, name, read, moment):
            write(record)
    for record in watch.end():
        write(record)
    if not watch.judged:
        raise BadData("standard input", "no picture in it could be read")


def _jpegs(chunks: Iterator[bytes]) -> Frames:
    from camalert.capture import jpeg

    return (("", partial(bytes, data)) for data in jpeg.frames(chunks))


def _paths(chunks: Iterator[bytes]) -> Frames:
    from camalert.motion import pictures

    return ((path, partial(pictures.read, path)) for path in pictures.lines(chunks))
