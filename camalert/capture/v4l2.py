"""USB cameras and what else Linux offers as /dev/videoN (V4L2).

Source: the kernel's include/uapi/linux/videodev2.h, struct v4l2_capability and its flags.
"""

import fcntl
import os
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

SYSFS, DEVICES = Path("/sys/class/video4linux"), Path("/dev")
VIDIOC_QUERYCAP = 0x80685600
"""_IOR('V', 0, struct v4l2_capability), which is 104 bytes."""

CAPABILITY = struct.Struct("=16s32s32sIII12x")
"""Driver, card, bus, version of the driver, capabilities of the device, those of the node."""

CAPTURE, CAPTURE_PLANES, MEMORY, MEMORY_PLANES = 0x1, 0x1000, 0x8000, 0x4000
NODE = 0x80000000
"""The node's own capabilities are filled in."""

NO_CAMERAS = {
    *("bcm2835-codec", "bcm2835-isp", "rpivid", "rpi-hevc-dec", "pispbe"),
    *("unicam", "rp1-cfe"),
}
"""Drivers of a Pi whose capture nodes are codecs, image processors, or a sensor's raw data."""

MOST = 64


class Capability(NamedTuple):
    """What a node says of itself."""

    driver: str
    card: str
    bus: str
    flags: int

    @property
    def captures(self) -> bool:
        """Whether pictures come from it: not metadata only, not a codec."""
        flags, camera = self.flags, self.driver not in NO_CAMERAS
        return (
            camera
            and bool(flags & (CAPTURE | CAPTURE_PLANES))
            and not flags & (MEMORY | MEMORY_PLANES)
        )


class Node(NamedTuple):
    """A camera: the path that stays the same, what it is called, and why it cannot be asked."""

    path: str
    card: str
    trouble: str = ""


def query(path: Path) -> Capability:
    """Ask the node what it can do. Raises OSError."""
    descriptor = os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        answer = bytearray(CAPABILITY.size)
        fcntl.ioctl(descriptor, VIDIOC_QUERYCAP, answer)
    finally:
        os.close(descriptor)
    driver, card, bus, _, device, node = CAPABILITY.unpack(answer)
    flags = node if device & NODE else device
    return Capability(_text(driver), _text(card), _text(bus), flags)


def _text(field: bytes) -> str:
    return field.split(b"\0")[0].decode("utf-8", "replace")


def cameras(
    sysfs: Path = SYSFS, devices: Path = DEVICES, ask: Callable[[Path], Capability] = query
) -> list[Node]:
    """The nodes that are cameras, by their numbers, and those that could not be asked."""
    return list(_cameras(sysfs, devices, ask))


def _cameras(sysfs: Path, devices: Path, ask: Callable[[Path], Capability]) -> Iterator[Node]:
    entries = sorted(sysfs.glob("video[0-9]*"), key=lambda path: int(path.name[5:] or 0))
    names = _stable_names(devices)
    for entry in entries[:MOST]:
        node = devices / entry.name
        path = str(names.get(entry.name, node))
        try:
            capability = ask(node)
        except PermissionError:
            yield Node(path, _card(entry), "may not be opened: join the group video")
        except OSError as error:
            yield Node(path, _card(entry), error.strerror or str(error))
        else:
            if capability.captures:
                yield Node(path, capability.card)


def _stable_names(devices: Path) -> dict[str, Path]:
    """For each node its name that stays from boot to boot: by what it is, else by where it is."""
    found: dict[str, Path] = {}
    for folder in ("by-path", "by-id"):
        for link in sorted((devices / "v4l" / folder).glob("*")):
            found[link.resolve().name] = link
    return found


def _card(entry: Path) -> str:
    try:
        return (entry / "name").read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return entry.name
