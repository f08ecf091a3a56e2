"""What the config wires to which GPIO line, as one list for all who show or try lines."""

from typing import NamedTuple

from camalert.config import Config
from camalert.errors import BadUsage

HIGHEST = 53


class Wired(NamedTuple):
    """Something on a line. `kind` is PIR, LED, link, button, flash; empty where it has no name."""

    name: str
    pin: int
    kind: str
    output: bool = False
    active_high: bool = True
    pull: str = "none"

    def level(self, active: bool) -> int:
        """The line's level where this is active, or idle."""
        return int(active == self.active_high)


def wiring(config: Config) -> list[Wired]:
    """All that is on the lines: sensors first; nothing of a PIR that is not enabled."""
    pirs = [pir for pir in config.pir if pir.enabled]
    link, button, flash = config.link, config.button, config.flash
    pull = "down" if button.active_high else "up"
    listed = [
        *(Wired(p.name, p.pin, "PIR", active_high=p.active_high, pull=p.pull) for p in pirs),
        Wired(button.name, button.pin, "button", active_high=button.active_high, pull=pull),
        *(Wired(f"{p.name}-led", p.led, "LED", output=True) for p in pirs),
        Wired("link", link.pin, "link", output=True, active_high=link.active_high),
        Wired("action-led", button.led, "LED", output=True),
        Wired("flash", flash.pin, "flash", output=True, active_high=flash.active_high),
    ]
    return [wired for wired in listed if wired.pin >= 0]


def find(config: Config, word: str) -> Wired:
    """What is called `word`, or is on that BCM number. Raises BadUsage where nothing is."""
    listed = wiring(config)
    for wired in listed:
        if word.casefold() == wired.name.casefold() or word == str(wired.pin):
            return wired
    if word.isascii() and word.isdecimal() and int(word) <= HIGHEST:
        return Wired(f"GPIO{word}", int(word), "")
    names = ", ".join(wired.name for wired in listed)
    raise BadUsage(word, "is not a line", f"a BCM number, or one of: {names}")
