"""How much RAM is free, for files in a folder that lies there."""

import os
import re
import sys
from pathlib import Path

MEMINFO = Path("/proc/meminfo")
_AVAILABLE = re.compile(r"^MemAvailable:\s+(\d+) kB$", re.MULTILINE)


def free(folder: Path) -> int:
    """Bytes that files in `folder` may still take: of its file system, and of the machine's RAM."""
    available = _AVAILABLE.search(MEMINFO.read_text(encoding="ascii"))
    machine = int(available[1]) * 1024 if available else sys.maxsize
    try:
        status = os.statvfs(folder)
    except FileNotFoundError:
        return machine
    return min(machine, status.f_bavail * status.f_frsize)
