"""A camera's source in a thread of its own, so that whoever supervises it never waits for it."""

import collections
import contextlib
import logging
import os
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from camalert.capture import streams
from camalert.capture.backends import Shot
from camalert.capture.sources import exclusive
from camalert.config import Camera
from camalert.errors import CamalertError, Unavailable
from camalert.records import Clock

log = logging.getLogger("camalert")

WAITING = 4
"""Frames kept for a slow taker; the oldest go first."""

GRACE = 5.0
"""Seconds that a stopped source may take to end; its program is killed within two."""


@dataclass(frozen=True)
class Arrival:
    """A frame as it came at `moment` (s), to be turned by `turn` degrees clockwise."""

    data: bytes
    turn: int
    moment: float


class Feed:
    """The source of `camera`, running from now on. `wake` is written to for all that is new."""

    def __init__(self, camera: Camera, run: Path, clock: Clock, wake: int) -> None:
        self.ended: CamalertError | None = None
        """Why it gives no more frames; None while it runs."""
        self._camera, self._run, self._clock, self._wake = camera, run, clock, wake
        self._arrived: collections.deque[Arrival] = collections.deque(maxlen=WAITING)
        self._cancel = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    def take(self) -> list[Arrival]:
        """The frames that have come since the last call."""
        return [self._arrived.popleft() for _ in range(len(self._arrived))]

    def stop(self) -> bool:
        """End it and its programs; False where it hangs and is left behind."""
        os.eventfd_write(self._cancel, 1)
        self._thread.join(GRACE)
        if self._thread.is_alive():
            return False
        os.close(self._cancel)
        return True

    def _work(self) -> None:
        name = self._camera.name
        try:
            self._relay()
            self.ended = Unavailable(name, "ended")
        except CamalertError as error:
            self.ended = error
        except Exception as error:
            log.debug("where it happened:", exc_info=True)
            self.ended = Unavailable(name, f"{type(error).__name__}: {error}")
        os.eventfd_write(self._wake, 1)

    def _relay(self) -> None:
        end = time.monotonic() + self._camera.deadline
        shot = Shot(self._camera, end, self._clock, self._cancel)
        with (
            exclusive(shot, self._run) as held,
            contextlib.closing(streams.frames(held)) as frames,
        ):
            for data, turn in frames:
                self._arrived.append(Arrival(data, turn, self._clock.monotonic()))
                os.eventfd_write(self._wake, 1)
