"""How a person asks for events, and how they are shown. Pure."""

import json
import re
from datetime import UTC, datetime, timedelta, tzinfo

from camalert.errors import BadUsage
from camalert.store.events import Event

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_WORDS = ("cause", "confirmed", "reason", "mode", "was", "who", "sensors", "health", "part", "file")
_FIGURES = ("area", "duration", "lasted", "error")


def moment(text: str, now: datetime, zone: tzinfo | None = None, *, end: bool = False) -> datetime:
    """The time that `text` means: an age (`90s`, `2h`, `3d`), a date, or an RFC 3339 time.

    Without an offset it is in `zone` (None: this machine's). A date is its first moment, or with
    `end` that of the next day. Raises BadUsage.
    """
    try:
        if age := re.fullmatch(r"(\d{1,9})([smhdw])", text):
            return now - timedelta(seconds=int(age[1]) * _UNITS[age[2]])
        found = datetime.fromisoformat(text)
        if re.fullmatch(r"[\d-]+", text) and end:
            found += timedelta(days=1)
        if found.tzinfo is None:
            found = found.replace(tzinfo=zone) if zone else found.astimezone()
        return found.astimezone(UTC)
    except (ValueError, OverflowError):
        raise BadUsage(
            repr(text[:40]), "is not a time", "try 2h, 3d, 2026-11-20 or 2026-11-20T18:00:00Z"
        ) from None


def line(event: Event, zone: tzinfo | None = None) -> str:
    """One line for a person: the time in `zone`, the type, the source, a few words.

    A `?` after the time says that the clock was not set. Nothing that a terminal would obey.
    """
    body = json.loads(event.body)
    shown = datetime.fromisoformat(event.time).astimezone(zone).isoformat(" ", "seconds")[:19]
    unset = "?" if body.get("clock") == "unset" else " "
    if body.get("cause"):
        body.pop("sensors", None)  # the cause names them
    if body.get("health"):
        body.pop("mode", None)  # so does the health
    words = ", ".join(_said(name, body[name]) for name in _WORDS + _FIGURES if body.get(name))
    text = f"{shown}{unset} {event.type:<17} {event.source:<12} {words}".rstrip()
    return "".join(
        letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text
    )


def _said(name: str, value: object) -> str:
    if value is True:
        return name
    text = " and ".join(map(str, value)) if isinstance(value, list) else str(value)
    return text if name in ("cause", "reason", "health") else f"{name} {text}"
