"""JPEG to cells: the size, the truth of the values, and all that is no JPEG."""

import io
import random

import numpy as np
import pytest
from PIL import Image

from camalert.errors import BadData
from camalert.motion import decoding


def jpeg(size, mode="RGB", **how):
    noise = random.Random(str(size)).randbytes(64 * 48 * 3)
    picture = Image.frombytes("RGB", (64, 48), noise).resize(size).convert(mode)
    out = io.BytesIO()
    picture.save(out, "JPEG", **how)
    return out.getvalue()


@pytest.mark.parametrize(
    ("size", "shape"),
    [
        ((640, 480), (60, 80)),
        ((1920, 1080), (45, 80)),
        ((1280, 720), (45, 80)),
        ((800, 600), (75, 100)),
        ((320, 240), (60, 80)),
        ((80, 60), (60, 80)),
        ((40, 30), (30, 40)),
        ((3, 2000), (2000, 3)),
        ((1, 1), (1, 1)),
    ],
)
def test_about_eighty_cells_wide(size, shape):
    luma = decoding.luma(jpeg(size))
    assert (luma.shape, luma.dtype) == (shape, np.uint8)


@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
@pytest.mark.parametrize("how", [{}, {"progressive": True}, {"quality": 20}])
def test_a_cell_is_the_mean_luma_of_its_pixels(mode, how):
    data = jpeg((640, 480), mode, **how)
    whole = np.asarray(Image.open(io.BytesIO(data)).convert("L"), np.float32)
    means = whole.reshape(60, 8, 80, 8).mean((1, 3))
    assert np.abs(decoding.luma(data) - means).mean() < 2


def test_what_is_cut_off_is_refused():
    data = jpeg((640, 480))
    for length in (0, 1, 2, 20, 200, len(data) // 2, len(data) - 200):
        with pytest.raises(BadData):
            decoding.luma(data[:length])


@pytest.mark.parametrize(
    "data", [b"", b"\xff", b"hello", b"\xff\xd8\xff\xd9", b"GIF89a" + bytes(99)]
)
def test_what_is_no_jpeg_is_refused(data):
    with pytest.raises(BadData, match="picture: not a JPEG"):
        decoding.luma(data)


def test_another_format_is_refused_even_if_pillow_knows_it():
    out = io.BytesIO()
    Image.new("RGB", (64, 48)).save(out, "PNG")
    with pytest.raises(BadData, match="not a JPEG"):
        decoding.luma(out.getvalue())


def test_whatever_breaks_in_a_jpeg_is_bad_data_or_a_picture():
    good, rng = jpeg((200, 150)), random.Random(7)
    refused = 0
    for _ in range(400):
        data = bytearray(good)
        for _ in range(rng.randrange(1, 12)):
            data[rng.randrange(2, min(len(data), 700))] = rng.randrange(256)
        try:
            decoding.luma(bytes(data))
        except BadData:
            refused += 1
    assert 0 < refused < 400


def resized(data, width, height):
    """The JPEG with other numbers for its size in the header."""
    frame = max(data.find(b"\xff\xc0"), data.find(b"\xff\xc2"))
    size = height.to_bytes(2, "big") + width.to_bytes(2, "big")
    return data[: frame + 5] + size + data[frame + 9 :]


@pytest.mark.parametrize("how", [{}, {"progressive": True}])
def test_a_small_file_that_claims_to_be_huge_is_refused(how):
    with pytest.raises(BadData, match="65000x65000 pixels"):
        decoding.luma(resized(jpeg((64, 48), **how), 65000, 65000))


def test_a_picture_of_several_scans_is_refused_earlier_as_it_is_held_in_memory_whole():
    large = resized(jpeg((64, 48)), 6000, 6000)
    assert decoding.luma(large).size
    components = large.find(b"\xff\xda") + 4
    for several in (
        resized(jpeg((64, 48), progressive=True), 6000, 6000),
        large[:components] + b"\1" + large[components + 1 :],
    ):
        with pytest.raises(BadData, match="6000x6000 pixels, at most 25000000"):
            decoding.luma(several)


def test_a_picture_of_endless_scans_is_refused():
    data = jpeg((64, 48), progressive=True)
    scan = data[data.rfind(b"\xff\xda") : -2]
    with pytest.raises(BadData, match="more than 100 scans"):
        decoding.luma(data[:-2] + 200 * scan + data[-2:])
