"""What becomes an alarm: modes, triggers and the cooldown. Pure: time and records are handed in.

Zones, entry and exit delays are not here yet; they belong between `handle` and `_trip`.
"""

import dataclasses
from collections.abc import Callable

from camalert.alarm.agreement import LOST, Agreement, Kind
from camalert.alarm.troubles import Troubles
from camalert.records import (
    ButtonPressed,
    ButtonReleased,
    CameraGood,
    CameraTrouble,
    ModeWanted,
    MotionStart,
    MotionStop,
    PirAgreed,
    PirParted,
    Record,
    ViewGood,
    ViewTrouble,
)

MODES = ("off", "monitor", "alert")
MOVEMENT = "movement"
"""The subject of all alarms that are not of a camera's trouble."""


@dataclasses.dataclass(frozen=True)
class Raised:
    """An alarm is to go out. `subject` is what a later outcome about the same thing has, too."""

    cause: str
    sensors: tuple[str, ...]
    confirmed: bool = False
    subject: str = MOVEMENT


@dataclasses.dataclass(frozen=True)
class Confirmed:
    """The last alarm of a movement is confirmed, in words of what, by the sensors or cameras."""

    cause: str
    sensors: tuple[str, ...]
    subject: str = MOVEMENT


@dataclasses.dataclass(frozen=True)
class Over:
    """The trouble is over that the alarm about `subject` told of."""

    cause: str
    sensors: tuple[str, ...]
    subject: str


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


Outcome = Raised | Confirmed | Over | Suppressed | ChangedMode


@dataclasses.dataclass(frozen=True)
class _Trigger:
    """What keeps an alarm going for as long as it holds, until `end` at the longest."""

    cause: str
    also: str
    """The same as a confirmation of another alarm has it."""
    sensors: tuple[str, ...]
    kind: Kind
    end: float = float("inf")


class Panel:
    """The state machine. Times are seconds on a clock that never steps back.

    A trigger that holds raises one alarm a cooldown: at its edge, and again whenever a cooldown
    ends while it still holds. `role` says what a camera's movement is for: alarm, confirm, log.
    """

    def __init__(self, mode: str, cooldown: float) -> None:
        self.mode, self.cooldown = mode, cooldown
        self.role: Callable[[str], str] = lambda camera: "alarm"
        self.agreement, self.troubles = Agreement(), Troubles()
        self._held: dict[str, _Trigger] = {}
        self._quiet_until: float | None = None

    @property
    def recording(self) -> bool:
        """Whether anything but changes of mode may be written down."""
        return self.mode != "off"

    def handle(self, record: Record, now: float) -> Outcome | None:
        """What follows from `record` at `now`."""
        name = record.source
        match record:
            case ModeWanted():
                return self._change_mode(record)
            case PirAgreed():
                return self._pirs(record, now)
            case PirParted():
                self._let_go("pirs", now)
            case ButtonPressed():
                cause = f"{name} pressed{' since before the start' * record.at_start}"
                trigger = _Trigger(cause, f"{name} pressed too", (name,), Kind.SENSOR)
                return self._trip(name, trigger, now)
            case ButtonReleased():
                self._let_go(name, now)
            case MotionStart():
                return self._movement(name, now)
            case MotionStop():
                self._let_go(f"camera {name}", now)
            case ViewTrouble():
                return self._trouble(f"view {name}", name, f"{name}: view {record.reason}", now)
            case CameraTrouble():
                cause = f"{name}: no pictures: {record.reason}"
                return self._trouble(f"camera {name}", name, cause, now)
            case ViewGood():
                return self._over(f"view {name}", name, f"{name}: view in order again")
            case CameraGood():
                return self._over(f"camera {name}", name, f"{name}: pictures again")
        return None

    def deadline(self) -> float | None:
        """When `remind` must be asked, where it must."""
        return min(self._due(), default=None)

    def remind(self, now: float) -> Outcome | None:
        """The alarm that is due by time: of a trigger that still holds once the cooldown is over,
        or of a trouble that nobody could be told of before. There may be another one behind it.
        """
        if self.mode == "alert" and (trouble := self._tell(now)):
            return trouble
        self._held = {key: held for key, held in self._held.items() if now < held.end}
        if not self._repeats or self._quiet(now):
            return None
        trigger = next(iter(self._held.values()))
        # A camera's movement is over only some seconds after the last of it.
        camera = trigger.kind is Kind.CAMERA
        cause = f"{trigger.cause}, not over yet" if camera else f"still {trigger.cause}"
        return self._raise(dataclasses.replace(trigger, cause=cause), now)

    def resume(self, now: float) -> None:
        """Begin a cooldown: an alarm from before a restart is being passed on again."""
        self._quiet_until = now + self.cooldown

    @property
    def _repeats(self) -> bool:
        """Whether a trigger holds that raises again; with no cooldown it would without end."""
        return bool(self._held) and self.mode == "alert" and self.cooldown > 0

    def _due(self) -> list[float]:
        due = [self._quiet_until] if self._repeats and self._quiet_until is not None else []
        trouble = self.troubles.deadline()
        return due + ([trouble] if trouble is not None and self.mode == "alert" else [])

    def _pirs(self, record: PirAgreed, now: float) -> Outcome | None:
        seen, verb = " and ".join(record.sensors), "see" if len(record.sensors) > 1 else "sees"
        also = f"{seen} {verb} movement too"
        trigger = _Trigger(f"movement: {seen}", also, record.sensors, Kind.SENSOR)
        if record.wired:
            return self._witness("pirs", trigger, now)
        return self._trip("pirs", trigger, now)

    def _movement(self, camera: str, now: float) -> Outcome | None:
        cause, also = f"movement seen by {camera}", f"{camera} sees movement too"
        trigger = _Trigger(cause, also, (camera,), Kind.CAMERA, now + LOST)
        role = self.role(camera)
        if role == "log":
            return None
        act = self._trip if role == "alarm" else self._witness
        return act(f"camera {camera}", trigger, now)

    def _trip(self, key: str, trigger: _Trigger, now: float) -> Outcome | None:
        if not self.recording:
            return None
        self._held[key] = trigger
        confirmed = self._witness(key, trigger, now)
        if self.mode == "monitor":
            return Suppressed(trigger.cause, "mode")
        if self._quiet(now):
            return confirmed or Suppressed(trigger.cause, "cooldown")
        return self._raise(trigger, now)

    def _witness(self, key: str, trigger: _Trigger, now: float) -> Confirmed | None:
        if not (self.recording and self.agreement.begins(key, trigger.kind, now)):
            return None
        return Confirmed(f"Confirmed: {trigger.also}", trigger.sensors)

    def _let_go(self, key: str, now: float) -> None:
        self._held.pop(key, None)
        self.agreement.ends(key, now)

    def _raise(self, trigger: _Trigger, now: float) -> Raised:
        self._quiet_until = now + self.cooldown
        confirmed = self.agreement.alarm(trigger.kind, now)
        return Raised(trigger.cause, trigger.sensors, confirmed)

    def _quiet(self, now: float) -> bool:
        return self._quiet_until is not None and now < self._quiet_until

    def _trouble(self, key: str, camera: str, cause: str, now: float) -> Outcome | None:
        self.troubles.begins(key, camera, cause)
        if self.mode == "alert":
            return self._tell(now) or self._untold(camera, cause, now)
        return Suppressed(cause, "mode") if self.recording else None

    def _untold(self, camera: str, cause: str, now: float) -> Suppressed | None:
        return Suppressed(cause, "cooldown") if self.troubles.is_quiet(camera, now) else None

    def _tell(self, now: float) -> Raised | None:
        if told := self.troubles.tell(now):
            key, camera, cause = told
            return Raised(cause, (camera,), subject=key)
        return None

    def _over(self, key: str, camera: str, cause: str) -> Over | None:
        told = self.troubles.ends(key)
        return Over(cause, (camera,), key) if told and self.mode == "alert" else None

    def _change_mode(self, record: ModeWanted) -> ChangedMode | None:
        if record.mode not in MODES or record.mode == self.mode:
            return None
        was, self.mode = self.mode, record.mode
        self._held.clear()
        self.agreement.forget()
        return ChangedMode(record.mode, was, record.who)
