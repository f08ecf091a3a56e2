"""Pictures that a person asks for: taken of all cameras at once, and put where they are wanted."""

import logging
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

from camalert.capture import timelapse
from camalert.capture.choice import deliver
from camalert.capture.workers import Job, Workers
from camalert.config import Camera
from camalert.errors import BadData, CamalertError, NotPermitted
from camalert.records import Clock

log = logging.getLogger("camalert")

Light = Callable[[], AbstractContextManager[None]]


class Hand:
    """Takes pictures into `output` (a file, a folder, - for `write`), as often as it is asked.

    `light` is on while they are taken. `run` and `rings` are those of Workers.
    """

    def __init__(
        self,
        run: Path,
        output: str | None,
        clock: Clock,
        write: Callable[[bytes], None],
        light: Light = nullcontext,
        rings: bool = True,
    ) -> None:
        self._output, self._clock, self._write, self._light = output, clock, write, light
        self._workers = Workers(run, clock, rings=rings)

    def shoot(self, cameras: Sequence[Camera]) -> set[int]:
        """One picture of each; the exit codes of what failed, each of which has been said.

        Raises BrokenPipeError when nobody reads standard output any more.
        """
        failures = set()
        with self._light():
            # What a ring has seen before the light was on is not wanted.
            since = self._clock.monotonic() if self._light is not nullcontext else 0.0
            for camera in cameras:
                self._workers.ask(Job(camera, since=since))
            done = list(self._workers.wait())
        for job in done:
            try:
                self._deliver(job)
            except CamalertError as error:
                log.error("%s", error)
                failures.add(error.code)
        return failures

    def lapse(
        self,
        choose: Callable[[], Sequence[Camera]],
        interval: float,
        count: int | None,
        wait: Callable[[float], None] = time.sleep,
    ) -> set[int]:
        """`shoot` every `interval` seconds, `count` times or until the end, what `choose` names.

        After a picture that fails the next is tried; the codes of all failures come back. Where
        `choose` raises NotPermitted (mode off), none is taken, which is said once, and is a failure
        where it was so every time.
        """
        failures: set[int] = set()
        tried, refused = False, ""

        def shoot() -> None:
            nonlocal tried, refused
            try:
                cameras = choose()
            except NotPermitted as error:
                if str(error) != refused:
                    log.warning("%s", error)
                refused = str(error)
            else:
                tried, refused = True, ""
                failures.update(self.shoot(cameras))

        def missed(number: int) -> None:
            log.warning("the last picture took too long: %d missed", number)

        timelapse.run(interval, count, self._clock.monotonic, wait, shoot, missed)
        return failures if tried else {NotPermitted.code}

    def stop(self) -> None:
        """End what is being taken."""
        self._workers.stop()

    def _deliver(self, job: Job) -> None:
        """Write the picture where it is wanted. Raises why there is none, or that it is damaged."""
        if isinstance(job.outcome, CamalertError):
            raise job.outcome
        picture, name = job.outcome, job.camera.name
        assert picture
        if self._output == "-":
            self._write(picture.data)
        elif path := deliver(picture, self._output, name, self._clock.now()):
            self._write(f"{path}\n".encode())
        if picture.damaged:
            raise BadData(name, f"the picture is damaged: {picture.damaged}")
