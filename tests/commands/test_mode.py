"""mode, and through it what arm and disarm share."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess, Popen

import pytest

from camalert.alarm import request
from camalert.alarm.state import mode_file, read_mode, write_mode
from camalert.config import Config, Paths
from camalert.errors import TryAgain
from camalert.records import ModeWanted, Record, SystemClock

Run = Callable[..., CompletedProcess[bytes]]
Start = Callable[..., Popen[bytes]]


def test_it_shows_the_mode(run: Run) -> None:
    assert run("mode").stdout == b"alert\n"


def test_without_a_line_it_holds_from_the_next_start_on(run: Run) -> None:
    done = run("mode", "off")
    assert done.returncode == 0
    assert done.stdout == b"mode: off (was alert), from the next start on: no alarm-line runs\n"
    assert run("mode").stdout == b"off\n"


@pytest.mark.parametrize("before", ["alert", "off"])
def test_off_leaves_no_picture_of_before(run: Run, tmp_path: Path, before: str) -> None:
    run("mode", before)
    left = [
        tmp_path / "run/ring/porch/000000000001-000001.jpg",
        tmp_path / "run/frames/a-1/porch-1.jpg",
    ]
    for path in left:
        path.parent.mkdir(parents=True)
        path.write_bytes(b"\xff\xd8")
        os.utime(path.parent, (1e9, 1e9))
    run("mode", "monitor" if before == "alert" else "off")
    assert all(path.exists() for path in left) == (before == "alert")
    run("mode", "off")
    assert not any(path.exists() for path in left)


def test_it_changes_the_mode_of_a_running_panel_who_logs_it(run: Run, start: Start) -> None:
    panel = start("alarm-panel", "--listen")
    assert panel.stdout
    while run("mode", "monitor", USER="anna").stdout != b"mode: monitor (was alert)\n":
        run("mode", "alert")  # the panel was not up yet
    changed: dict[str, str] = {}
    while changed.get("type") != "mode.changed" or changed["mode"] != "monitor":
        changed = json.loads(panel.stdout.readline())
    assert changed["who"] == "anna"


def test_the_same_mode_is_no_change(run: Run) -> None:
    assert run("mode", "alert").stdout == b"mode: alert, as before\n"


def test_an_unknown_mode_is_refused_with_those_there_are(run: Run) -> None:
    done = run("mode", "party")
    assert done.returncode == 64
    assert done.stderr == b"mode: 'party': is not a mode; choose one of off, monitor, alert\n"


class Ticking(SystemClock):
    seconds = 0.0

    def monotonic(self) -> float:
        return self.seconds


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return Config(paths=Paths(state=str(tmp_path)))


def test_it_waits_until_the_panel_has_taken_it(config: Config) -> None:
    clock, posted = Ticking(), list[Record]()

    def sleep(seconds: float) -> None:
        clock.seconds += seconds
        if clock.seconds > 3:
            write_mode(mode_file(config), "off")

    def post(record: Record) -> bool:
        posted.append(record)
        return True

    said = request.request_mode(config, "off", post, "anna", clock, sleep)
    assert said == "mode: off (was alert)"
    (wanted,) = posted
    assert isinstance(wanted, ModeWanted)
    assert (wanted.mode, wanted.who) == ("off", "anna")


def test_a_line_that_begins_meanwhile_with_the_old_mode_is_told(config: Config) -> None:
    answers = iter([False, True])
    posted: list[Record] = []

    def post(record: Record) -> bool:
        posted.append(record)
        return next(answers)

    said = request.request_mode(config, "off", post, "anna", Ticking())
    assert said == "mode: off (was alert)"
    assert len(posted) == 2 and read_mode(mode_file(config)) == "off"


def test_a_line_that_does_not_answer_is_an_error(config: Config) -> None:
    clock = Ticking()

    def sleep(seconds: float) -> None:
        clock.seconds += seconds

    with pytest.raises(TryAgain, match="has not taken the mode off yet"):
        request.request_mode(config, "off", lambda _: True, "anna", clock, sleep)
    assert read_mode(mode_file(config)) is None


def test_who_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SUDO_USER", "anna")
    assert request.person() == "anna"
    for name in ("SUDO_USER", "USER"):
        monkeypatch.delenv(name, raising=False)
    assert request.person().startswith("uid ")


@pytest.mark.parametrize("content", ["", "{}", '{"mode": "party"}', "[1]"])
def test_a_mode_file_that_makes_no_sense_counts_as_none(tmp_path: Path, content: str) -> None:
    (tmp_path / "mode.json").write_text(content)
    assert read_mode(tmp_path / "mode.json") is None
