"""Time as a parameter, so that decisions are tried without waiting."""

import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

RELEASED = datetime(2026, 11, 1, tzinfo=UTC)
"""No clock that is set shows an earlier time."""


class Clock(Protocol):
    """Time as a parameter: the commands hand in `SystemClock`, tests a clock of their own."""

    def now(self) -> datetime:
        """The wall clock, in UTC."""

    def monotonic(self) -> float:
        """Seconds that never step back; comparable between processes of one boot."""


class SystemClock:
    """The machine's own clocks."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()


def clock_quality(now: datetime) -> str:
    """`set`, or `unset` where the clock shows a time before this software was made."""
    return "set" if now >= RELEASED else "unset"


def _boot_id() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii")[:8]
    except OSError:
        return "unknown"


BOOT = _boot_id()
"""Which boot of the machine this is: `mono` counts from there."""
