"""The sensor side: the PIRs, an LED for each, and the link that is active while they agree."""

import logging
from typing import TYPE_CHECKING

from camalert.config import Config
from camalert.errors import BadConfig
from camalert.records import Clock, PirActive, PirAgreed, PirIdle, PirParted, Record, envelope
from camalert.sensing.coincidence import Change, Coincidence, Watch

if TYPE_CHECKING:
    from camalert.sensing.pins import Pins

log = logging.getLogger("camalert")


class Pirs:
    """The enabled PIRs of `config`. For the first `settle` seconds only their LEDs follow them.

    Raises BadConfig where none is enabled, and what `Pins` raises.
    """

    def __init__(self, config: Config, pins: "Pins", clock: Clock, settle: float) -> None:
        enabled = [pir for pir in config.pir if pir.enabled]
        if not enabled:
            raise BadConfig("pir", "none is enabled", "see docs/config.md")
        self._pins, self._clock, self._wired = pins, clock, config.link.wired
        self._numbers = {pir.name: pir.pin for pir in enabled}
        link, sensing = config.link, config.sensing
        self._link = None
        if link.pin >= 0:
            self._link = pins.output("link", link.pin, active_high=link.active_high)
        self._leds = {
            pir.name: pins.output(f"{pir.name}-led", pir.led) for pir in enabled if pir.led >= 0
        }
        self._inputs = {
            pir.name: pins.input(pir.name, pir.pin, active_high=pir.active_high, pull=pir.pull)
            for pir in enabled
        }
        levels = {name: line.active() for name, line in self._inputs.items()}
        now = clock.monotonic()
        self._watch = Watch(levels, now, debounce=sensing.debounce, settle=settle)
        self._coincidence = Coincidence(min(sensing.agree, len(enabled)), sensing.window)
        self._mirror()
        if settle:
            log.info("settling for %g s", settle)

    def news(self) -> list[Record]:
        """What has happened since the last call, oldest first. LEDs and link have followed it."""
        began, news = self._watch.begun, list[Record]()
        for edge in self._pins.edges():
            news += self._follow(edge.time, self._watch.feed(edge.time, edge.name, edge.active))
        now = self._clock.monotonic()
        for name, line in self._inputs.items():  # the pins themselves: no lost edge can last
            news += self._follow(now, self._watch.feed(now, name, line.active()))
        self._mirror()
        if self._watch.begun and not began:
            listed = ", ".join(f"{name} (GPIO{pin})" for name, pin in self._numbers.items())
            log.info("watching %s", listed)
        return news

    def patience(self) -> float | None:
        """Seconds until `news` must be asked again even if no pin changes; None: for ever."""
        due = [self._watch.deadline, self._coincidence.deadline]
        soonest = min((moment for moment in due if moment is not None), default=None)
        return None if soonest is None else max(0.0, soonest - self._clock.monotonic())

    def _mirror(self) -> None:
        for name, led in self._leds.items():
            led.set(self._watch.active(name))

    def _follow(self, now: float, changes: list[Change]) -> list[Record]:
        news = self._agreement(self._coincidence.ask(now))
        for change in changes:
            news.append(self._edge(change))
            news += self._agreement(self._coincidence.feed(now, change.name, change.active))
        return news

    def _edge(self, change: Change) -> Record:
        kind = PirActive if change.active else PirIdle
        return kind(
            **envelope(change.name, self._clock),
            pin=self._numbers[change.name],
            at_start=change.at_start,
        )

    def _agreement(self, changed: bool) -> list[Record]:
        if not changed:
            return []
        if self._link:
            self._link.set(self._coincidence.agreed)
        kind = PirAgreed if self._coincidence.agreed else PirParted
        sensors = self._coincidence.sensors
        return [kind(**envelope("pirs", self._clock), sensors=sensors, wired=self._wired)]
