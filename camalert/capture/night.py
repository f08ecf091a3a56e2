"""When it is night by the hour or by measured light, and what a camera does then. Pure."""

from collections.abc import Set
from dataclasses import replace

from camalert.config import Camera


def within(minute: int, begin: str, end: str) -> bool:
    """Whether the `minute` of the day lies from `begin` until before `end` (HH:MM), or over
    midnight where `end` is the earlier one."""
    start, stop = _minute(begin), _minute(end)
    if start <= stop:
        return start <= minute < stop
    return minute >= start or minute < stop


def _minute(time: str) -> int:
    hours, _, minutes = time.partition(":")
    return int(hours) * 60 + int(minutes)


class LightGate:
    """Night by the mean luma (0 to 255) of pictures: two thresholds, and each held for a while."""

    def __init__(self, below: float, above: float, dwell: float) -> None:
        """Night when it has been under `below` for `dwell` seconds, day when over `above`."""
        self._below, self._above, self._dwell = below, above, dwell
        self._beyond: float | None = None
        self._first = True
        self.night = False

    def update(self, luma: float, now: float) -> bool:
        """Whether it is night, after a picture of the moment `now` (s). The first decides alone."""
        beyond = luma > self._above if self.night else luma < self._below
        if not beyond:
            self._beyond = None
        elif self._beyond is None:
            self._beyond = now
        if self._beyond is not None and (self._first or now - self._beyond >= self._dwell):
            self.night, self._beyond = not self.night, None
        self._first = False
        return self.night


def in_force(camera: Camera, night: bool) -> Camera:
    """The camera with its settings for the night, or as it is."""
    if not night:
        return camera
    options = merged(camera.options, camera.night_options)
    return replace(camera, rate=camera.night_rate or camera.rate, options=options)


def merged(words: tuple[str, ...], more: tuple[str, ...]) -> tuple[str, ...]:
    """`words` without the options that `more` has too, then `more`.

    An option is a word that begins with `--`, its values all words up to the next one.
    """
    return without(words, {name(word) for word in more if word.startswith("--")}) + more


def without(words: tuple[str, ...], names: Set[str]) -> tuple[str, ...]:
    """`words` without the options in `names` and their values."""
    kept, dropping = [], False
    for word in words:
        if word.startswith("--"):
            dropping = name(word) in names
        if not dropping:
            kept.append(word)
    return tuple(kept)


def name(option: str) -> str:
    """`--ev` of `--ev=0.5`."""
    return option.partition("=")[0]
