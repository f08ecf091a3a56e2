"""replay/sheet.py: the contact sheet, looked at by its pixels."""

import io
from typing import NamedTuple

import pytest
from PIL import Image, ImageColor, ImageFont

from camalert.errors import BadData
from camalert.replay import sheet
from camalert.replay.sheet import Outlines, Thumbnail, draw


class Found(NamedTuple):
    moved: bool
    score: float = 0.0
    area: float = 0.0
    box: tuple[float, float, float, float] | None = None


QUIET, MOVED = Found(False), Found(True, 12.3, 1.23, (25, 25, 75, 75))


def picture(size=(640, 480), colour="#204060"):
    out = io.BytesIO()
    Image.new("RGB", size, colour).save(out, "JPEG")
    return out.getvalue()


def thumbnail(before=QUIET, after=QUIET, **more):
    given = {"picture": picture(), "number": 7, "time": "0:07.00", "label": "label: moving"}
    return Thumbnail(**given | more, before=before, after=after)


def drawn(*thumbnails, title=("drive.mp4", "before", "after"), outlines=Outlines()):  # noqa: B008
    image = Image.open(io.BytesIO(draw(title, thumbnails, outlines)))
    assert image.format == "PNG"
    return image


def count(image, colour):
    wanted = ImageColor.getrgb(colour)
    return sum(number for number, pixel in image.getcolors(1 << 24) if pixel == wanted)


def test_boxes_are_drawn_in_the_colour_of_their_side():
    nothing = drawn(thumbnail())
    both, old, new = (
        drawn(thumbnail(*sides)) for sides in ((MOVED, MOVED), (MOVED, QUIET), (QUIET, MOVED))
    )
    around = 2 * (sheet.WIDTH + sheet.WIDTH * 3 // 4)  # twice half the sides, 2 pixels thick
    for colour, with_it, without in (
        (sheet.BEFORE, old, new),
        (sheet.AFTER, new, old),
    ):
        assert count(without, colour) == count(nothing, colour)
        assert count(with_it, colour) - count(nothing, colour) == pytest.approx(around, abs=40)
        assert count(both, colour) - count(nothing, colour) == pytest.approx(around, abs=40)


def test_the_badge_tells_who_alarmed():
    pairs = {(old.moved, new.moved): (old, new) for old in (QUIET, MOVED) for new in (QUIET, MOVED)}
    for moved, sides in pairs.items():
        image = drawn(thumbnail(*sides))
        most = max(sheet.BADGES, key=lambda key: count(image, sheet.BADGES[key][1]))
        assert most == moved


def test_zones_and_masks_are_outlined_and_in_the_legend():
    plain = drawn(thumbnail())
    assert count(plain, sheet.ZONE) == count(plain, sheet.MASK) == 0
    marked = drawn(thumbnail(), outlines=Outlines(("0,0 50,100",), ("60,60 90,60 90,90",)))
    assert count(marked, sheet.ZONE) > 2 * (170 + 250)
    assert count(marked, sheet.MASK) > 2 * (100 + 70)


def test_what_a_privacy_mask_hides_is_not_shown_and_the_legend_says_so():
    secret, room = "#ff0000", "#0000ff"
    scene, out = Image.new("RGB", (640, 480), room), io.BytesIO()
    scene.paste(Image.new("RGB", (320, 240), secret), (160, 120))
    scene.save(out, "JPEG", quality=95)
    told = thumbnail(picture=out.getvalue())

    def reds(image):
        found = image.getcolors(1 << 24)
        return sum(number for number, (red, _, blue) in found if red > 150 and blue < 60)

    open_to_all = drawn(told)
    hidden = drawn(told, outlines=Outlines(privacy_masks=("25,25 75,75",), masks=("30,30 70,70",)))
    assert reds(open_to_all) > 170 * 127 - 800
    assert reds(hidden) == reds(drawn(thumbnail()))
    assert count(hidden, sheet.HIDDEN) > 1000
    legend = (0, 0, hidden.width, 2 * sheet.GAP + 3 * sheet.HEAD + sheet.LINE)
    assert count(hidden.crop(legend), sheet.HIDDEN) == 8 * 8
    assert count(open_to_all.crop(legend), sheet.HIDDEN) == 0


def test_a_picture_is_shown_upright():
    turned, out = Image.Exif(), io.BytesIO()
    turned[0x0112] = 6
    Image.new("RGB", (480, 640), "#204060").save(out, "JPEG", exif=turned)
    assert drawn(thumbnail(picture=out.getvalue())).size == drawn(thumbnail()).size


def test_rows_of_four_and_room_for_tall_pictures():
    one, five = drawn(thumbnail()), drawn(*[thumbnail()] * 5)
    assert five.width == sheet.GAP + 4 * (sheet.WIDTH + sheet.GAP)
    row = sheet.WIDTH * 3 // 4 + sheet.CAPTION + sheet.GAP
    assert five.height - one.height == row
    tall = drawn(thumbnail(picture=picture((40, 400))))
    assert tall.height - one.height == 2 * sheet.WIDTH - sheet.WIDTH * 3 // 4
    assert drawn().height == one.height - row


def test_a_long_title_is_cut_off_not_out_of_the_picture():
    image = drawn(thumbnail(), title=("x" * 500,))
    edge = image.crop((image.width - sheet.GAP, 0, image.width, 60))
    assert edge.getcolors() == [(sheet.GAP * 60, ImageColor.getrgb(sheet.PAPER))]


@pytest.mark.parametrize("data", [b"", b"no JPEG", picture()[:300]])
def test_what_is_no_picture_is_said_with_its_number(data):
    with pytest.raises(BadData, match="picture 7: not a JPEG"):
        drawn(thumbnail(picture=data))


def test_a_picture_that_is_too_large(monkeypatch):
    monkeypatch.setattr(sheet, "MOST_PIXELS", 1000)
    with pytest.raises(BadData, match="picture 7: is too large"):
        drawn(thumbnail())


def test_an_older_pillow_takes_the_font_of_the_system_or_the_small_one(monkeypatch):
    def old_default(*size):
        if size:
            raise TypeError
        return small

    small, asked = ImageFont.load_default(10), []
    monkeypatch.setattr(ImageFont, "load_default", old_default)
    monkeypatch.setattr(ImageFont, "truetype", lambda name, size: asked.append((name, size)) or 1)
    sheet._font.cache_clear()
    assert sheet._font(17) == 1
    assert asked == [("DejaVuSans.ttf", 17)]

    def missing(_name, _size):
        raise OSError

    monkeypatch.setattr(ImageFont, "truetype", missing)
    sheet._font.cache_clear()
    assert sheet._font(17) is small
    sheet._font.cache_clear()
