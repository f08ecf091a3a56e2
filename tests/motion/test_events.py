"""When movement is one event, with a clock made of numbers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from camalert.motion.events import Events, Limits, Outcome, Started, Stopped
from camalert.motion.verdict import QUIET, Verdict

LIMITS = Limits(minimum=0.5, clear=10, cooldown=5)


def moved(score: float = 2.0) -> Verdict:
    return Verdict(True, score, score / 10, (0, 0, 50, 50))


def play(events: Events, *frames: tuple[float, Verdict]) -> list[tuple[float, Outcome]]:
    """The outcomes of frames, each with its time; frames are called by their time."""
    told = []
    for now, verdict in frames:
        told += [(now, outcome) for outcome in events.frame(verdict, f"{now:g}", now)]
    return told


def test_movement_that_goes_on_is_one_event_with_its_peak() -> None:
    events = Events(LIMITS)
    frames = [(0.0, QUIET), (1.0, moved(2)), (2.0, moved(9)), (3.0, moved(3)), (4.0, QUIET)]
    assert play(events, *frames) == [(2.0, Started(moved(9), "2"))]
    assert play(events, (8.0, moved(4)), (12.0, QUIET), (17.9, QUIET)) == []
    assert play(events, (18.0, QUIET)) == [(18.0, Stopped(7.0, moved(9), "2"))]


def test_the_start_names_the_strongest_frame_so_far_and_the_stop_that_of_all() -> None:
    events = Events(LIMITS)
    assert play(events, (0, moved(5)), (1, moved(3))) == [(1, Started(moved(5), "0"))]
    play(events, (2, moved(8)))
    assert events.end() == [Stopped(2, moved(8), "2")]


@pytest.mark.parametrize("gap", [0.6, 5.0])
def test_a_short_movement_is_no_event(gap: float) -> None:
    events = Events(LIMITS)
    assert play(events, (0, moved()), (gap, QUIET), (gap + 0.4, moved()), (gap + 2, QUIET)) == []
    assert events.deadline() is None and events.end() == []


def test_a_frame_without_movement_does_not_break_what_goes_on() -> None:
    events = Events(LIMITS)
    told = play(events, (0, moved()), (0.2, QUIET), (0.4, moved()), (0.6, moved()))
    assert told == [(0.6, Started(moved(), "0"))]


def test_a_minimum_of_zero_needs_one_frame() -> None:
    assert play(Events(Limits(0, 10, 0)), (7, moved())) == [(7, Started(moved(), "7"))]


def test_in_the_cooldown_nothing_begins_and_what_goes_on_begins_at_its_end() -> None:
    events = Events(LIMITS)
    play(events, (0, moved()), (1, moved()), (11, QUIET))  # over at 11, quiet until 16
    assert play(events, (12, moved()), (13, moved()), (15.9, moved())) == []
    assert play(events, (16, moved())) == [(16, Started(moved(), "12"))]


def test_a_source_that_dies_ends_its_event() -> None:
    events = Events(LIMITS)
    play(events, (0, moved()), (1, moved()))
    assert events.deadline() == 11
    assert events.due(10.9) == []
    assert events.due(11) == [Stopped(1, moved(), "0")]
    assert events.due(12) == [] and events.deadline() is None


def test_a_gap_in_the_frames_parts_two_events() -> None:
    events = Events(Limits(0.5, 10, 0))
    play(events, (0, moved()), (1, moved()))
    assert play(events, (100, moved()), (101, moved())) == [
        (100, Stopped(1, moved(), "0")),
        (101, Started(moved(), "100")),
    ]


def test_frames_further_apart_than_the_clear_time_do_not_belong_together() -> None:
    assert play(Events(LIMITS), (0, moved()), (10, moved()), (20, moved())) == []


def test_the_end_of_the_schedule_ends_the_event_and_nothing_begins_outside_it() -> None:
    events = Events(Limits(0.5, 10, 0))
    play(events, (0, moved()), (1, moved()))
    assert events.frame(moved(), "2", 2, active=False) == [Stopped(1, moved(), "0")]
    assert events.frame(moved(), "3", 3, active=False) == []
    assert events.frame(moved(), "40", 40, active=True) == []
    assert events.frame(moved(), "41", 41, active=True) == [Started(moved(), "40")]


def test_a_clock_that_begins_anew_ends_the_event() -> None:
    events = Events(LIMITS)
    play(events, (1000, moved()), (1001, moved()))
    assert play(events, (5, moved()), (6, moved())) == [
        (5, Stopped(1, moved(), "1000")),
        (6, Started(moved(), "5")),
    ]


FRAME = st.tuples(
    st.floats(0, 15), st.booleans(), st.floats(1, 9), st.sampled_from([True] * 5 + [False])
)


@given(st.lists(FRAME, max_size=80), st.floats(0, 3), st.floats(0.1, 12), st.floats(0, 20))
def test_events_begin_and_end_in_turn(
    story: list[tuple[float, bool, float, bool]], minimum: float, clear: float, cooldown: float
) -> None:
    events, now, told = Events(Limits(minimum, clear, cooldown)), 0.0, list[tuple[float, Outcome]]()
    for pause, moves, score, active in story:
        now += pause
        verdict = moved(score) if moves else QUIET
        told += [(now, outcome) for outcome in events.frame(verdict, f"{now}", now, active)]
    told += [(now, outcome) for outcome in events.end()]
    kinds = [type(outcome) for _, outcome in told]
    assert kinds == [Started, Stopped] * (len(kinds) // 2)
    ended = float("-inf")
    for (begun, start), (over, stop) in zip(told[::2], told[1::2], strict=True):
        assert isinstance(stop, Stopped)
        assert stop.duration >= minimum - 1e-9
        assert stop.peak.score >= start.peak.score >= 1
        assert begun >= ended
        ended = over
