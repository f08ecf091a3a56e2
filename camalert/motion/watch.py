"""The frames of any number of cameras turned into records: movement, and views in trouble."""

import dataclasses
import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import tzinfo

from camalert import schedule
from camalert.clock import BOOT
from camalert.config import NAME, Camera, Config
from camalert.errors import CamalertError
from camalert.motion import events, view
from camalert.motion.detector import Luma
from camalert.motion.judges import Judges
from camalert.motion.sketches import Sketches
from camalert.motion.verdict import Verdict
from camalert.records import (
    Clock,
    FrameCaptured,
    MotionStart,
    MotionStop,
    Record,
    ViewGood,
    ViewTrouble,
    clock_quality,
    envelope,
)

log = logging.getLogger("camalert")

MOST = 64
"""Cameras that are told apart; of more, the one that has been known for longest starts anew."""
LAG, LIVE = 2.0, 120.0
"""Seconds: a frame that has waited for longer than `LAG` is left out where a newer one of its
camera waits, too; one older than `LIVE` was not waiting but is from a recording.
"""


@dataclasses.dataclass
class _Eye:
    """What is known of one camera. `lag`: seconds from a frame's moment to its coming."""

    events: events.Events
    view: view.View
    kept: bytes
    live: bool
    lag: float = 0.0
    skipped: int = 0


class Watch:
    """Watches what `frame` is given, by `judges`. `config` is asked anew for each frame; `zone` is
    the time zone of the schedule, None for the machine's own.
    """

    def __init__(
        self,
        config: Callable[[], Config],
        judges: Judges,
        clock: Clock,
        sketches: Sketches,
        zone: tzinfo | None = None,
    ) -> None:
        self._config, self._judges, self._clock = config, judges, clock
        self._sketches, self._zone = sketches, zone
        self._eyes: dict[str, _Eye] = {}
        self.judged = 0
        """Frames that could be read."""

    def frame(
        self, camera: str, file: str, read: Callable[[], bytes], moment: float
    ) -> Iterator[Record]:
        """The records that follow from the frame in `file` ("" for none), which `read` reads.

        `moment` is its time in seconds. A frame that cannot be read or is no picture is counted.
        Raises BadConfig as `judges` do.
        """
        config = self._config()
        eye, judge = self._eye(config, camera), self._judges.of(camera)
        eye.lag = self._clock.monotonic() - moment
        try:
            verdict = judge.update(read())
        except CamalertError as error:
            eye.skipped += 1
            if eye.skipped in (1, 10, 100) or eye.skipped % 1000 == 0:
                log.warning("%s: frame skipped, %d so far: %s", camera, eye.skipped, error)
            return
        self.judged += 1
        outcome = eye.events.frame(verdict, file, moment, self._is_active(config))
        yield from self._told(camera, outcome)
        if config.view.enabled and judge.luma is not None:
            yield from self._viewed(camera, eye, judge.luma, file, moment)

    def idle(self) -> Iterator[Record]:
        """The records that follow from no frame having come until now."""
        now = self._clock.monotonic()
        for camera, eye in self._eyes.items():
            yield from self._told(camera, eye.events.due(now - eye.lag))

    def patience(self) -> float | None:
        """Seconds until `idle` has something to say, unless a frame comes before."""
        due = [(eye.events.deadline(), eye.lag) for eye in self._eyes.values()]
        waiting = [deadline + lag for deadline, lag in due if deadline is not None]
        return max(0.0, min(waiting) - self._clock.monotonic()) if waiting else None

    def end(self) -> Iterator[Record]:
        """The records that follow from there being no more frames: events that go on are over."""
        for camera, eye in self._eyes.items():
            yield from self._told(camera, eye.events.end())

    def _eye(self, config: Config, camera: str) -> _Eye:
        known = next((item for item in config.camera if item.name == camera), None)
        eye = self._eyes.get(camera) or self._new(config, camera)
        eye.live = known is not None and _is_live(known)
        eye.events.limits, eye.view.limits = _limits(config)
        return eye

    def _new(self, config: Config, camera: str) -> _Eye:
        while len(self._eyes) >= MOST:
            self._eyes.pop(next(iter(self._eyes)))
        kept = self._sketches.load(camera) if NAME.fullmatch(camera) else b""
        movement, looks = _limits(config)
        eye = _Eye(events.Events(movement), view.View(looks, kept), kept, live=False)
        self._eyes[camera] = eye
        return eye

    def _is_active(self, config: Config) -> bool:
        """Whether movement counts now; always while the clock is not set."""
        now = self._clock.now()
        unset = clock_quality(now) == "unset"
        return unset or schedule.is_active(config.watch.active, now.astimezone(self._zone))

    def _told(self, camera: str, outcomes: Iterable[events.Outcome]) -> Iterator[Record]:
        for outcome in outcomes:
            stamp = envelope(camera, self._clock) | _seen(outcome.peak)
            if isinstance(outcome, events.Started):
                yield MotionStart(**stamp, file=outcome.frame)
            else:
                yield MotionStop(**stamp, duration=round(outcome.duration, 3))

    def _viewed(
        self, camera: str, eye: _Eye, luma: Luma, file: str, moment: float
    ) -> Iterator[Record]:
        outcome = eye.view.update(luma, moment, eye.live)
        if isinstance(outcome, view.Trouble):
            yield ViewTrouble(**envelope(camera, self._clock), reason=outcome.reason, file=file)
        elif isinstance(outcome, view.Good):
            yield ViewGood(**envelope(camera, self._clock), lasted=round(outcome.lasted, 3))
        if eye.view.sketch != eye.kept:
            eye.kept = eye.view.sketch
            if eye.live:
                self._sketches.save(camera, eye.kept)


def _is_live(camera: Camera) -> bool:
    """Whether its pictures come from a sensor: those have noise, and show one place."""
    drawn = camera.source == "fswebcam" and camera.device == "TEST"
    return camera.source not in ("file", "pattern") and not drawn


def _limits(config: Config) -> tuple[events.Limits, view.Limits]:
    movement, looks = config.watch, config.view
    return (
        events.Limits(movement.minimum, movement.clear, movement.cooldown),
        view.Limits(looks.hold, looks.good, looks.frozen, looks.dark, frozenset(looks.ignore)),
    )


def _seen(verdict: Verdict) -> dict[str, object]:
    return {"score": verdict.score, "area": verdict.area, "box": verdict.box}


def current(batch: Sequence[Record], now: float) -> Iterator[Record]:
    """`batch` without the frames that waited for longer than `LAG` behind a newer one.

    A machine that is too slow for all the frames judges the newest, and does not fall behind.
    """
    last = {record.source: n for n, record in enumerate(batch) if isinstance(record, FrameCaptured)}
    for n, record in enumerate(batch):
        frame = isinstance(record, FrameCaptured) and record.boot == BOOT
        if not (frame and n != last[record.source] and LAG < now - record.mono < LIVE):
            yield record
