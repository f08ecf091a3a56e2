"""When a camera's source is started, given up and called troubled. Pure: every time is handed in.

All times are seconds on one clock that never steps back.
"""

from dataclasses import dataclass

FIRST_DELAY, LONGEST_DELAY = 1.0, 60.0
STEADY = 5.0
"""Frames must have come for this long, and for as long as the last delay, to be called good."""

GOOD_WHILE = 60.0
"""After so long a flow of frames the next delay is the first one again."""

SLACK = 0.1
"""How much early, as a part of the interval, a frame may come: no source is exact."""


class Backoff:
    """The delay before each next try: it doubles up to `LONGEST_DELAY`."""

    def __init__(self) -> None:
        self.delay = 0.0

    def failed(self) -> float:
        """The delay before the try after this failure."""
        self.delay = min(LONGEST_DELAY, max(FIRST_DELAY, 2 * self.delay))
        return self.delay

    def reset(self) -> None:
        self.delay = 0.0


@dataclass(frozen=True)
class Trouble:
    """There are no frames, for this reason."""

    reason: str


@dataclass(frozen=True)
class Good:
    """There are frames again; the trouble lasted so many seconds."""

    lasted: float


class Supervisor:
    """One camera's source: a trouble is told once, and that it is over once frames are steady."""

    def __init__(self, patience: float, restart: float, now: float) -> None:
        """`patience`: seconds without a frame until it is given up; `restart`: 0 for never."""
        self.patience, self.restart = patience, restart
        self._backoff = Backoff()
        self._start: float | None = now
        self._started = self._last = 0.0
        self._flowing: float | None = None
        self.troubled: float | None = None
        """Since when there is a trouble."""

    def start_due(self, now: float) -> bool:
        """Whether the source is to be started now."""
        return self._start is not None and now >= self._start

    def started(self, now: float) -> None:
        """It was started."""
        self._start, self._started, self._last, self._flowing = None, now, now, None

    def frame(self, now: float) -> Good | None:
        """A whole frame came."""
        self._last = now
        if self._flowing is None:
            self._flowing = now
        flow = now - self._flowing
        good = None
        if self.troubled is not None and flow >= max(STEADY, self._backoff.delay):
            good, self.troubled = Good(self._flowing - self.troubled), None
        if flow >= GOOD_WHILE:
            self._backoff.reset()
        return good

    def is_overdue(self, now: float) -> bool:
        """Whether it runs, but no frame has come for too long."""
        return self._start is None and now - self._last >= self.patience

    def restart_due(self, now: float) -> bool:
        """Whether it has run for so long that it is to be started anew."""
        return bool(self.restart) and self._start is None and now - self._started >= self.restart

    def failed(self, now: float, reason: str) -> Trouble | None:
        """It ended, or was given up; it is tried again after a delay."""
        self._start = now + self._backoff.failed()
        if self.troubled is not None:
            return None
        self.troubled = now
        return Trouble(reason)

    def stopped(self, now: float, again: bool = True) -> None:
        """It was stopped on purpose; `again`: to be started at once, else not before `stopped`."""
        self._start = now if again else float("inf")

    def due(self) -> float:
        """The earliest moment at which one of these answers can change by itself."""
        if self._start is not None:
            return self._start
        restart = self._started + self.restart if self.restart else float("inf")
        return min(self._last + self.patience, restart)


class Pace:
    """At most so many frames a second, evenly, of a source that may send more."""

    def __init__(self, rate: float) -> None:
        self._interval = 1 / rate
        self._next = float("-inf")

    def wants(self, now: float) -> bool:
        """Whether a frame that comes now is one of them."""
        if now < self._next - SLACK * self._interval:
            return False
        first = self._next == float("-inf")
        following = now if first else max(self._next, now - self._interval / 2)
        self._next = following + self._interval
        return True

    def wait(self, now: float) -> float:
        """Seconds until the next one."""
        return max(0.0, self._next - now)
