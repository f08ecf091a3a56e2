import dataclasses
import datetime

import pytest

from camalert.mail import words
from camalert.records import AlarmRaised, HeartbeatComplete, PictureTaken

ENVELOPE = {
    "id": "a-000001",
    "time": "2026-11-20T17:30:00.123Z",
    "clock": "set",
    "boot": "b",
    "mono": 1.0,
    "source": "porch",
}
CET = datetime.timezone(datetime.timedelta(hours=1), "CET")
ALARM = AlarmRaised(**ENVELOPE, cause="movement: hall and porch", sensors=("hall", "porch"))
PICTURE = PictureTaken(**ENVELOPE, alarm="a", part="porch-1", file="x", kind="alarm")


def test_an_alarm_says_what_where_and_when():
    assert words.alarm_text(ALARM, CET) == (
        "Alarm: movement: hall and porch\n2026-11-20 18:30:00 CET"
    )


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"clock": "unset"}, "clock is not set"),
        ({"attempt": 2}, "attempt 2"),
        ({"text_only": True}, "No pictures this time"),
        ({"noted": False}, "could not be noted"),
    ],
)
def test_what_is_not_as_it_should_be_is_said(change, said):
    assert said in words.alarm_text(dataclasses.replace(ALARM, **change), CET)
    assert said not in words.alarm_text(ALARM, CET)


def test_no_sensors_no_line_of_them():
    assert "Where" not in words.alarm_text(dataclasses.replace(ALARM, sensors=()), CET)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({}, "porch, 2026-11-20 18:30:00 CET"),
        ({"moved": False}, "porch: nothing moved, 2026-11-20 18:30:00 CET"),
        ({"moved": True}, "porch: something moved, 2026-11-20 18:30:00 CET"),
        (
            {"moved": True, "area": 3.21},
            "porch: something moved in 3.2 % of the picture, 2026-11-20 18:30:00 CET",
        ),
        (
            {"damaged": "cut off"},
            "porch, 2026-11-20 18:30:00 CET\nDamaged picture: cut off",
        ),
        ({"clock": "unset"}, f"porch, 2026-11-20 18:30:00 CET\n{words.CLOCK_NOT_SET}"),
    ],
)
def test_a_picture_says_camera_movement_and_damage(change, text):
    assert words.picture_text(dataclasses.replace(PICTURE, **change), CET) == text


def test_a_heartbeat_says_health_and_technical_difficulties():
    complete = HeartbeatComplete(
        **(ENVELOPE | {"clock": "unset"}),
        alarm="h",
        pictures=0,
        health="up 3 days",
        mode="monitor",
    )
    assert words.heartbeat_text(complete, {"porch": "no such device"}, CET) == (
        "Heartbeat: 2026-11-20 18:30:00 CET, mode monitor\n"
        "up 3 days\n"
        f"{words.CLOCK_NOT_SET}\n"
        "technical difficulties: porch: no such device"
    )
    bare = dataclasses.replace(complete, clock="set", health="", mode="")
    assert words.heartbeat_text(bare, {}, CET) == (
        "Heartbeat: 2026-11-20 18:30:00 CET, mode unknown"
    )


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("porch", "porch-2026-11-20-183000.jpg"),
        ("../../etc/passwd", "etc-passwd-2026-11-20-183000.jpg"),
        ("Tür hinten", "T-r-hinten-2026-11-20-183000.jpg"),
        ("///", "camera-2026-11-20-183000.jpg"),
    ],
)
def test_a_file_name_has_no_path(source, name):
    assert words.filename(source, PICTURE, CET) == name
