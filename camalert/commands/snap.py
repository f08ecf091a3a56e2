"""snap: pictures from the cameras, by hand or for every alarm that comes by."""

import os
from typing import TYPE_CHECKING

import click

from camalert import cli
from camalert.errors import BadData, BadUsage, CamalertError, NotPermitted, Unavailable

if TYPE_CHECKING:
    from camalert.capture.workers import Job
    from camalert.config import Camera, Config

SOURCES = ("rpicam", "fswebcam", "ffmpeg", "file", "pattern")


@cli.command(example="snap porch -o porch.jpg\nsnap --source pattern -o test.jpg")
@click.argument("cameras", nargs=-1, metavar="[CAMERA]...")
@click.option("--all", "every", is_flag=True, help="Every configured camera.")
@click.option("-o", "--output", metavar="FILE", help="Write here; - for stdout, or a folder/.")
@click.option("--source", type=click.Choice(SOURCES), help="A camera that no config knows.")
@click.option("--device", metavar="DEVICE", help="Its device, URL or file.")
def main(
    settings: cli.Settings,
    cameras: tuple[str, ...],
    every: bool,
    output: str | None,
    source: str | None,
    device: str | None,
) -> None:
    """Take a picture.

    With a camera's name (or --all) the picture goes to FILE, or under a new name into this folder.
    Without, snap is a stage of the line: records come in and are passed on at once, and each alarm
    and heartbeat gets a picture from every camera as it comes.
    """
    if cameras or every or output or source or device:
        chosen = _chosen(settings.config, cameras, every, source, device)
        _by_hand(settings.config, chosen, output, configured=not source)
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
        for record in line.records(wake=workers.wake, timeout=workers.patience):
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
    config: "Config", names: tuple[str, ...], every: bool, source: str | None, device: str | None
) -> list["Camera"]:
    """The cameras that are meant, by day or by night. Raises BadUsage, BadConfig, NotPermitted."""
    from camalert.alarm.state import ModeInForce
    from camalert.capture import choice, night, sun
    from camalert.clock import SystemClock

    if source or device:
        return [choice.ad_hoc(names, every, source, device)]
    cameras, now = choice.named(config, names, every), SystemClock().now()
    if ModeInForce().read(config) == "off":
        step = "camalert mode monitor"
        raise NotPermitted(cameras[0].name, "mode is off, and nothing is captured in it", step)
    return [night.in_force(cam, sun.is_night(cam, config.place, now)) for cam in cameras]


def _by_hand(
    config: "Config", cameras: list["Camera"], output: str | None, configured: bool
) -> None:
    """Take the pictures, all at once. Exits with the code of what failed, 69 for several."""
    from camalert.capture.choice import into_folder
    from camalert.capture.workers import Job, Workers
    from camalert.records import SystemClock

    if len(cameras) > 1 and not into_folder(output):
        raise BadUsage("-o", f"is one file, and there are {len(cameras)} cameras", "name a folder/")
    if output == "-" and os.isatty(1):
        raise BadUsage("-o", "a terminal shows no picture", "name a file, or send it to a program")
    workers = Workers(config.folder("run"), SystemClock(), rings=configured)
    failures = set()
    try:
        for camera in cameras:
            workers.ask(Job(camera))
        for job in workers.wait():
            try:
                _deliver(job, output)
            except CamalertError as error:
                cli.log.error("%s", error)
                failures.add(error.code)
    finally:
        workers.stop()
    if failures:
        raise SystemExit(failures.pop() if len(failures) == 1 else Unavailable.code)


def _deliver(job: "Job", output: str | None) -> None:
    """Write the picture where it is wanted. Raises why there is none, or that it is damaged."""
    from camalert.capture.choice import deliver
    from camalert.records import SystemClock

    if isinstance(job.outcome, CamalertError):
        raise job.outcome
    picture, name = job.outcome, job.camera.name
    assert picture
    if output == "-":
        cli.write_all(picture.data)
    elif path := deliver(picture, output, name, SystemClock().now()):
        click.echo(path)
    if picture.damaged:
        raise BadData(name, f"the picture is damaged: {picture.damaged}")
