"""Where pictures are kept: those of alarms, bounded, in RAM; those by hand, under new names."""

import contextlib
import itertools
import os
import re
import shutil
from datetime import datetime
from pathlib import Path

from camalert.capture import jpeg
from camalert.capture.jpeg import Picture
from camalert.capture.sources import save
from camalert.errors import BadData, CannotCreate

MOST_BYTES = 64 * 1024 * 1024
MOST_ALARMS = 200

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,63}")


def part_of(camera: str) -> str:
    """The name of a camera's picture within its alarm."""
    return f"{camera.replace(' ', '_')}-1"


def place(frames: Path, alarm: str, camera: str) -> Path:
    """The file for the camera's picture of `alarm`, in a folder (0700) that is made.

    Raises BadData for an id that cannot be a file's name, CannotCreate.
    """
    if not _ID.fullmatch(alarm):
        raise BadData("alarm id", f"{alarm[:80]!r} is not one")
    folder = frames / alarm
    try:
        frames.mkdir(parents=True, exist_ok=True, mode=0o700)
        folder.mkdir(exist_ok=True, mode=0o700)
    except OSError as error:
        raise CannotCreate(str(folder), error.strerror or str(error)) from None
    return folder / f"{part_of(camera)}.jpg"


def is_whole(path: Path) -> bool:
    """Whether a whole JPEG is there already."""
    try:
        jpeg.inspect(path.read_bytes())
    except (OSError, BadData):
        return False
    return True


def trim(frames: Path, most_bytes: int = MOST_BYTES, most_alarms: int = MOST_ALARMS) -> None:
    """Remove the oldest alarms' folders until no more than so many bytes and alarms are left."""
    folders = []
    with contextlib.suppress(OSError):
        for folder in frames.iterdir():
            size = sum(path.stat().st_size for path in folder.iterdir())
            folders.append((folder.stat().st_mtime_ns, folder, size))
    total, count = sum(size for _, _, size in folders), len(folders)
    for _, folder, size in sorted(folders):
        if total <= most_bytes and count <= most_alarms:
            return
        shutil.rmtree(folder, ignore_errors=True)
        total, count = total - size, count - 1


def add(picture: Picture, folder: Path, camera: str, now: datetime) -> Path:
    """Save the picture in `folder` under a new name that sorts by time, then number.

    Nothing is ever overwritten, however many come in a second and however the clock steps. Raises
    CannotCreate.
    """
    stem = f"{now:%Y%m%dT%H%M%S}.{now.microsecond // 1000:03}Z-{camera.replace(' ', '_')}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        path = next(filter(_reserved, (folder / f"{stem}-{n:04}.jpg" for n in itertools.count(1))))
    except OSError as error:
        raise CannotCreate(str(folder), error.strerror or str(error)) from None
    try:
        save(picture, path)
    except CannotCreate:
        path.unlink(missing_ok=True)
        raise
    return path


def _reserved(path: Path) -> bool:
    """Take the name with an empty file; a hard link would do too, but not on a FAT stick."""
    try:
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    except FileExistsError:
        return False
    return True
