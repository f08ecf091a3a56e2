"""One camera's ring at work: its source kept running, its frames kept, its troubles told."""

import contextlib
import logging
import os
from collections.abc import Callable, Iterator
from pathlib import Path

from camalert.capture import jpeg, memory, night, ring, sun
from camalert.capture.bounds import Bounds, Room
from camalert.capture.feed import Arrival, Feed
from camalert.capture.ring import Frame, Full, Ring
from camalert.capture.sources import masked
from camalert.capture.supervision import Good, Supervisor, Trouble
from camalert.config import Camera, Config
from camalert.errors import BadData, CamalertError
from camalert.records import CameraGood, CameraTrouble, Clock, FrameCaptured, Record, envelope

log = logging.getLogger("camalert")

TICK = 1.0
"""Seconds between looks at the mode, the config and the RAM."""

LOOK = 5.0
"""Seconds between measurements of light."""

LONGEST_REASON = 300
MB = 1_000_000

Start = Callable[[Camera, Path, Clock, int], Feed]


class Recorder:
    """The ring of the camera `name`. `wake` is readable when `news` has something to do."""

    def __init__(
        self,
        name: str,
        config: Config,
        clock: Clock,
        *,
        mode: Callable[[], str] = lambda: "alert",
        start: Start = Feed,
        free: Callable[[Path], int] = memory.free,
    ) -> None:
        """`mode` tells the panel's mode; `start` and `free` are for tests.

        Raises CannotCreate.
        """
        self._clock, self._mode, self._feed_of, self._free = clock, mode, start, free
        self._run = config.folder("run")
        self.camera = next(camera for camera in config.camera if camera.name == name)
        now = clock.monotonic()
        self._config = config
        self._room = Room(config.ring.megabytes * MB, config.ring.share / 100)
        self.ring = Ring(ring.folder(self._run, name), self._bounds(), now)
        if self.camera.privacy_masks:
            self.ring.clear()  # nobody knows how what an earlier run left was masked
        self._supervisor = _supervisor(self.camera, now)
        self._feed: Feed | None = None
        self._off = False
        self._gate = _gate(self.camera)
        self._night = self._is_night()
        self._ticked = self._looked = float("-inf")
        self._size: tuple[int, int] | None = None
        self.skipped = 0
        self._skips_said = 0
        self._problem = ""
        self.wake = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        ring.tell_trouble(self._run, name, None)

    @property
    def in_force(self) -> Camera:
        """The camera as it is captured now, by day or by night."""
        return night.in_force(self.camera, self._night)

    def patience(self) -> float:
        """Seconds until `news` has something to do all the same."""
        due = min(self._ticked + TICK, self._supervisor.due())
        return max(0.0, due - self._clock.monotonic())

    def news(self, config: Config) -> Iterator[Record]:
        """Do what is due, and hand out the records of what has happened."""
        _emptied(self.wake)
        now = self._clock.monotonic()
        if now - self._ticked >= TICK:
            self._tick(config, now)
        if self._off:
            return
        yield from self._arrivals()
        now = self._clock.monotonic()
        if self._feed and self._supervisor.is_overdue(now):
            reason = f"no frame for {self._supervisor.patience:g} s"
            yield from self._failed(f"{reason}; {self._problem}" if self._problem else reason)
        elif self._feed and self._supervisor.restart_due(now):
            self._again("started anew, as every " + _hours(self.camera.restart))
        if not self._feed and self._supervisor.start_due(now):
            self._supervisor.started(now)
            self._feed, self._problem = self._begin(), ""

    def close(self) -> None:
        """Stop the source. What is in the ring stays, and grows old."""
        self._stop()
        ring.tell_trouble(self._run, self.camera.name, None)
        os.close(self.wake)

    def _begin(self) -> Feed:
        return self._feed_of(self.in_force, self._run, self._clock, self.wake)

    def _stop(self) -> None:
        if self._feed and not self._feed.stop():
            log.error(
                "%s: its program hangs in the kernel (state D); left behind", self.camera.name
            )
        self._feed = None

    # Each second

    def _tick(self, config: Config, now: float) -> None:
        self._ticked = now
        self._reconfigure(config, now)
        self._obey_mode(now)
        dark = self._is_night()
        if dark != self._night:
            self._night = dark
            if not self._off:
                self._again("settings for the " + ("night" if dark else "day"))
        self._room.measure(self._free(self._run), self.ring.size, now)
        self._fit(now)

    def _reconfigure(self, config: Config, now: float) -> None:
        """Follow a config that has changed; a camera that has gone from it stays as it was."""
        if config == self._config:
            return
        found = [camera for camera in config.camera if camera.name == self.camera.name]
        if not found:
            log.warning("%s: no longer in the config; goes on as before", self.camera.name)
        if config.ring != self._config.ring:
            self._room = Room(config.ring.megabytes * MB, config.ring.share / 100)
        self._config = config
        if found and found[0] != self.camera:
            was, self.camera = self.camera, found[0]
            self._gate, self._night = _gate(self.camera), self._is_night()
            troubled, self._supervisor = self._supervisor.troubled, _supervisor(self.camera, now)
            self._supervisor.troubled = troubled
            self._again("its config has changed")
            if (was.privacy_masks, was.rotation) != (found[0].privacy_masks, found[0].rotation):
                self.ring.clear()  # it may show what must no longer be seen
                log.info("%s: its masks or its rotation changed: the ring is empty", was.name)

    def _obey_mode(self, now: float) -> None:
        if (off := self._mode() == "off") == self._off:
            return
        self._off = off
        if off:
            self._stop()
            self.ring.clear()
            log.info("%s: mode off: nothing is captured, and the ring is empty", self.camera.name)
        else:
            log.info("%s: no longer mode off: captured again", self.camera.name)
        self._supervisor.stopped(now, again=not off)

    def _is_night(self) -> bool:
        if self.camera.night == "light":
            return self._gate.night
        return sun.is_night(self.camera, self._config.place, self._clock.now())

    def _bounds(self) -> Bounds:
        limits = self._config.ring
        return Bounds(limits.frames, limits.age, self._room.size)

    def _fit(self, now: float) -> None:
        """Hold the ring to what the RAM allows, and say when that is less than it should be."""
        self.ring.bounds = self._bounds()
        self.ring.expire(now)
        size, most = self._room.size / MB, self._room.most / MB
        short = self._room.news()
        if short:
            what = "RAM is short: the ring holds %.3g MB instead of %.3g"
            log.warning("%s: " + what, self.camera.name, size, most)
        elif short is False:
            log.info("%s: the ring holds %.3g MB again", self.camera.name, most)

    # The source

    def _arrivals(self) -> Iterator[Record]:
        if not self._feed:
            return
        ended = self._feed.ended  # before the frames: those that came before it count
        for arrival in self._feed.take():
            if frame := self._kept(arrival):
                yield self._captured(frame)
                yield from self._told(self._supervisor.frame(frame.mono))
        if ended:
            step = f"; {ended.next_step}" if ended.next_step else ""
            yield from self._failed(ended.reason + step)

    def _failed(self, reason: str) -> Iterator[Record]:
        self._stop()
        yield from self._told(self._supervisor.failed(self._clock.monotonic(), reason))

    def _again(self, why: str) -> None:
        """Start the source anew; the gap is said."""
        log.info("%s: %s", self.camera.name, why)
        if self._feed:
            self._stop()
            self._supervisor.stopped(self._clock.monotonic())

    def _told(self, event: Trouble | Good | None) -> Iterator[Record]:
        name = self.camera.name
        if isinstance(event, Trouble):
            reason = event.reason[:LONGEST_REASON]
            log.error("%s: no frames: %s; tried again until there are some", name, reason)
            ring.tell_trouble(self._run, name, reason)
            yield CameraTrouble(**envelope(name, self._clock), reason=reason)
        elif event:
            log.info("%s: gives frames again, after %.0f s", name, event.lasted)
            ring.tell_trouble(self._run, name, None)
            yield CameraGood(**envelope(name, self._clock), lasted=round(event.lasted, 3))

    # Frames

    def _kept(self, arrival: Arrival) -> Frame | None:
        """The frame in the ring; None where it is not whole, cannot be masked or has no room."""
        try:
            picture = jpeg.clean(arrival.data, arrival.turn)
            if not picture.whole:
                raise BadData("JPEG", picture.damaged or "cut off")
            picture = masked(picture, self.camera)
            frame = self._add(picture.data, arrival.moment)
        except CamalertError as error:
            self._skip(error.reason)
            return None
        if self._size not in (None, (picture.width, picture.height)):
            log.info("%s: frames are %dx%d now", self.camera.name, picture.width, picture.height)
        self._size = picture.width, picture.height
        self._measure_light(picture.data, arrival.moment)
        return frame

    def _add(self, data: bytes, moment: float) -> Frame:
        """Put the frame into the ring; where there is no space for it older ones make room."""
        while True:
            try:
                return self.ring.add(data, moment)
            except Full:
                if not self.ring:
                    raise
                self._room.refused(self.ring.size, len(data), moment)
                self.ring.halve()
                self._fit(moment)

    def _skip(self, reason: str) -> None:
        """Count a frame that is no good; the first is said, the tenth, the hundredth ..."""
        self.skipped += 1
        self._problem = f"{reason} (frames skipped: {self.skipped})"
        if self.skipped >= 10**self._skips_said:
            self._skips_said += 1
            log.warning("%s: frame skipped: %s", self.camera.name, self._problem)

    def _measure_light(self, data: bytes, moment: float) -> None:
        if self.camera.night != "light" or moment - self._looked < LOOK:
            return
        from camalert.capture import pixels

        self._looked = moment
        try:
            self._gate.update(pixels.light(data), moment)
        except BadData as error:
            self._problem = error.reason

    def _captured(self, frame: Frame) -> Record:
        told = envelope(self.camera.name, self._clock) | {"mono": frame.mono}
        return FrameCaptured(**told, file=str(frame.path))


def _supervisor(camera: Camera, now: float) -> Supervisor:
    slowest = min(camera.rate, camera.night_rate or camera.rate)
    return Supervisor(camera.deadline + 1 / slowest, camera.restart * 3600, now)


def _gate(camera: Camera) -> night.LightGate:
    return night.LightGate(camera.night_below, camera.night_above, camera.night_dwell)


def _hours(hours: float) -> str:
    return "hour" if hours == 1 else f"{hours:g} hours"


def _emptied(wake: int) -> None:
    with contextlib.suppress(BlockingIOError):
        os.eventfd_read(wake)
