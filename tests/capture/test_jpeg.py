"""capture/jpeg.py: whole or not, what is stripped, and streams cut into pictures."""

import contextlib
import io
import random

import pytest
from PIL import Image, ImageOps

from camalert.capture import jpeg
from camalert.errors import BadData


def photo(size=(64, 48), **how):
    """A picture with detail everywhere, so that none of it looks flat."""
    noise = random.Random(str(size)).randbytes(size[0] * size[1] * 3)
    out = io.BytesIO()
    Image.frombytes("RGB", size, noise).save(out, "JPEG", **how)
    return out.getvalue()


def exif(orientation=1):
    tags = Image.Exif()
    tags[0x0112] = orientation
    tags[0x010F] = "SecretMaker"
    tags.get_ifd(0x8825)[1] = "N"
    tags.get_ifd(0x8825)[2] = (52.0, 31.0, 12.0)
    return tags


def segment(marker, payload):
    return bytes([0xFF, marker]) + (len(payload) + 2).to_bytes(2, "big") + payload


def with_segments(data, *segments):
    return data[:2] + b"".join(segments) + data[2:]


@pytest.mark.parametrize(
    "how", [{}, {"progressive": True}, {"restart_marker_blocks": 2}, {"subsampling": 0}]
)
def test_a_whole_picture_has_its_size(how):
    assert jpeg.inspect(photo((70, 50), **how)) == (70, 50)


def test_a_gray_picture_and_fill_bytes_are_whole():
    out = io.BytesIO()
    Image.new("L", (9, 7)).save(out, "JPEG")
    data = out.getvalue()
    assert jpeg.inspect(data) == (9, 7)
    assert jpeg.inspect(data[:2] + b"\xff\xff" + data[2:]) == (9, 7)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda data: b"", "empty"),
        (lambda data: b"<html>", "not a JPEG"),
        (lambda data: b"\xff\xd8", "cut off in its header"),
        (lambda data: data[:30], "cut off in its header"),
        (lambda data: data[: len(data) // 2], "no end marker"),
        (lambda data: data[:-2], "no end marker"),
        (lambda data: data[:-1], "no end marker"),
        (lambda data: data[: len(data) // 2] + data, "another one begins"),
        (lambda data: data[:2] + b"\0" + data[2:], "broken at byte 2"),
        (lambda data: data[:2] + b"\xff\xe5\0\0" + data[2:], "broken at byte 2"),
        (lambda data: b"\xff\xd8\xff\xd9", "holds no picture"),
        (lambda data: b"\xff\xd8" + segment(0xDA, b"x") + b"\xff\xd9", "holds no picture"),
        (lambda data: b"\xff" * 9, "not a JPEG"),
        (lambda data: data + bytes(jpeg.LIMIT), "larger than"),
    ],
)
def test_what_is_wrong_is_said(change, reason):
    with pytest.raises(BadData, match=reason):
        jpeg.inspect(change(photo()))


@pytest.mark.parametrize(("size", "reason"), [(0, "has no size"), (0xFFFF, "more than")])
def test_a_size_that_cannot_be_is_refused(size, reason):
    data = bytearray(photo())
    at = data.index(b"\xff\xc0")
    data[at + 5 : at + 9] = size.to_bytes(2, "big") * 2
    for check in (jpeg.inspect, jpeg.clean):
        with pytest.raises(BadData, match=reason):
            check(bytes(data))


def test_all_that_tells_of_place_and_owner_is_stripped():
    thumbnail = photo((16, 16))
    data = with_segments(
        photo(exif=exif(), comment=b"secret comment", icc_profile=b"colours"),
        segment(0xE0, b"JFXX\0\x10" + thumbnail),
        segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0<secret/>"),
        segment(0xE2, b"FPXR\0secret"),
        segment(0xED, b"Photoshop 3.0\0secret"),
        segment(0xEE, b"Adobe\0\x64\0\0\0\0\x01secret"),
        segment(0xEE, b"secret"),
    )
    picture = jpeg.clean(data + b"secret after the end" + thumbnail)
    assert picture.damaged is None
    assert b"ecret" not in picture.data
    assert thumbnail not in picture.data
    assert b"Exif" not in picture.data
    with Image.open(io.BytesIO(data)) as before, Image.open(io.BytesIO(picture.data)) as after:
        assert after.info["icc_profile"] == b"colours"
        assert after.info["adobe_transform"] == 1
        assert not after.getexif()
        assert before.tobytes() == after.tobytes()


def test_a_thumbnail_inside_jfif_is_stripped():
    data = photo()
    jfif = b"JFIF\0\x01\x02\x01\0\x48\0\x48\x02\x01secret"
    data = b"\xff\xd8" + segment(0xE0, jfif) + data[20:]
    cleaned = jpeg.clean(data).data
    assert b"secret" not in cleaned
    assert cleaned[2:20] == segment(0xE0, jfif[:12] + b"\0\0")
    assert jpeg.clean(cleaned).data == cleaned


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("turn", [0, 90, 180, 270])
def test_only_the_orientation_is_kept_and_the_picture_stays_upright(orientation, turn):
    data = photo((24, 16), exif=exif(orientation))
    cleaned = jpeg.clean(data, turn).data
    with Image.open(io.BytesIO(data)) as before, Image.open(io.BytesIO(cleaned)) as after:
        assert set(after.getexif()) <= {0x0112}
        wanted = ImageOps.exif_transpose(before).rotate(-turn, expand=True)
        assert ImageOps.exif_transpose(after).tobytes() == wanted.tobytes()
    assert (b"Exif" in cleaned) == (jpeg.turned(orientation, turn) != 1)


def test_orientation_is_read_in_both_byte_orders_and_nonsense_is_upright():
    little = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0"
    for tiff, kept in [
        (little, True),
        (little.replace(b"\x06\0\0\0\0", b"\x63\0\0\0\0"), False),
        (little[:9], False),
        (b"II*\0\xff\xff\xff\xff", False),
        (b"XX", False),
    ]:
        data = with_segments(photo(), segment(0xE1, b"Exif\0\0" + tiff))
        assert (b"Exif" in jpeg.clean(data).data) is kept


def test_a_cut_picture_is_cleaned_and_labelled():
    data = photo(exif=exif(), comment=b"secret")
    picture = jpeg.clean(data[: len(data) * 3 // 4])
    assert picture.damaged == "cut off: no end marker"
    assert b"ecret" not in picture.data
    assert (picture.width, picture.height) == (64, 48)
    with pytest.raises(BadData, match="no end marker"):
        jpeg.inspect(picture.data)
    with pytest.raises(BadData, match="in its header"):
        jpeg.clean(data[:100])
    with pytest.raises(BadData, match="no picture"):
        jpeg.clean(b"\xff\xd8" + segment(0xDA, b"x") + b"\xff\xd9")


@pytest.mark.parametrize("mode", ["RGB", "L"])
@pytest.mark.parametrize("subsampling", [0, 1, 2])
def test_a_black_picture_is_labelled(mode, subsampling):
    out = io.BytesIO()
    Image.new(mode, (640, 480)).save(out, "JPEG", quality=85, subsampling=subsampling)
    assert jpeg.clean(out.getvalue()).damaged == "black, or all of one colour"
    assert jpeg.clean(photo((640, 480), quality=5)).damaged is None


def test_damage_of_any_kind_never_raises_anything_else():
    random_ = random.Random(7)
    data = photo(exif=exif(6), icc_profile=b"colours", comment=b"x")
    for _ in range(3000):
        broken = bytearray(data[: random_.randrange(len(data) + 1)])
        for _ in range(random_.randrange(6)):
            if broken:
                broken[random_.randrange(len(broken))] = random_.choice((0, 255, 0xD9, 0xD8, 0xC0))
        for check in (jpeg.inspect, jpeg.clean, lambda whole: list(jpeg.frames([whole]))):
            with contextlib.suppress(BadData):
                check(bytes(broken))


@pytest.mark.parametrize("step", [1, 7, 100, 10**6])
def test_a_stream_is_cut_into_its_pictures(step):
    first = photo(exif=exif(), restart_marker_blocks=1)
    second = with_segments(photo((32, 32)), segment(0xE1, photo((16, 16))))
    stream = b"--x\r\nContent-Type: image/jpeg\r\n\r\n\xff".join([b"\xff", first, second, first])
    chunks = [stream[at : at + step] for at in range(0, len(stream), step)]
    assert list(jpeg.frames(chunks)) == [first, second, first]


@pytest.mark.parametrize("step", [1, 1000])
def test_a_cut_picture_in_a_stream_is_handed_out_and_the_next_one_too(step):
    data = photo()
    stream = data[: len(data) // 2] + data + data[:-1]
    chunks = [stream[at : at + step] for at in range(0, len(stream), step)]
    assert list(jpeg.frames(chunks)) == [data[: len(data) // 2], data, data[:-1]]


def test_a_stream_without_pictures_gives_none_and_an_endless_one_is_refused():
    assert list(jpeg.frames([b"no pictures", b"\xff", b""])) == []
    endless = [photo()[:-2], *[bytes(1000)] * 100]
    with pytest.raises(BadData, match="more than 50000 bytes"):
        list(jpeg.frames(endless, 50_000))
    with pytest.raises(BadData, match="more than 100 bytes"):
        list(jpeg.frames([photo()], 100))


@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_a_usb_cameras_picture_without_tables_gets_the_usual_ones(mode):
    out = io.BytesIO()
    Image.open(io.BytesIO(photo())).convert(mode).save(out, "JPEG")
    bare = out.getvalue()
    while (at := bare.find(b"\xff\xc4")) > 0:
        bare = bare[:at] + bare[at + 2 + int.from_bytes(bare[at + 2 : at + 4], "big") :]
    cleaned = jpeg.clean(bare).data
    assert cleaned.count(b"\xff\xc4") == 1 and b"\xff\xc4" not in bare
    with Image.open(io.BytesIO(cleaned)) as got, Image.open(out) as expected:
        assert got.tobytes() == expected.tobytes()
    assert jpeg.clean(out.getvalue()).data == out.getvalue()


def test_what_is_not_whole_says_so():
    assert jpeg.clean(photo()).whole
    assert jpeg.clean(photo()[:-100]).whole is False
    black = io.BytesIO()
    Image.new("L", (640, 480)).save(black, "JPEG")
    picture = jpeg.clean(black.getvalue())
    assert picture.whole and picture.damaged
