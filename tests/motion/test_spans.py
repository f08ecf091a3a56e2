"""motion/spans.py: the events in footage, by the numbers of its pictures."""

import pytest

from camalert.motion.events import Limits
from camalert.motion.spans import Span, spans
from camalert.motion.verdict import QUIET, Verdict


def found(text, rate=1.0, minimum=0.0, clear=1.5, cooldown=0.0):
    """A verdict a character: `.` is quiet, a digit is movement with that score."""
    verdicts = [QUIET if char == "." else Verdict(True, float(char)) for char in text]
    return spans(verdicts, rate, Limits(minimum, clear, cooldown))


def test_an_event_has_its_first_its_last_and_its_strongest_picture():
    assert found("..131...2.") == [Span(2, 4, 3), Span(8, 8, 8)]
    assert found(".....") == found("") == []


def test_an_event_may_go_on_to_the_last_picture():
    assert found("...12") == [Span(3, 4, 4)]


@pytest.mark.parametrize(("clear", "count"), [(2.5, 2), (3.5, 1)])
def test_an_event_goes_on_until_the_clear_time_is_over(clear, count):
    assert len(found(".1..1.....", clear=clear)) == count


def test_times_are_by_the_rate():
    assert len(found("1....1....", rate=5, clear=0.9)) == 2
    assert len(found("1....1....", rate=5, clear=1.1)) == 1
    assert found("11111.", rate=4, minimum=1.0) == [Span(0, 4, 0)]
    assert found("1111..", rate=4, minimum=1.0) == []


def test_after_an_event_there_is_none_for_the_cooldown():
    assert found("1...1...1...1", clear=1.5) == [Span(n, n, n) for n in (0, 4, 8, 12)]
    assert found("1...1...1...1", clear=1.5, cooldown=5) == [Span(0, 0, 0), Span(8, 8, 8)]
