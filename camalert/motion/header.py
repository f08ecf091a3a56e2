"""What stands before a JPEG's picture: its size, and the thumbnail in its EXIF. Pure.

Source: ITU-T T.81, annex B (markers), EXIF 2.3 (JPEG thumbnail in the second directory).
"""

from typing import Literal, NamedTuple

SOI, EOI, SOS, APP1 = b"\xff\xd8", b"\xff\xd9", 0xDA, 0xE1
BASELINE = (0xC0, 0xC1)
FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
PASSED = frozenset({0xC4, 0xDB, 0xDD, 0xFE, *range(0xE0, 0xF0)})
"""Huffman and quantisation tables, restart interval, comment, application segments."""

OFFSET, LENGTH = 0x0201, 0x0202
"""EXIF tags: where the thumbnail's JPEG begins, and its bytes."""
MOST_ENTRIES = 256
EXIF, NEAR = b"Exif\0\0", 256


class Header(NamedTuple):
    """A JPEG of one scan: pixels across and down, and where its TIFF of EXIF lies (0, 0: none)."""

    width: int
    height: int
    exif: tuple[int, int]


def read(data: bytes) -> Header | None:
    """The header of the JPEG in `data`; None where it is not the plain kind, or none at all.

    Plain is: 8 bits, gray or of three colours, Huffman-coded, one scan, no byte out of place.
    """
    if data[:2] != SOI:
        return None
    at, size, components, exif = 2, (0, 0), 0, (0, 0)
    try:
        while data[at] == 0xFF:
            marker, length = data[at + 1], data[at + 2] << 8 | data[at + 3]
            if marker == SOS:
                plain = components in (1, 3) and data[at + 4] == components and all(size)
                return Header(*size, exif) if plain else None
            if marker in BASELINE and not components and data[at + 4] == 8:
                size = data[at + 7] << 8 | data[at + 8], data[at + 5] << 8 | data[at + 6]
                components = data[at + 9]
            elif marker not in PASSED or length < 2:
                return None
            elif marker == APP1 and data[at + 4 : at + 10] == EXIF:
                exif = at + 10, at + 2 + length
            at += 2 + length
    except IndexError:
        pass
    return None


def size(data: bytes) -> tuple[int, int]:
    """Pixels across and down of the JPEG in `data`, of any kind; 0, 0 where it does not say."""
    at = 2
    while data[at : at + 1] == b"\xff" and at + 9 < len(data):
        if data[at + 1] in FRAMES:
            return data[at + 7] << 8 | data[at + 8], data[at + 5] << 8 | data[at + 6]
        at += 2 + (data[at + 2] << 8 | data[at + 3])
    return 0, 0


def thumbnail(data: bytes) -> bytes | None:
    """The JPEG that the EXIF in `data` holds; None where there is none, or the rest is cut off.

    EXIF is the first segment, or the second after JFIF's: it is looked for only near the start.
    """
    if data.find(EXIF, 0, NEAR) < 0:
        return None
    found = read(data)
    start, end = found.exif if found else (0, 0)
    tiff = data[start:end]
    if tiff[:4] not in (b"II*\0", b"MM\0*") or data.rfind(EOI) < end:
        return None
    order: Literal["little", "big"] = "little" if tiff[:1] == b"I" else "big"

    def number(at: int, size: int) -> int:
        return int.from_bytes(tiff[at : at + size], order)

    first = number(4, 4)
    second = number(first + 2 + 12 * number(first, 2), 4)
    entries = range(second + 2, second + 2 + 12 * min(number(second, 2), MOST_ENTRIES), 12)
    tags = {number(at, 2): number(at + 8, 4) for at in entries} if second else {}
    small = tiff[tags.get(OFFSET, 0) :][: tags.get(LENGTH, 0)]
    return small if small[:2] == SOI else None
