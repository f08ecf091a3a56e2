"""How much a ring may hold: by count, age and bytes, and by what is free in RAM. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass

SHORT = 0.9
"""Below this part of its bytes a ring counts as short of RAM."""

GROWTH = 2.0
"""By how much it may grow again, each `LULL` seconds after it was refused space."""

LULL = 60.0
LEAST = 1_000_000
"""Bytes that it tries to hold however little is free."""


@dataclass(frozen=True)
class Bounds:
    """The most `frames`, seconds (`age`) and bytes (`size`) that a ring may hold."""

    frames: int
    age: float
    size: int


def surplus(
    held: Iterable[tuple[float, int]], count: int, size: int, bounds: Bounds, now: float, more: int
) -> int:
    """How many of the oldest frames must go before one of `more` bytes comes (0: none comes).

    `held` is (moment, bytes) of each frame, the oldest first, `count` frames of `size` bytes in
    all; `now` is on the same clock as the moments.
    """
    count, size = count + bool(more), size + more
    gone = 0
    for moment, its_size in held:
        if count <= bounds.frames and size <= bounds.size and now - moment <= bounds.age:
            break
        gone, count, size = gone + 1, count - 1, size - its_size
    return gone


class Room:
    """The bytes that a ring may take of the RAM that is there: `size`, at most `most`."""

    def __init__(self, most: int, share: float) -> None:
        """`share` (0 to 1) is the ring's part of what is free, its own bytes counted as free."""
        self.most, self._share = most, share
        self.size = most
        self._refused: float | None = None
        self._cap = float(most)
        self._short = False

    def measure(self, free: int, held: int, now: float) -> None:
        """`free` bytes are left beside the `held` ones of the ring."""
        if self._refused is not None and now - self._refused >= LULL:
            self._cap, self._refused = self._cap * GROWTH, now
            if self._cap >= self.most:
                self._cap, self._refused = float(self.most), None
        free_for_it = self._share * (max(0, free) + held)
        self.size = int(min(self.most, self._cap, max(LEAST, free_for_it)))

    def refused(self, held: int, more: int, now: float) -> None:
        """There was no space for `more` bytes though so many were `held`: half must do for now."""
        self._cap, self._refused = max(held / 2, 2.0 * more), now
        self.size = int(min(self.size, self._cap))

    def news(self) -> bool | None:
        """True when the ring has become short of RAM, False when it no longer is, else None."""
        short = self.size < (SHORT if not self._short else 1.0) * self.most
        if short == self._short:
            return None
        self._short = short
        return short
