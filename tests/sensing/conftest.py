"""A simulated board, pins that are only noted, and a clock that a test moves."""

import dataclasses
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import gpiozero
import pytest

from camalert.sensing.board import Board
from camalert.sensing.pins import Edge


@pytest.fixture
def board(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Board]:
    """A board of its own, which gpiozero's devices of this process are on."""
    monkeypatch.setenv("GPIOZERO_PIN_FACTORY", "simulated")
    monkeypatch.setenv("CAMALERT_BOARD", str(tmp_path / "board"))
    monkeypatch.setenv("LG_WD", str(tmp_path))
    monkeypatch.setattr(gpiozero.Device, "pin_factory", None)
    before = _descriptors()
    yield Board(tmp_path / "board")
    if gpiozero.Device.pin_factory:
        gpiozero.Device.pin_factory.close()
    deadline = time.monotonic() + 20
    while _descriptors() != before and time.monotonic() < deadline:
        time.sleep(0.01)  # a listening thread closes its own
    assert _descriptors() == before, "a descriptor is left open"


def _descriptors() -> set[str]:
    return {path.name for path in Path("/proc/self/fd").iterdir()}


class FakeClock:
    def __init__(self) -> None:
        self.time = 1000.0

    def now(self) -> datetime:
        return datetime(2027, 1, 1, tzinfo=UTC)

    def monotonic(self) -> float:
        return self.time


@dataclasses.dataclass
class FakeLine:
    pin: int
    active_high: bool
    pull: str = ""
    on: bool = False
    switched: int = 0

    def active(self) -> bool:
        return self.on

    def set(self, on: bool) -> None:
        self.switched += on != self.on
        self.on = on


class FakePins:
    """Stands in for Pins: a test turns `lines[name].on` or queues edges by `change`."""

    def __init__(self, clock: FakeClock) -> None:
        self.clock = clock
        self.lines: dict[str, FakeLine] = {}
        self.at_start: set[str] = set()
        self._edges: list[Edge] = []

    def input(self, name: str, pin: int, *, active_high: bool, pull: str = "none") -> FakeLine:
        self.lines[name] = FakeLine(pin, active_high, pull, on=name in self.at_start)
        return self.lines[name]

    def output(self, name: str, pin: int, *, active_high: bool = True) -> FakeLine:
        self.lines[name] = FakeLine(pin, active_high)
        return self.lines[name]

    def change(self, name: str, on: bool) -> None:
        self.lines[name].on = on
        self._edges.append(Edge(self.clock.time, name, on))

    def edges(self) -> list[Edge]:
        found, self._edges = self._edges, []
        return found

    def is_on(self, name: str) -> bool:
        return self.lines[name].on


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def pins(clock: FakeClock) -> Any:
    return FakePins(clock)
