"""The classic methods: golden pairs of pictures, worked out by hand."""

import numpy as np
import pytest

from camalert.motion.pixels import Pixels

SIZE = (130, 20)  # more than one band of rows


def plain(*rgb):
    return np.full((*SIZE, 3), rgb, np.uint8)


def dotted(colour, rows, columns, on=(0, 0, 0)):
    picture = plain(*on)
    picture[rows, columns] = colour
    return picture


def verdict(before, now, **settings):
    judge = Pixels(**{"area": None, "threshold": 20.0} | settings)
    assert not judge.update(before).moved
    return judge.update(now)


@pytest.mark.parametrize(
    ("before", "now", "percent"),
    [
        ((0, 0, 0), (255, 255, 255), 100),
        ((255, 255, 255), (0, 0, 0), 100),
        ((0, 0, 0), (255, 0, 0), 57.74),  # 100 / sqrt(3)
        ((255, 0, 0), (0, 255, 0), 81.65),  # 100 * sqrt(2 / 3)
        ((100, 100, 100), (151, 151, 151), 20),
        ((10, 20, 30), (13, 24, 30), 1.13),  # 5 / 441.67
        ((9, 9, 9), (9, 9, 9), 0),
    ],
)
def test_the_distance_of_two_colours(before, now, percent):
    one = verdict(plain(*before), dotted(now, 129, 19, on=before))
    assert one.distance == pytest.approx(percent, abs=0.005)
    assert one.moved == (percent >= 20)
    assert one.score == pytest.approx(percent / 20, abs=0.006)


def test_pixel_says_where_and_how_much_reached_the_threshold():
    one = verdict(plain(0, 0, 0), dotted((255, 255, 255), slice(13, 26), slice(5, 10)))
    assert (one.area, one.box) == (100 * 13 * 5 / 2600, (25, 10, 50, 20))
    assert verdict(plain(0, 0, 0), plain(9, 9, 9)).box is None


@pytest.mark.parametrize(("rows", "percent"), [(0, 0), (13, 10), (65, 50), (130, 100)])
def test_area_is_the_percent_of_changed_pixels(rows, percent):
    now = dotted((255, 0, 0), slice(rows), slice(None))
    one = verdict(plain(0, 0, 0), now, area=20.0)
    assert one.area == percent
    assert (one.moved, one.score) == (percent >= 20, percent / 20)


def test_area_counts_pixels_above_the_threshold_and_not_at_it():
    assert verdict(plain(0, 0, 0), plain(51, 51, 51), area=1.0, threshold=20.0).area == 0
    assert verdict(plain(0, 0, 0), plain(52, 52, 52), area=1.0, threshold=20.0).area == 100


def test_the_picture_before_is_what_counts():
    judge = Pixels(None, 20)
    white, black = plain(255, 255, 255), plain(0, 0, 0)
    assert [judge.update(picture).moved for picture in (black, white, white, black)] == [
        False,
        True,
        False,
        True,
    ]


def test_another_size_starts_anew():
    judge = Pixels(None, 20)
    judge.update(plain(0, 0, 0))
    assert not judge.update(plain(255, 255, 255)[:-1]).moved


def test_percent_is_of_what_is_watched():
    upper = ((0.0, 0.0), (100.0, 0.0), (100.0, 50.0), (0.0, 50.0))
    now = dotted((255, 255, 255), slice(13), slice(None))
    one = verdict(plain(0, 0, 0), now, area=1.0, zones=[upper])
    assert (one.area, one.box) == (20, (0, 0, 100, 10))
    assert verdict(plain(0, 0, 0), now, masks=[upper]).distance == 0
