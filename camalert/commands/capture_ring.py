"""capture-ring: own a camera, and keep its newest frames in RAM."""

import contextlib
import os
from typing import TYPE_CHECKING

import click

from camalert import cli

if TYPE_CHECKING:
    from camalert.capture.recorder import Recorder
    from camalert.config import Camera, Config
    from camalert.records import Record


@cli.command(example="capture-ring porch | watch-frames --to-line\ncapture-ring porch --frames 3")
@click.argument("camera", metavar="CAMERA")
@click.option("--to-line", is_flag=True, help="Only troubles, and into the alarm line's FIFO.")
@click.option("--frames", type=cli.Whole(1), metavar="N", help="End after so many frames.")
@click.option("-n", "--dry-run", is_flag=True, help="Say what would be run, and run nothing.")
def main(
    settings: cli.Settings, camera: str, to_line: bool, frames: int | None, dry_run: bool
) -> None:
    """Own a camera and keep its newest frames in RAM, as files; a record for each goes to stdout.

    The camera is started again when it fails, and on schedule. While there are no frames there is
    one record, camera.trouble, and camera.good when they come again. On a terminal a line a second
    tells how it goes. In mode off nothing is captured.
    """
    from camalert.alarm.state import ModeInForce
    from camalert.capture import choice, ring
    from camalert.capture.recorder import Recorder
    from camalert.records import SystemClock

    config, mode = settings.config, ModeInForce()
    (chosen,) = choice.named(config, (camera,))
    if dry_run:
        _describe(config, chosen)
        return

    lock = ring.lock(config.folder("run"), camera)
    held = cli.hold_lock(lock, f"capture-ring {camera}")  # noqa: F841 (held until exit)
    recorder = Recorder(camera, config, SystemClock(), mode=lambda: mode.read(settings.config))
    with contextlib.closing(recorder), cli.sensor_line(settings, to_line, None) as line:
        _run(settings, recorder, line, to_line, frames)


def _describe(config: "Config", camera: "Camera") -> None:
    from camalert.capture import ring, streams

    limits = config.ring
    click.echo(f"source: {streams.describe(camera)}")
    click.echo(f"ring: {ring.folder(config.folder('run'), camera.name)}")
    click.echo(
        f"at most: {camera.rate:g} frames a second; {limits.frames} frames, {limits.age:g} s, "
        f"{limits.megabytes} MB, {limits.share} % of the free RAM"
    )


def _run(
    settings: cli.Settings,
    recorder: "Recorder",
    line: "cli.RecordLine",
    to_line: bool,
    frames: int | None,
) -> None:
    from camalert.capture.outlet import Outlet
    from camalert.codec import encode

    outlet, terminal, shown, count = Outlet(), os.isatty(1), float("-inf"), 0
    for _ in line.batches(wake=recorder.wake, timeout=recorder.patience):
        outlet.flush()
        for record in recorder.news(settings.config):
            is_frame = record.type == "frame.captured"
            if terminal and is_frame and record.mono >= shown + 1:
                shown = record.mono
                outlet.write(_progress(record, recorder), keep=False)
            if to_line and not is_frame:
                line.write(record)
            if not to_line and not terminal:
                outlet.write(encode(record), keep=not is_frame)
            count += is_frame
            if count == frames:
                return


def _progress(record: "Record", recorder: "Recorder") -> bytes:
    ring = recorder.ring
    frames = "1 frame" if len(ring) == 1 else f"{len(ring)} frames"
    size = f"{ring.size / 1e6:.1f} MB" if ring.size >= 1e6 else f"{ring.size / 1e3:.0f} kB"
    held = f"{frames}, {size} in the ring"
    return f"{record.time[11:19]} {record.source}: {held}\n".encode()
