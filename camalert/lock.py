"""Lock files: one instance at a time, and whether it is there."""

import fcntl
import os
import time
from typing import TYPE_CHECKING

from camalert.errors import TryAgain

if TYPE_CHECKING:
    from pathlib import Path

GLANCE = 0.5
"""Seconds to try for a lock: `is_held` takes it for an instant to see whether it can."""


def hold_lock(path: "Path", what: str) -> int:
    """Take the lock file `path` for as long as this process lives; its descriptor.

    Raises TryAgain (exit 75) where another process has it: `what` says which one that would be.
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    deadline = time.monotonic() + GLANCE
    while not _locked(descriptor, fcntl.LOCK_EX):
        if time.monotonic() >= deadline:
            os.close(descriptor)
            raise TryAgain(str(path), f"is held: another {what} runs")
        time.sleep(0.01)
    return descriptor


def is_held(path: "Path") -> bool:
    """Whether some process holds the lock file `path`."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
    except FileNotFoundError:
        return False
    try:
        return not _locked(descriptor, fcntl.LOCK_SH)
    finally:
        os.close(descriptor)


def _locked(descriptor: int, kind: int) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
