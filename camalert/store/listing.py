"""How a person asks for events, and how they are shown. Pure."""

import json
import re
import textwrap
from datetime import UTC, datetime, timedelta, tzinfo

from camalert.errors import BadUsage
from camalert.store.events import Event

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_WORDS = ("cause", "confirmed", "reason", "mode", "was", "who", "sensors", "health", "part")
_FIGURES = ("score", "area", "duration", "lasted", "error")
_LAST = ("file",)
_INDENT = 21


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


def line(event: Event, zone: tzinfo | None = None, width: int = 0) -> str:
    """One line for a person: the time in `zone`, the type, the source, a few words.

    With a `width` it is several where it would be longer, broken between words. A `?` after the
    time says that the clock was not set. Nothing that a terminal would obey.
    """
    body = json.loads(event.body)
    shown = datetime.fromisoformat(event.time).astimezone(zone).isoformat(" ", "seconds")[:19]
    unset = "?" if body.get("clock") == "unset" else " "
    if body.get("cause"):
        body.pop("sensors", None)  # the cause names them
    if body.get("health"):
        body.pop("mode", None)  # so does the health
    words = ", ".join(
        _said(name, body[name]) for name in _WORDS + _FIGURES + _LAST if body.get(name)
    )
    text = f"{shown}{unset} {event.type:<17} {event.source:<12} {words}".rstrip()
    text = "".join(
        letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text
    )
    if not width:
        return text
    return textwrap.fill(
        text,
        max(width, 2 * _INDENT),
        subsequent_indent=" " * _INDENT,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _said(name: str, value: object) -> str:
    if value is True:
        return name
    if isinstance(value, float):
        value = round(value, 2)
    text = " and ".join(map(str, value)) if isinstance(value, list) else str(value)
    return text if name in ("cause", "reason", "health") else f"{name} {text}"
