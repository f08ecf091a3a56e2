"""Records on their way into a database that may be slow, locked, full or gone.

The caller never waits: a bounded queue and one thread stand between.
"""

import collections
import itertools
import logging
import threading
import time
from collections.abc import Callable, Sequence

from camalert.errors import BadConfig, CamalertError, StorageFailed
from camalert.records import Record

log = logging.getLogger("camalert")

CAPACITY = 1000
"""Records that wait for the database; what comes beyond is dropped, counted and said."""
BATCH = 100
LINGER = 0.25
"""Seconds to wait for what comes with a record: an alarm's burst is one commit, and its fsync is
not in the way of the mail spool's."""
AGAIN = 3600.0
"""Seconds until a failure that goes on is said again."""


class Recorder:
    """Hands records to `store` from a thread of its own, in order, until it takes them.

    After a failure it waits `wait` seconds, then twice as long each time, `longest` at most.
    `store([])` is called at the start, to connect.
    """

    def __init__(
        self,
        store: Callable[[Sequence[Record]], None],
        *,
        capacity: int = CAPACITY,
        wait: float = 1.0,
        longest: float = 60.0,
        linger: float = LINGER,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store, self._capacity = store, capacity
        self._wait, self._longest, self._linger = wait, longest, linger
        self._monotonic = monotonic
        self._queue: collections.deque[Record] = collections.deque()
        self._changed = threading.Condition()
        self._closing = False
        self._failure: CamalertError | None = None
        self._said: float | None = None
        self._dropped = 0
        self._thread = threading.Thread(target=self._run, name="recorder", daemon=True)
        self._thread.start()

    def put(self, record: Record) -> None:
        """Take `record` to be stored. Never waits; drops it where too many wait already."""
        with self._changed:
            full = len(self._queue) >= self._capacity
            if full:
                self._dropped += 1
            else:
                self._queue.append(record)
                self._changed.notify()
        if full and self._dropped == 1:
            log.error("event database: %d events wait; further ones are dropped", self._capacity)

    def close(self, patience: float) -> None:
        """Store what waits, in `patience` seconds at most.

        Raises the error that kept something from being stored.
        """
        with self._changed:
            self._closing = True
            self._changed.notify()
        self._thread.join(patience)
        with self._changed:
            lost = len(self._queue) + self._dropped
        if lost:
            log.error("event database: %d events not stored", lost)
            raise self._failure or StorageFailed("event database", f"no answer in {patience:g} s")

    def _run(self) -> None:
        self._attempt([])
        wait = self._wait
        while batch := self._next():
            if self._attempt(batch):
                wait = self._wait
            elif self._closing and isinstance(self._failure, BadConfig):
                return  # no wait will mend that
            else:
                self._pause(wait)
                wait = min(2 * wait, self._longest)

    def _next(self) -> list[Record]:
        """What is to be stored next, as soon as there is something; nothing at the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._queue or self._closing)
            self._changed.wait_for(lambda: self._closing or len(self._queue) >= BATCH, self._linger)
            return list(itertools.islice(self._queue, BATCH))

    def _attempt(self, batch: Sequence[Record]) -> bool:
        try:
            self._store(batch)
        except CamalertError as error:
            self._failed(error)
        except Exception as error:  # whatever a driver raises, the thread lives on
            self._failed(StorageFailed("event database", f"{type(error).__name__}: {error}"))
        else:
            self._stored(len(batch))
            return True
        return False

    def _pause(self, seconds: float) -> None:
        with self._changed:
            closing = self._changed.wait_for(lambda: self._closing, seconds)
        if closing:
            time.sleep(0.1)

    def _failed(self, error: CamalertError) -> None:
        self._failure = error
        now = self._monotonic()
        if self._said is None or now - self._said >= AGAIN:
            log.error("%s; the line goes on, events wait", error)
            self._said = now

    def _stored(self, count: int) -> None:
        with self._changed:
            for _ in range(count):
                self._queue.popleft()
            dropped, self._dropped = self._dropped, 0
        if dropped or self._said is not None:
            log.warning("event database: works again; %d events were dropped", dropped)
        self._failure = self._said = None
