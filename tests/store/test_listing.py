"""How events are asked for and shown."""

import json
from datetime import UTC, datetime, timedelta, timezone

import pytest

from camalert.errors import BadUsage
from camalert.store.events import Event
from camalert.store.listing import line, moment

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
EAST = timezone(timedelta(hours=2))


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("90s", "2026-11-20T11:58:30+00:00"),
        ("5m", "2026-11-20T11:55:00+00:00"),
        ("2h", "2026-11-20T10:00:00+00:00"),
        ("3d", "2026-11-17T12:00:00+00:00"),
        ("1w", "2026-11-13T12:00:00+00:00"),
        ("2026-11-20", "2026-11-19T22:00:00+00:00"),
        ("2026-11-20T18:00", "2026-11-20T16:00:00+00:00"),
        ("2026-11-20T18:00:00Z", "2026-11-20T18:00:00+00:00"),
        ("2026-11-20T18:00:00-05:00", "2026-11-20T23:00:00+00:00"),
    ],
)
def test_a_time_in_words(text, meant):
    assert moment(text, NOW, EAST).isoformat() == meant


def test_a_date_as_an_end_means_all_of_that_day_and_a_time_just_itself():
    assert moment("2026-11-20", NOW, EAST, end=True) == datetime(2026, 11, 20, 22, tzinfo=UTC)
    assert moment("20261120", NOW, EAST, end=True) == datetime(2026, 11, 20, 22, tzinfo=UTC)
    assert moment("2h", NOW, EAST, end=True) == NOW - timedelta(hours=2)
    at = moment("2026-11-20T18:00:00Z", NOW, EAST, end=True)
    assert at == datetime(2026, 11, 20, 18, tzinfo=UTC)


def test_a_time_without_a_zone_is_this_machines(monkeypatch):
    import time

    monkeypatch.setenv("TZ", "XYZ-3")
    time.tzset()
    try:
        assert moment("2026-11-20T18:00", NOW) == datetime(2026, 11, 20, 15, tzinfo=UTC)
    finally:
        monkeypatch.undo()
        time.tzset()


@pytest.mark.parametrize(
    "text", ["", "soon", "2 h", "h", "-3d", "2026-13-01", "999999999w", "9999-12-31T23:59:59-12:00"]
)
def test_what_is_no_time_is_refused_with_examples(text):
    with pytest.raises(BadUsage, match="not a time; try 2h"):
        moment(text, NOW, EAST)


def event(**body):
    return Event("1", "2026-11-20T12:00:00.123Z", "alarm.raised", "panel", json.dumps(body))


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({}, "panel"),
        ({"cause": "movement: hall"}, "panel        movement: hall"),
        ({"reason": "cooldown", "cause": "x"}, "panel        x, cooldown"),
        ({"cause": "x", "confirmed": True}, "panel        x, confirmed"),
        ({"cause": "x", "confirmed": False}, "panel        x"),
        (
            {"file": "a b.jpg", "score": 12.3456, "area": 5.6, "duration": 2.5},
            "panel        score 12.35, area 5.6, duration 2.5, file a b.jpg",
        ),
        (
            {"was": "alert", "mode": "off", "who": "anna"},
            "panel        mode off, was alert, who anna",
        ),
        ({"cause": "movement: a", "sensors": ["a"]}, "panel        movement: a"),
        ({"sensors": ["a", "b"]}, "panel        sensors a and b"),
        ({"health": "up 2 h, mode alert", "mode": "alert"}, "panel        up 2 h, mode alert"),
        ({"error": "no key"}, "panel        error no key"),
    ],
)
def test_a_line_for_a_person(body, words):
    assert line(event(**body), EAST) == f"2026-11-20 14:00:00  alarm.raised      {words}"


def test_on_a_terminal_a_long_line_is_broken_between_words():
    body = {"score": 55.3, "area": 5.53, "file": "/run/camalert/ring/garden-gate/000012345678.jpg"}
    assert line(event(**body), UTC, 80).splitlines() == [
        "2026-11-20 12:00:00  alarm.raised      panel        score 55.3, area 5.53, file",
        "                     /run/camalert/ring/garden-gate/000012345678.jpg",
    ]
    long = {"file": "x" * 100}
    assert line(event(**long), UTC, 10).splitlines()[-1] == " " * 21 + "x" * 100
    assert line(event(mode="off"), UTC, 80) == line(event(mode="off"), UTC)


def test_a_clock_that_was_not_set_is_marked():
    assert line(event(clock="unset"), UTC).startswith("2026-11-20 12:00:00? alarm")


def test_nothing_reaches_the_terminal_that_it_would_obey():
    assert line(event(cause="a\x1b[2J\nb\u202ec"), UTC).endswith("a\ufffd[2J\ufffdb\ufffdc")
