"""capture/pixels.py: a pattern for each second, masks that hide, and how light it is."""

import io
from datetime import UTC, datetime, timedelta

import pytest
from PIL import Image, ImageChops, ImageDraw

from camalert import regions
from camalert.capture import jpeg
from camalert.capture.pixels import burn, draw, light
from camalert.errors import BadData

NOON = datetime(2027, 1, 2, 12, tzinfo=UTC)


def test_it_is_whole_and_deterministic():
    first = draw("porch", NOON, (640, 480))
    assert jpeg.inspect(first) == (640, 480)
    assert jpeg.clean(first).damaged is None
    assert draw("porch", NOON, (640, 480)) == first
    assert draw("yard", NOON, (640, 480)) != first
    assert len(draw("porch", NOON, (640, 480), quality=20)) < len(first)


@pytest.mark.parametrize("later", range(0, 60, 7))
def test_the_disc_has_moved_a_second_later(later):
    before, after = (
        Image.open(io.BytesIO(draw("porch", NOON + timedelta(seconds=later + n), (320, 240))))
        for n in (0, 1)
    )
    changed = ImageChops.difference(before, after).convert("L").point(lambda v: 255 * (v > 60))
    # Without the line of text at the bottom.
    area = changed.crop((0, 0, 320, 200)).histogram()[255] / (320 * 240)
    assert area > 0.01


@pytest.mark.parametrize("size", [(16, 16), (9000, 16), (16, 1000)])
def test_any_size_that_config_allows_works(size):
    assert jpeg.inspect(draw("a camera with a very long name!!", NOON, size)) == size


# Privacy masks


def noise(size: tuple[int, int], mode: str = "RGB", **how) -> bytes:
    out = io.BytesIO()
    Image.effect_noise(size, 80).point(lambda v: max(v, 140)).convert(mode).save(out, "JPEG", **how)
    return out.getvalue()


def darkest_and_lightest(data: bytes, box: tuple[int, int, int, int]) -> tuple[int, int]:
    with Image.open(io.BytesIO(data)) as image:
        return image.convert("L").crop(box).getextrema()


@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
@pytest.mark.parametrize("how", [{}, {"progressive": True}])
def test_a_mask_is_black_and_the_rest_is_as_it_was(mode, how):
    data = noise((200, 100), mode, **how)
    burnt = burn(data, [regions.parse("0,0 25,50")], 95)
    assert jpeg.inspect(burnt) == (200, 100)
    assert darkest_and_lightest(burnt, (0, 0, 50, 50))[1] <= 16
    assert darkest_and_lightest(burnt, (64, 64, 200, 100))[0] >= 60


def test_a_polygon_masks_what_is_in_it():
    burnt = burn(noise((200, 200)), [regions.parse("0,0 100,0 0,100")], 95)
    assert darkest_and_lightest(burnt, (0, 0, 90, 90))[1] <= 16
    assert darkest_and_lightest(burnt, (110, 110, 200, 200))[0] >= 60


def test_masks_reach_the_edges_and_there_may_be_many():
    masks = [regions.parse(text) for text in ("90,90 100,100", "0,0 1,100", "0,99 100,100")]
    burnt = burn(noise((160, 120)), masks, 100)
    for box in [(144, 108, 160, 120), (0, 0, 1, 120), (0, 119, 160, 120)]:
        assert darkest_and_lightest(burnt, box)[1] <= 24


def test_a_mask_is_meant_for_the_picture_as_it_is_seen():
    """Turned by the tag: what is left above upright is elsewhere in the bytes."""
    turned = jpeg.clean(noise((200, 100)), 90).data
    burnt = burn(turned, [regions.parse("0,0 50,50")], 95)
    assert jpeg.inspect(burnt) == (100, 200)
    assert b"Exif" not in burnt
    assert darkest_and_lightest(burnt, (0, 0, 50, 100))[1] <= 16
    assert darkest_and_lightest(burnt, (56, 104, 100, 200))[0] >= 60


def test_nothing_under_the_mask_can_be_told_from_the_bytes():
    """Two pictures that differ only under the mask are the same picture afterwards."""
    plain, secret = Image.new("RGB", (160, 120), "white"), Image.new("RGB", (160, 120), "white")
    ImageDraw.Draw(secret).text((10, 10), "secret", fill="red")
    burnt = []
    for image in (plain, secret):
        out = io.BytesIO()
        image.save(out, "JPEG", quality=100, subsampling=0)
        burnt.append(burn(out.getvalue(), [regions.parse("0,0 50,50")], 85))
    assert burnt[0] == burnt[1]


def test_what_cannot_be_decoded_is_refused():
    data = noise((200, 100))
    tables = data.index(b"\xff\xc4") + 5
    for bad in (data[:-1000], b"", data[:tables] + bytes([255] * 16) + data[tables + 16 :]):
        with pytest.raises(BadData):
            burn(bad, [regions.parse("0,0 50,50")], 85)


def test_the_quality_is_the_cameras():
    data, masks = noise((200, 100)), [regions.parse("0,0 10,10")]
    assert len(burn(data, masks, 30)) < len(burn(data, masks, 90)) / 2


# Light


@pytest.mark.parametrize("luma", [0, 17, 128, 250])
@pytest.mark.parametrize("size", [(640, 480), (8, 4)])
def test_light_is_the_mean_luma(luma, size):
    out = io.BytesIO()
    Image.new("RGB", size, (luma, luma, luma)).save(out, "JPEG")
    assert light(out.getvalue()) == pytest.approx(luma, abs=2)


def test_light_of_half_a_picture():
    image = Image.new("L", (640, 480))
    image.paste(200, (0, 0, 320, 480))
    out = io.BytesIO()
    image.save(out, "JPEG")
    assert light(out.getvalue()) == pytest.approx(100, abs=3)
    with pytest.raises(BadData):
        light(b"\xff\xd8\xff\xd9")
