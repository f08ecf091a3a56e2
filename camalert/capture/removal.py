"""Mode off: no picture stays in the run folder but what a message that is not composed yet needs.

A capture-ring that runs empties its ring itself; whatever else is left goes here.
"""

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from camalert import durable
from camalert.capture import ring
from camalert.lock import is_held
from camalert.records import Clock

IN_USE = 120.0
"""Seconds for which pictures are kept without an alarm's note too, as a heartbeat has none."""

AGAIN = 15.0
"""Seconds until what had to stay is looked at again."""


def clear(run: Path, notes: Path, now: float) -> bool:
    """Remove the frames of all rings that nobody owns, and the pictures of alarms.

    Kept are those of an alarm whose note is in the folder `notes`, and what is younger than
    `IN_USE` at `now` (seconds since the epoch). Returns whether anything is left. What cannot be
    removed counts as left.
    """
    left = [not _emptied(folder) for folder in _folders(run / "ring")]
    for folder in _folders(run / "frames"):
        needed = (notes / f"{folder.name}.note").exists() or _is_young(folder, now)
        if not needed:
            shutil.rmtree(folder, ignore_errors=True)
        left.append(folder.exists())
    return any(left)


def _folders(above: Path) -> Iterator[Path]:
    return (path for path in durable.listed(above, "", "") if path.is_dir())


def _emptied(folder: Path) -> bool:
    """Whether no frame is left in the ring `folder`; one that is owned is not touched."""
    with contextlib.suppress(OSError):
        if not is_held(folder.with_name(f"{folder.name}.lock")):
            for frame in ring.listing(folder):
                frame.path.unlink(missing_ok=True)
            (folder / ring.UNFINISHED).unlink(missing_ok=True)
        return not os.listdir(folder)  # noqa: PTH208 (a Path for each name is slow)
    return False


def _is_young(folder: Path, now: float) -> bool:
    try:
        return now - folder.stat().st_mtime < IN_USE
    except OSError:
        return False


class Removal:
    """`clear` once the mode is off, and again for as long as anything is left."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._off = False
        self._due: float | None = None

    def follow(self, off: bool, run: Path, notes: Path) -> None:
        """Take in whether the mode is `off` now, and remove what is due."""
        self._folders = run, notes
        if off != self._off:
            self._off, self._due = off, self._clock.monotonic() if off else None
        self.look()

    def look(self) -> None:
        """Remove what is due."""
        now = self._clock.monotonic()
        if self._due is not None and now >= self._due:
            left = clear(*self._folders, self._clock.now().timestamp())
            self._due = now + AGAIN if left else None

    def patience(self) -> float | None:
        """Seconds until `look` has something to do; None when it has nothing."""
        return None if self._due is None else max(0.0, self._due - self._clock.monotonic())
