"""capture/supervision.py: one word a trouble, tries ever further apart, good only when steady."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from camalert.capture.supervision import (
    GOOD_WHILE,
    LONGEST_DELAY,
    STEADY,
    Good,
    Pace,
    Supervisor,
    Trouble,
)


def running(now: float = 0.0, restart: float = 0.0) -> Supervisor:
    supervisor = Supervisor(15.5, restart, now)
    assert supervisor.start_due(now)
    supervisor.started(now)
    return supervisor


def flow(supervisor: Supervisor, begin: float, end: float, every: float = 0.5) -> list[Good]:
    """Frames from `begin` to `end`; what was said of them."""
    said, now = [], begin
    while now <= end:
        said.append(supervisor.frame(now))
        now += every
    return [good for good in said if good]


def test_it_starts_once():
    supervisor = running()
    assert not supervisor.start_due(100)


def test_without_a_frame_it_is_given_up_after_its_patience():
    supervisor = running()
    assert not supervisor.is_overdue(15.4)
    assert supervisor.due() == 15.5
    assert supervisor.is_overdue(15.5)
    supervisor.frame(15.5)
    assert not supervisor.is_overdue(30.9)
    assert supervisor.is_overdue(31)


def test_a_trouble_is_told_once_and_the_tries_come_ever_further_apart():
    supervisor, now, waits, told = running(), 0.0, [], []
    for _ in range(10):
        told.append(supervisor.failed(now, "gone"))
        assert not supervisor.start_due(now)
        waits.append(supervisor.due() - now)
        now = supervisor.due()
        assert supervisor.start_due(now) and not supervisor.is_overdue(now + 100)
        supervisor.started(now)
    assert told == [Trouble("gone")] + [None] * 9
    assert waits == [1, 2, 4, 8, 16, 32, LONGEST_DELAY, LONGEST_DELAY, LONGEST_DELAY, LONGEST_DELAY]


def test_it_is_good_again_only_when_frames_are_steady():
    supervisor = running()
    supervisor.failed(10, "gone")
    supervisor.started(11)
    assert flow(supervisor, 12, 12 + STEADY - 0.1) == []
    assert supervisor.frame(12 + STEADY) == Good(2)
    assert supervisor.frame(12 + STEADY + 1) is None


def test_a_source_that_flaps_does_not_flood():
    """It gives frames for 10 s each time before it dies."""
    supervisor, now, said = running(), 0.0, 0
    while now < 86400:
        said += len(flow(supervisor, now, now + 10))
        now += 10
        said += supervisor.failed(now, "died") is not None
        now = supervisor.due()
        supervisor.started(now)
    assert said <= 9
    assert supervisor.troubled is not None


def test_a_good_while_makes_the_next_delay_short_again():
    supervisor = running()
    for _ in range(4):
        supervisor.failed(0, "gone")
    supervisor.started(10)
    flow(supervisor, 10, 10 + GOOD_WHILE - 1)
    supervisor.failed(80, "gone")
    assert supervisor.due() == 80 + 16
    supervisor.started(96)
    flow(supervisor, 96, 96 + GOOD_WHILE)
    supervisor.failed(200, "gone")
    assert supervisor.due() == 201


def test_on_schedule_it_is_started_anew_without_a_trouble():
    supervisor = running(restart=3600)
    flow(supervisor, 0, 3599)
    assert not supervisor.restart_due(3599)
    assert supervisor.due() == 3600
    assert supervisor.restart_due(3600)
    supervisor.stopped(3600)
    assert not supervisor.restart_due(3600) and supervisor.start_due(3600)
    supervisor.started(3600)
    assert not supervisor.restart_due(7199)
    assert not running(restart=0).restart_due(10**9)


def test_stopped_for_good_it_waits_and_a_trouble_outlasts_that():
    supervisor = running()
    supervisor.failed(5, "gone")
    supervisor.stopped(6, again=False)
    assert not supervisor.start_due(10**9) and supervisor.due() == float("inf")
    supervisor.stopped(100)
    supervisor.started(100)
    assert flow(supervisor, 101, 107) == [Good(96)]


def test_slow_frames_can_be_steady_too():
    supervisor = Supervisor(25, 0, 0)
    supervisor.started(0)
    supervisor.failed(0, "gone")
    supervisor.started(1)
    assert [supervisor.frame(now) for now in (5, 15)] == [None, Good(5)]


@pytest.mark.parametrize("source", [2, 5, 7.3, 25, 1000])
@pytest.mark.parametrize("rate", [0.1, 1, 2, 30])
def test_the_pace_holds_its_rate_evenly(source, rate):
    pace = Pace(rate)
    times = [n / source for n in range(int(source * 60) + 1)]
    taken = [now for now in times if pace.wants(now)]
    gaps = [later - now for now, later in itertools.pairwise(taken)]
    assert len(taken) <= rate * 60 + 1
    assert len(taken) >= min(rate, source) * 60 * 0.85
    assert min(gaps, default=1 / rate) >= 0.4 / rate


@given(st.lists(st.floats(0, 5), min_size=1, max_size=200))
def test_no_source_gets_more_than_the_rate_through(gaps):
    pace, now, taken = Pace(2), 0.0, []
    for gap in gaps:
        now += gap
        if pace.wants(now):
            taken.append(now)
    for first in taken:
        assert sum(first <= moment <= first + 10 for moment in taken) <= 22


def test_who_draws_frames_knows_how_long_to_wait():
    pace = Pace(4)
    assert pace.wait(10) == 0
    assert pace.wants(10)
    assert pace.wait(10.05) == pytest.approx(0.2)
    assert pace.wait(11) == 0
