"""Messages and pictures that a record names: files in RAM, handed from one stage to the next."""

import contextlib
import os
import stat
from pathlib import Path

from camalert.errors import BadData, CannotCreate, Unavailable

LARGEST = 32 * 1024 * 1024
"""Bytes of a file at most."""


def read(folder: Path, file: str) -> bytes:
    """The bytes of `file`, which must lie below `folder`, without a link on the way.

    Raises BadData for what must not be read, Unavailable for what cannot be.
    """
    try:
        parts = Path(file).relative_to(folder).parts
    except ValueError:
        parts = ()
    if not parts or ".." in parts:
        raise BadData(file, f"is not below {folder}")
    try:
        descriptor = _open_below(folder, parts)
        with os.fdopen(descriptor, "rb") as stream:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise BadData(file, "is no regular file")
            data = stream.read(LARGEST + 1)
    except OSError as error:
        raise Unavailable(file, error.strerror or str(error)) from None
    if len(data) > LARGEST:
        raise BadData(file, f"is longer than {LARGEST} bytes")
    return data


def _open_below(folder: Path, parts: tuple[str, ...]) -> int:
    """Step by step, so that no part of the path can be a link or become one meanwhile."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    for part in parts:
        above = descriptor
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        try:
            descriptor = os.open(part, flags, dir_fd=above)
        finally:
            os.close(above)
    return descriptor


def write(folder: Path, name: str, data: bytes) -> Path:
    """Write `data` (0600) to `name` in `folder` (made 0700), whole or not at all.

    Raises CannotCreate.
    """
    path, temporary = folder / name, folder / f".{name}.{os.getpid()}"
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        temporary.unlink(missing_ok=True)
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(data)
        temporary.rename(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise CannotCreate(str(path), error.strerror or str(error)) from None
    return path


def sweep(folder: Path, now: float, age: float = 3600.0) -> int:
    """Remove the files in `folder` that are older than `age` seconds; how many they were.

    `now` is in seconds since 1970, as the files' times are.
    """
    swept = 0
    for path in folder.iterdir() if folder.is_dir() else ():
        if now - path.lstat().st_mtime > age and not path.is_dir():
            path.unlink(missing_ok=True)
            swept += 1
    return swept
