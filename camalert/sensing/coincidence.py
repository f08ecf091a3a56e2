"""When an edge is an event, and when several sensors agree. Pure: time is handed in."""

from collections.abc import Mapping
from typing import NamedTuple


class Debounce:
    """One input's settled level: `active` follows a level that has held for `hold` seconds."""

    def __init__(self, hold: float, active: bool) -> None:
        self.active = active
        self._hold = hold
        self._raw, self._since = active, float("-inf")

    def feed(self, now: float, level: bool) -> bool:
        """Say that the level is `level` at `now`; True where `active` has changed.

        The level fed before counts as held until `now`.
        """
        changed = self._ripen(now)
        if level != self._raw:
            self._raw, self._since = level, now
        return self._ripen(now) or changed

    def ask(self, now: float) -> bool:
        """The same for a level that has not changed."""
        return self.feed(now, self._raw)

    @property
    def deadline(self) -> float | None:
        """When to ask again; None while nothing is in the balance."""
        return self._since + self._hold if self._raw != self.active else None

    def _ripen(self, now: float) -> bool:
        if self.deadline is None or now < self.deadline:
            return False
        self.active = self._raw
        return True


class Change(NamedTuple):
    """An event of one input: it is active or idle; `at_start` where it was so when we began."""

    name: str
    active: bool
    at_start: bool


class Watch:
    """What a set of inputs reports.

    `levels` is each input's state at `now`. For `settle` seconds nothing is an event; then whatever
    is active is reported with `at_start`, and from there on every change that holds `debounce`
    seconds.
    """

    def __init__(
        self, levels: Mapping[str, bool], now: float, *, debounce: float, settle: float
    ) -> None:
        self._lines = {name: Debounce(debounce, active) for name, active in levels.items()}
        self._begins = now + settle
        self.begun = False

    def feed(self, now: float, name: str, active: bool) -> list[Change]:
        """Say that input `name` is `active` at `now`; the events that this makes known."""
        changes = self._begin(now)
        if self._lines[name].feed(now, active) and self.begun:
            changes.append(Change(name, self._lines[name].active, False))
        return changes

    def active(self, name: str) -> bool:
        """The settled state of an input."""
        return self._lines[name].active

    @property
    def deadline(self) -> float | None:
        """When to feed again even if no input changes; None: never."""
        deadlines = [line.deadline for line in self._lines.values() if line.deadline is not None]
        return min(deadlines + [self._begins] * (not self.begun), default=None)

    def _begin(self, now: float) -> list[Change]:
        if self.begun or now < self._begins:
            return []
        self.begun = True
        for line in self._lines.values():
            line.ask(self._begins)
        return [Change(name, True, True) for name, line in self._lines.items() if line.active]


class Coincidence:
    """Whether at least `count` of several sensors agree.

    A sensor votes from its rising edge for as long as it is active, and for `window` seconds at
    least. `sensors` are those that agree, or agreed last.
    """

    def __init__(self, count: int, window: float) -> None:
        self.agreed = False
        self.sensors: tuple[str, ...] = ()
        self._count, self._window = count, window
        self._rose: dict[str, float] = {}
        self._active: set[str] = set()

    def feed(self, now: float, name: str, active: bool) -> bool:
        """Say that sensor `name` became `active` (or idle) at `now`; True where `agreed` changed.

        Ask at `now` first: votes that have run out since are counted out by that.
        """
        if active:
            self._rose[name] = now
            self._active.add(name)
        else:
            self._active.discard(name)
        return self.ask(now)

    def ask(self, now: float) -> bool:
        """Count the votes at `now`; True where `agreed` changed."""
        self._rose = {
            name: rose
            for name, rose in self._rose.items()
            if name in self._active or now < rose + self._window
        }
        was, self.agreed = self.agreed, len(self._rose) >= self._count
        if self.agreed:
            self.sensors = tuple(self._rose)
        return self.agreed != was

    @property
    def deadline(self) -> float | None:
        """When the next vote runs out; None while all who vote are active."""
        idle = [rose for name, rose in self._rose.items() if name not in self._active]
        return min(idle) + self._window if idle else None
