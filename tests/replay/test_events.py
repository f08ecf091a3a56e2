"""replay/events.py: when pictures that moved are one alarm, and which of two settings saw it."""

from typing import NamedTuple

import pytest

from camalert.replay.events import Event, Row, events, side_by_side, telling


class Found(NamedTuple):
    moved: bool
    score: float = 0.0
    area: float = 0.0
    box: tuple[float, float, float, float] | None = None


def found(text):
    """A verdict a character: `.` is quiet, a digit is movement with that score."""
    return [Found(char != ".", float(char.replace(".", "0"))) for char in text]


def found_events(text, rate=1.0, minimum=0.0, clear=0.0):
    return events(found(text), rate, minimum, clear)


def test_pictures_one_after_the_other_are_one_alarm_with_its_strongest():
    assert found_events("..131..2.") == [Event(2, 4, 3), Event(7, 7, 7)]
    assert found_events(".....") == found_events("") == []


@pytest.mark.parametrize(("clear", "count"), [(0, 2), (2.9, 2), (3, 1)])
def test_an_alarm_goes_on_until_the_clear_time_is_over(clear, count):
    assert len(found_events(".1..1.", clear=clear)) == count


def test_times_are_by_the_rate():
    assert len(found_events("1....1", rate=5, clear=0.9)) == 2
    assert len(found_events("1....1", rate=5, clear=1.0)) == 1
    assert found_events("11111.", rate=4, minimum=1.0) == [Event(0, 4, 0)]
    assert found_events("1111..", rate=4, minimum=1.0) == []


def test_alarms_that_overlap_stand_in_one_row():
    old = [Event(0, 10, 3), Event(20, 30, 25), Event(50, 51, 50)]
    new = [Event(2, 4, 3), Event(8, 12, 9), Event(31, 33, 32), Event(50, 51, 50)]
    assert side_by_side(old, new) == [
        Row(0, 12, (old[0],), (new[0], new[1])),
        Row(20, 30, (old[1],), ()),
        Row(31, 33, (), (new[2],)),
        Row(50, 51, (old[2],), (new[3],)),
    ]
    assert side_by_side([], []) == []


def pictures(before, after, most=99):
    old, new = found(before), found(after)
    rows = side_by_side(events(old, 1, 0, 0), events(new, 1, 0, 0))
    return telling(old, new, rows, most)


def test_the_sheet_shows_peaks_and_where_the_two_disagree():
    assert pictures("..12321..", "..12321..") == [4]
    assert pictures("..12321..", "...232...") == [2, 4, 6]  # the edges, and the common peak
    assert pictures("..4......", ".....454.") == [2, 6]
    assert pictures(".........", ".........") == []
    assert pictures("3344.....", "....2299.") == [2, 6]


def test_of_too_many_evenly_many_are_shown():
    shown = pictures("1." * 100, "." * 200, most=20)
    assert len(shown) == 20
    assert shown == sorted(set(shown))
    assert shown[0] == 0 and shown[-1] >= 180
