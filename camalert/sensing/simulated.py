"""gpiozero's pins on a simulated board: `GPIOZERO_PIN_FACTORY=simulated`.

The board's folder is $CAMALERT_BOARD, else `board` in the run folder.
"""

import collections
import contextlib
import os
import socket
import threading
from pathlib import Path
from typing import Any

from gpiozero import (
    PinFixedPull,
    PinInvalidFunction,
    PinInvalidPull,
    PinPWMUnsupported,
    PinSetInput,
)
from gpiozero.pins.local import LocalPiFactory, LocalPiPin

from camalert import config_file
from camalert.sensing.board import PULLS, Board, edges, folder

PI_4B = 0xC03111
PATIENCE = 2.0
"""Seconds that switching off a pin's edges waits for a callback that still runs."""


class SimulatedPin(LocalPiPin):  # type: ignore[misc]
    """A line of the board, held by this process from its first use until it is closed."""

    def __init__(self, factory: "SimulatedFactory", info: Any) -> None:
        super().__init__(factory, info)
        self._board = factory.board
        self._claim: int | None = None
        self._bounce: float | None = None
        self._edges = "both"
        self._listener: socket.socket | None = None
        self._thread: threading.Thread | None = None
        self._set_function("input")

    def close(self) -> None:
        self.when_changed = None
        if self._claim is not None:
            self._board.output(self._number, None)
            self._board.pull(self._number, "floating")
            os.close(self._claim)
            self._claim = None

    def _get_function(self) -> str:
        return "input" if self._board.line(self._number).out is None else "output"

    def _set_function(self, value: str) -> None:
        if value not in ("input", "output"):
            raise PinInvalidFunction(f'invalid function "{value}" for pin {self!r}')
        if self._claim is None:
            self._claim = self._board.claim(self._number)
        # an output begins low, as lgpio's do
        self._board.output(self._number, 0 if value == "output" else None)

    def _get_state(self) -> bool:
        return bool(self._board.line(self._number).level)

    def _set_state(self, value: float) -> None:
        if self._get_function() == "input":
            raise PinSetInput(f"cannot set state of pin {self!r}")
        self._board.output(self._number, int(bool(value)))

    def _get_pull(self) -> str:
        return self._board.line(self._number).pull

    def _set_pull(self, value: str) -> None:
        if self._get_function() == "output":
            raise PinFixedPull(f"cannot set pull on non-input pin {self!r}")
        if self.info.pull not in (value, ""):
            raise PinFixedPull(f"{self!r} has a physical pull-{self.info.pull} resistor")
        if value not in PULLS:
            raise PinInvalidPull(f'invalid pull "{value}" for pin {self!r}')
        self._board.pull(self._number, value)

    def _get_frequency(self) -> None:
        return None

    def _set_frequency(self, value: float | None) -> None:
        if value is not None:
            raise PinPWMUnsupported(f"{self!r} is simulated, without PWM")

    def _get_bounce(self) -> float | None:
        return self._bounce

    def _set_bounce(self, value: float | None) -> None:
        self._bounce = value

    def _get_edges(self) -> str:
        return self._edges

    def _set_edges(self, value: str) -> None:
        self._edges = value

    def _enable_event_detect(self) -> None:
        self._listener = self._board.listen(self._number)
        self._thread = threading.Thread(target=self._follow, args=(self._listener,), daemon=True)
        self._thread.start()

    def _disable_event_detect(self) -> None:
        if self._listener is None:
            return
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        if self._thread and self._thread is not threading.current_thread():
            self._thread.join(PATIENCE)
        self._listener = self._thread = None

    def _follow(self, listener: socket.socket) -> None:
        wanted = {"both": (0, 1), "rising": (1,), "falling": (0,)}
        with listener:
            for moment, level in edges(listener):
                if level in wanted.get(self._edges, ()):
                    self._call_when_changed(moment, level)


class SimulatedFactory(LocalPiFactory):  # type: ignore[misc]
    """The pins of a Raspberry Pi 4B that is the folder `place`; see `board`."""

    def __init__(self, place: Path | None = None) -> None:
        super().__init__()
        self.pin_class = SimulatedPin
        self.board = Board(place or folder(config_file.load(config_file.locate()).folder("run")))
        # gpiozero's local factories share these in a process; two boards are two boards
        self.pins: dict[Any, SimulatedPin] = {}
        self._reservations: Any = collections.defaultdict(list)

    def _get_revision(self) -> int:
        return PI_4B
