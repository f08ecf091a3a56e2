"""snap: pictures from the cameras, by hand or for every alarm that comes by."""

import os
from contextlib import contextmanager, nullcontext
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from camalert import cli
from camalert.errors import BadUsage, NotPermitted, Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from camalert.capture.by_hand import Light
    from camalert.config import Camera, Config

Seconds = cli.Number(0.1, 86400)
SOURCES = ("rpicam", "fswebcam", "ffmpeg", "file", "pattern")


@cli.command(example="snap porch -o porch.jpg\nsnap --source pattern -o test.jpg")
@click.argument("cameras", nargs=-1, metavar="[CAMERA]...")
@click.option("--all", "every", is_flag=True, help="Every configured camera.")
@click.option("-o", "--output", metavar="FILE", help="Write here; - for stdout, or a folder/.")
@click.option("--source", type=click.Choice(SOURCES), help="A camera that no config knows.")
@click.option("--device", metavar="DEVICE", help="Its device, URL or file.")
@click.option("--every", "seconds", type=Seconds, metavar="SECONDS", help="Go on, one so often.")
@click.option("--count", type=cli.Whole(1), metavar="NUMBER", help="End after so many.")
@click.option("--flash", is_flag=True, help="Light the flash for it.")
@click.option("--flash-off", is_flag=True, help="Only switch the flash off, as after a crash.")
def main(
    settings: cli.Settings,
    cameras: tuple[str, ...],
    every: bool,
    output: str | None,
    source: str | None,
    device: str | None,
    flash_off: bool,
    **lapse: Any,
) -> None:
    """Take a picture.

    With a camera's name (or --all) the picture goes to FILE, or under a new name into this folder.
    Without, snap is a stage of the line: records come in and are passed on at once, and each alarm
    and heartbeat gets a picture from every camera as it comes.
    """
    if flash_off:
        with _flash(settings.config):
            return
    if cameras or every or output or source or device or any(lapse.values()):
        choose = partial(_chosen, settings, cameras, every, source, device)
        _by_hand(settings.config, choose, output, configured=not source, **lapse)
    else:
        _in_the_line(settings)


def _in_the_line(settings: cli.Settings) -> None:
    from camalert.alarm.state import ModeInForce
    from camalert.capture.rounds import Rounds
    from camalert.capture.workers import Workers
    from camalert.records import SystemClock

    if os.isatty(0):
        raise BadUsage("camera", "none is named", "give a camera's name, or --all")
    config, clock, mode = settings.config, SystemClock(), ModeInForce()
    if any(camera.source == "pattern" or camera.privacy_masks for camera in config.camera):
        import camalert.capture.pixels  # noqa: F401
    workers = Workers(config.folder("run"), clock)
    rounds = Rounds(workers, clock)
    line = cli.RecordLine()
    try:
        for record in line.records(wake=workers.wake, timeout=rounds.patience):
            if not record:
                answers = rounds.collect()
            else:
                line.write(record)
                off = mode.read(settings.config) == "off"
                answers = rounds.begin(record, settings.config, off=off)
            for answer in answers:
                line.write(answer)
        for answer in rounds.rest():
            line.write(answer)
    finally:
        workers.stop()


def _chosen(
    settings: cli.Settings,
    names: tuple[str, ...],
    every: bool,
    source: str | None,
    device: str | None,
) -> list["Camera"]:
    """The cameras that are meant, by day or by night. Raises BadUsage, BadConfig, NotPermitted."""
    from camalert.alarm.state import ModeInForce
    from camalert.capture import choice, night, sun
    from camalert.clock import SystemClock

    if source or device:
        return [choice.ad_hoc(settings.config, names, every, source, device)]
    config = settings.config
    cameras, now = choice.named(config, names, every), SystemClock().now()
    if ModeInForce().read(config) == "off":
        step = "camalert mode monitor"
        raise NotPermitted(cameras[0].name, "mode is off, and nothing is captured in it", step)
    return [night.in_force(cam, sun.is_night(cam, config.place, now)) for cam in cameras]


def _by_hand(
    config: "Config",
    choose: "Callable[[], list[Camera]]",
    output: str | None,
    configured: bool,
    seconds: float | None,
    count: int | None,
    flash: bool,
) -> None:
    """Take pictures once or again and again. Exits with the code of what failed, 69 for several."""
    from camalert.capture import choice
    from camalert.capture.by_hand import Hand
    from camalert.clock import SystemClock

    if count and not seconds:
        raise BadUsage("--count", "is for a time lapse", "give --every, too")
    run = config.folder("run")
    choice.check_output(output, len(choose()) if not seconds else 0)
    with _flash(config) if flash else nullcontext(nullcontext) as light:
        hand = Hand(run, output, SystemClock(), cli.write_all, light, rings=configured)
        try:
            failures = hand.lapse(choose, seconds, count) if seconds else hand.shoot(choose())
        finally:
            hand.stop()
    if failures:
        raise SystemExit(failures.pop() if len(failures) == 1 else Unavailable.code)


@contextmanager
def _flash(config: "Config") -> "Iterator[Light]":
    """The flash, taken and off; what is given switches it on for as long as a picture takes."""
    import time

    from camalert.sensing.flash import Flash
    from camalert.sensing.pins import Pins
    from camalert.sensing.terminal import leave_on_term

    with leave_on_term(), Pins(config.folder("run")) as pins:
        yield Flash(config.flash, pins, time.sleep).lit
