"""A picture every so many seconds, without drift. Pure: the clock and the waiting are handed in."""

import math
from collections.abc import Callable


class Slots:
    """The moments of a time lapse: `start` and every `interval` seconds after it."""

    def __init__(self, start: float, interval: float) -> None:
        self._start, self._interval, self._number = start, interval, 0

    @property
    def due(self) -> float:
        """The moment of the slot that comes next."""
        return self._start + self._number * self._interval

    def passed(self, now: float) -> int:
        """Go on to the first slot that is not over at `now`; how many were missed in between.

        A slot that begins at `now` is not over.
        """
        last = self._number
        self._number = max(last + 1, math.ceil((now - self._start) / self._interval))
        return self._number - last - 1


def run(
    interval: float,
    count: int | None,
    now: Callable[[], float],
    wait: Callable[[float], None],
    shoot: Callable[[], None],
    missed: Callable[[int], None],
) -> None:
    """`shoot` at once and then every `interval` seconds, `count` times, or for ever with None.

    A try counts, whether it gives a picture or not.
    `now` gives seconds that never step back; `missed` is told how many slots went by while a
    picture took too long.
    """
    slots, taken = Slots(now(), interval), 0
    while True:
        shoot()
        taken += 1
        if taken == count:
            return
        if number := slots.passed(now()):
            missed(number)
        wait(max(0.0, slots.due - now()))
