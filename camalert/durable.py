"""Files that a power cut leaves either old or new, never torn: the way of every mail spool.

Temporary file in the same folder, fsync, rename, fsync of the folder.
"""

import contextlib
import os
from pathlib import Path


def replace(path: Path, data: bytes) -> None:
    """Put `data` durably at `path` (0600), in a folder made (0700) where missing. Raises OSError.

    When it fails nothing is left behind and what was at `path` is there still.
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    _sweep(path)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            view = memoryview(data)
            while view:
                view = view[os.write(descriptor, view) :]
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        temporary.rename(path)
    except OSError:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise
    sync_folder(path.parent)


def _sweep(path: Path) -> None:
    """Remove what a writer of `path` that was killed has left: it may be a secret."""
    for left in listed(path.parent, f".{path.name}.", ""):
        if not Path("/proc", left.name.rpartition(".")[2]).exists():
            left.unlink(missing_ok=True)


def listed(folder: Path, beginning: str, ending: str) -> list[Path]:
    """What in `folder` is called so, not in order; nothing where there is no such folder.

    Path.glob would compile a pattern first, which costs each process of the line half a megabyte.
    """
    try:
        names = os.listdir(folder)  # noqa: PTH208 (Path.iterdir makes a Path of each)
    except OSError:
        return []
    return [folder / name for name in names if name.startswith(beginning) and name.endswith(ending)]


def sync_folder(folder: Path) -> None:
    """Make what was created, renamed or removed in `folder` durable. Raises OSError."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
