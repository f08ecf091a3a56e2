"""What the heartbeat says of the machine."""

from pathlib import Path

import pytest

from camalert.health import vitals


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (119, "119 s"),
        (120, "2 min"),
        (7199, "119 min"),
        (7200, "2 h"),
        (3e6, "34 days"),
    ],
)
def test_a_length_of_time_as_a_person_says_it(seconds: float, text: str) -> None:
    assert vitals.span(seconds) == text


def test_all_that_is_known_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "uptime").write_text("7300.5 1.0\n")
    (tmp_path / "temp").write_text("48312\n")
    monkeypatch.setattr(vitals, "UPTIME", tmp_path / "uptime")
    monkeypatch.setattr(vitals, "THERMAL", tmp_path / "temp")
    text = vitals.read(tmp_path / "not/yet/made", 3, "alert", "none yet").text()
    assert text.startswith("up 2 h, ")
    assert " GB free, 48 °C, 3 waiting to be sent, mode alert, last event: none yet" in text


def test_what_is_not_known_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "temp").write_text("warm\n")
    monkeypatch.setattr(vitals, "UPTIME", tmp_path / "none")
    monkeypatch.setattr(vitals, "THERMAL", tmp_path / "temp")
    text = vitals.read(tmp_path, 0, "off", "none yet").text()
    assert text.endswith("free, nothing waiting, mode off, last event: none yet")
    assert "up " not in text
    assert "°C" not in text
