"""Hours of the week: over midnight, by weekday, and when the clocks change."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from camalert.schedule import DAYS, is_active, parse

BERLIN = ZoneInfo("Europe/Berlin")


def at(day: str, time: str) -> datetime:
    """A moment in the week from Monday, 2026-11-23."""
    hours, minutes = map(int, time.split(":"))
    return datetime(2026, 11, 23 + DAYS.index(day), hours, minutes, tzinfo=BERLIN)


@pytest.mark.parametrize(
    ("text", "inside", "outside"),
    [
        ("08:00-17:00", ["mon 08:00", "sun 16:59"], ["mon 07:59", "mon 17:00"]),
        ("22:00-06:00", ["mon 22:00", "mon 05:59", "tue 00:00"], ["mon 06:00", "mon 21:59"]),
        ("00:00-24:00", ["mon 00:00", "sun 23:59"], []),
        ("mon-fri 08:00-17:00", ["mon 08:00", "fri 16:59"], ["sat 12:00", "sun 12:00"]),
        ("fri 22:00-06:00", ["fri 22:00", "sat 05:59"], ["fri 05:59", "sat 22:00", "sat 06:00"]),
        ("sun 22:00-06:00", ["sun 23:00", "mon 05:00"], ["sun 05:00", "mon 23:00"]),
        (
            "sat-mon 10:00-11:00",
            ["sat 10:00", "sun 10:00", "mon 10:00"],
            ["tue 10:00", "fri 10:00"],
        ),
        ("mon,wed-thu 10:00-11:00", ["mon 10:00", "wed 10:00", "thu 10:00"], ["tue 10:00"]),
        ("Mon 18:00-24:00", ["mon 23:59"], ["tue 00:00", "mon 17:59"]),
    ],
)
def test_what_a_period_covers(text: str, inside: list[str], outside: list[str]) -> None:
    assert all(parse(text).covers(at(*moment.split())) for moment in inside)
    assert not any(parse(text).covers(at(*moment.split())) for moment in outside)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "is no period"),
        ("always", "'always' is no day"),
        ("mon", "is no period"),
        ("8:00-17:00", "is no period"),
        ("22:00-06:00 mon", "is no period"),
        ("22:00-25:00", "no time of day"),
        ("24:00-06:00", "no time of day"),
        ("22:60-06:00", "no time of day"),
        ("22:00-06:75", "no time of day"),
        ("08:00-08:00", "ends as it begins"),
        ("mon-xyz 08:00-09:00", "'xyz' is no day: mon, tue"),
    ],
)
def test_what_is_no_period_is_named(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        parse(text)


def test_without_any_period_it_is_always_active() -> None:
    assert is_active((), at("mon", "12:00"))
    assert not is_active(("22:00-06:00",), at("mon", "12:00"))
    assert is_active(("22:00-06:00", "sat-sun 00:00-24:00"), at("sun", "12:00"))


def minutes_active(text: str, start: datetime, hours: int) -> int:
    """Minutes of real time from `start` in which the period is in force in Berlin."""
    steps = (start + timedelta(minutes=n) for n in range(60 * hours))
    return sum(is_active((text,), moment.astimezone(BERLIN)) for moment in steps)


def test_where_the_clock_is_put_back_the_hour_counts_twice() -> None:
    night = datetime(2026, 10, 24, 18, tzinfo=UTC)  # at 3:00 it is 2:00 again
    assert minutes_active("22:00-06:00", night, 12) == 9 * 60
    assert minutes_active("02:00-03:00", night, 12) == 2 * 60


def test_where_the_clock_is_put_forward_the_hour_that_does_not_come_counts_never() -> None:
    night = datetime(2027, 3, 27, 18, tzinfo=UTC)  # at 2:00 it is 3:00
    assert minutes_active("22:00-06:00", night, 12) == 7 * 60
    assert minutes_active("02:15-02:45", night, 12) == 0
    assert minutes_active("sat 22:00-06:00", night, 24) == 7 * 60


TIMES = st.integers(0, 24 * 60 - 1)


@given(TIMES, TIMES, st.integers(0, 7 * 24 * 60 - 1))
def test_a_period_and_its_opposite_share_the_week(begin: int, end: int, minute: int) -> None:
    if begin == end:
        return
    first, second = (f"{m // 60:02}:{m % 60:02}" for m in (begin, end))
    moment = datetime(2026, 11, 23) + timedelta(minutes=minute)
    here, there = parse(f"{first}-{second}"), parse(f"{second}-{first}")
    assert here.covers(moment) != there.covers(moment)
