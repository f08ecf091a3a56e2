"""The wiring tried out: outputs one after the other, inputs as they are."""

import logging
from collections.abc import Callable, Iterator

from camalert.config import Config
from camalert.errors import TryAgain
from camalert.sensing.pins import Input, Output, Pins
from camalert.sensing.terminal import table
from camalert.sensing.wiring import Wired, wiring

log = logging.getLogger("camalert")


class SelfTest:
    """All that `config` has on the pins. What another process holds is named in `busy`.

    Raises what `Pins` raises for other reasons.
    """

    def __init__(self, config: Config, pins: Pins) -> None:
        self.busy: list[str] = []
        self._inputs: list[tuple[Wired, Input]] = []
        self._outputs: list[tuple[Wired, Output]] = []
        self._pins = pins
        for wired in wiring(config):
            try:
                self._take(wired)
            except TryAgain as error:
                log.warning("%s", error)
                self.busy.append(wired.name)

    def walk(self, seconds: float, sleep: Callable[[float], None]) -> Iterator[str]:
        """Switch each output on for some seconds; says which before it does."""
        for wired, output in self._outputs:
            yield f"{wired.name} (GPIO{wired.pin}): on for {seconds:g} s"
            output.set(True)
            try:
                sleep(seconds)
            finally:
                output.set(False)

    def view(self) -> list[str]:
        """The inputs as a table."""
        rows = [
            (wired.name, str(wired.pin), str(wired.level(active)), "active" if active else "idle")
            for wired, line in self._inputs
            for active in [line.active()]
        ]
        return table(("INPUT", "GPIO", "LEVEL", "STATE"), rows)

    def _take(self, wired: Wired) -> None:
        name, pin, high = wired.name, wired.pin, wired.active_high
        if wired.output:
            self._outputs.append((wired, self._pins.output(name, pin, active_high=high)))
        else:
            line = self._pins.input(name, pin, active_high=high, pull=wired.pull)
            self._inputs.append((wired, line))
