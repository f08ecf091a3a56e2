"""The machine's and the line's state in a few words, for the heartbeat. Linux's /proc and /sys."""

import dataclasses
import shutil
from pathlib import Path

THERMAL = Path("/sys/class/thermal/thermal_zone0/temp")
UPTIME = Path("/proc/uptime")


@dataclasses.dataclass(frozen=True)
class Vitals:
    """Uptime and last event's age in s, free disk in bytes, temperature in °C; None: not known."""

    uptime: float | None
    free: int | None
    temperature: float | None
    queue: int
    mode: str
    last_event: str

    def text(self) -> str:
        """One line, what is not known left out."""
        parts = [
            f"up {span(self.uptime)}" if self.uptime is not None else "",
            f"{self.free / 1e9:.1f} GB free" if self.free is not None else "",
            f"{self.temperature:.0f} °C" if self.temperature is not None else "",
            f"{self.queue} waiting to be sent" if self.queue else "nothing waiting",
            f"mode {self.mode}",
            f"last event: {self.last_event}",
        ]
        return ", ".join(part for part in parts if part)


def read(spool: Path, queue: int, mode: str, last_event: str) -> Vitals:
    """The vitals now; `spool` is where free space counts."""
    return Vitals(
        _first_number(UPTIME), free_bytes(spool), _celsius(THERMAL), queue, mode, last_event
    )


def free_bytes(folder: Path) -> int | None:
    """Free bytes on the disk that `folder` is on, or would be once it is made; None: not known."""
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    try:
        return shutil.disk_usage(folder).free
    except OSError:
        return None


def span(seconds: float) -> str:
    """A length of time as a person says it: 40 s, 12 min, 5 h, 3 days."""
    for size, unit in ((86400, " days"), (3600, " h"), (60, " min")):
        if seconds >= 2 * size:
            return f"{seconds // size:.0f}{unit}"
    return f"{seconds:.0f} s"


def _first_number(path: Path) -> float | None:
    try:
        return float(path.read_text(encoding="ascii").split()[0])
    except (OSError, ValueError, IndexError):
        return None


def _celsius(path: Path) -> float | None:
    milli = _first_number(path)
    return None if milli is None else milli / 1000
