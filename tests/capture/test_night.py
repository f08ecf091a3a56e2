"""capture/night.py and sun.py: when it is night, and what is in force then."""

import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from camalert.capture.night import LightGate, in_force, merged, within, without
from camalert.capture.sun import elevation, is_night
from camalert.config import Camera, Place

PORCH = Camera("porch", "rpicam", options=("--ev", "0.5", "--hflip"))


@pytest.mark.parametrize(
    ("time_of_day", "begin", "end", "inside"),
    [
        ((21, 0), "21:00", "06:00", True),
        ((20, 59), "21:00", "06:00", False),
        ((0, 0), "21:00", "06:00", True),
        ((5, 59), "21:00", "06:00", True),
        ((6, 0), "21:00", "06:00", False),
        ((12, 0), "09:30", "17:15", True),
        ((17, 15), "09:30", "17:15", False),
        ((0, 0), "09:30", "17:15", False),
    ],
)
def test_hours_also_over_midnight(time_of_day, begin, end, inside):
    assert within(time_of_day[0] * 60 + time_of_day[1], begin, end) is inside


def test_light_needs_both_thresholds_and_time():
    gate = LightGate(below=30, above=60, dwell=300)
    assert not gate.update(100, 0)
    assert not gate.update(20, 10)
    assert not gate.update(20, 309)
    assert gate.update(20, 310)
    assert gate.update(45, 400)  # between the two nothing changes
    assert gate.update(200, 500)
    assert gate.update(50, 700)  # headlights: it was not light all the time
    assert gate.update(200, 900)
    assert gate.update(200, 1199)
    assert not gate.update(200, 1200)


@pytest.mark.parametrize(("luma", "night"), [(5, True), (29.9, True), (30, False), (200, False)])
def test_the_first_picture_decides_at_once(luma, night):
    gate = LightGate(30, 60, 300)
    assert gate.update(luma, 1000) is night
    assert gate.update(45, 1001) is night


def test_light_that_flickers_about_a_threshold_never_switches_often():
    gate, switches, before = LightGate(30, 60, 300), 0, False
    gate.update(100, 0)
    for second in range(0, 86400, 5):
        now = gate.update(20 if second % 20 else 70, second)
        switches += now != before
        before = now
    assert switches == 0


def test_at_night_options_take_the_place_of_the_same_ones():
    porch = replace(
        PORCH, night_options=("--ev=1.5", "--shutter", "200000"), night_rate=0.5, rate=4
    )
    assert in_force(porch, night=False) == porch
    dark = in_force(porch, night=True)
    assert dark.options == ("--hflip", "--ev=1.5", "--shutter", "200000")
    assert dark.rate == 0.5
    assert in_force(replace(porch, night_rate=0.0), night=True).rate == 4


def test_options_go_with_their_values():
    words = ("--ev", "-0.5", "--hflip", "--set", "a", "b", "--roi=0,0,1,1")
    assert without(words, {"--ev", "--set", "--roi"}) == ("--hflip",)
    assert merged(words, ("--set", "c"))[-2:] == ("--set", "c")
    assert merged((), ()) == ()


def test_by_hours_the_local_time_counts(monkeypatch):
    yard = replace(PORCH, night="hours", night_from="22:00", night_to="05:00")
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    try:
        assert is_night(yard, Place(), datetime(2027, 1, 1, 13, 0, tzinfo=UTC))  # 22:00 there
        assert not is_night(yard, Place(), datetime(2027, 1, 1, 12, 59, tzinfo=UTC))
    finally:
        monkeypatch.undo()
        time.tzset()


@pytest.mark.parametrize(
    ("place", "day", "rise", "set_"),
    [  # as almanacs have them
        (Place(52.52, 13.405), (2027, 6, 21), (2, 43), (19, 33)),  # Berlin
        (Place(52.52, 13.405), (2027, 12, 21), (7, 15), (14, 54)),
        (Place(-33.87, 151.21), (2027, 6, 21), (21, 0), (6, 54)),  # Sydney
    ],
)
def test_by_the_sun_it_is_night_from_sunset_to_sunrise(place, day, rise, set_):
    porch = replace(PORCH, night="sun")
    margin = timedelta(minutes=4)
    sunrise, sunset = (datetime(*day, *at, tzinfo=UTC) for at in (rise, set_))
    assert is_night(porch, place, sunrise - margin) and not is_night(porch, place, sunrise + margin)
    assert not is_night(porch, place, sunset - margin) and is_night(porch, place, sunset + margin)


def test_beyond_the_polar_circle_a_day_may_have_no_night():
    tromso = Place(69.65, 18.96)
    porch = replace(PORCH, night="sun")
    for hour in range(24):
        assert not is_night(porch, tromso, datetime(2027, 6, 21, hour, tzinfo=UTC))
        assert is_night(porch, tromso, datetime(2027, 12, 21, hour, tzinfo=UTC))
    assert elevation(tromso, datetime(2027, 6, 21, 11, tzinfo=UTC)) > 40


def test_as_long_as_the_clock_is_not_set_it_is_day():
    at_night = datetime(1970, 1, 1, 0, 0, tzinfo=UTC)
    for how in ("hours", "sun"):
        assert not is_night(replace(PORCH, night=how), Place(52.5, 13.4), at_night)


def test_never_and_light_are_not_told_by_the_clock():
    at_night = datetime(2027, 12, 21, 0, 0, tzinfo=UTC)
    for how in ("never", "light"):
        assert not is_night(replace(PORCH, night=how), Place(52.5, 13.4), at_night)
