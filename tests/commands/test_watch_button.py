"""watch-button as a process, on a simulated board; and with watch-pir at the wire's other end."""

import json
import os
import select
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

import pytest

from camalert.sensing.board import Board

Start = Callable[..., subprocess.Popen[bytes]]
ConfigFile = Callable[[str], Path]


@pytest.fixture
def board(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Board:
    monkeypatch.setenv("GPIOZERO_PIN_FACTORY", "simulated")
    monkeypatch.setenv("CAMALERT_BOARD", str(tmp_path / "board"))
    return Board(tmp_path / "board")


def line(stream: IO[bytes] | None) -> str:
    """The next line that a running command writes."""
    text = b""
    while not text.endswith(b"\n"):
        assert select.select([stream], [], [], 30)[0], f"nothing more after {text!r}"
        byte = os.read(stream.fileno(), 1) if stream else b""
        assert byte, f"ended after {text!r}"
        text += byte
    return text.decode()


def event(process: subprocess.Popen[bytes]) -> tuple[str, bool]:
    record = json.loads(line(process.stdout))
    assert (record["source"], record["pin"]) == ("button", 4)
    return record["type"], record["at_start"]


def until(found: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not found():
        assert time.monotonic() < deadline
        time.sleep(0.005)


@pytest.fixture
def watch(board: Board, start: Start) -> Callable[..., Any]:
    def watch(*options: str) -> subprocess.Popen[bytes]:
        process = start("watch-button", *options)
        assert line(process.stderr) == "watch-button: watching button (GPIO4)\n"
        return process

    return watch


def test_press_and_release(board: Board, watch: Callable[..., Any]) -> None:
    process = watch()
    board.drive(4, 0)
    assert event(process) == ("button.pressed", False)
    board.drive(4, None)
    assert event(process) == ("button.released", False)
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 0
    assert process.stdout.read() == b""


def test_pressed_at_start(board: Board, watch: Callable[..., Any]) -> None:
    board.drive(4, 0)
    assert event(watch()) == ("button.pressed", True)


def test_the_action_led_is_lit_while_an_alarm_is_noted(
    board: Board, watch: Callable[..., Any], tmp_path: Path
) -> None:
    process = watch()
    note = tmp_path / "spool" / "notes" / "a-1.note"
    note.parent.mkdir(parents=True)
    note.touch()
    until(lambda: board.line(17).level == 1)
    note.unlink()
    until(lambda: board.line(17).level == 0)
    note.touch()
    until(lambda: board.line(17).level == 1)
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 0
    assert board.line(17).level == 0


def test_the_line_gets_the_events(board: Board, watch: Callable[..., Any], tmp_path: Path) -> None:
    watch("--to-line")
    fifo = os.open(tmp_path / "run" / "events", os.O_RDONLY)
    board.drive(4, 0)
    assert json.loads(os.read(fifo, 4096))["type"] == "button.pressed"
    os.close(fifo)


@pytest.mark.parametrize("active_high", [False, True])
def test_both_sides_joined_by_the_wire(
    board: Board,
    start: Start,
    watch: Callable[..., Any],
    config_file: ConfigFile,
    active_high: bool,
) -> None:
    polarity = f"active_high = {str(active_high).lower()}\n"
    config_file(f"[sensing]\nwindow = 0\n[link]\nwired = true\n{polarity}[button]\n{polarity}")
    board.wire(21, 4)
    sensors = start("watch-pir", "--settle", "0")
    assert "watching" in line(sensors.stderr)
    camera = watch()
    board.drive(16, 1)
    assert json.loads(line(sensors.stdout))["type"] == "pir.active"
    board.drive(20, 1)
    assert event(camera) == ("button.pressed", False)
    board.drive(16, 0)
    assert event(camera) == ("button.released", False)
    told = [json.loads(line(sensors.stdout)) for _ in range(4)]
    assert [record["type"] for record in told][1] == "pir.agreed"
    assert told[1]["wired"] is True
