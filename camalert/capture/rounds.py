"""One round an alarm or a heartbeat: a picture from every camera, then that it is complete."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from camalert.capture import frames, night, sun
from camalert.capture.jpeg import Picture
from camalert.capture.removal import Removal
from camalert.capture.sources import save
from camalert.capture.workers import Job, Workers
from camalert.config import Camera, Config
from camalert.errors import CamalertError
from camalert.records import (
    AlarmComplete,
    AlarmRaised,
    Clock,
    HeartbeatComplete,
    HeartbeatDue,
    PictureFailed,
    PictureTaken,
    Record,
    envelope,
)

log = logging.getLogger("camalert")

LONGEST_REASON = 300


@dataclass(eq=False)
class Round:
    """The cause of a round, how many cameras it waits for, and what has come."""

    cause: AlarmRaised | HeartbeatDue
    awaited: int
    pictures: int = 0
    failed: list[str] = field(default_factory=list)

    @property
    def kind(self) -> str:
        return "alarm" if isinstance(self.cause, AlarmRaised) else "heartbeat"


class Rounds:
    """All the rounds that are open. Records come from `begin` and `collect`; neither waits."""

    def __init__(self, workers: Workers, clock: Clock) -> None:
        self._workers, self._clock = workers, clock
        self._removal = Removal(clock)

    def patience(self) -> float | None:
        """Seconds until `collect` has something to do; None when it has nothing."""
        waits = (self._workers.patience(), self._removal.patience())
        return min((wait for wait in waits if wait is not None), default=None)

    def begin(self, record: Record, config: Config, off: bool = False) -> Iterator[Record]:
        """Start the round that `record` asks for, if it does; what is known at once comes back.

        Where the mode is `off` no picture is taken, as for an alarm from before it was, and those
        that are there are removed, see removal.
        """
        self._removal.follow(off, config.folder("run"), config.folder("spool", "notes"))
        if not isinstance(record, AlarmRaised | HeartbeatDue):
            return
        wanted = not (record.text_only if isinstance(record, AlarmRaised) else record.mode == "off")
        cameras = self._cameras(config) if wanted and not off else []
        round_ = Round(record, len(cameras))
        folder = config.folder("run", "frames")
        for camera in cameras:
            yield from self._ask(round_, camera, folder)
        frames.trim(folder)
        if not cameras:
            yield self._complete(round_)

    def _cameras(self, config: Config) -> list[Camera]:
        now = self._clock.now()
        return [
            night.in_force(camera, sun.is_night(camera, config.place, now))
            for camera in config.camera
        ]

    def collect(self) -> Iterator[Record]:
        """The records of the pictures that have come, or will not, since the last call."""
        self._removal.look()
        for job in self._workers.finished():
            yield from self._answer(job)

    def rest(self) -> Iterator[Record]:
        """The records of all that is still open; waits for them, until their deadlines."""
        for job in self._workers.wait():
            yield from self._answer(job)

    def _ask(self, round_: Round, camera: Camera, folder: Path) -> Iterator[Record]:
        try:
            path = frames.place(folder, round_.cause.id, camera.name)
        except CamalertError as error:
            yield from self._settle(round_, camera, folder, error)
            return
        if frames.is_whole(path):
            # Taken before a crash; the moment it shows will not come back.
            yield from self._settle(round_, camera, path, None)
        else:
            self._workers.ask(Job(camera, partial(save, target=path), (round_, path)))

    def _answer(self, job: Job) -> Iterator[Record]:
        round_, path = job.subject
        return self._settle(round_, job.camera, path, job.outcome)

    def _settle(
        self, round_: Round, camera: Camera, path: Path, outcome: Picture | CamalertError | None
    ) -> Iterator[Record]:
        told = envelope(camera.name, self._clock) | {"alarm": round_.cause.id, "kind": round_.kind}
        if isinstance(outcome, CamalertError):
            log.error("%s", outcome)
            round_.failed.append(camera.name)
            yield PictureFailed(**told, reason=outcome.reason[:LONGEST_REASON])
        else:
            damaged = outcome.damaged if outcome else None
            if damaged:
                log.warning("%s: picture damaged: %s", camera.name, damaged)
            round_.pictures += 1
            part = frames.part_of(camera.name)
            yield PictureTaken(**told, part=part, file=str(path), damaged=damaged)
        round_.awaited -= 1
        if round_.awaited == 0:
            yield self._complete(round_)

    def _complete(self, round_: Round) -> Record:
        cause, failed = round_.cause, tuple(round_.failed)
        told = envelope("snap", self._clock) | {"alarm": cause.id, "pictures": round_.pictures}
        if isinstance(cause, AlarmRaised):
            return AlarmComplete(**told, failed=failed)
        return HeartbeatComplete(**told, failed=failed, health=cause.health, mode=cause.mode)
