"""The Pi's own cameras, on the ribbon cable (CSI), as rpicam-hello lists them.

Source: rpicam-apps, core/options.cpp, which prints `0 : imx708 [4608x2592 10-bit RGGB] (path)` and
indented modes, or `No cameras available!`; before 2023 without what follows the size.
"""

import re
import shutil
import time
from typing import NamedTuple

from camalert.capture import child
from camalert.errors import BadData, Unavailable

PROGRAMS = ("rpicam-hello", "libcamera-hello")
DEADLINE = 20.0
LIMIT = 1 << 20
"""Bytes of the list: a camera takes less than 2 kB."""

MOST = 16
NONE = "No cameras available"
_CAMERA = re.compile(r"^(\d{1,2}) : (\S.*?) \[(\d+x\d+)\b[^]]*\] \((.*)\)\s*$", re.MULTILINE)


class Sensor(NamedTuple):
    """A camera: its number for rpicam-still, its model, and its full size."""

    number: int
    model: str
    size: str


def sensors(deadline: float = DEADLINE) -> list[Sensor]:
    """The cameras on this board's ribbon cables.

    Raises Unavailable where the program is missing, fails or hangs, BadData where it says something
    that is no list.
    """
    name = next(filter(shutil.which, PROGRAMS), None)
    if name is None:
        package = "apt install rpicam-apps-lite (on a Raspberry Pi)"
        raise Unavailable(PROGRAMS[0], "is not installed", package)
    end = time.monotonic() + deadline
    try:
        said = child.run(name, [name, "--list-cameras"], end, limit=LIMIT)
    except child.Overdue:
        raise Unavailable(name, f"no list within {deadline:g} s; killed") from None
    except BadData:
        raise BadData(name, f"its list is longer than {LIMIT} bytes") from None
    return parse(said.decode("utf-8", "replace"), name)


def parse(text: str, program: str = PROGRAMS[0]) -> list[Sensor]:
    """The cameras in what `rpicam-hello --list-cameras` said. Raises BadData for no such list."""
    found = [Sensor(int(number), model, size) for number, model, size, _ in _CAMERA.findall(text)]
    if not found and NONE not in text:
        first = next(iter(text.split("\n")), "")[:80]
        raise BadData(program, f"said {first!r}, which is no list of cameras")
    return found[:MOST]
