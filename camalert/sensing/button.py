"""The camera side: the button, which is also the link's other end, and the action LED."""

import logging
from typing import TYPE_CHECKING

from camalert.config import Config
from camalert.records import ButtonPressed, ButtonReleased, Clock, Record, envelope
from camalert.sensing.coincidence import Watch

if TYPE_CHECKING:
    from camalert.sensing.pins import Pins

log = logging.getLogger("camalert")

SOON, LATER = 0.2, 1.0
"""Seconds between two looks for alarms in work: while there are some or a press may bring one, and
otherwise."""
AFTER_PRESS = 5.0


class Button:
    """The button of `config`. Its LED is lit while the panel has the note of an alarm on disk.

    Raises what `Pins` raises.
    """

    def __init__(self, config: Config, pins: "Pins", clock: Clock) -> None:
        button = config.button
        self._pins, self._clock = pins, clock
        self._name, self._number = button.name, button.pin
        self._notes = config.folder("spool", "notes")
        self._led = pins.output("action-led", button.led) if button.led >= 0 else None
        self._input = pins.input(
            button.name,
            button.pin,
            active_high=button.active_high,
            pull="down" if button.active_high else "up",
        )
        now = clock.monotonic()
        self._watch = Watch(
            {button.name: self._input.active()}, now, debounce=config.sensing.debounce, settle=0
        )
        self._look, self._pressed = now, float("-inf")
        log.info("watching %s (GPIO%d)", button.name, button.pin)

    def news(self) -> list[Record]:
        """What has happened since the last call, oldest first; the LED has followed the notes."""
        changes = []
        for edge in self._pins.edges():
            changes += self._watch.feed(edge.time, edge.name, edge.active)
        now = self._clock.monotonic()
        changes += self._watch.feed(now, self._name, self._input.active())
        if any(change.active for change in changes):
            self._pressed = self._look = now
        self._show_action(now)
        kinds = {True: ButtonPressed, False: ButtonReleased}
        return [
            kinds[change.active](
                **envelope(self._name, self._clock), pin=self._number, at_start=change.at_start
            )
            for change in changes
        ]

    def patience(self) -> float | None:
        """Seconds until `news` must be asked again even if no pin changes; None: for ever."""
        due = [self._watch.deadline, self._look if self._led else None]
        soonest = min((moment for moment in due if moment is not None), default=None)
        return None if soonest is None else max(0.0, soonest - self._clock.monotonic())

    def _show_action(self, now: float) -> None:
        if not self._led or now < self._look:
            return
        acting = next(self._notes.glob("*.note"), None) is not None
        self._led.set(acting)
        busy = acting or now < self._pressed + AFTER_PRESS
        self._look = now + (SOON if busy else LATER)
