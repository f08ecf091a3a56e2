"""Parts of a picture in percent."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from camalert import regions

PERCENT = st.integers(0, 1000).map(lambda tenths: tenths / 10)


def test_two_corners_are_a_box_in_either_order() -> None:
    box = regions.parse("10,20 60,80.5")
    assert box == ((10, 20), (60, 20), (60, 80.5), (10, 80.5))
    assert set(regions.parse("60,80.5 10,20")) == set(box)


def test_more_are_a_polygon_in_order() -> None:
    assert regions.parse(" 0,0  100,0 50,100 ") == ((0, 0), (100, 0), (50, 100))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "no region"),
        ("10,10", "no region"),
        ("1,1 " * 65, "no region"),
        ("10,10 110,50", "'110,50' lies outside the picture"),
        ("-1,10 50,50", "'-1,10' lies outside the picture"),
        ("10;10 50;50", "'10;10' is no corner"),
        ("10,nan 50,50", "'10,nan' is no corner"),
        ("10,10 50", "'50' is no corner"),
        ("10,10 10,90", "without any size"),
        ("10,10 20,20 30,30", "without any size"),
    ],
)
def test_what_is_no_region_is_named(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        regions.parse(text)


@given(st.lists(st.tuples(PERCENT, PERCENT), min_size=3, max_size=8))
def test_a_polygon_keeps_its_corners(corners: list[tuple[float, float]]) -> None:
    text = " ".join(f"{x},{y}" for x, y in corners)
    try:
        assert regions.parse(text) == tuple(corners)
    except ValueError as error:
        assert "without any size" in str(error)
