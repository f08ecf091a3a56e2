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

from camalert import regions
from camalert.capture import jpeg, ring
from camalert.capture.backends import BACKENDS, Shot
from camalert.capture.jpeg import Picture
from camalert.config import Camera
from camalert.errors import BadData, CannotCreate, TryAgain, Unavailable
from camalert.records import Clock, SystemClock

NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL
FRESH = 2.0
"""Seconds, or two of the camera's intervals where they are longer."""

POLL = 0.02
"""Seconds between two looks at a lock that another process holds."""


def take(
    camera: Camera,
    run: Path,
    *,
    clock: Clock | None = None,
    cancel: int | None = None,
    rings: bool = True,
    since: float = 0.0,
) -> Picture:
    """A picture of `camera`, clean (see jpeg.clean), masked, within `camera.deadline` seconds.

    Where a capture-ring in the run folder has the camera it is the ring's newest frame, unless
    `rings` says not to look, but none from before `since` (monotonic). A camera that only one
    program at a time can use is locked there. `cancel` is a descriptor that ends the capture once
    it is readable. A picture that is not whole comes back with `damaged`, unless it is to be
    masked. Raises, each about the camera's name, Unavailable (absent, failed, too slow),
    NotPermitted, TryAgain (in use, or cancelled), BadData (no picture in what came), CannotCreate
    (no lock) or BadUsage (a device that cannot be).
    """
    end = time.monotonic() + camera.deadline
    shot = Shot(camera, end, clock or SystemClock(), cancel, since=since)
    while rings and ring.is_owned(run, camera.name):
        if picture := _from_ring(shot, run):
            return picture
    with exclusive(shot, run) as held:
        data, turn = BACKENDS[camera.source](held)
    if not data:
        raise BadData(camera.name, f"{camera.source} ended well, but gave no picture")
    try:
        return masked(jpeg.clean(data, turn), camera)
    except BadData as error:
        raise BadData(camera.name, f"{camera.source} gave no picture: {error.reason}") from None


def masked(picture: Picture, camera: Camera) -> Picture:
    """The picture with the camera's privacy masks burnt in. Raises BadData where that cannot be.

    A picture that is cut off cannot: what of it could be decoded is not worth the risk.
    """
    if not camera.privacy_masks:
        return picture
    from camalert.capture import pixels

    if not picture.whole:
        raise BadData("JPEG", f"{picture.damaged}, so it cannot be masked")
    masks = [regions.parse(text) for text in camera.privacy_masks]
    data = pixels.burn(picture.data, masks, camera.quality)
    return Picture(data, *jpeg.inspect(data), picture.damaged)


def fresh(camera: Camera) -> float:
    """Seconds for which a frame in the camera's ring is fresh."""
    slowest = min(camera.rate, camera.night_rate or camera.rate)
    return max(2 / slowest, FRESH)


def _from_ring(shot: Shot, run: Path) -> Picture | None:
    """The newest frame in the ring where it is fresh, else None after a moment.

    Raises Unavailable with the reason when the shot's time is over.
    """
    camera = shot.camera
    frame = ring.newest(ring.folder(run, camera.name))
    age = shot.clock.monotonic() - frame.mono if frame else None
    if frame and age is not None and age <= fresh(camera) and frame.mono >= shot.since:
        with contextlib.suppress(FileNotFoundError):  # else the ring has just dropped it
            return replace(jpeg.clean(frame.path.read_bytes()), moment=frame.mono)
    if time.monotonic() >= shot.end:
        why = ring.trouble(run, camera.name)
        why = why or (f"the newest is {age:.0f} s old" if age is not None else "none has come yet")
        raise Unavailable(camera.name, f"its capture-ring has no fresh frame: {why}")
    _pause(shot)
    return None


def _pause(shot: Shot) -> None:
    """Wait a moment. Raises TryAgain where the shot is cancelled in it."""
    if select.select([shot.cancel] if shot.cancel is not None else [], [], [], POLL)[0]:
        raise TryAgain(shot.camera.name, "stopped before the picture was taken")


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
def exclusive(shot: Shot, run: Path) -> Iterator[Shot]:
    """The shot with its camera's lock, which the camera's program holds for as long as it lives.

    Raises TryAgain at the deadline.
    """
    camera, device = shot.camera, _device(shot.camera)
    if device is None:
        yield shot
        return
    try:
        run.mkdir(parents=True, exist_ok=True, mode=0o700)
        path = run / f"camera{re.sub('[^A-Za-z0-9]', '-', device)[:200]}.lock"
        lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise CannotCreate(str(run), error.strerror or str(error)) from None
    try:
        while not _locked(lock):
            if time.monotonic() >= shot.end:
                raise TryAgain(camera.name, f"busy: still in use after {camera.deadline:g} s")
            _pause(shot)
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
