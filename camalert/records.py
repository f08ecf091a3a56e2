"""The records that flow through the line, every type a dataclass; camalert.codec writes them.

The envelope is the same for all; a type adds its own fields. What a stage does not know, types and
fields, it passes on (`extra`). docs/records.md has a row for each type.
"""

import dataclasses
import itertools
import os
from collections.abc import Iterator
from typing import Any, ClassVar

from camalert.clock import BOOT
from camalert.clock import Clock as Clock
from camalert.clock import SystemClock as SystemClock
from camalert.clock import clock_quality as clock_quality

VERSION = 1


def part_of(meaning: str, owner: str = "", default: Any = dataclasses.MISSING) -> Any:
    """A record's field: what it means; `owner` where another command than the writer fills it."""
    return dataclasses.field(default=default, metadata={"meaning": meaning, "owner": owner})


@dataclasses.dataclass(frozen=True, kw_only=True)
class Record:
    """The envelope. A record of a type that is not known here is kept as a plain Record."""

    writer: ClassVar[str] = ""
    entry: ClassVar[bool] = False
    """True for what may come in at the line's FIFO; the panel drops all else there."""

    type: str = part_of("noun.what")
    id: str = part_of("random, then a sequence number; never from the clock")
    time: str = part_of("RFC 3339, UTC")
    clock: str = part_of("set or unset")
    boot: str = part_of("which boot of the machine")
    mono: float = part_of("seconds on the clock that never steps back")
    source: str = part_of("the sensor, camera or command it is about")
    v: int = part_of("version of the format", default=VERSION)
    error: str | None = part_of("why a stage could not do its work", "any stage", None)
    extra: dict[str, Any] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True, kw_only=True)
class SensorEdge(Record):
    entry = True
    pin: int = part_of("GPIO line, BCM number")
    at_start: bool = part_of("true where the level was so when the watch began", default=False)


@dataclasses.dataclass(frozen=True, kw_only=True)
class PirActive(SensorEdge):
    """A PIR sees movement."""

    writer = "watch-pir"
    type: str = "pir.active"


@dataclasses.dataclass(frozen=True, kw_only=True)
class PirIdle(SensorEdge):
    """A PIR sees movement no longer."""

    writer = "watch-pir"
    type: str = "pir.idle"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Agreement(Record):
    entry = True
    sensors: tuple[str, ...] = part_of("the PIRs that agree")
    wired: bool = part_of(
        "true where the link wire makes the alarm, so this is for the log", default=False
    )


@dataclasses.dataclass(frozen=True, kw_only=True)
class PirAgreed(Agreement):
    """As many PIRs as must agree do."""

    writer = "watch-pir"
    type: str = "pir.agreed"


@dataclasses.dataclass(frozen=True, kw_only=True)
class PirParted(Agreement):
    """They no longer do."""

    writer = "watch-pir"
    type: str = "pir.parted"


@dataclasses.dataclass(frozen=True, kw_only=True)
class ButtonPressed(SensorEdge):
    """The button is down, or the link wire active."""

    writer = "watch-button"
    type: str = "button.pressed"


@dataclasses.dataclass(frozen=True, kw_only=True)
class ButtonReleased(SensorEdge):
    """The button is up, or the link wire at rest."""

    writer = "watch-button"
    type: str = "button.released"


@dataclasses.dataclass(frozen=True, kw_only=True)
class CameraMotion(Record):
    entry = True
    score: float = part_of("how strongly at the most, 1 is the threshold")
    area: float = part_of("changed part of the picture then, %")
    box: tuple[float, ...] | None = part_of("left, top, right, bottom of it, %", default=None)


@dataclasses.dataclass(frozen=True, kw_only=True)
class MotionStart(CameraMotion):
    """A camera sees movement; `source` is the camera."""

    writer = "watch-frames"
    type: str = "motion.start"
    file: str = part_of("the frame, below the run folder; empty where it is no file", default="")


@dataclasses.dataclass(frozen=True, kw_only=True)
class MotionStop(CameraMotion):
    """It sees movement no longer."""

    writer = "watch-frames"
    type: str = "motion.stop"
    duration: float = part_of("seconds from the first movement to the last")


@dataclasses.dataclass(frozen=True, kw_only=True)
class ViewTrouble(Record):
    """A camera does not see what it should; `source` is the camera."""

    writer = "watch-frames"
    entry = True
    type: str = "view.trouble"
    reason: str = part_of("covered, black, blinded, turned or frozen")
    file: str = part_of("the frame, below the run folder; empty where it is no file", default="")


@dataclasses.dataclass(frozen=True, kw_only=True)
class ViewGood(Record):
    """It sees what it should again, and has done so for a while."""

    writer = "watch-frames"
    entry = True
    type: str = "view.good"
    lasted: float = part_of("seconds from the trouble's begin to its end")


@dataclasses.dataclass(frozen=True, kw_only=True)
class ModeWanted(Record):
    """Somebody asks for another mode."""

    writer = "arm, disarm, mode"
    entry = True
    type: str = "mode.wanted"
    mode: str = part_of("off, monitor or alert")
    who: str = part_of("who asks")


@dataclasses.dataclass(frozen=True, kw_only=True)
class ModeChanged(Record):
    """The panel's mode is another one now."""

    writer = "alarm-panel"
    type: str = "mode.changed"
    mode: str = part_of("the mode from now on")
    was: str = part_of("the mode before")
    who: str = part_of("who asked")


@dataclasses.dataclass(frozen=True, kw_only=True)
class HeartbeatDue(Record):
    """The line is to prove itself: a picture from every camera and a line of health."""

    writer = "heartbeat"
    entry = True
    type: str = "heartbeat.due"
    health: str = part_of("uptime, disk, temperature, queue, last event, in words")
    mode: str = part_of("the panel's mode; off: no picture is taken", "alarm-panel", "")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Noted(Record):
    cause: str = part_of("what happened, in words")
    sensors: tuple[str, ...] = part_of("the sensors and cameras behind it")
    attempt: int = part_of("1; more after a crash", default=1)
    noted: bool = part_of(
        "false where no note could be written: a crash would lose it", default=True
    )


@dataclasses.dataclass(frozen=True, kw_only=True)
class AlarmRaised(Noted):
    """An alarm: its text goes out at once. Its `id` names the alarm in all that follows."""

    writer = "alarm-panel"
    type: str = "alarm.raised"
    text_only: bool = part_of("true where pictures may be what crashed the line", default=False)
    confirmed: bool = part_of("true where a sensor and a camera agree at the raise", default=False)


@dataclasses.dataclass(frozen=True, kw_only=True)
class AlarmConfirmed(Noted):
    """After the raise the other kind, sensor or camera, has seen it too."""

    writer = "alarm-panel"
    type: str = "alarm.confirmed"
    alarm: str = part_of("id of the alarm")


@dataclasses.dataclass(frozen=True, kw_only=True)
class AlarmOver(Noted):
    """What an alarm of a camera's trouble was about is in order again."""

    writer = "alarm-panel"
    type: str = "alarm.over"
    alarm: str = part_of("id of the alarm")


@dataclasses.dataclass(frozen=True, kw_only=True)
class AlarmSuppressed(Record):
    """What would have been an alarm, but for the mode or the cooldown."""

    writer = "alarm-panel"
    type: str = "alarm.suppressed"
    cause: str = part_of("what tripped it, in words")
    reason: str = part_of("mode or cooldown")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Picture(Record):
    file: str = part_of("the JPEG, below the run folder")
    moved: bool | None = part_of("whether it differs from the camera's last", "diff-frames", None)
    score: float | None = part_of("how strongly, 1 is the threshold", "diff-frames", None)
    area: float | None = part_of("changed part of what is watched, %", "diff-frames", None)
    box: tuple[float, ...] | None = part_of("left, top, right, bottom, %", "diff-frames", None)


@dataclasses.dataclass(frozen=True, kw_only=True)
class FrameCaptured(Picture):
    """A frame of a camera is in the ring, until it is old; `mono` is its moment."""

    writer = "capture-ring"
    type: str = "frame.captured"


@dataclasses.dataclass(frozen=True, kw_only=True)
class CameraTrouble(Record):
    """A camera gives no frames; `source` is the camera."""

    writer = "capture-ring"
    entry = True
    type: str = "camera.trouble"
    reason: str = part_of("why, in words")


@dataclasses.dataclass(frozen=True, kw_only=True)
class CameraGood(Record):
    """It gives frames again, and has done so for a while."""

    writer = "capture-ring"
    entry = True
    type: str = "camera.good"
    lasted: float = part_of("seconds from the trouble's begin to the first frame after it")


@dataclasses.dataclass(frozen=True, kw_only=True)
class PictureTaken(Picture):
    """A camera's picture of an alarm or a heartbeat; `source` is the camera."""

    writer = "snap"
    type: str = "picture.taken"
    alarm: str = part_of("id of the alarm or heartbeat")
    part: str = part_of("this picture's place in it, e.g. porch-1")
    kind: str = part_of("alarm or heartbeat")
    damaged: str | None = part_of(
        "what is wrong with the picture, where something is", default=None
    )


@dataclasses.dataclass(frozen=True, kw_only=True)
class PictureFailed(Record):
    """A camera gave no picture; `source` is the camera."""

    writer = "snap"
    type: str = "picture.failed"
    alarm: str = part_of("id of the alarm or heartbeat")
    kind: str = part_of("alarm or heartbeat")
    reason: str = part_of("why, in words")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Complete(Record):
    alarm: str = part_of("id of the alarm or heartbeat")
    pictures: int = part_of("how many pictures there are")
    failed: tuple[str, ...] = part_of("cameras without a picture", default=())
    parts: tuple[str, ...] | None = part_of("the messages made of it", "compose-alert", None)


@dataclasses.dataclass(frozen=True, kw_only=True)
class AlarmComplete(Complete):
    """Every camera has given its picture or failed."""

    writer = "snap"
    type: str = "alarm.complete"


@dataclasses.dataclass(frozen=True, kw_only=True)
class HeartbeatComplete(Complete):
    """The same for a heartbeat."""

    writer = "snap"
    type: str = "heartbeat.complete"
    health: str = part_of("the heartbeat's line of health")
    mode: str = part_of("the panel's mode")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Message(Record):
    alarm: str = part_of("id of the alarm or heartbeat; empty for other messages")
    part: str = part_of(
        "which message of it: text, confirmed, porch-1, porch-1-preview, heartbeat ..."
    )
    message_id: str = part_of("from alarm and part: a repetition is the same message")
    file: str = part_of("the message, below the run folder; in the spool once it is there")
    recipients: tuple[str, ...] = part_of("addresses")


@dataclasses.dataclass(frozen=True, kw_only=True)
class MessageComposed(Message):
    """A message in plain, in RAM."""

    writer = "compose-alert"
    type: str = "message.composed"


@dataclasses.dataclass(frozen=True, kw_only=True)
class MessageEncrypted(Message):
    """The same, encrypted and signed."""

    writer = "encrypt-autocrypt"
    type: str = "message.encrypted"


@dataclasses.dataclass(frozen=True, kw_only=True)
class MessageSpooled(Message):
    """The message is safe on disk and will be sent."""

    writer = "send-mail"
    type: str = "message.spooled"


def _types(kind: type[Record]) -> Iterator[type[Record]]:
    """Every record type below `kind`, in the order of this file."""
    for below in kind.__subclasses__():
        if "type" in vars(below):
            yield below
        yield from _types(below)


TYPES: dict[str, type[Record]] = {kind.type: kind for kind in _types(Record)}
_PROCESS = os.urandom(6).hex()
_SEQUENCE = itertools.count(1)


def new_id() -> str:
    """An id that no other record has: random per process, then a sequence number."""
    return f"{_PROCESS}-{next(_SEQUENCE):06}"


def envelope(source: str, clock: Clock) -> dict[str, Any]:
    """The envelope's fields for a record made now, to be handed to the record's constructor."""
    now = clock.now()
    return {
        "id": new_id(),
        "time": now.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "clock": clock_quality(now),
        "boot": BOOT,
        "mono": round(clock.monotonic(), 4),
        "source": source,
    }
