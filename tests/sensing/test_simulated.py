"""gpiozero's own devices on the simulated board."""

import queue
import subprocess
import sys
from pathlib import Path
from typing import Any

import gpiozero
import pytest

from camalert.errors import TryAgain
from camalert.sensing.board import Board
from camalert.sensing.simulated import SimulatedFactory

DRIVER = """
import sys
from gpiozero import DigitalOutputDevice
link = DigitalOutputDevice(21)
print("ready", flush=True)
sys.stdin.readline()
for _ in range(500):
    link.toggle()
print("done", flush=True)
"""

LISTENER = """
import queue, sys
from gpiozero import DigitalInputDevice
edges = queue.Queue()
button = DigitalInputDevice(4, pull_up=True)
button.when_activated = lambda: edges.put(0)
button.when_deactivated = lambda: edges.put(1)
print("ready", button.pin.state, flush=True)
for n in range(500):
    level = edges.get(timeout=30)
    assert level == (n + 1) % 2, (n, level)
print("500", edges.qsize(), flush=True)
"""


def python(script: str) -> Any:
    return subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


def test_500_edges_through_two_processes_and_a_wire(board: Board) -> None:
    board.wire(21, 4)
    with python(DRIVER) as driver:
        assert driver.stdout.readline() == "ready\n"
        with python(LISTENER) as listener:
            try:
                assert listener.stdout.readline() == "ready False\n"
                driver.stdin.write("go\n")
                driver.stdin.flush()
                assert driver.stdout.readline() == "done\n"
                assert listener.stdout.readline() == "500 0\n"
            finally:
                driver.kill()
                listener.kill()


def test_a_button_an_led_and_their_board(board: Board) -> None:
    pressed: queue.Queue[str] = queue.Queue()
    with gpiozero.Button(4) as button, gpiozero.LED(17) as led:
        button.when_pressed = lambda: pressed.put("pressed")
        button.when_released = lambda: pressed.put("released")
        assert button.pin.pull == "up"
        assert not button.is_pressed
        board.drive(4, 0)
        assert pressed.get(timeout=10) == "pressed"
        assert button.is_pressed
        board.drive(4, None)
        assert pressed.get(timeout=10) == "released"
        led.on()
        assert board.line(17).level == 1
        assert led.pin.function == "output"
        assert board.owner(17) != ""
    assert board.line(17).out is None
    assert board.owner(17) == board.owner(4) == ""


def test_a_pin_is_used_again_after_it_was_closed(board: Board) -> None:
    for _ in range(2):
        with gpiozero.LED(17) as led:
            led.on()
            assert board.line(17).level == 1


def test_a_second_owner_is_refused(board: Board, tmp_path: Path) -> None:
    other = SimulatedFactory(board.folder)
    with (
        gpiozero.LED(17, pin_factory=other),
        pytest.raises(TryAgain, match="GPIO17: is busy"),
    ):
        gpiozero.LED(17)
    other.close()


def test_edges_of_one_direction(board: Board) -> None:
    factory = SimulatedFactory(board.folder)
    pin = factory.pin(16)
    seen: queue.Queue[int] = queue.Queue()

    def note(_ticks: float, level: int) -> None:
        seen.put(level)

    pin.edges = "falling"
    pin.when_changed = note
    for level in (1, 0, 1, 0):
        board.drive(16, level)
    assert [seen.get(timeout=10) for _ in range(2)] == [0, 0]
    assert pin.edges == "falling"
    factory.close()
    assert seen.empty()


def test_a_callback_may_switch_its_own_edges_off(board: Board) -> None:
    factory = SimulatedFactory(board.folder)
    pin = factory.pin(16)
    seen: queue.Queue[int] = queue.Queue()

    def once(_ticks: float, level: int) -> None:
        pin.when_changed = None
        seen.put(level)

    pin.when_changed = once
    board.drive(16, 1)
    assert seen.get(timeout=10) == 1
    assert pin.when_changed is None
    factory.close()


def test_what_a_pin_cannot_do(board: Board) -> None:
    factory = SimulatedFactory(board.folder)
    pin = factory.pin(16)
    with pytest.raises(gpiozero.PinSetInput):
        pin.state = 1
    with pytest.raises(gpiozero.PinInvalidFunction):
        pin.function = "analog"
    with pytest.raises(gpiozero.PinInvalidPull):
        pin.pull = "sideways"
    with pytest.raises(gpiozero.PinPWMUnsupported):
        pin.frequency = 100
    with pytest.raises(gpiozero.PinFixedPull):
        factory.pin(2).pull = "down"
    with pytest.raises(gpiozero.PinInvalidPin):
        factory.pin(40)
    pin.frequency = None
    pin.bounce = 0.1
    assert (pin.frequency, pin.bounce) == (None, 0.1)
    pin.function = "output"
    with pytest.raises(gpiozero.PinFixedPull):
        pin.pull = "up"
    factory.close()


def test_without_being_told_the_board_lies_in_the_run_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "camalert.toml"
    path.write_text(f'[paths]\nrun = "{tmp_path / "run"}"\n')
    monkeypatch.setenv("CAMALERT_CONFIG", str(path))
    monkeypatch.delenv("CAMALERT_BOARD", raising=False)
    assert SimulatedFactory().board.folder == tmp_path / "run" / "board"
