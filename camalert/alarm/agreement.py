"""Do a sensor and a camera agree about a movement? Pure: times are handed in.

A PIR and a camera are fooled by different things: warm air and a pet there, light and branches
here. Where both see something at about the same time, somebody is there.
"""

from enum import Enum

LOST = 900.0
"""Seconds after which a movement is over whose end was never told."""


class Kind(Enum):
    """What a witness is."""

    SENSOR = "sensor"
    CAMERA = "camera"


class Agreement:
    """What sensors and cameras see, and when they last saw it.

    `window`: how many seconds apart they may see it to agree.
    """

    def __init__(self, window: float = 30.0) -> None:
        self.window = window
        self._seeing: dict[str, tuple[Kind, float]] = {}
        self._last: dict[Kind, float] = {}
        self._unconfirmed: tuple[Kind, float] | None = None

    def begins(self, witness: str, kind: Kind, now: float) -> bool:
        """`witness` sees something; True, once, where that confirms the last alarm."""
        self._seeing[witness] = (kind, now)
        self._last[kind] = now
        alarm = self._unconfirmed
        if alarm is None or alarm[0] is kind or now - alarm[1] > self.window:
            return False
        self._unconfirmed = None
        return True

    def ends(self, witness: str, now: float) -> None:
        """`witness` sees nothing any longer."""
        if seen := self._seeing.pop(witness, None):
            self._last[seen[0]] = now

    def alarm(self, kind: Kind, now: float) -> bool:
        """An alarm is raised by a witness of this kind; whether the other kind agrees by now."""
        agreed = any(self._sees(other, now) for other in Kind if other is not kind)
        self._unconfirmed = None if agreed else (kind, now)
        return agreed

    def forget(self) -> None:
        """Begin anew: what was seen in another mode confirms nothing."""
        self._seeing.clear()
        self._last.clear()
        self._unconfirmed = None

    def _sees(self, kind: Kind, now: float) -> bool:
        going_on = any(k is kind and now - since < LOST for k, since in self._seeing.values())
        return going_on or now - self._last.get(kind, float("-inf")) <= self.window
