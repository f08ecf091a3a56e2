"""What a person does to a simulated board: press, trip, let go, join, look.

Lines are given as words: a name of the config, or a BCM number; `wiring.find` says which.
"""

import time
from collections.abc import Callable, Sequence
from typing import Any

from camalert.config import Config
from camalert.sensing import board, terminal
from camalert.sensing.wiring import Wired, find, wiring


class Hands:
    """Hands on the board of `config`. All methods raise BadUsage for a word that is no line."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._board = board.Board(board.folder(config.folder("run")))

    def touch(self, words: Sequence[str], active: bool = True) -> None:
        """Make lines active, or let them go."""
        for word in words:
            self._touch(find(self._config, word), active)

    def pulse(
        self, words: Sequence[str], seconds: float, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        """Make lines active for some seconds; they are let go however that ends."""
        with terminal.leave_on_term():
            try:
                self.touch(words)
                sleep(seconds)
            finally:
                self.touch(words, False)

    def set(self, word: str, level: int) -> None:
        """Drive a line to a level until it is let go."""
        self._board.drive(find(self._config, word).pin, level)

    def wire(self, source: str, target: str) -> None:
        """Let one line follow another."""
        self._board.wire(find(self._config, source).pin, find(self._config, target).pin)

    def unwire(self, target: str) -> None:
        """Take away the wire that ends at a line."""
        self._board.unwire(find(self._config, target).pin)

    def reset(self) -> None:
        """Take away all wires and hands; the PIRs are at rest."""
        for target in self._board.wires():
            self._board.unwire(target)
        for number in self._board.lines():
            self._board.drive(number, None)
        for wired in wiring(self._config):
            if wired.kind == "PIR":
                self._touch(wired, False)

    def states(self) -> list[dict[str, Any]]:
        """Every line that the config names or anything has touched: its name, state and holder."""
        listed = wiring(self._config)
        named = {wired.pin for wired in listed}
        others = [Wired(f"GPIO{n}", n, "") for n in self._board.lines() if n not in named]
        wires = self._board.wires()
        levels = {wired: self._board.line(wired.pin).level for wired in listed + others}
        return [
            {
                "name": wired.name,
                "pin": wired.pin,
                "kind": wired.kind,
                "level": level,
                "state": self._state(wired, level),
                "follows": wires.get(wired.pin),
                "held_by": self._board.owner(wired.pin),
            }
            for wired, level in levels.items()
        ]

    def view(self) -> list[str]:
        """The same as a table."""
        rows = [
            (
                state["name"],
                str(state["pin"]),
                state["kind"],
                str(state["level"]),
                state["state"],
                "" if state["follows"] is None else f"GPIO{state['follows']}",
                state["held_by"],
            )
            for state in self.states()
        ]
        return terminal.table(
            ("NAME", "GPIO", "KIND", "LEVEL", "STATE", "FOLLOWS", "HELD BY"), rows
        )

    def live(self) -> None:
        """Show the table on the terminal as it changes; the keys 1 to 9 press and let go."""
        inputs = [wired for wired in wiring(self._config) if not wired.output]
        keys = {str(n): wired for n, wired in zip(range(1, 10), inputs, strict=False)}
        legend = "  ".join(f"{key} {wired.name}" for key, wired in keys.items())

        def turn(key: str) -> None:
            if wired := keys.get(key):
                level = self._board.line(wired.pin).level
                self._touch(wired, level != wired.level(True))

        terminal.live(lambda: [*self.view(), "", f"a key presses and lets go:  {legend}"], turn)

    def _state(self, wired: Wired, level: int) -> str:
        if self._board.floats(wired.pin):
            return "floating"
        return "active" if level == wired.level(True) else "idle"

    def _touch(self, wired: Wired, active: bool) -> None:
        # a PIR drives its line at rest, too; all else lets go of it
        rests = wired.level(False) if wired.kind == "PIR" else None
        self._board.drive(wired.pin, wired.level(True) if active else rests)
