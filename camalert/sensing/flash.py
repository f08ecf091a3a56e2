"""The flash: on for a picture, and off however that ends."""

import contextlib
from collections.abc import Callable, Iterator

from camalert import config
from camalert.errors import BadConfig
from camalert.sensing.pins import Pins


class Flash:
    """The pin of `settings`, taken by this process and switched off, whatever it was before.

    Raises BadConfig where none is configured, and what `Pins.output` raises.
    """

    def __init__(self, settings: config.Flash, pins: Pins, sleep: Callable[[float], None]) -> None:
        if settings.pin < 0:
            raise BadConfig("flash.pin", "is not set", "see docs/config.md")
        self._settle, self._sleep = settings.settle, sleep
        self._output = pins.output("flash", settings.pin, active_high=settings.active_high)

    @contextlib.contextmanager
    def lit(self) -> Iterator[None]:
        """On, once it has settled, and off again on leaving, also by an exception."""
        try:
            self._output.set(True)
            self._sleep(self._settle)
            yield
        finally:
            self._output.set(False)
