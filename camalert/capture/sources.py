"""One contract for every kind of camera: `take` gives a picture, or says why there is none."""

import contextlib
import fcntl
import os
import re
import select
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from camalert.capture import jpeg
from camalert.capture.backends import BACKENDS, Shot
from camalert.capture.jpeg import Picture
from camalert.config import Camera
from camalert.errors import BadData, CannotCreate, TryAgain
from camalert.records import Clock, SystemClock

NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL
POLL = 0.02
"""Seconds between two looks at a lock that another process holds."""


def take(
    camera: Camera, locks: Path, *, clock: Clock | None = None, cancel: int | None = None
) -> Picture:
    """A picture of `camera`, clean (see jpeg.clean) and within `camera.deadline` seconds.

    A camera that only one program at a time can use is locked in the folder `locks`. `cancel` is a
    descriptor that ends the capture once it is readable. A picture that is not whole comes back
    with `damaged`. Raises, each about the camera's name, Unavailable (absent, failed, too slow),
    NotPermitted, TryAgain (in use, or cancelled), BadData (no picture in what came), CannotCreate
    (no lock) or BadUsage (a device that cannot be).
    """
    end = time.monotonic() + camera.deadline
    with _exclusive(Shot(camera, end, clock or SystemClock(), cancel), locks) as shot:
        data, turn = BACKENDS[camera.source](shot)
    if not data:
        raise BadData(camera.name, f"{camera.source} ended well, but gave no picture")
    try:
        return jpeg.clean(data, turn)
    except BadData as error:
        raise BadData(camera.name, f"{camera.source} gave no picture: {error.reason}") from None


def capture(
    camera: Camera,
    target: Path,
    locks: Path,
    *,
    clock: Clock | None = None,
    cancel: int | None = None,
) -> Picture:
    """`take` a picture and `save` it as `target`."""
    picture = take(camera, locks, clock=clock, cancel=cancel)
    save(picture, target)
    return picture


def save(picture: Picture, target: Path) -> None:
    """Write the picture (0600) and rename it to `target`, so that no half of it is ever there.

    What is there and no file, e.g. /dev/null, is written into. Raises CannotCreate.
    """
    temporary = target.with_name(f".{target.name}.{os.urandom(4).hex()}")
    try:
        if target.exists() and not target.is_file():
            target.write_bytes(picture.data)
            return
        with os.fdopen(os.open(temporary, NEW, 0o600), "wb") as file:
            file.write(picture.data)
        temporary.rename(target)
    except OSError as error:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise CannotCreate(str(target), error.strerror or str(error)) from None


@contextlib.contextmanager
def _exclusive(shot: Shot, locks: Path) -> Iterator[Shot]:
    """The shot with its camera's lock, which the camera's program holds for as long as it lives.

    Raises TryAgain at the deadline.
    """
    camera, device = shot.camera, _device(shot.camera)
    if device is None:
        yield shot
        return
    try:
        locks.mkdir(parents=True, exist_ok=True, mode=0o700)
        path = locks / f"camera{re.sub('[^A-Za-z0-9]', '-', device)[:200]}.lock"
        lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise CannotCreate(str(locks), error.strerror or str(error)) from None
    cancel = [shot.cancel] if shot.cancel is not None else []
    try:
        while not _locked(lock):
            if time.monotonic() >= shot.end:
                raise TryAgain(camera.name, f"busy: still in use after {camera.deadline:g} s")
            if select.select(cancel, [], [], POLL)[0]:
                raise TryAgain(camera.name, "stopped before the picture was taken")
        yield replace(shot, locks=(lock,))
    finally:
        os.close(lock)


def _device(camera: Camera) -> str | None:
    """What only one program at a time can open; None where any number can."""
    if camera.source == "rpicam":
        return f"-rpicam-{camera.device or '0'}"
    if camera.source == "fswebcam":
        return camera.device or "/dev/video0"
    return camera.device if camera.device.startswith("/dev/") else None


def _locked(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
