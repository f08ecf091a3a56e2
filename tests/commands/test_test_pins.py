"""test-pins on a simulated board."""

import os
import pty
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from camalert.sensing.board import Board

Run = Callable[..., subprocess.CompletedProcess[bytes]]
Start = Callable[..., subprocess.Popen[bytes]]


@pytest.fixture
def board(
    tmp_path: Path, config_file: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> Board:
    monkeypatch.setenv("GPIOZERO_PIN_FACTORY", "simulated")
    monkeypatch.delenv("CAMALERT_BOARD", raising=False)
    return Board(tmp_path / "run" / "board")


def test_once_shows_the_inputs(board: Board, run: Run) -> None:
    board.drive(20, 1)
    done = run("test-pins", "--once")
    assert (done.returncode, done.stderr) == (0, b"")
    assert [row.split() for row in done.stdout.decode().splitlines()] == [
        ["INPUT", "GPIO", "LEVEL", "STATE"],
        ["pir-1", "16", "0", "idle"],
        ["pir-2", "20", "1", "active"],
        ["button", "4", "1", "idle"],
    ]


def test_each_output_is_on_in_its_turn(board: Board, start: Start) -> None:
    process = start("test-pins", "--seconds", "0.3")
    on, seen = {19: 1, 26: 1, 21: 0, 17: 1}, list[list[int]]()
    while process.poll() is None:
        lit = [pin for pin, level in on.items() if board.line(pin).level == level]
        if board.line(17).out is not None and len(lit) < 2 and seen[-1:] != [lit]:
            seen.append(lit)
        time.sleep(0.001)
    text = process.stdout.read().decode() if process.stdout else ""
    assert [lit for lit in seen if lit] == [[19], [26], [21], [17]]
    assert "pir-1-led (GPIO19): on for 0.3 s\n" in text
    assert text.splitlines()[-1].split() == ["button", "4", "1", "idle"]
    assert process.returncode == 0


def test_no_outputs(board: Board, run: Run) -> None:
    assert b"on for" not in run("test-pins", "--no-outputs").stdout


def test_pins_in_use_are_left_out_and_said(board: Board, run: Run) -> None:
    claims = [board.claim(16), board.claim(19)]
    done = run("test-pins", "--seconds", "0")
    assert done.returncode == 75
    assert b"GPIO16: is busy" in done.stderr
    assert b"test-pins: pins: not tried: pir-1, pir-1-led; stop what holds them" in done.stderr
    assert b"pir-2 " in done.stdout
    assert b"pir-2-led (GPIO26): on" in done.stdout
    assert b"pir-1" not in done.stdout
    for claim in claims:
        os.close(claim)


def test_broken_off_it_switches_off(board: Board, start: Start) -> None:
    process = start("test-pins", "--seconds", "60")
    deadline = time.monotonic() + 30
    while board.line(19).level != 1:
        assert time.monotonic() < deadline
        time.sleep(0.005)
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 128 + signal.SIGTERM
    assert board.line(19).level == 0


def test_on_a_terminal_the_inputs_are_live(board: Board, tmp_path: Path) -> None:
    master, slave = pty.openpty()
    script = Path(sys.executable).parent / "test-pins"
    with subprocess.Popen(
        [script, "--no-outputs"], stdin=slave, stdout=slave, stderr=slave, cwd=tmp_path
    ) as process:
        os.close(slave)
        ended = threading.Timer(60, process.kill)
        ended.start()
        for text, act in (
            (b"pir-1   16    0      idle", lambda: board.drive(16, 1)),
            (b"pir-1   16    1      active", lambda: os.write(master, b"1q")),
        ):
            shown = b""
            while text not in shown:  # the read fails once the timer has ended the process
                shown += os.read(master, 4096)
            act()
        assert process.wait() == 0
        ended.cancel()
    os.close(master)
