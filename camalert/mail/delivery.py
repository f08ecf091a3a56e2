"""From the spool to the server: what goes when, and what follows from each answer."""

import logging
import os
import select
from collections.abc import Callable

from camalert.config import Mail
from camalert.errors import (
    BadConfig,
    BadData,
    CamalertError,
    NotPermitted,
    TryAgain,
    Unavailable,
)
from camalert.mail import submission
from camalert.mail.item import LONGEST, Envelope, Item
from camalert.mail.spool import Spool
from camalert.mail.submission import Connection, Rejected
from camalert.records import Clock

log = logging.getLogger("camalert")

LOOK = 30.0
"""Seconds between looks at the spool when nobody rings."""

IDLE = 30.0
"""Seconds that an idle connection is kept open for the next message."""

SLOW = 8
"""A refused login waits as long as this many tries: providers lock accounts."""


class _NoServer(Exception):
    """There is no session to send in; the argument says why."""


class Delivery:
    """Empties `spool` into the server of `mail`; whoever calls holds `spool.flushing()`."""

    def __init__(
        self,
        spool: Spool,
        mail: Callable[[], Mail],
        clock: Clock,
        connect: Callable[[Mail], Connection] = submission.connect,
    ) -> None:
        self._spool, self._mail, self._clock, self._connect = spool, mail, clock, connect
        self._connection: Connection | None = None
        self._used = 0.0

    def drain(
        self, stopped: Callable[[], bool] = lambda: False, only: Item | None = None
    ) -> CamalertError | None:
        """Send all that is due, or `only` one item; the last reason why something was not sent.

        Between two messages it looks at the spool again, so a text overtakes pictures. Raises
        StorageFailed or CannotCreate when the spool cannot be kept in order: going on would send
        twice.
        """
        trouble: CamalertError | None = None
        self._spool.set_foreign_aside()
        while not stopped() and (item := self._next(only)):
            try:
                envelope, message = self._spool.read(item)
                self._finish(item, envelope, message, self._send(envelope, message))
            except FileNotFoundError:
                continue
            except (BadData, Rejected) as error:
                self._spool.fail(item.path, str(error))
                trouble = error
            except _NoServer as error:
                trouble = error.args[0]
                self._put_off(error.args[0])
                break
            except TryAgain as error:
                trouble = error
                self._spool.defer(item, self._now())
        return trouble

    def follow(self, bell: int, stopped: Callable[[], bool]) -> None:
        """Drain whenever something is due or `bell` is readable, until `stopped`, which must then
        have rung it too. A trouble is said once, until the spool was empty or it is another.
        """
        said = ""
        while not stopped():
            trouble = self.drain(stopped)
            if trouble and str(trouble) != said:
                said = str(trouble)
                log.warning("%s; %d messages wait", said, len(self._spool.waiting()))
            elif not self._spool.waiting():
                said = ""
            if select.select([bell], [], [], self.patience())[0]:
                os.read(bell, 4096)
            self.close_idle()

    def _next(self, only: Item | None) -> Item | None:
        now = self._now()
        waiting = [item for item in self._spool.waiting() if not only or item.key == only.key]
        if not any(item.tries == 0 for item in waiting) and self._spool.server_due_in(now):
            return None
        return next((item for item in waiting if not self._spool.due_in(item, now)), None)

    def _send(self, envelope: Envelope, message: bytes) -> tuple[str, ...]:
        connection = self._connection
        if connection and connection.alive:
            try:
                return self._over(connection, envelope, message)
            except TryAgain:
                # Kept open and closed by the server meanwhile; the message did not get there.
                if connection.alive or connection.began:
                    raise
        return self._over(self._open(), envelope, message)

    def _open(self) -> Connection:
        self.close()
        try:
            self._connection = self._connect(self._mail())
        except CamalertError as error:
            raise _NoServer(error) from None
        self._spool.note_reachable()
        return self._connection

    def _over(self, connection: Connection, envelope: Envelope, message: bytes) -> tuple[str, ...]:
        try:
            return connection.send(envelope, message)
        except Rejected:
            raise
        except (NotPermitted, Unavailable, BadConfig) as error:
            raise _NoServer(error) from None
        finally:
            self._used = self._clock.monotonic()

    def _finish(
        self, item: Item, envelope: Envelope, message: bytes, later: tuple[str, ...]
    ) -> None:
        if not later:
            self._spool.sent(item)
            return
        self._spool.narrow(item, Envelope(envelope.sender, later), message)
        raise TryAgain(", ".join(later), "the server takes it later")

    def _put_off(self, trouble: CamalertError) -> None:
        """Without a server nothing can go: what is new waits with the rest."""
        self.close()
        now = self._now()
        for item in self._spool.waiting():
            if item.tries == 0:
                self._spool.defer(item, now)
        self._spool.note_unreachable(now, SLOW if isinstance(trouble, NotPermitted) else 1)

    def patience(self) -> float:
        """Seconds until there may be something to do, when nobody rings."""
        now = self._now()
        waiting = self._spool.waiting()
        due = min((self._spool.due_in(item, now) for item in waiting), default=LOOK)
        if all(item.tries for item in waiting):
            due = max(due, self._spool.server_due_in(now))
        idle = self._used + IDLE - self._clock.monotonic() if self._connection else LOOK
        return max(0.0, min(LOOK, LONGEST, due, idle))

    def close_idle(self) -> None:
        """Close the connection that was not used for `IDLE` seconds."""
        if self._connection and self._clock.monotonic() >= self._used + IDLE:
            self.close()

    def close(self) -> None:
        """Close the connection."""
        if self._connection:
            self._connection.close()
            self._connection = None

    def _now(self) -> float:
        return self._clock.now().timestamp()
