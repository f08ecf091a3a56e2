"""watch-pir as a process, on a simulated board."""

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

Run = Callable[..., subprocess.CompletedProcess[bytes]]
Start = Callable[..., subprocess.Popen[bytes]]
ConfigFile = Callable[[str], Path]

PIRS, LEDS, LINK = (16, 20), (19, 26), 21
ACTIVE, REST = 0, 1
"""The link's levels."""


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


def event(process: subprocess.Popen[bytes]) -> str:
    record = json.loads(line(process.stdout))
    return f"{record['type']} {record['source']}" + " at start" * record.get("at_start", False)


def until(found: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not found():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def levels(board: Board, *numbers: int) -> list[int]:
    return [board.line(number).level for number in numbers]


@pytest.fixture
def watch(board: Board, start: Start, config_file: ConfigFile) -> Callable[..., Any]:
    """Start watch-pir without settling and wait until it watches."""

    def watch(*options: str, sensing: str = "window = 0") -> subprocess.Popen[bytes]:
        config_file(f"[sensing]\n{sensing}\n")
        process = start("watch-pir", "--settle", "0", *options)
        assert line(process.stderr) == "watch-pir: watching pir-1 (GPIO16), pir-2 (GPIO20)\n"
        return process

    return watch


def test_truth_table(board: Board, watch: Callable[..., Any]) -> None:
    process = watch()
    for first, second in ((1, 0), (0, 0), (0, 1), (0, 0), (1, 0), (1, 1), (0, 1), (0, 0), (0, 1)):
        before = levels(board, *PIRS)
        board.drive(16, first)
        board.drive(20, second)
        told = []
        for name, was, now in zip(("pir-1", "pir-2"), before, (first, second), strict=True):
            if was != now:
                told.append(f"pir.{'active' if now else 'idle'} {name}")
        if all(before) != (first and second):
            told.append(f"pir.{'agreed' if first and second else 'parted'} pirs")
        assert [event(process) for _ in told] == told
        until(lambda lit=[first, second]: levels(board, *LEDS) == lit)  # type: ignore[misc]
        assert levels(board, LINK) == [ACTIVE if first and second else REST]


def test_at_start_and_on_exit(board: Board, watch: Callable[..., Any]) -> None:
    for pir in PIRS:
        board.drive(pir, 1)
    process = watch()
    told = ["pir.active pir-1 at start", "pir.active pir-2 at start", "pir.agreed pirs"]
    assert [event(process) for _ in told] == told
    until(lambda: levels(board, *LEDS, LINK) == [1, 1, ACTIVE])
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 0
    assert process.stdout.read() == process.stderr.read() == b""
    assert levels(board, *LEDS) == [0, 0]
    assert board.floats(LINK)
    assert board.owner(LINK) == board.owner(16) == ""


def test_settling_is_said_and_bounded(board: Board, start: Start) -> None:
    board.drive(16, 1)
    process = start("watch-pir", "--settle", "0.5")
    assert line(process.stderr) == "watch-pir: settling for 0.5 s\n"
    assert "watching pir-1" in line(process.stderr)
    assert event(process) == "pir.active pir-1 at start"


def test_the_config_says_how_long_to_settle(
    board: Board, start: Start, config_file: ConfigFile
) -> None:
    config_file("[sensing]\nsettle = 600\n")
    assert line(start("watch-pir").stderr) == "watch-pir: settling for 600 s\n"


def test_a_storm_is_one_event_and_blocks_nothing(board: Board, watch: Callable[..., Any]) -> None:
    process = watch(sensing="debounce = 1")
    for n in range(101):
        board.drive(16, 1 - n % 2)
        time.sleep(0.005)
    board.drive(20, 1)
    assert sorted(event(process) for _ in range(2)) == ["pir.active pir-1", "pir.active pir-2"]
    assert event(process) == "pir.agreed pirs"


def test_killed_and_started_again(board: Board, watch: Callable[..., Any]) -> None:
    for pir in PIRS:
        board.drive(pir, 1)
    process = watch()
    until(lambda: levels(board, *LEDS, LINK) == [1, 1, ACTIVE])
    process.kill()
    process.wait()
    assert levels(board, *LEDS, LINK) == [1, 1, ACTIVE], "nobody was there to switch them off"
    for pir in PIRS:
        board.drive(pir, 0)
    process = watch()
    until(lambda: levels(board, *LEDS, LINK) == [0, 0, REST])
    board.drive(20, 1)
    assert event(process) == "pir.active pir-2"


def test_a_second_one_is_told_who_holds_the_pins(
    board: Board, watch: Callable[..., Any], run: Run
) -> None:
    first = watch()
    done = run("watch-pir")
    assert done.returncode == 75
    expected = f"watch-pir: GPIO21: is busy: watch-pir ({first.pid}) holds it\n"
    assert done.stderr.decode() == expected
    assert levels(board, LINK) == [REST]


def test_the_line_gets_the_events(board: Board, watch: Callable[..., Any], tmp_path: Path) -> None:
    watch("--to-line")
    fifo = os.open(tmp_path / "run" / "events", os.O_RDONLY)
    board.drive(16, 1)
    assert json.loads(os.read(fifo, 4096))["source"] == "pir-1"
    os.close(fifo)


def test_any_fifo_gets_them_and_nobody_must_read_it(
    board: Board, watch: Callable[..., Any], tmp_path: Path
) -> None:
    process = watch("--to", str(tmp_path / "fifo"), sensing="debounce = 0")
    for n in range(600):
        board.drive(16, 1 - n % 2)
    board.drive(20, 1)
    until(lambda: levels(board, 26) == [1])
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 0


def test_a_reader_that_leaves_ends_it(board: Board, watch: Callable[..., Any]) -> None:
    process = watch()
    process.stdout.close()
    assert process.wait(30) == -signal.SIGPIPE
    assert board.owner(16) == ""


def test_a_disabled_pir_is_never_touched(
    board: Board, start: Start, config_file: ConfigFile
) -> None:
    config_file('[[pir]]\nname="a"\npin=16\n[[pir]]\nname="b"\npin=20\nled=26\nenabled=false\n')
    process = start("watch-pir", "--settle", "0")
    assert line(process.stderr) == "watch-pir: watching a (GPIO16)\n"
    assert not list(board.folder.glob("20.*")) + list(board.folder.glob("26.*"))


def test_no_gpio_here(run: Run) -> None:
    done = run("watch-pir", GPIOZERO_PIN_FACTORY="bogus")
    assert done.returncode == 69
    assert done.stderr.count(b"\n") == 1
    assert b"link (GPIO21): Unable to find pin factory 'bogus'" in done.stderr


def test_no_pir_is_a_matter_of_the_config(board: Board, run: Run, config_file: ConfigFile) -> None:
    config_file('[[pir]]\nname="a"\npin=16\nenabled=false\n')
    done = run("watch-pir")
    assert (done.returncode, done.stdout) == (78, b"")
    assert b"none is enabled" in done.stderr
