"""Which cameras are meant, and where their pictures go, when a person asks by hand."""

import os
from datetime import datetime
from pathlib import Path

from camalert.camera_check import file_name
from camalert.capture.frames import add
from camalert.capture.jpeg import Picture
from camalert.capture.sources import save
from camalert.config import NAME, Camera, Config
from camalert.errors import BadConfig, BadUsage


def named(config: Config, names: tuple[str, ...], every: bool = False) -> list[Camera]:
    """The cameras `names` of the config, or `every` one, or the only one.

    Raises BadUsage, or BadConfig where there is none.
    """
    known = {camera.name: camera for camera in config.camera}
    if not known:
        raise BadConfig("camera", "none is configured", "camalert snap --source pattern -o a.jpg")
    if unknown := [name for name in names if name not in known]:
        raise BadUsage(unknown[0], "no such camera", f"known here: {', '.join(known)}")
    if not every and not names and len(known) > 1:
        raise BadUsage("camera", f"which one: {', '.join(known)}?", "or --all")
    return [known[name] for name in dict.fromkeys(names or known)]


def ad_hoc(
    config: Config, names: tuple[str, ...], every: bool, source: str | None, device: str | None
) -> Camera:
    """A camera that the config does not know. Raises BadUsage, also for a name that it knows.

    Else a camera's own keys, its privacy masks among them, would be left out unseen.
    """
    choices = Camera.__dataclass_fields__["source"].metadata["choices"]
    if not source:
        raise BadUsage("--device", "needs --source", f"one of {', '.join(choices)}")
    name = names[0] if names else source
    if every or len(names) > 1 or not NAME.fullmatch(name):
        raise BadUsage("--source", "is one camera, with one name")
    if file_name(name) in (file_name(camera.name) for camera in config.camera):
        step = "leave out --source, or take another name"
        raise BadUsage(name, "is a camera of the config, with keys of its own", step)
    if not device and source in ("ffmpeg", "file"):
        raise BadUsage("--source", f"{source} needs --device")
    return Camera(name=name, source=source, device=device or "")


def into_folder(output: str | None) -> bool:
    """Whether `output` (None: nothing was said) takes any number of pictures."""
    return output is None or output.endswith("/") or Path(output).is_dir()


def check_output(output: str | None, cameras: int) -> None:
    """Raise BadUsage where `output` cannot take pictures of so many cameras; 0: without end."""
    if not cameras and not into_folder(output):
        raise BadUsage("-o", "is one file, and --every takes many", "name a folder/")
    if cameras > 1 and not into_folder(output):
        raise BadUsage("-o", f"is one file, and there are {cameras} cameras", "name a folder/")
    if output == "-" and os.isatty(1):
        raise BadUsage("-o", "a terminal shows no picture", "name a file, or send it to a program")


def deliver(picture: Picture, output: str | None, camera: str, now: datetime) -> Path | None:
    """Save the picture as `output`, or in it under a new name, which is returned.

    Raises CannotCreate.
    """
    if into_folder(output):
        return add(picture, Path(output or "."), camera, now)
    save(picture, Path(output or "."))
    return None
