"""The one door to gpiozero: inputs with edges, outputs, and errors that say what to do."""

import collections
import contextlib
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple, Self

import gpiozero

from camalert.errors import BadConfig, CamalertError, NotPermitted, TryAgain, Unavailable

DEVICES = Path("/dev")
BACKLOG = 1000
"""Edges kept for a command that is slow to fetch them; the oldest go first."""


class Edge(NamedTuple):
    """An input's change: when (monotonic seconds), which, and whether it is active now."""

    time: float
    name: str
    active: bool


class Input:
    """An input pin whose edges go to its `Pins`."""

    def __init__(self, pins: "Pins", name: str, pin: int, active_high: bool, pull: str) -> None:
        self._pins, self._name, self._active_high = pins, name, active_high
        pull_up = {"none": None, "up": True, "down": False}[pull]
        self._device: Any = gpiozero.InputDevice(
            pin, pull_up=pull_up, active_state=True if pull_up is None else None
        )
        self._device.pin.edges = "both"
        self._device.pin.when_changed = self._changed

    def active(self) -> bool:
        """Whether the pin is at its active level now."""
        return bool(self._device.pin.state) == self._active_high

    def close(self) -> None:
        """Give the pin back."""
        self._device.pin.when_changed = None
        self._device.close()

    def _changed(self, _ticks: float, state: int) -> None:
        edge = Edge(time.monotonic(), self._name, bool(state) == self._active_high)
        self._pins.put(edge)


class Output:
    """An output pin, off at first."""

    def __init__(self, pin: int, active_high: bool) -> None:
        self._on = False
        self._device: Any = gpiozero.DigitalOutputDevice(pin, active_high=active_high)

    def set(self, on: bool) -> None:
        """Switch it."""
        if on != self._on:
            self._device.value = self._on = on

    def close(self) -> None:
        """Give the pin back; as the input that it is again, it drives nothing."""
        self._device.close()


class Pins:
    """The pins of this process. Leaving the context switches outputs off and gives all back.

    `run` is the run folder: lgpio keeps its FIFO there, and a simulated board lies in it. `wake` is
    a descriptor that is readable when `edges` has something.
    """

    def __init__(self, run: Path) -> None:
        self._run = run
        self._open: list[Input | Output] = []
        self._edges: collections.deque[Edge] = collections.deque(maxlen=BACKLOG)
        self.wake = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        while self._open:
            with contextlib.suppress(Exception):  # one that fails must not leave the others on
                self._open.pop().close()
        os.close(self.wake)

    def input(self, name: str, pin: int, *, active_high: bool, pull: str = "none") -> Input:
        """Take a pin as an input; `pull` is none, up or down.

        Raises TryAgain where the pin is busy, NotPermitted, Unavailable where there is no GPIO, and
        BadConfig where there is no such pin.
        """
        with self._clear_errors(name, pin):
            line = Input(self, name, pin, active_high, pull)
        self._open.append(line)
        return line

    def output(self, name: str, pin: int, *, active_high: bool = True) -> Output:
        """Take a pin as an output. Raises as `input` does."""
        with self._clear_errors(name, pin):
            line = Output(pin, active_high)
        self._open.append(line)
        return line

    def put(self, edge: Edge) -> None:
        """Queue an edge and wake the command's loop; called by the driver's threads."""
        self._edges.append(edge)
        with contextlib.suppress(OSError):
            os.eventfd_write(self.wake, 1)

    def edges(self) -> list[Edge]:
        """The edges since the last call, oldest first."""
        with contextlib.suppress(BlockingIOError):
            os.eventfd_read(self.wake)
        found = []
        while self._edges:
            found.append(self._edges.popleft())
        return found

    @contextlib.contextmanager
    def _clear_errors(self, name: str, pin: int) -> Iterator[None]:
        _choose_driver(self._run)
        try:
            yield
        except CamalertError:
            raise
        except Exception as error:  # lgpio has errors of its own, and gpiozero passes them on
            raise _explained(f"{name} (GPIO{pin})", error) from error


def _choose_driver(run: Path) -> None:
    # lgpio makes a FIFO in the working directory, or here, as soon as it is imported; gpiozero left
    # to itself tries four drivers, with warnings, and ends with one that cannot tell a busy pin
    for name, value in (
        ("LG_WD", str(run)),
        ("CAMALERT_BOARD", str(run / "board")),
        ("GPIOZERO_PIN_FACTORY", "lgpio"),
    ):
        os.environ.setdefault(name, value)
    run.mkdir(parents=True, exist_ok=True, mode=0o700)


def _explained(thing: str, error: Exception) -> CamalertError:
    reason = str(error)
    if isinstance(error, gpiozero.GPIOPinInUse) or "busy" in reason.lower():
        return TryAgain(thing, "is busy: another process holds it", "stop that, or use another pin")
    if isinstance(error, gpiozero.PinError) and not isinstance(error, gpiozero.PinUnknownPi):
        return BadConfig(thing, reason)
    if os.environ["GPIOZERO_PIN_FACTORY"] != "lgpio":
        return Unavailable(thing, reason, "see GPIOZERO_PIN_FACTORY")
    chips = sorted(DEVICES.glob("gpiochip*"))
    if not chips:
        simulated = "GPIOZERO_PIN_FACTORY=simulated does without"
        return Unavailable(thing, "no GPIO chip on this machine", simulated)
    if not any(os.access(chip, os.R_OK | os.W_OK) for chip in chips):
        next_step = "sudo adduser $USER gpio, then log in again"
        return NotPermitted(thing, f"this user may not use {chips[0]}", next_step)
    if isinstance(error, ImportError):
        return Unavailable(thing, reason, "sudo apt install python3-lgpio")
    return Unavailable(thing, reason)
