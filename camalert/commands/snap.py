"""snap: pictures from the cameras, by hand or for every alarm that comes by."""

import os
from typing import TYPE_CHECKING

import click

from camalert import cli
from camalert.errors import BadConfig, BadData, BadUsage, CamalertError, Unavailable

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
        _by_hand(settings.config, _chosen(settings.config, cameras, every, source, device), output)
    else:
        _in_the_line(settings)


def _in_the_line(settings: cli.Settings) -> None:
    from camalert.capture.rounds import Rounds
    from camalert.capture.workers import Workers
    from camalert.records import SystemClock

    if os.isatty(0):
        raise BadUsage("camera", "none is named", "give a camera's name, or --all")
    config, clock = settings.config, SystemClock()
    if any(camera.source == "pattern" for camera in config.camera):
        import camalert.capture.pixels  # noqa: F401
    workers = Workers(config.folder("run"), clock)
    rounds = Rounds(workers, clock)
    line = cli.RecordLine()
    try:
        for record in line.records(wake=workers.wake, timeout=workers.patience):
            if record:
                line.write(record)
            for answer in rounds.begin(record, settings.config) if record else rounds.collect():
                line.write(answer)
        for answer in rounds.rest():
            line.write(answer)
    finally:
        workers.stop()


def _chosen(
    config: "Config", names: tuple[str, ...], every: bool, source: str | None, device: str | None
) -> list["Camera"]:
    """The cameras that are meant. Raises BadUsage, or BadConfig where there is none."""
    if source or device:
        return [_ad_hoc(names, every, source, device)]
    known = {camera.name: camera for camera in config.camera}
    if not known:
        raise BadConfig("camera", "none is configured", "camalert snap --source pattern -o a.jpg")
    if unknown := [name for name in names if name not in known]:
        raise BadUsage(unknown[0], "no such camera", f"known here: {', '.join(known)}")
    if not every and not names and len(known) > 1:
        raise BadUsage("camera", f"which one: {', '.join(known)}?", "or --all")
    return [known[name] for name in dict.fromkeys(names or known)]


def _ad_hoc(
    names: tuple[str, ...], every: bool, source: str | None, device: str | None
) -> "Camera":
    from camalert.config import NAME, Camera

    if not source:
        raise BadUsage("--device", "needs --source", f"one of {', '.join(SOURCES)}")
    name = names[0] if names else source
    if every or len(names) > 1 or not NAME.fullmatch(name):
        raise BadUsage("--source", "is one camera, with one name")
    if not device and source in ("ffmpeg", "file"):
        raise BadUsage("--source", f"{source} needs --device")
    return Camera(name=name, source=source, device=device or "")


def _by_hand(config: "Config", cameras: list["Camera"], output: str | None) -> None:
    """Take the pictures, all at once. Exits with the code of what failed, 69 for several."""
    from camalert.capture.workers import Job, Workers
    from camalert.records import SystemClock

    if len(cameras) > 1 and not _into_folder(output):
        raise BadUsage("-o", f"is one file, and there are {len(cameras)} cameras", "name a folder/")
    if output == "-" and os.isatty(1):
        raise BadUsage("-o", "a terminal shows no picture", "name a file, or send it to a program")
    workers = Workers(config.folder("run"), SystemClock())
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


def _into_folder(output: str | None) -> bool:
    return output is None or output.endswith("/") or os.path.isdir(output)  # noqa: PTH112 (light)


def _deliver(job: "Job", output: str | None) -> None:
    """Write the picture where it is wanted. Raises why there is none, or that it is damaged."""
    from pathlib import Path

    from camalert.capture.frames import add
    from camalert.capture.sources import save
    from camalert.records import SystemClock

    if isinstance(job.outcome, CamalertError):
        raise job.outcome
    picture, target = job.outcome, Path(output or ".")
    assert picture
    if output == "-":
        cli.write_all(picture.data)
    elif _into_folder(output):
        click.echo(add(picture, target, job.camera.name, SystemClock().now()))
    else:
        save(picture, target)
    if picture.damaged:
        raise BadData(job.camera.name, f"the picture is damaged: {picture.damaged}")
