"""A camera's ring: its newest frames as files in RAM, bounded by count, age and bytes.

`RUN/ring/CAMERA/MOMENT-NUMBER.jpg`: MOMENT is the clock that never steps back, in ms (12 digits),
NUMBER goes up (6 digits). Files come whole, by rename, and sort by name as they do by age. Whoever
holds `RUN/ring/CAMERA.lock` writes them; everyone else only reads.
"""

import collections
import contextlib
import errno
import os
import re
from dataclasses import dataclass
from pathlib import Path

from camalert import handover
from camalert.capture.bounds import Bounds, surplus
from camalert.errors import BadData, CannotCreate
from camalert.lock import is_held

MOST_NUMBER = 10**6
UNFINISHED = ".new"
"""The one name under which a frame is written before it gets its own."""

_NAME = re.compile(r"(\d{12})-(\d{6})\.jpg")
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.ENOMEM)


class Full(CannotCreate):
    """The file system takes no more."""


@dataclass(frozen=True, order=True)
class Frame:
    """A frame in the ring: its `moment` (ms of the monotonic clock), `number` and file."""

    moment: int
    number: int
    path: Path

    @property
    def mono(self) -> float:
        """The moment in seconds, as in a record's `mono`."""
        return self.moment / 1000


def folder(run: Path, camera: str) -> Path:
    """Where the ring of `camera` lies in the run folder."""
    return run / "ring" / camera.replace(" ", "_")


def lock(run: Path, camera: str) -> Path:
    """The lock file that capture-ring holds while it owns the ring of `camera`."""
    return run / "ring" / f"{camera.replace(' ', '_')}.lock"


def is_owned(run: Path, camera: str) -> bool:
    """Whether a capture-ring runs for `camera`."""
    try:
        return is_held(lock(run, camera))
    except OSError:  # no run folder of this user's: then the device itself says that it is in use
        return False


def trouble(run: Path, camera: str) -> str | None:
    """Why the ring of `camera` gets no frames; None where all is well, or nothing is known."""
    try:
        return _trouble(run, camera).read_text(encoding="utf-8").strip() or None
    except OSError:
        return None


def tell_trouble(run: Path, camera: str, reason: str | None) -> None:
    """Let others see why there are no frames, or with None that all is well."""
    path = _trouble(run, camera)
    with contextlib.suppress(OSError, CannotCreate):
        if reason is None:
            path.unlink(missing_ok=True)
        else:
            handover.write(path.parent, path.name, f"{reason}\n".encode())


def _trouble(run: Path, camera: str) -> Path:
    return run / "ring" / f"{camera.replace(' ', '_')}.trouble"


def listing(ring: Path) -> list[Frame]:
    """The frames in the folder `ring`, the oldest first; none where there is no such folder."""
    return sorted(_frames(ring))


def newest(ring: Path) -> Frame | None:
    """The newest frame in the folder `ring`; None where there is none."""
    return max(_frames(ring), default=None)


def _frames(ring: Path) -> list[Frame]:
    try:
        names = os.listdir(ring)  # noqa: PTH208 (a Path for each name is slow)
    except FileNotFoundError:
        return []
    found = ((name, _NAME.fullmatch(name)) for name in names)
    return [Frame(int(match[1]), int(match[2]), ring / name) for name, match in found if match]


class Ring:
    """The writer of a ring; there is one at a time, see `lock`."""

    def __init__(self, ring: Path, bounds: Bounds, now: float) -> None:
        """Take over what a writer before left in the folder `ring`, which is made (0700).

        `now` is in seconds on the monotonic clock. Raises CannotCreate.
        """
        self._folder, self.bounds = ring, bounds
        try:
            ring.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            ring.mkdir(exist_ok=True, mode=0o700)
            (ring / UNFINISHED).unlink(missing_ok=True)
            left = [(frame, frame.path.stat().st_size) for frame in listing(ring)]
        except OSError as error:
            raise CannotCreate(str(ring), error.strerror or str(error)) from None
        # A moment in the future is from another boot, where the folder is no RAM.
        for frame, _ in (item for item in left if item[0].mono > now):
            frame.path.unlink(missing_ok=True)
        self._held = collections.deque(item for item in left if item[0].mono <= now)
        self.size = sum(size for _, size in self._held)
        self._last = self._held[-1][0] if self._held else Frame(0, 0, ring)
        self.expire(now)

    def __len__(self) -> int:
        return len(self._held)

    @property
    def frames(self) -> list[Frame]:
        """The frames that are held, the oldest first."""
        return [frame for frame, _ in self._held]

    def add(self, data: bytes, now: float) -> Frame:
        """Write a frame of the moment `now` (seconds), after the oldest have made room for it.

        Raises BadData for one that is larger than the whole ring, Full where the file system has
        no space, CannotCreate; nothing of it is left then.
        """
        if len(data) > self.bounds.size:
            raise BadData("frame", f"of {len(data)} bytes, the ring holds {self.bounds.size}")
        self._make_room(now, len(data))
        frame = self._next(int(now * 1000))
        try:
            if not self._folder.is_dir():  # somebody has tidied up
                self._folder.mkdir(parents=True, mode=0o700)
            self._write(frame.path, data)
        except OSError as error:
            kind = Full if error.errno in _FULL else CannotCreate
            raise kind(str(frame.path), error.strerror or str(error)) from None
        self._last = frame
        self._held.append((frame, len(data)))
        self.size += len(data)
        return frame

    def expire(self, now: float) -> None:
        """Remove what is too old, or too much by bounds that have become narrower."""
        self._make_room(now, 0)

    def halve(self) -> None:
        """Remove the older half, one frame at least."""
        for _ in range((len(self._held) + 1) // 2):
            self._drop()

    def clear(self) -> None:
        """Remove every frame."""
        while self._held:
            self._drop()

    def _make_room(self, now: float, more: int) -> None:
        held = ((frame.mono, size) for frame, size in self._held)
        gone = surplus(held, len(self._held), self.size, self.bounds, now, more)
        for _ in range(gone):
            self._drop()

    def _drop(self) -> None:
        frame, size = self._held.popleft()
        self.size -= size
        frame.path.unlink(missing_ok=True)

    def _next(self, moment: int) -> Frame:
        """A name after all before it: two frames in a millisecond differ in their number."""
        last, number = self._last, (self._last.number + 1) % MOST_NUMBER
        moment = max(moment, last.moment + (number == 0))
        return Frame(moment, number, self._folder / f"{moment:012}-{number:06}.jpg")

    def _write(self, path: Path, data: bytes) -> None:
        unfinished = self._folder / UNFINISHED
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
        try:
            descriptor = os.open(unfinished, flags, 0o600)
            try:
                view = memoryview(data)
                while view:
                    view = view[os.write(descriptor, view) :]
            finally:
                os.close(descriptor)
            unfinished.rename(path)
        except OSError:
            with contextlib.suppress(OSError):
                unfinished.unlink()
            raise
