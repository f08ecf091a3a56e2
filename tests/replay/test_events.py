"""replay/events.py: alarms side by side, and the pictures that tell two settings apart."""

import itertools
from typing import NamedTuple

from camalert.replay.events import Event, Row, side_by_side, telling


class Found(NamedTuple):
    moved: bool
    score: float = 0.0
    area: float = 0.0
    box: tuple[float, float, float, float] | None = None


def found(text):
    """A verdict a character: `.` is quiet, a digit is movement with that score."""
    return [Found(char != ".", float(char.replace(".", "0"))) for char in text]


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


def alarms(verdicts):
    """One for each run of movement."""
    found, numbers = [], [n for n, verdict in enumerate(verdicts) if verdict.moved]
    for _, run in itertools.groupby(enumerate(numbers), lambda pair: pair[1] - pair[0]):
        run = [n for _, n in run]
        found.append(Event(run[0], run[-1], max(run, key=lambda n: verdicts[n].score)))
    return found


def pictures(before, after, most=99):
    old, new = found(before), found(after)
    return telling(old, new, side_by_side(alarms(old), alarms(new)), most)


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


def test_of_too_many_the_peaks_are_kept():
    verdicts = found("9" + "." * 6 + "1." * 100 + "8")
    quiet = found("." * len(verdicts))
    peaks = [Row(0, 0, (Event(0, 0, 0),), ()), Row(207, 207, (Event(207, 207, 207),), ())]
    shown = telling(verdicts, quiet, peaks, 10)
    assert len(shown) == 10
    assert {0, 207} <= set(shown)
