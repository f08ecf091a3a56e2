"""What the EXIF of a JPEG says: how the picture is turned, and its thumbnail. Pure.

Source: TIFF 6.0 (directories), EXIF 2.3 (orientation; the thumbnail is in the second directory).
"""

from typing import Literal

ORIENTATION, OFFSET, LENGTH = 0x0112, 0x0201, 0x0202
MOST_ENTRIES = 256


def orientation(tiff: bytes) -> int | None:
    """The orientation (1 to 8) that the TIFF in `tiff` gives; None where it gives none."""
    first, _ = _directories(tiff)
    value = first.get(ORIENTATION, 0) >> 16 if tiff[:1] == b"M" else first.get(ORIENTATION, 0)
    return value if 1 <= value <= 8 else None


def thumbnail(tiff: bytes) -> bytes | None:
    """The JPEG that the TIFF in `tiff` holds; None where it holds none."""
    _, second = _directories(tiff)
    small = tiff[second.get(OFFSET, 0) :][: second.get(LENGTH, 0)]
    return small if small[:2] == b"\xff\xd8" else None


def _directories(tiff: bytes) -> tuple[dict[int, int], dict[int, int]]:
    """The first two directories: the four bytes of each tag's value, as a number."""
    if tiff[:4] not in (b"II*\0", b"MM\0*"):
        return {}, {}
    order: Literal["little", "big"] = "little" if tiff[:1] == b"I" else "big"

    def number(at: int, size: int) -> int:
        return int.from_bytes(tiff[at : at + size], order)

    def directory(at: int) -> dict[int, int]:
        count = min(number(at, 2), MOST_ENTRIES) if at else 0
        entries = range(at + 2, at + 2 + 12 * count, 12)
        return {number(entry, 2): number(entry + 8, 4) for entry in entries}

    first = number(4, 4)
    return directory(first), directory(number(first + 2 + 12 * number(first, 2), 4))
