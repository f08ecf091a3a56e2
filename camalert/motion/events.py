"""From verdicts to events: when movement is one event, with a begin, an end and a peak. Pure.

Times are seconds on a clock of the caller's, such as the frames' own.
"""

from typing import NamedTuple

from camalert.motion.verdict import Verdict


class Limits(NamedTuple):
    """What makes an event, in seconds: movement for `minimum`; none for `clear` ends it; no other
    begins for `cooldown` after its end.
    """

    minimum: float
    clear: float
    cooldown: float


class Started(NamedTuple):
    """An event has begun: its strongest frame so far."""

    peak: Verdict
    frame: str


class Stopped(NamedTuple):
    """It is over: seconds from the first movement to the last, and its strongest frame."""

    duration: float
    peak: Verdict
    frame: str


Outcome = Started | Stopped


class _Movement(NamedTuple):
    begin: float
    last: float
    peak: Verdict
    frame: str

    def seen(self, verdict: Verdict, frame: str, now: float) -> "_Movement":
        if verdict.score > self.peak.score:
            return _Movement(self.begin, now, verdict, frame)
        return self._replace(last=now)


class Events:
    """The events of one camera. What lasts for less than `limits.minimum` is none.

    Frames that lie further apart than `limits.clear` do not belong together: one movement ends
    before the next may begin.
    """

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._movement: _Movement | None = None
        self._open = False
        self._quiet_until = float("-inf")
        self._now = float("-inf")

    def frame(self, verdict: Verdict, frame: str, now: float, active: bool = True) -> list[Outcome]:
        """What follows from the frame called `frame`, seen at `now`.

        Where `active` is false, nothing begins and what goes on ends. A time before that of the
        last frame (another boot, a recording from its start) ends it, too.
        """
        if not active or now < self._now:
            outcome = self.end()
            if not active:
                return outcome
            self._quiet_until = float("-inf")
        else:
            outcome = self.due(now)
        self._now = now
        return outcome + self._seen(verdict, frame, now)

    def due(self, now: float) -> list[Outcome]:
        """What follows from no frame having come until `now`."""
        return self.end() if self._movement and now >= self._ends(self._movement) else []

    def deadline(self) -> float | None:
        """When `due` has something to say, unless a frame comes before."""
        return self._ends(self._movement) if self._movement and self._open else None

    def end(self) -> list[Outcome]:
        """What follows from there being no more frames."""
        movement, self._movement = self._movement, None
        if not movement or not self._open:
            return []
        self._open = False
        self._quiet_until = movement.last + self.limits.clear + self.limits.cooldown
        return [Stopped(movement.last - movement.begin, movement.peak, movement.frame)]

    def _ends(self, movement: _Movement) -> float:
        return movement.last + self.limits.clear

    def _seen(self, verdict: Verdict, frame: str, now: float) -> list[Outcome]:
        movement = self._movement
        if not verdict.moved:
            if movement and not self._open and now - movement.last > self.limits.minimum:
                self._movement = None
            return []
        if movement:
            movement = movement.seen(verdict, frame, now)
        else:
            movement = _Movement(now, now, verdict, frame)
        self._movement = movement
        lasts = movement.last - movement.begin >= self.limits.minimum
        if self._open or not lasts or now < self._quiet_until:
            return []
        self._open = True
        return [Started(movement.peak, movement.frame)]
