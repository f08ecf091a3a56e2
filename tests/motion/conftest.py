"""What this room's tests share: EXIF with a thumbnail, as cameras write it."""

from collections.abc import Callable

import pytest


@pytest.fixture
def thumbnailed() -> Callable[..., bytes]:
    """A function that puts the JPEG `small` into the EXIF of another one."""

    def put(data, small, order="little", **otherwise):
        return data[:2] + _segment(small, order, **otherwise) + data[2:]

    return put


def _segment(small, order="little", *, offset=None, length=None, second=True):
    """The EXIF segment of a JPEG with the thumbnail `small`."""
    mark = {"little": b"II*\0", "big": b"MM\0*"}[order]

    def number(value, size):
        return value.to_bytes(size, order)

    def entry(tag, value):
        return number(tag, 2) + number(4, 2) + number(1, 4) + number(value, 4)

    first = number(1, 2) + entry(0x0112, 1) + number(26 if second else 0, 4)
    begin = 26 + 2 + 3 * 12 + 4
    places = entry(0x0201, begin if offset is None else offset)
    places += entry(0x0202, len(small) if length is None else length)
    directory = number(3, 2) + entry(0x0103, 6) + places + number(0, 4)
    tiff = mark + number(8, 4) + first + directory + small
    return b"\xff\xe1" + (len(tiff) + 8).to_bytes(2, "big") + b"Exif\0\0" + tiff
