"""A judge by its config: presets, methods, thumbnails, regions; one for each camera."""

import dataclasses
import io

import numpy as np
import pytest
from PIL import Image, ImageOps

from camalert.config import Camera, Config, Motion
from camalert.errors import BadConfig, BadData, BadUsage
from camalert.motion.judge import SENSITIVITY, judge, numbers
from camalert.motion.judges import Judges, in_force

PLAIN, PORCH = Motion(), Camera("porch", "pattern")


def picture(left=None, size=(640, 480), shade=20):
    """A JPEG of a wall with a grain, and of a figure at `left` percent that is a tenth of it."""
    grain = np.random.default_rng(1).integers(90, 160, (30, 40), np.uint8)
    image = Image.fromarray(grain).resize(size, Image.Resampling.BICUBIC).convert("RGB")
    if left is not None:
        width, height = size
        box = (left * width // 100, height // 4, (left + 20) * width // 100, height * 3 // 4)
        image.paste((shade, shade, shade), box)
    out = io.BytesIO()
    image.save(out, "JPEG", quality=90)
    return out.getvalue()


STILL, LEFT, RIGHT = picture(), picture(10), picture(70)


def second(motion=PLAIN, camera=None, pair=(STILL, LEFT), **more):
    watcher = judge(motion, camera, **more)
    assert not watcher.update(pair[0]).moved
    return watcher.update(pair[1])


def tagged(data, orientation):
    """The same JPEG, to be shown turned."""
    tag = Image.Exif()
    tag[0x0112] = orientation
    segment = b"Exif\0\0" + tag.tobytes()[6:] if tag.tobytes()[:4] == b"Exif" else tag.tobytes()
    return data[:2] + b"\xff\xe1" + (len(segment) + 2).to_bytes(2, "big") + segment + data[2:]


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("method", ["cells", "area"])
def test_zones_and_boxes_are_where_a_person_sees_them(orientation, method):
    pair = [tagged(data, orientation) for data in (STILL, LEFT)]
    shown = ImageOps.exif_transpose(Image.open(io.BytesIO(pair[1]))).convert("L")
    dark = np.argwhere(np.asarray(shown) < 40)
    (top, left), (bottom, right) = dark.min(0), dark.max(0) + 1
    width, height = shown.size
    there = (100 * left / width, 100 * top / height, 100 * right / width, 100 * bottom / height)
    found = second(Motion(method=method), pair=pair).box
    assert found == pytest.approx(there, abs=5)
    zone = "{:.0f},{:.0f} {:.0f},{:.0f}".format(*there)
    assert second(Motion(method=method), pair=pair, zones=[zone]).moved
    assert not second(Motion(method=method), pair=pair, masks=[widened(there)]).moved


def widened(box):
    left, top, right, bottom = box
    return f"{max(0, left - 6)},{max(0, top - 6)} {min(100, right + 6)},{min(100, bottom + 6)}"


@pytest.mark.parametrize("method", SENSITIVITY)
def test_each_method_sees_a_figure_and_no_difference(method):
    assert second(Motion(method=method)).moved
    assert not second(Motion(method=method), pair=(STILL, STILL)).moved


def test_pixel_and_area_give_the_numbers_of_old():
    black = io.BytesIO()
    Image.new("RGB", (64, 48)).save(black, "JPEG")
    white = io.BytesIO()
    Image.new("RGB", (64, 48), "white").save(white, "JPEG")
    pair = black.getvalue(), white.getvalue()
    assert second(Motion(method="pixel"), pair=pair).distance == 100
    half = Image.new("RGB", (64, 48))
    half.paste("white", (0, 0, 32, 48))
    out = io.BytesIO()
    half.save(out, "JPEG")
    assert second(Motion(method="area"), pair=(pair[0], out.getvalue())).area == 50


def test_each_preset_sees_more_than_the_one_before():
    for method, presets in SENSITIVITY.items():
        assert presets["low"] >= presets["medium"] >= presets["high"], method
    faint = [picture(), picture(40, shade=112)]
    found = [second(Motion(preset=name), pair=faint).score for name in ("low", "medium", "high")]
    assert found[0] < found[2]


def test_a_number_goes_before_the_preset_and_the_cameras_before_the_other():
    assert numbers(Motion()) == SENSITIVITY["cells"]["medium"]
    assert numbers(Motion(preset="low", area=3)) == (3, SENSITIVITY["cells"]["low"][1])
    assert numbers(Motion(preset="low", threshold=9)) == (SENSITIVITY["cells"]["low"][0], 9)
    high = dataclasses.replace(PORCH, preset="high")
    assert numbers(Motion(preset="low"), high) == SENSITIVITY["cells"]["high"]
    assert numbers(Motion(preset="low", area=3), high)[0] == 3


def test_options_go_before_all_of_the_config():
    config = Motion(preset="low", area=3, threshold=9)
    high = dataclasses.replace(PORCH, preset="high")
    assert numbers(*in_force(config, high, {})) == (3, 9)
    assert numbers(*in_force(config, high, {"threshold": 5})) == (3, 5)
    assert numbers(*in_force(config, high, {"preset": "medium"})) == (0.1, 4.5)
    assert numbers(*in_force(config, None, {"method": "area"})) == SENSITIVITY["area"]["low"]
    assert numbers(*in_force(config, high, {"method": "cells"})) == (3, 9)


@pytest.mark.parametrize("method", SENSITIVITY)
def test_regions_of_a_camera(method):
    motion, right = Motion(method=method), ("50,0 100,100",)
    for camera in (
        dataclasses.replace(PORCH, zones=right),
        dataclasses.replace(PORCH, masks=("0,0 50,100",)),
        dataclasses.replace(PORCH, privacy_masks=("0,0 50,100",)),
    ):
        assert not second(motion, camera).moved
        assert second(motion, camera, (STILL, RIGHT)).moved


def test_regions_in_place_of_the_cameras_but_never_of_what_is_private():
    camera = dataclasses.replace(PORCH, zones=("50,0 100,100",), privacy_masks=("0,0 1,1",))
    assert second(camera=camera, zones=("0,0 50,100",)).moved
    private = dataclasses.replace(camera, privacy_masks=("0,0 50,100",))
    assert not second(camera=private, zones=("0,0 60,100",)).moved


def test_regions_that_are_none_or_leave_nothing():
    with pytest.raises(ValueError, match="lies outside"):
        judge(Motion(), masks=["0,0 101,50"])
    with pytest.raises(ValueError, match="leave nothing"):
        judge(Motion(), zones=["0,0 50,50"], masks=["0,0 60,60"])


@pytest.fixture
def elsewhere(thumbnailed):
    """Two pictures in which nothing moves but in their thumbnails."""
    return [thumbnailed(STILL, picture(left, (160, 120))) for left in (None, 70)]


def test_the_thumbnail_is_judged_where_there_is_one(elsewhere):
    assert second(pair=elsewhere).moved
    assert second(Motion(thumbnail="only"), pair=elsewhere).moved
    assert not second(Motion(thumbnail="never"), pair=elsewhere).moved


def test_the_classic_methods_use_it_only_where_it_is_asked_for(elsewhere):
    assert not second(Motion(method="area"), pair=elsewhere).moved
    assert second(Motion(method="area", thumbnail="only"), pair=elsewhere).moved


def test_no_thumbnail_where_it_must_be_is_an_error_that_is_said():
    with pytest.raises(BadData, match="no thumbnail"):
        judge(Motion(thumbnail="only")).update(STILL)


def test_a_thumbnail_that_is_broken(thumbnailed):
    broken = thumbnailed(STILL, picture(size=(160, 120))[:500])
    watcher = judge(Motion())
    watcher.update(broken)
    assert watcher.luma.shape == (60, 80)
    with pytest.raises(BadData):
        judge(Motion(thumbnail="only")).update(broken)


@pytest.mark.parametrize("method", SENSITIVITY)
def test_luma_is_the_last_pictures(method):
    watcher = judge(Motion(method=method))
    assert watcher.luma is None
    watcher.update(picture(shade=0, left=0))
    assert (watcher.luma.shape, watcher.luma.dtype) == ((60, 80), np.uint8)
    assert watcher.luma[30, 5] < 10 < watcher.luma[5, 70]


@pytest.mark.parametrize("method", SENSITIVITY)
def test_what_is_no_whole_jpeg_is_refused_and_not_learnt(method):
    watcher = judge(Motion(method=method))
    watcher.update(STILL)
    for data in (b"", b"hello", LEFT[:5000]):
        with pytest.raises(BadData):
            watcher.update(data)
    assert not watcher.update(STILL).moved
    assert watcher.update(LEFT).moved


def test_a_judge_for_each_camera_anew_when_its_config_changes():
    config = Config(camera=(PORCH,))
    judges = Judges(lambda: config, {"area": None})
    porch = judges.of("porch")
    assert judges.of("porch") is porch
    assert judges.of("yard") is not porch
    config = dataclasses.replace(config, camera=(dataclasses.replace(PORCH, preset="low"),))
    assert judges.of("porch") is not porch


def test_regions_that_leave_nothing_are_said_at_the_start():
    blind = Config(camera=(dataclasses.replace(PORCH, masks=("0,0 100,100",)),))
    with pytest.raises(BadConfig, match=r"camera porch: .* leave nothing"):
        Judges(lambda: blind, {})
    with pytest.raises(BadUsage, match=r"--zone, --mask: .* leave nothing"):
        Judges(Config, {}, masks=["0,0 100,100"])
