"""What becomes an alarm: modes, triggers and the cooldown. Pure: time and records are handed in.

Zones, entry and exit delays are not here yet; they belong between `_triggers` and `_trip`.
"""

import dataclasses

from camalert.records import (
    Agreement,
    ButtonPressed,
    ButtonReleased,
    ModeWanted,
    PirAgreed,
    Record,
)

MODES = ("off", "monitor", "alert")


@dataclasses.dataclass(frozen=True)
class Raised:
    """An alarm is to go out."""

    cause: str
    sensors: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class Suppressed:
    """No alarm, because of the `reason`: mode or cooldown."""

    cause: str
    reason: str


@dataclasses.dataclass(frozen=True)
class ChangedMode:
    """The mode is another one from now on."""

    mode: str
    was: str
    who: str


Outcome = Raised | Suppressed | ChangedMode


@dataclasses.dataclass(frozen=True)
class _Trigger:
    """What keeps an alarm going for as long as it holds."""

    cause: str
    sensors: tuple[str, ...]


class Panel:
    """The state machine. Times are seconds on a clock that never steps back.

    A trigger that holds raises one alarm a cooldown: at its edge, and again whenever a cooldown
    ends while it still holds.
    """

    def __init__(self, mode: str, cooldown: float) -> None:
        self.mode, self.cooldown = mode, cooldown
        self._held: dict[str, _Trigger] = {}
        self._quiet_until: float | None = None

    @property
    def recording(self) -> bool:
        """Whether anything but changes of mode may be written down."""
        return self.mode != "off"

    @property
    def _repeats(self) -> bool:
        """Whether a trigger holds that raises again; with no cooldown it would without end."""
        return bool(self._held) and self.mode == "alert" and self.cooldown > 0

    def handle(self, record: Record, now: float) -> Outcome | None:
        """What follows from `record` at `now`."""
        if isinstance(record, ModeWanted):
            return self._change_mode(record)
        if isinstance(record, PirAgreed) and not record.wired:
            seen = " and ".join(record.sensors)
            return self._trip("pirs", _Trigger(f"movement: {seen}", record.sensors), now)
        if isinstance(record, ButtonPressed):
            cause = f"{record.source} pressed{' since before the start' * record.at_start}"
            return self._trip(record.source, _Trigger(cause, (record.source,)), now)
        if isinstance(record, ButtonReleased):
            self._held.pop(record.source, None)
        elif isinstance(record, Agreement):
            self._held.pop("pirs", None)
        return None

    def deadline(self) -> float | None:
        """When `remind` must be asked, where it must."""
        return self._quiet_until if self._repeats else None

    def remind(self, now: float) -> Outcome | None:
        """The alarm that a trigger still holding raises once the cooldown is over."""
        if not self._repeats or self._quiet(now):
            return None
        trigger = next(iter(self._held.values()))
        return self._raise(dataclasses.replace(trigger, cause=f"still {trigger.cause}"), now)

    def resume(self, now: float) -> None:
        """Begin a cooldown: an alarm from before a restart is being passed on again."""
        self._quiet_until = now + self.cooldown

    def _trip(self, key: str, trigger: _Trigger, now: float) -> Outcome | None:
        if not self.recording:
            return None
        self._held[key] = trigger
        if self.mode == "monitor":
            return Suppressed(trigger.cause, "mode")
        if self._quiet(now):
            return Suppressed(trigger.cause, "cooldown")
        return self._raise(trigger, now)

    def _raise(self, trigger: _Trigger, now: float) -> Raised:
        self._quiet_until = now + self.cooldown
        return Raised(trigger.cause, trigger.sensors)

    def _quiet(self, now: float) -> bool:
        return self._quiet_until is not None and now < self._quiet_until

    def _change_mode(self, record: ModeWanted) -> ChangedMode | None:
        if record.mode not in MODES or record.mode == self.mode:
            return None
        was, self.mode = self.mode, record.mode
        self._held.clear()
        return ChangedMode(record.mode, was, record.who)
