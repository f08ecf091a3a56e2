"""A thread for each camera, so that nothing that reads ever waits for one."""

import collections
import contextlib
import logging
import os
import queue
import select
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from camalert.capture.jpeg import Picture
from camalert.capture.sources import take
from camalert.config import Camera
from camalert.errors import CamalertError, TryAgain, Unavailable
from camalert.records import Clock

log = logging.getLogger("camalert")

WAITING = 2
"""Jobs that may wait for a camera besides the one it is at."""

GRACE = 5.0
"""Seconds beyond its deadline after which a thread itself counts as stuck."""

LIVE = ("rpicam", "fswebcam", "ffmpeg")
"""The sources that have a sensor behind them."""


@dataclass(eq=False)
class Job:
    """A picture to be taken of `camera` and handed to `keep`; `outcome` is there when it is done.

    `subject` is the asker's own; `asked` and `started` are times of the monotonic clock, and so is
    `since`, before which a ring's frame is too old.
    """

    camera: Camera
    keep: Callable[[Picture], None] | None = None
    subject: Any = None
    asked: float = 0.0
    started: float | None = None
    since: float = 0.0
    outcome: Picture | CamalertError | None = None

    def limit(self) -> float:
        """When it is given up: a deadline after it was asked for, or after its turn came."""
        if self.started is None:
            return self.asked + self.camera.deadline
        return self.started + self.camera.deadline + GRACE


class Workers:
    """The cameras' threads, started when first needed. `wake` is readable when a job is done."""

    def __init__(self, run: Path, clock: Clock, rings: bool = True) -> None:
        """`rings`: whether a camera's ring in the folder `run` gives the picture, see take."""
        self._run, self._clock, self._rings = run, clock, rings
        self._queues: dict[str, queue.Queue[Job]] = {}
        self._last: dict[str, int] = {}
        self._done: collections.deque[Job] = collections.deque()
        self._open: list[Job] = []
        self._deciding = threading.Lock()
        self.wake = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._cancel = os.eventfd(0, os.EFD_CLOEXEC)

    def ask(self, job: Job) -> None:
        """Have the picture taken; returns at once. A camera with a full queue is `busy`."""
        name = job.camera.name
        job.asked = self._clock.monotonic()
        self._open.append(job)
        if name not in self._queues:
            self._queues[name] = queue.Queue(WAITING)
            threading.Thread(target=self._work, args=(self._queues[name],), daemon=True).start()
        try:
            self._queues[name].put_nowait(job)
        except queue.Full:
            self._finish(job, TryAgain(name, "busy: too many pictures are waited for"))

    def finished(self) -> list[Job]:
        """The jobs that are done since the last call, those that took too long among them."""
        now = self._clock.monotonic()
        for job in self._open:
            if now >= job.limit():
                self._finish(job, _overdue(job))
        with contextlib.suppress(BlockingIOError):
            os.eventfd_read(self.wake)
        done = [self._done.popleft() for _ in range(len(self._done))]
        self._open = [job for job in self._open if job not in done]
        return done

    def wait(self) -> Iterator[Job]:
        """Every job as it is done, until none is left.

        Raises BrokenPipeError when nobody reads standard output any more.
        """
        poll = select.poll()
        poll.register(self.wake, select.POLLIN)
        poll.register(1, 0)
        while self._open:
            if dict(poll.poll(1000 * (self.patience() or 0))).get(1, 0) & select.POLLERR:
                raise BrokenPipeError
            yield from self.finished()

    def patience(self) -> float | None:
        """Seconds until a job takes too long; None when there is none."""
        limits = [job.limit() for job in self._open]
        return max(0.0, min(limits) - self._clock.monotonic()) if limits else None

    def stop(self) -> None:
        """End all captures that run, with their programs, and wait for that, `GRACE` at most."""
        os.eventfd_write(self._cancel, 1)
        end = time.monotonic() + GRACE
        while any(job.started and not job.outcome for job in self._open):
            if not select.select([self.wake], [], [], max(0.0, end - time.monotonic()))[0]:
                return
            os.eventfd_read(self.wake)

    def _work(self, jobs: "queue.Queue[Job]") -> None:
        while True:
            job = jobs.get()
            with self._deciding:
                if job.outcome is not None:
                    continue
                job.started = self._clock.monotonic()
            self._finish(job, self._outcome(job))

    def _outcome(self, job: Job) -> Picture | CamalertError:
        camera = job.camera
        try:
            picture = take(
                camera,
                self._run,
                clock=self._clock,
                cancel=self._cancel,
                rings=self._rings,
                since=job.since,
            )
            if job.keep:
                job.keep(picture)
        except CamalertError as error:
            return error
        except Exception as error:
            log.debug("where it happened:", exc_info=True)
            return Unavailable(camera.name, f"{type(error).__name__}: {error}")
        return self._held_against_the_last(camera, picture)

    def _held_against_the_last(self, camera: Camera, picture: Picture) -> Picture:
        """The picture, marked where it is the last one again: a sensor's noise never repeats."""
        digest = hash(picture.data)
        again = self._last.get(camera.name) == digest
        stale = again and camera.source in LIVE and picture.moment is None
        self._last[camera.name] = digest
        if stale and camera.device != "TEST" and not picture.damaged:
            return replace(picture, damaged="the same as the last one: the camera may be stuck")
        return picture

    def _finish(self, job: Job, outcome: Picture | CamalertError) -> None:
        """Settle `job`, unless it is settled: the thread and the one who waits may both want to."""
        with self._deciding:
            if job.outcome is not None:
                return
            job.outcome = outcome
            self._done.append(job)
        os.eventfd_write(self.wake, 1)


def _overdue(job: Job) -> CamalertError:
    if job.started is None:
        return TryAgain(job.camera.name, f"busy for {job.camera.deadline:g} s with pictures before")
    return Unavailable(job.camera.name, "hangs in the kernel (state D); left behind")
