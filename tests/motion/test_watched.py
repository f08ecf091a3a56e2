"""Zones and masks as cells."""

import numpy as np
import pytest

from camalert import regions
from camalert.motion.watched import watched


def drawn(shape, zones=(), masks=()):
    counting = watched(shape, [*map(regions.parse, zones)], [*map(regions.parse, masks)])
    return (
        None if counting is None else ["".join(".#"[int(cell)] for cell in row) for row in counting]
    )


def test_everything_counts_where_nothing_is_said_or_all_of_it():
    assert drawn((3, 4)) is None
    assert drawn((3, 4), ["0,0 100,100"]) is None


@pytest.mark.parametrize(
    ("zones", "masks", "cells"),
    [
        (["0,0 50,50"], [], ["##..", "##..", "....", "...."]),
        (["0,0 25,100", "75,0 100,100"], [], ["#..#"] * 4),
        ([], ["0,0 50,100"], ["..##"] * 4),
        (["0,0 100,50"], ["0,0 50,100"], ["..##", "..##", "....", "...."]),
        ([], ["0,0 100,100"], ["...."] * 4),
    ],
)
def test_cells_whose_middle_is_inside(zones, masks, cells):
    assert drawn((4, 4), zones, masks) == cells


def test_a_polygon_and_one_that_crosses_itself():
    assert drawn((4, 4), ["0,0 90,0 0,90"]) == ["###.", "##..", "#...", "...."]
    assert drawn((5, 4), ["0,0 100,0 0,100 90,100"]) == ["####", ".##.", "....", ".##.", "###."]


@pytest.mark.parametrize("shape", [(60, 80), (45, 80), (7, 9)])
def test_a_polygon_has_as_many_cells_as_its_area(shape):
    zone = ((10.0, 20.0), (90.0, 5.0), (70.0, 95.0), (30.0, 80.0))
    x, y = np.array(zone).T
    area = abs(np.sum(x * np.roll(y, -1) - np.roll(x, -1) * y)) / 2 / 10000
    assert watched(shape, [zone], []).mean() == pytest.approx(area, abs=0.5 / min(shape))


def test_a_zone_smaller_than_a_cell_is_the_cells_of_its_corners():
    assert drawn((4, 4), ["26,26 30,30"]) == ["....", ".#..", "....", "...."]
    assert drawn((4, 4), ["99,99 100,100"])[3] == "...#"
