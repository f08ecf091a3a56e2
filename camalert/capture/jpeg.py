"""The structure of a JPEG: is it whole, what does it carry, where does it end. Nothing is decoded.

Source: ITU-T T.81, annex B (markers), JFIF 1.02, and EXIF 2.3 for the orientation.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from camalert import exif
from camalert.errors import BadData

LIMIT = 32 * 1024 * 1024
"""The most bytes of one picture."""

MOST_PIXELS = 100_000_000
SOI, EOI, SOS, DHT = 0xD8, 0xD9, 0xDA, 0xC4
FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
ALONE = frozenset({0x01, *range(0xD0, 0xD8)})
"""Markers that no length follows."""

APP0, APP1, APP2, APP14, COM = 0xE0, 0xE1, 0xE2, 0xEE, 0xFE
UNTURNED, MIRRORED = (1, 6, 3, 8), (2, 7, 4, 5)
"""EXIF orientations, each a quarter turn clockwise after the one before it."""

FLAT = 24
"""A scan with no more bytes than this beyond those of one plain colour shows nothing."""

HUFFMAN = bytes.fromhex(
    "ffc401a20000010501010101010100000000000000000102030405060708090a0b1000020103030204030505"
    "04040000017d01020300041105122131410613516107227114328191a1082342b1c11552d1f0243362728209"
    "0a161718191a25262728292a3435363738393a434445464748494a535455565758595a636465666768696a73"
    "7475767778797a838485868788898a92939495969798999aa2a3a4a5a6a7a8a9aab2b3b4b5b6b7b8b9bac2c3"
    "c4c5c6c7c8c9cad2d3d4d5d6d7d8d9dae1e2e3e4e5e6e7e8e9eaf1f2f3f4f5f6f7f8f9fa0100030101010101"
    "010101010000000000000102030405060708090a0b1100020102040403040705040400010277000102031104"
    "052131061241510761711322328108144291a1b1c109233352f0156272d10a162434e125f11718191a262728"
    "292a35363738393a434445464748494a535455565758595a636465666768696a737475767778797a82838485"
    "868788898a92939495969798999aa2a3a4a5a6a7a8a9aab2b3b4b5b6b7b8b9bac2c3c4c5c6c7c8c9cad2d3d4"
    "d5d6d7d8d9dae2e3e4e5e6e7e8e9eaf2f3f4f5f6f7f8f9fa"
)
"""The typical tables (T.81, annex K.3): a USB camera's MJPEG leaves them out."""

_MARKER = re.compile(rb"\xff[\x01-\xcf\xd8-\xfe]")
"""What ends entropy-coded data: FF that is neither stuffed (FF 00), a restart nor a fill byte."""


@dataclass(frozen=True)
class Picture:
    """A JPEG of `width` x `height` pixels; `damaged` says what is wrong where something is.

    One that is `whole` may be damaged all the same: black. `moment` (s, monotonic) is known of one
    that comes from a ring.
    """

    data: bytes
    width: int
    height: int
    damaged: str | None = None
    whole: bool = True
    moment: float | None = None


def inspect(data: bytes) -> tuple[int, int]:
    """Width and height in pixels of the whole JPEG in `data`.

    Raises BadData where it is not whole: empty, no JPEG, cut off, of no size, too large.
    """
    size = None
    for marker, start, end in _segments(data):
        if marker in FRAMES:
            size = _size(data[start:end])
    if size is None:
        raise BadData("JPEG", "holds no picture")
    return size


def clean(data: bytes, turn: int = 0) -> Picture:
    """The picture in `data` without what tells of place, time, maker and owner.

    EXIF, GPS, XMP, IPTC, comments, thumbnails and all after the end are gone; JFIF, ICC and Adobe
    segments stay, and the usual Huffman tables come in where there are none. Of EXIF only the
    orientation is kept, turned clockwise by `turn` (0, 90, 180 or 270 degrees), and only if it is
    not the plain one. A picture that is cut off is returned as damaged; what holds no picture at
    all raises BadData.
    """
    kept, orientation, plain, coded = [b"\xff\xd8"], 1, 0.0, 0
    size, damaged, whole, tables = None, None, True, False
    try:
        for marker, start, end in _segments(data):
            segment = data[start:end]
            if marker == APP1:
                orientation = _tagged(segment) or orientation
            elif marker in FRAMES:
                size, plain = _size(segment), _plain(segment)
            elif marker == DHT:
                tables = True
            elif marker == SOS:
                coded += len(segment)
                kept += [] if tables else [HUFFMAN]
                tables = True
            kept.append(_without_secrets(marker, segment))
    except BadData as error:
        if size is None or not coded:
            raise
        damaged, whole = error.reason, False
    if size is None:
        raise BadData("JPEG", "holds no picture")
    if damaged is None:
        kept.append(b"\xff\xd9")
        if coded < plain + FLAT:
            damaged = "black, or all of one colour"
    tag = _orientation_segment(turned(orientation, turn))
    kept.insert(2 if kept[1].startswith(b"\xff\xe0") else 1, tag)
    return Picture(b"".join(kept), *size, damaged, whole)


def turned(orientation: int, turn: int) -> int:
    """The EXIF orientation (1 to 8) that turns by `turn` degrees clockwise after `orientation`."""
    cycle = UNTURNED if orientation in UNTURNED else MIRRORED
    return cycle[(cycle.index(orientation) + turn // 90) % 4]


def frames(chunks: Iterable[bytes], limit: int = LIMIT) -> Iterator[bytes]:
    """Every JPEG in a stream of bytes, e.g. MJPEG over HTTP; what lies between them is skipped.

    A JPEG that is cut off, by the next one or the end, is handed out as far as it goes: `inspect`
    says so. Raises BadData for one of more than `limit` bytes.
    """
    buffer, walked = bytearray(), 0
    for chunk in chunks:
        buffer += chunk
        ended = True
        while ended:
            if not walked:
                start = buffer.find(b"\xff\xd8\xff")
                if start < 0:
                    del buffer[:-2]
                    break
                del buffer[:start]
                walked = 2
            walked, ended = _walk(buffer, walked)
            if (walked if ended else len(buffer)) > limit:
                raise BadData("JPEG", f"of more than {limit} bytes in the stream")
            if ended:
                yield bytes(buffer[:walked])
                del buffer[:walked]
                walked = 0
    if walked:
        yield bytes(buffer)


def _walk(buffer: bytearray, at: int) -> tuple[int, bool]:
    """How far from `at` the JPEG at the start of `buffer` can be followed, and whether it ended."""
    while found := _MARKER.search(buffer, at):
        marker = found[0][1]
        if marker == EOI:
            return found.end(), True
        if marker == SOI:
            return found.start(), True
        at = found.end()
        if marker not in ALONE:
            if len(buffer) < at + 2:
                return found.start(), False
            at += int.from_bytes(buffer[at : at + 2], "big")
        if at > len(buffer):
            return found.start(), False
    return max(at, len(buffer) - buffer.endswith(b"\xff")), False


def _segments(data: bytes) -> Iterator[tuple[int, int, int]]:
    """(marker, start, end) of every segment between SOI and EOI; a scan's holds its coded data.

    Raises BadData at the first thing that is wrong; a scan that is cut off is handed out before.
    """
    if not data:
        raise BadData("JPEG", "empty")
    if len(data) > LIMIT:
        raise BadData("JPEG", f"larger than {LIMIT} bytes")
    if not data.startswith(b"\xff\xd8"):
        raise BadData("JPEG", "not a JPEG")
    at, scanned = 2, False
    while True:
        while data[at : at + 2] == b"\xff\xff":
            at += 1
        if at + 2 > len(data):
            raise BadData("JPEG", "cut off: no end marker" if scanned else "cut off in its header")
        if data[at] != 0xFF:
            raise BadData("JPEG", f"broken at byte {at}")
        marker = data[at + 1]
        if marker == EOI:
            if not scanned:
                raise BadData("JPEG", "holds no picture")
            return
        if marker == SOI:
            raise BadData("JPEG", "cut off: another one begins in it")
        end = at + 2
        if marker not in ALONE:
            length = int.from_bytes(data[at + 2 : at + 4], "big")
            end += length
            if end > len(data):
                raise BadData("JPEG", "cut off in its header")
            if length < 2:
                raise BadData("JPEG", f"broken at byte {at}")
        if marker == SOS:
            scanned = True
            following = _MARKER.search(data, end)
            end = following.start() if following else len(data)
        yield marker, at, end
        at = end


def _size(frame: bytes) -> tuple[int, int]:
    height, width = int.from_bytes(frame[5:7], "big"), int.from_bytes(frame[7:9], "big")
    if len(frame) < 13 or not width or not height:
        raise BadData("JPEG", "has no size")
    if width * height > MOST_PIXELS:
        raise BadData("JPEG", f"{width}x{height} pixels: more than {MOST_PIXELS}")
    return width, height


def _plain(frame: bytes) -> float:
    """The bytes of one colour all over: 6 bits a block of luma, 4 of chroma (T.81, annex K.3)."""
    width, height = _size(frame)
    luma, *chroma = ((byte >> 4) * (byte & 15) for byte in frame[11::3])
    return width * height / 512 * (6 * luma + 4 * sum(chroma)) / max(1, luma)


def _without_secrets(marker: int, segment: bytes) -> bytes:
    """`segment` as it is kept: whole, in part, or not at all (b"")."""
    if marker == APP0:
        # The last two bytes are the size of a thumbnail that follows.
        fits = segment[4:9] == b"JFIF\0" and len(segment) >= 18
        return b"\xff\xe0\x00\x10" + segment[4:16] + b"\0\0" if fits else b""
    if marker == APP2:
        return segment if segment[4:16] == b"ICC_PROFILE\0" else b""
    if marker == APP14:
        fits = segment[4:9] == b"Adobe" and len(segment) >= 16
        return b"\xff\xee\x00\x0e" + segment[4:16] if fits else b""
    return b"" if marker == COM or APP0 <= marker <= 0xEF else segment


def _tagged(segment: bytes) -> int | None:
    """The orientation in an EXIF segment; None where it has none that is valid."""
    return exif.orientation(segment[10:]) if segment[4:10] == b"Exif\0\0" else None


def _orientation_segment(orientation: int) -> bytes:
    if orientation == 1:
        return b""
    entry = b"\x01\x12\x00\x03\x00\x00\x00\x01" + orientation.to_bytes(2, "big") + b"\0\0"
    tiff = b"MM\0*\0\0\0\x08\0\x01" + entry + b"\0\0\0\0"
    return b"\xff\xe1" + (2 + 6 + len(tiff)).to_bytes(2, "big") + b"Exif\0\0" + tiff
