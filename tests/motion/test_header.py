"""What stands before a JPEG's picture: size, kind, and the thumbnail in its EXIF."""

import io
import random

import pytest
from PIL import Image

from camalert.motion import header


def jpeg(size=(64, 48), mode="RGB", **how):
    out = io.BytesIO()
    noise = Image.frombytes("RGB", (64, 48), random.Random(3).randbytes(64 * 48 * 3))
    noise.resize(size).convert(mode).save(out, "JPEG", **how)
    return out.getvalue()


SMALL, LARGE = jpeg((160, 120)), jpeg((640, 480))


@pytest.mark.parametrize("mode", ["RGB", "L"])
@pytest.mark.parametrize("size", [(1, 1), (640, 480), (321, 7)])
def test_the_size_of_a_plain_jpeg(mode, size):
    data = jpeg(size, mode)
    assert header.read(data) == (*size, (0, 0))
    assert header.size(data) == size


@pytest.mark.parametrize(
    "data",
    [
        jpeg(progressive=True),
        jpeg(mode="CMYK"),
        LARGE[:2] + b"\0" + LARGE[2:],
        LARGE[:100],
        LARGE[:3],
        b"",
        b"hello",
        LARGE[:2] + b"\xff\xc0\0\1" + LARGE[2:],
        LARGE[:2] + b"\xff\xe0\0\1" + LARGE[2:],
        LARGE.replace(b"\xff\xc0\0\x11\x08", b"\xff\xc0\0\x11\x0c"),
    ],
)
def test_what_is_not_plain(data):
    assert header.read(data) is None


def test_two_frames_are_not_plain():
    start = LARGE.index(b"\xff\xc0")
    frame = LARGE[start : start + 19]
    assert header.read(LARGE[:start] + frame + LARGE[start:]) is None


def test_the_size_of_other_kinds_and_of_none():
    assert header.size(jpeg((70, 50), progressive=True)) == (70, 50)
    for data in (b"", b"\xff", b"hello", LARGE[:20], b"\xff\xd8" + b"\xff\xe0\0\0" * 9):
        assert header.size(data) == (0, 0)


def test_the_orientation():
    image = Image.new("RGB", (64, 48), "gray")
    for orientation in range(9):
        tag = Image.Exif()
        tag[0x0112] = orientation
        out = io.BytesIO()
        image.save(out, "JPEG", exif=tag)
        assert header.orientation(out.getvalue()) == (orientation or 1)
    for data in (b"", LARGE, out.getvalue()[:24], out.getvalue().replace(b"\xff\xe1", b"\xff\xe2")):
        assert header.orientation(data) == 1


@pytest.mark.parametrize("order", ["little", "big"])
def test_the_thumbnail(thumbnailed, order):
    assert header.thumbnail(thumbnailed(LARGE, SMALL, order)) == SMALL


@pytest.mark.parametrize(
    "otherwise", [{"second": False}, {"offset": 0}, {"offset": 10**9}, {"length": 0}]
)
def test_a_thumbnail_that_is_not_where_it_should_be(thumbnailed, otherwise):
    assert header.thumbnail(thumbnailed(LARGE, SMALL, **otherwise)) is None


def test_what_holds_no_thumbnail(thumbnailed):
    whole = thumbnailed(LARGE, SMALL)
    for data in (
        LARGE,
        thumbnailed(LARGE, b"no picture"),
        whole.replace(b"II*\0", b"XX*\0"),
        whole.replace(b"Exif", b"Elif"),
        whole[:-2000],
    ):
        assert header.thumbnail(data) is None


def test_whatever_stands_in_exif_is_no_error(thumbnailed):
    rng, whole = random.Random(5), thumbnailed(LARGE, SMALL)
    for _ in range(500):
        data = bytearray(whole)
        for _ in range(rng.randrange(1, 9)):
            data[rng.randrange(2, 100)] = rng.randrange(256)
        header.thumbnail(bytes(data))
        header.read(bytes(data))
        header.size(bytes(data))
