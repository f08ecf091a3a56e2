"""Debounce, settling and agreement, with the time in the test's hand."""

from hypothesis import given
from hypothesis import strategies as st

from camalert.sensing.coincidence import Change, Coincidence, Debounce, Watch


def test_a_glitch_is_ignored() -> None:
    line = Debounce(0.05, False)
    assert not line.feed(10.0, True)
    assert line.deadline == 10.05
    assert not line.feed(10.02, False)
    assert line.deadline is None
    assert not line.ask(11.0)
    assert not line.active


def test_a_level_that_holds_is_believed() -> None:
    line = Debounce(0.05, False)
    line.feed(10.0, True)
    assert not line.ask(10.04)
    assert line.ask(10.05)
    assert line.active
    assert not line.ask(10.06)


def test_without_debounce_every_edge_counts() -> None:
    line = Debounce(0, False)
    assert line.feed(1.0, True)
    assert line.feed(1.0, False)


def test_edges_fetched_late_count_as_they_were() -> None:
    line = Debounce(0.05, False)
    line.feed(10.0, True)
    assert line.feed(11.0, False)
    assert line.active
    assert line.ask(11.05)
    assert not line.active


steps = st.lists(st.tuples(st.floats(0.001, 0.2), st.booleans()), min_size=1, max_size=60)


@given(steps)
def test_what_is_believed_has_held(steps: list[tuple[float, bool]]) -> None:
    line, now, since, level = Debounce(0.05, False), 0.0, -1.0, False
    for wait, new in steps:
        now += wait
        active = line.active
        changed = line.feed(now, new)
        assert changed == (active != line.active)
        if changed:
            assert now - since >= 0.05 - 1e-9
            assert line.active == level
        if new != level:
            since, level = now, new
    line.ask(now + 0.06)
    assert line.active == level
    assert line.deadline is None


@given(st.floats(0.0001, 0.0499), st.integers(1, 200))
def test_a_storm_is_one_change(period: float, edges: int) -> None:
    line, now, changes = Debounce(0.05, False), 0.0, 0
    for n in range(edges):
        now += period
        changes += line.feed(now, n % 2 == 0)
    changes += line.feed(now, True)
    changes += line.ask(now + 0.06)
    assert changes == 1


def watch(settle: float = 0, **levels: bool) -> Watch:
    return Watch(levels, 0.0, debounce=0.05, settle=settle)


def test_state_at_start_is_told_once() -> None:
    line = watch(a=True, b=False)
    assert line.feed(0.0, "a", True) == [Change("a", True, True)]
    assert line.feed(0.1, "a", True) == []
    assert line.feed(0.1, "b", False) == []


def test_nothing_is_an_event_while_settling() -> None:
    line = watch(30, a=False, b=False)
    assert line.deadline == 30
    for moment, level in ((1.0, True), (2.0, False), (3.0, True), (29.0, False)):
        assert line.feed(moment, "a", level) == []
    assert line.feed(30.0, "a", False) == []
    assert line.begun
    assert line.deadline is None
    assert line.feed(40.0, "a", True) == []
    assert line.feed(40.05, "a", True) == [Change("a", True, False)]


def test_active_at_the_end_of_settling_is_told() -> None:
    line = watch(30, a=True, b=False)
    line.feed(1.0, "a", False)
    line.feed(29.9, "b", True)
    assert line.active("b") is False
    assert line.feed(31.0, "b", True) == [Change("b", True, True)]


def test_an_edge_in_the_last_moment_of_settling_is_an_event_after_it() -> None:
    line = watch(30, a=False)
    line.feed(29.99, "a", True)
    assert line.deadline == 30
    assert line.feed(30.0, "a", True) == []
    assert line.feed(30.04, "a", True) == [Change("a", True, False)]


def test_two_that_are_active_agree() -> None:
    two = Coincidence(2, 5.0)
    assert not two.feed(0, "a", True)
    assert two.deadline is None
    assert two.feed(1, "b", True)
    assert two.agreed
    assert two.sensors == ("a", "b")
    assert not two.ask(1000)


def test_a_vote_outlives_its_pulse_by_the_window() -> None:
    two = Coincidence(2, 5.0)
    two.feed(0, "a", True)
    two.feed(1, "a", False)
    assert two.deadline == 5
    assert two.feed(4.9, "b", True)
    assert two.ask(5.0)
    assert not two.agreed
    assert two.sensors == ("a", "b")


def test_too_far_apart_is_no_agreement() -> None:
    two = Coincidence(2, 5.0)
    two.feed(0, "a", True)
    two.feed(1, "a", False)
    two.ask(5.0)
    assert not two.feed(5.1, "b", True)


def test_without_a_window_only_the_level_votes() -> None:
    two = Coincidence(2, 0)
    two.feed(0, "a", True)
    two.feed(1, "b", True)
    assert two.agreed
    assert two.feed(2, "a", False)
    assert not two.agreed


def test_one_of_one_agrees_with_itself() -> None:
    assert Coincidence(1, 5.0).feed(0, "a", True)


events = st.lists(
    st.tuples(st.floats(0, 3), st.sampled_from("abc"), st.booleans()), min_size=1, max_size=40
)


@given(events, st.integers(1, 3), st.floats(0, 5))
def test_agreed_is_as_many_votes_as_it_takes(
    events: list[tuple[float, str, bool]], count: int, window: float
) -> None:
    votes, now = Coincidence(count, window), 0.0
    rose: dict[str, float] = {}
    active: dict[str, bool] = {}
    for wait, name, level in events:
        now += wait
        votes.ask(now)
        votes.feed(now, name, level)
        active[name] = level
        if level:
            rose[name] = now
        voting = [who for who in rose if active[who] or now < rose[who] + window]
        assert votes.agreed == (len(voting) >= count)
        assert votes.deadline is None or votes.deadline > now or window == 0
        if votes.agreed:
            assert set(votes.sensors) == set(voting)
