"""What the messages say, in words. Pure: `zone` is the time zone to tell the time in, None for
the machine's own.
"""

import re
from collections.abc import Mapping
from datetime import datetime, tzinfo

from camalert.records import AlarmRaised, HeartbeatComplete, Noted, PictureTaken, Record

CLOCK_NOT_SET = "The camera's clock is not set: the time is wrong."


def moment(record: Record) -> datetime:
    """The record's time. Raises ValueError where it is none."""
    return datetime.fromisoformat(record.time)


def when(record: Record, zone: tzinfo | None) -> str:
    """The record's time as an owner reads it, e.g. `2026-11-20 18:30:00 CET`."""
    return moment(record).astimezone(zone).strftime("%Y-%m-%d %H:%M:%S %Z")


def alarm_text(alarm: AlarmRaised, zone: tzinfo | None) -> str:
    """What happened, where and when, and what is not as it should be."""
    lines = [f"Alarm: {alarm.cause}", when(alarm, zone)]
    if alarm.confirmed:
        lines.append("Confirmed: a sensor and a camera agree.")
    lines += _reservations(alarm)
    if alarm.text_only:
        lines.append("No pictures this time: they may be what stopped the camera.")
    if not alarm.noted:
        lines.append("It could not be noted on disk: a power cut now may lose the pictures.")
    return "\n".join(lines)


def sequel_text(told: Noted, zone: tzinfo | None) -> str:
    """What is told about an alarm later: that it is confirmed, or over."""
    return "\n".join([told.cause, when(told, zone), *_reservations(told)])


def _reservations(told: Noted) -> list[str]:
    lines = [CLOCK_NOT_SET] if told.clock == "unset" else []
    if told.attempt > 1:
        lines.append(f"Passed on again after a restart, attempt {told.attempt}.")
    return lines


def picture_text(picture: PictureTaken, zone: tzinfo | None) -> str:
    """Which camera, when, whether something moved, and what is wrong with the picture."""
    lines = [f"{picture.source}{_movement(picture)}, {when(picture, zone)}"]
    if picture.damaged:
        lines.append(f"Damaged picture: {picture.damaged}")
    if picture.clock == "unset":
        lines.append(CLOCK_NOT_SET)
    return "\n".join(lines)


def _movement(picture: PictureTaken) -> str:
    if picture.moved is None:
        return ""
    if not picture.moved:
        return ": nothing moved"
    area = f" in {picture.area:.1f} % of the picture" if picture.area is not None else ""
    return f": something moved{area}"


def trouble_text(trouble: Mapping[str, str]) -> str:
    """Which cameras gave no picture, and why."""
    return "\n".join(f"No picture from {camera}: {why}" for camera, why in trouble.items())


def heartbeat_text(
    complete: HeartbeatComplete, trouble: Mapping[str, str], zone: tzinfo | None
) -> str:
    """The line of health, and the cameras that have technical difficulties."""
    lines = [f"Heartbeat: {when(complete, zone)}, mode {complete.mode or 'unknown'}"]
    if complete.health:
        lines.append(complete.health)
    if complete.clock == "unset":
        lines.append(CLOCK_NOT_SET)
    lines += [f"technical difficulties: {camera}: {why}" for camera, why in trouble.items()]
    return "\n".join(lines)


def filename(source: str, record: Record, zone: tzinfo | None) -> str:
    """A picture's name, e.g. `porch-2026-11-20-183000.jpg`: no path, nothing but ASCII."""
    plain = re.sub(r"[^A-Za-z0-9_]+", "-", source).strip("-")[:32] or "camera"
    return f"{plain}-{moment(record).astimezone(zone):%Y-%m-%d-%H%M%S}.jpg"
