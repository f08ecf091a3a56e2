"""The door to gpiozero: edges, outputs, and errors that say what to do."""

import os
import select
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import gpiozero
import pytest

from camalert.errors import BadConfig, CamalertError, NotPermitted, TryAgain, Unavailable
from camalert.sensing import pins as door
from camalert.sensing.board import Board
from camalert.sensing.pins import Edge, Pins


@pytest.fixture
def pins(board: Board, tmp_path: Path) -> Iterator[Pins]:
    with Pins(tmp_path) as pins:
        yield pins


def edges(pins: Pins, count: int) -> list[tuple[str, bool]]:
    found: list[Edge] = []
    while len(found) < count:
        assert select.select([pins.wake], [], [], 10)[0], f"{len(found)} edges only"
        found += pins.edges()
    assert [edge.time for edge in found] == sorted(edge.time for edge in found)
    return [(edge.name, edge.active) for edge in found]


@pytest.mark.parametrize("active_high", [True, False])
@pytest.mark.parametrize(("pull", "rests"), [("none", 0), ("up", 1), ("down", 0)])
def test_inputs_of_every_polarity(
    board: Board, pins: Pins, active_high: bool, pull: str, rests: int
) -> None:
    line = pins.input("door", 16, active_high=active_high, pull=pull)
    assert board.line(16).level == rests
    assert line.active() == (rests == active_high)
    board.drive(16, 1 - rests)
    board.drive(16, rests)
    assert edges(pins, 2) == [("door", (1 - rests) == active_high), ("door", rests == active_high)]
    assert pins.edges() == []
    assert not select.select([pins.wake], [], [], 0)[0]


@pytest.mark.parametrize("active_high", [True, False])
def test_outputs_of_both_polarities(board: Board, pins: Pins, active_high: bool) -> None:
    line = pins.output("link", 21, active_high=active_high)
    assert board.line(21).level == (not active_high)
    line.set(True)
    assert board.line(21).level == active_high
    written = (board.folder / "21.line").stat().st_ino
    line.set(True)
    assert (board.folder / "21.line").stat().st_ino == written, "what is on is not switched on"
    line.set(False)
    assert board.line(21).level == (not active_high)


def test_leaving_gives_all_back(board: Board, tmp_path: Path) -> None:
    with Pins(tmp_path) as pins:
        pins.output("led", 19).set(True)
        pins.input("pir", 16, active_high=True)
        assert board.owner(19)
    assert board.line(19).level == 0
    assert board.owner(19) == board.owner(16) == ""
    board.drive(16, 1)


def test_one_that_fails_to_close_leaves_no_other_on(board: Board, tmp_path: Path) -> None:
    with Pins(tmp_path) as pins:
        pins.output("led", 19).set(True)
        line = pins.input("pir", 16, active_high=True)
        line.close()  # the second close, on leaving, finds no device
    assert board.line(19).level == 0


def test_a_flood_keeps_the_newest(board: Board, pins: Pins) -> None:
    for n in range(door.BACKLOG + 5):
        pins.put(Edge(float(n), "pir", True))
    found = pins.edges()
    assert len(found) == door.BACKLOG
    assert found[-1].time == door.BACKLOG + 4


def test_a_pin_of_another_process_is_busy(board: Board, pins: Pins) -> None:
    claim = board.claim(16)
    with pytest.raises(TryAgain, match="busy"):
        pins.input("pir", 16, active_high=True)
    os.close(claim)
    pins.input("pir", 16, active_high=True)


def test_a_pin_of_this_process_is_busy(pins: Pins) -> None:
    pins.input("pir", 16, active_high=True)
    with pytest.raises(TryAgain, match=r"led \(GPIO16\): is busy"):
        pins.output("led", 16)


def test_a_pin_that_is_not_there(pins: Pins) -> None:
    with pytest.raises(BadConfig, match=r"led \(GPIO40\)"):
        pins.output("led", 40)


class LgpioError(Exception):
    """As lgpio's: no class that gpiozero knows."""


def explained(error: Exception) -> CamalertError:
    return door._explained("pir (GPIO16)", error)


@pytest.fixture
def chip(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("GPIOZERO_PIN_FACTORY", "lgpio")
    for name in ("LG_WD", "CAMALERT_BOARD"):  # set, so that the door does not for later tests
        monkeypatch.setenv(name, str(tmp_path))
    monkeypatch.setattr(door, "DEVICES", tmp_path)
    return tmp_path / "gpiochip0"


def test_no_chip(chip: Path) -> None:
    error = explained(LgpioError("can not open gpiochip"))
    assert isinstance(error, Unavailable)
    assert "no GPIO chip on this machine; GPIOZERO_PIN_FACTORY=simulated" in str(error)


def test_no_right_to_the_chip(chip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    chip.touch()
    monkeypatch.setattr(door.os, "access", lambda *_: False)
    error = explained(LgpioError("can not open gpiochip"))
    assert isinstance(error, NotPermitted)
    assert str(error).endswith("sudo adduser $USER gpio, then log in again")


def test_no_driver(chip: Path) -> None:
    chip.touch()
    error = explained(ModuleNotFoundError("No module named 'lgpio'"))
    assert isinstance(error, Unavailable)
    assert "apt install python3-lgpio" in str(error)


def test_a_pin_that_the_chip_says_is_busy(chip: Path) -> None:
    assert isinstance(explained(LgpioError("'GPIO busy'")), TryAgain)


def test_a_machine_that_is_no_pi(chip: Path) -> None:
    chip.touch()
    error = explained(gpiozero.PinUnknownPi("unable to locate Pi revision"))
    assert isinstance(error, Unavailable)
    assert str(error) == "pir (GPIO16): unable to locate Pi revision"


def test_a_driver_that_nobody_knows(chip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GPIOZERO_PIN_FACTORY", "bogus")
    monkeypatch.setattr(gpiozero.Device, "pin_factory", None)
    with Pins(chip.parent) as pins, pytest.raises(Unavailable, match=r"bogus.*PIN_FACTORY"):
        pins.output("led", 19)


def test_unless_told_lgpio_drives_and_works_in_the_run_folder(tmp_path: Path) -> None:
    script = (
        "import os, pathlib; from camalert.sensing import pins;"
        f"pins._choose_driver(pathlib.Path({str(tmp_path / 'run')!r}));"
        "print(*(os.environ[n] for n in ('GPIOZERO_PIN_FACTORY', 'LG_WD', 'CAMALERT_BOARD')))"
    )
    names = ("GPIOZERO_PIN_FACTORY", "LG_WD", "CAMALERT_BOARD")
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={name: value for name, value in os.environ.items() if name not in names},
        capture_output=True,
        text=True,
        check=True,
    )
    run = tmp_path / "run"
    assert done.stdout.split() == ["lgpio", str(run), str(run / "board")]
    assert run.stat().st_mode & 0o777 == 0o700
