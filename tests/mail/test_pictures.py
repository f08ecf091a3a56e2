import io
import os

import pytest
from PIL import Image

from camalert.errors import BadData
from camalert.mail import pictures


def jpeg(width=640, height=480, color=None, quality=90):
    if color:
        image = Image.new("RGB", (width, height), color)
    else:
        image = Image.frombytes("RGB", (width, height), os.urandom(width * height * 3))
    stream = io.BytesIO()
    image.save(stream, "JPEG", quality=quality)
    return stream.getvalue()


def opened(data):
    return Image.open(io.BytesIO(data))


@pytest.mark.parametrize("size", [(1280, 720), (720, 1280), (64, 48)])
def test_a_preview_is_small_whatever_the_picture(size):
    small = pictures.preview(jpeg(*size))
    assert len(small) <= 20_000
    assert max(opened(small).size) <= 320
    assert opened(small).format == "JPEG"


def test_a_preview_of_a_picture_that_breaks_off_shows_what_there_is():
    whole = jpeg(color="red")
    small = opened(pictures.preview(whole[: len(whole) // 2]))
    assert small.size == (320, 240)


def test_a_preview_is_upright():
    turned, stream = Image.Exif(), io.BytesIO()
    turned[0x0112] = 6
    Image.new("RGB", (640, 480), "red").save(stream, "JPEG", exif=turned)
    assert opened(pictures.preview(stream.getvalue())).size == (240, 320)


def test_noise_is_pressed_harder(monkeypatch):
    monkeypatch.setattr(pictures, "PREVIEW", (320, 1))
    assert pictures.preview(jpeg())


@pytest.mark.parametrize("data", [b"", b"no picture", b"\xff\xd8\xff\xe0"])
def test_no_picture_no_preview(data):
    with pytest.raises(BadData, match="cannot be read"):
        pictures.preview(data)


def test_only_jpeg_is_opened():
    stream = io.BytesIO()
    Image.new("RGB", (10, 10)).save(stream, "PNG")
    with pytest.raises(BadData):
        pictures.preview(stream.getvalue())


def test_a_picture_with_too_many_pixels_is_refused(monkeypatch):
    monkeypatch.setattr(pictures, "PIXELS", 100)
    with pytest.raises(BadData, match="too many"):
        pictures.preview(jpeg())


def test_one_picture_is_left_as_it_is():
    data = jpeg()
    assert pictures.tile([("porch", data)]) is data


@pytest.mark.parametrize(("count", "columns"), [(2, 2), (4, 2), (5, 3), (9, 3)])
def test_pictures_are_tiled_side_by_side(count, columns):
    colors = ["red", "green", "blue"]
    data = [(f"camera-{n}", jpeg(1280, 720, colors[n % 3])) for n in range(count)]
    tiled = opened(pictures.tile(data))
    width = 1280 // columns
    height = width * 720 // 1280
    assert tiled.width == columns * width
    assert tiled.height == pytest.approx(-(-count // columns) * height, abs=columns)
    for n in range(count):
        x, y = (n % columns + 0.5) * width, (n // columns + 0.75) * height
        pixel = tiled.getpixel((int(x), int(y)))
        wanted = Image.new("RGB", (1, 1), colors[n % 3]).getpixel((0, 0))
        assert all(abs(a - b) < 20 for a, b in zip(pixel, wanted, strict=True))


def test_every_name_is_written_on_its_picture():
    blank = [("porch", jpeg(640, 480, "black")), ("hall", jpeg(640, 480, "black"))]
    tiled = opened(pictures.tile(blank)).convert("L")
    for n in range(2):
        corner = tiled.crop((n * 640, 0, n * 640 + 200, 40))
        assert corner.getextrema()[1] > 200
        assert tiled.crop((n * 640, 60, n * 640 + 640, 480)).getextrema()[1] < 20


def test_a_picture_that_cannot_be_read_is_a_field_that_says_so():
    tiled = opened(pictures.tile([("porch", b"?"), ("Tür", jpeg(640, 480, "blue"))]))
    red, green, blue = tiled.getpixel((320, 300))
    assert abs(red - blue) < 10 and abs(red - green) < 10
    assert tiled.size == (1280, 480)
