"""What stands before a JPEG's picture: its size, and what its EXIF says. Pure.

Source: ITU-T T.81, annex B (markers), EXIF 2.3 (the segment's form).
"""

from typing import NamedTuple

from camalert import exif

SOI, EOI, SOS, APP1 = b"\xff\xd8", b"\xff\xd9", 0xDA, 0xE1
BASELINE = (0xC0, 0xC1)
FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
PASSED = frozenset({0xC4, 0xDB, 0xDD, 0xFE, *range(0xE0, 0xF0)})
"""Huffman and quantisation tables, restart interval, comment, application segments."""

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
    at, size, components, found = 2, (0, 0), 0, (0, 0)
    try:
        while data[at] == 0xFF:
            marker, length = data[at + 1], data[at + 2] << 8 | data[at + 3]
            if marker == SOS:
                plain = components in (1, 3) and data[at + 4] == components and all(size)
                return Header(*size, found) if plain else None
            if marker in BASELINE and not components and data[at + 4] == 8:
                size = data[at + 7] << 8 | data[at + 8], data[at + 5] << 8 | data[at + 6]
                components = data[at + 9]
            elif marker not in PASSED or length < 2:
                return None
            elif marker == APP1 and data[at + 4 : at + 10] == EXIF:
                found = at + 10, at + 2 + length
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


def orientation(data: bytes) -> int:
    """The orientation (1 to 8) that the EXIF of the JPEG in `data` gives; 1 where it gives none."""
    start = data.find(EXIF, 0, NEAR)
    if start < 4 or data[start - 4 : start - 2] != b"\xff\xe1":
        return 1
    end = start - 2 + (data[start - 2] << 8 | data[start - 1])
    return exif.orientation(data[start + len(EXIF) : end]) or 1


def thumbnail(data: bytes) -> bytes | None:
    """The JPEG that the EXIF in `data` holds; None where there is none, or the rest is cut off.

    EXIF is the first segment, or the second after JFIF's: it is looked for only near the start.
    """
    if data.find(EXIF, 0, NEAR) < 0:
        return None
    found = read(data)
    start, end = found.exif if found else (0, 0)
    return None if data.rfind(EOI) < end else exif.thumbnail(data[start:end])
