"""simulate-board: what each of its words does, and the live view in a terminal."""

import contextlib
import json
import os
import pty
import select
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from camalert.sensing.board import Board

Run = Callable[..., subprocess.CompletedProcess[bytes]]
Start = Callable[..., subprocess.Popen[bytes]]
SCRIPT = str(Path(sys.executable).parent / "simulate-board")


@pytest.fixture
def board(
    tmp_path: Path, config_file: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> Board:
    monkeypatch.delenv("CAMALERT_BOARD", raising=False)
    return Board(tmp_path / "run" / "board")


def ok(done: subprocess.CompletedProcess[bytes]) -> str:
    assert (done.returncode, done.stderr) == (0, b"")
    return done.stdout.decode()


def levels(board: Board, *numbers: int) -> list[int]:
    return [board.line(number).level for number in numbers]


def until(found: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not found():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_trip_and_let_go(board: Board, start: Start) -> None:
    process = start("simulate-board", "trip", "--for", "1")
    until(lambda: levels(board, 16, 20) == [1, 1])
    assert process.wait(30) == 0
    assert levels(board, 16, 20) == [0, 0]
    assert board.line(16).hand == 0, "a PIR drives its line at rest, too"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_trip_that_is_broken_off_lets_go(board: Board, start: Start, number: int) -> None:
    process = start("simulate-board", "trip", "pir-2", "--for", "60")
    until(lambda: levels(board, 20) == [1])
    process.send_signal(number)
    assert process.wait(30) in (-number, 128 + number)
    assert levels(board, 16, 20) == [0, 0]


def test_press_is_the_button(board: Board, start: Start, run: Run) -> None:
    board.pull(4, "up")
    process = start("simulate-board", "press", "--for", "1")
    until(lambda: levels(board, 4) == [0])
    assert process.wait(30) == 0
    assert board.line(4).hand is None
    assert levels(board, 4) == [1]
    ok(run("simulate-board", "press", "12", "--for", "0"))


def test_hold_set_release(board: Board, run: Run) -> None:
    ok(run("simulate-board", "hold", "pir-1", "PIR-2"))
    assert levels(board, 16, 20) == [1, 1]
    ok(run("simulate-board", "release", "pir-1"))
    assert levels(board, 16, 20) == [0, 1]
    ok(run("simulate-board", "set", "12", "1"))
    assert levels(board, 12) == [1]
    ok(run("simulate-board", "release", "12"))
    assert board.floats(12)


def test_a_pir_of_the_other_polarity(
    board: Board, run: Run, config_file: Callable[[str], Path]
) -> None:
    config_file('[[pir]]\nname = "hall"\npin = 16\nactive_high = false\n')
    ok(run("simulate-board", "reset"))
    assert levels(board, 16) == [1]
    ok(run("simulate-board", "hold", "hall"))
    assert levels(board, 16) == [0]


def test_wire_and_reset(board: Board, run: Run) -> None:
    ok(run("simulate-board", "wire"))
    assert board.wires() == {4: 21}
    ok(run("simulate-board", "wire", "5", "6"))
    ok(run("simulate-board", "set", "5", "1"))
    assert levels(board, 6) == [1]
    ok(run("simulate-board", "unwire"))
    assert board.wires() == {6: 5}
    ok(run("simulate-board", "hold", "pir-1"))
    ok(run("simulate-board", "reset"))
    assert board.wires() == {}
    assert board.floats(5)
    assert levels(board, 16) == [0]


def test_show(board: Board, run: Run) -> None:
    ok(run("simulate-board", "wire"))
    ok(run("simulate-board", "hold", "pir-1", "12"))
    claim = board.claim(16)
    rows = ok(run("simulate-board", "show")).splitlines()
    assert rows[0].split() == ["NAME", "GPIO", "KIND", "LEVEL", "STATE", "FOLLOWS", "HELD", "BY"]
    assert rows[1].split() == ["pir-1", "16", "PIR", "1", "active", *board.owner(16).split()]
    assert rows[3].split() == ["button", "4", "button", "0", "floating", "GPIO21"]
    assert rows[-1].split() == ["GPIO12", "12", "1", "active"]
    assert ok(run("simulate-board")).splitlines() == rows
    states = {
        state["name"]: state for state in json.loads(ok(run("simulate-board", "show", "--json")))
    }
    assert states["pir-1"]["held_by"] == board.owner(16)
    assert states["button"]["follows"] == 21
    os.close(claim)


def test_a_word_that_is_no_line(board: Board, run: Run) -> None:
    done = run("simulate-board", "hold", "cellar")
    assert done.returncode == 64
    assert b"cellar: is not a line; a BCM number, or one of: pir-1, pir-2, button" in done.stderr


def test_an_output_in_use_is_not_driven(board: Board, run: Run) -> None:
    claim = board.claim(19)
    board.output(19, 1)
    done = run("simulate-board", "set", "19", "0")
    assert done.returncode == 64
    assert b"GPIO19: is an output of" in done.stderr
    os.close(claim)


class Terminal:
    """A command in a terminal of its own."""

    def __init__(self, folder: Path) -> None:
        self.master, slave = pty.openpty()
        self.before = termios.tcgetattr(self.master)
        self.shown = b""
        self.process = subprocess.Popen(
            [SCRIPT], stdin=slave, stdout=slave, stderr=slave, cwd=folder, start_new_session=True
        )
        os.close(slave)

    def see(self, text: bytes) -> None:
        """Wait until `text` is on the screen, from the last time on."""
        deadline = time.monotonic() + 30
        while text not in self.shown:
            assert time.monotonic() < deadline, self.shown[-2000:]
            self.read()
        self.shown = self.shown.partition(text)[2]

    def read(self) -> None:
        if select.select([self.master], [], [], 0.1)[0]:
            with contextlib.suppress(OSError):  # the other end is closed
                self.shown += os.read(self.master, 4096)

    def end(self) -> int:
        """Wait for the end, reading what is still written."""
        deadline = time.monotonic() + 30
        while self.process.poll() is None:
            assert time.monotonic() < deadline
            self.read()
        return self.process.returncode

    def press(self, keys: bytes) -> None:
        os.write(self.master, keys)


@pytest.fixture
def terminal(board: Board, tmp_path: Path) -> Iterator[Any]:
    terminal = Terminal(tmp_path)
    yield terminal
    terminal.process.kill()
    terminal.process.wait()
    os.close(terminal.master)


def test_live(board: Board, terminal: Terminal) -> None:
    terminal.see(b"1 pir-1  2 pir-2  3 button")
    terminal.press(b"1")
    terminal.see(b"pir-1       16    PIR     1      active")
    assert levels(board, 16, 20) == [1, 0]
    terminal.press(b"x12")
    terminal.see(b"pir-1       16    PIR     0      idle")
    assert levels(board, 16, 20) == [0, 1]
    board.drive(21, 1)
    terminal.see(b"link        21    link    1      idle")
    terminal.press(b"q")
    assert terminal.end() == 0
    terminal.see(b"\x1b[?1049l")
    assert termios.tcgetattr(terminal.master) == terminal.before


def test_live_ended_by_a_signal_leaves_the_terminal_as_it_was(terminal: Terminal) -> None:
    terminal.see(b"q quits")
    terminal.process.send_signal(signal.SIGTERM)
    assert terminal.end() == 128 + signal.SIGTERM
    assert termios.tcgetattr(terminal.master) == terminal.before
