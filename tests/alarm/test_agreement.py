"""When a sensor and a camera confirm each other."""

from hypothesis import given
from hypothesis import strategies as st

from camalert.alarm.agreement import LOST, Agreement, Kind

SENSOR, CAMERA = Kind.SENSOR, Kind.CAMERA


def test_both_kinds_within_the_window_agree_at_the_raise() -> None:
    for seen, alarm in ((SENSOR, CAMERA), (CAMERA, SENSOR)):
        for later, agreed in ((30, True), (30.1, False)):
            agreement = Agreement(30)
            agreement.begins("first", seen, 0)
            agreement.ends("first", 0)
            agreement.begins("second", alarm, later)
            assert agreement.alarm(alarm, later) is agreed


def test_two_of_a_kind_confirm_nothing() -> None:
    agreement = Agreement(30)
    agreement.begins("porch", CAMERA, 0)
    assert agreement.alarm(CAMERA, 0) is False
    assert agreement.begins("yard", CAMERA, 1) is False


def test_what_still_sees_agrees_however_long_ago_it_began() -> None:
    agreement = Agreement(30)
    agreement.begins("porch", CAMERA, 0)
    assert agreement.alarm(SENSOR, 600)
    agreement.ends("porch", 700)
    assert agreement.alarm(SENSOR, 730)
    assert not agreement.alarm(SENSOR, 731)


def test_an_end_that_was_lost_does_not_agree_for_ever() -> None:
    agreement = Agreement(30)
    agreement.begins("porch", CAMERA, 0)
    assert not agreement.alarm(SENSOR, LOST)


def test_after_the_raise_the_other_kind_confirms_once_within_the_window() -> None:
    agreement = Agreement(30)
    agreement.alarm(SENSOR, 0)
    assert agreement.begins("porch", CAMERA, 30)
    assert not agreement.begins("yard", CAMERA, 30)
    agreement = Agreement(30)
    agreement.alarm(SENSOR, 0)
    assert not agreement.begins("porch", CAMERA, 30.1)


def test_nothing_confirms_an_alarm_that_is_confirmed() -> None:
    agreement = Agreement(30)
    agreement.begins("porch", CAMERA, 0)
    assert agreement.alarm(SENSOR, 1)
    assert not agreement.begins("yard", CAMERA, 2)


def test_what_was_seen_before_is_forgotten() -> None:
    agreement = Agreement(30)
    agreement.begins("porch", CAMERA, 0)
    agreement.forget()
    assert not agreement.alarm(SENSOR, 1)
    agreement.forget()
    assert not agreement.begins("porch", CAMERA, 2)


STEP = st.tuples(
    st.sampled_from(["begin", "end", "alarm"]), st.sampled_from(Kind), st.floats(0, 20)
)


@given(st.lists(STEP, max_size=60))
def test_an_alarm_is_confirmed_once_at_the_most(story: list[tuple[str, Kind, float]]) -> None:
    agreement, now, confirmed = Agreement(30), 0.0, True
    for step, kind, pause in story:
        now += pause
        if step == "alarm":
            confirmed = agreement.alarm(kind, now)
        elif step == "end":
            agreement.ends(kind.value, now)
        elif agreement.begins(kind.value, kind, now):
            assert not confirmed
            confirmed = True
