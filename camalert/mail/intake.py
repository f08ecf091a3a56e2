"""From the line into the spool: each message is made safe, and ticked off in its alarm's note."""

import collections
import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

from camalert import handover
from camalert.config import Config
from camalert.errors import CamalertError
from camalert.mail.item import SEQUELS, Urgency
from camalert.mail.spool import Spool
from camalert.records import (
    AlarmComplete,
    Clock,
    MessageEncrypted,
    MessageSpooled,
    Record,
    envelope,
)

log = logging.getLogger("camalert")

KEPT = 1000
"""Parts remembered as spooled, for alarms that have no note."""


class Notes(Protocol):
    """The notes of the alarms, as far as they matter here."""

    def tick(self, alarm: str, part: str) -> None:
        """Note durably that `part` of `alarm` is safe."""

    def ticked(self, alarm: str) -> frozenset[str]:
        """The parts of `alarm` that are safe."""

    def close(self, alarm: str) -> None:
        """Remove the note of `alarm`."""


class Intake:
    """Spools what the records name. Nothing is sent here, so nothing here waits for a network."""

    def __init__(self, config: Callable[[], Config], notes: Notes, clock: Clock) -> None:
        self._config, self._notes, self._clock = config, notes, clock
        self._spooled: collections.deque[tuple[str, str]] = collections.deque(maxlen=KEPT)

    def prepare(self) -> None:
        """Bring the spool in order before the first message; a disk that fails is only said."""
        try:
            Spool(self._config()).prepare()
        except CamalertError as error:
            log.error("%s", error)

    def handle(self, record: Record) -> Iterator[Record]:
        """`record`, or for a message that is safe now, the record that says so.

        Raises what the spool raises, and BadData or Unavailable for a file that cannot be taken;
        then the file stays where it is, in RAM.
        """
        if isinstance(record, MessageEncrypted):
            yield self._spool(record, self._config())
            return
        if isinstance(record, AlarmComplete) and record.parts is not None:
            self._close(record, record.parts)
        yield record

    def _spool(self, record: MessageEncrypted, config: Config) -> MessageSpooled:
        spool = Spool(config)
        message = handover.read(config.folder("run", "outgoing"), record.file)
        item = spool.add(message, record.recipients, Urgency.of(record.part))
        spool.ring()
        self._spooled.append((record.alarm, record.part))
        if record.alarm:
            try:
                self._notes.tick(record.alarm, record.part)
                if record.part in SEQUELS:
                    self._notes.close(record.alarm)
            except OSError as error:
                log.error("%s: safe, but not ticked off: %s", record.part, error.strerror)
        Path(record.file).unlink(missing_ok=True)
        return MessageSpooled(
            **envelope("send-mail", self._clock),
            alarm=record.alarm,
            part=record.part,
            message_id=record.message_id,
            file=str(item.path),
            recipients=record.recipients,
        )

    def _close(self, complete: AlarmComplete, parts: tuple[str, ...]) -> None:
        """The note goes when every part is safe; else it stays, and the panel begins again."""
        safe = self._notes.ticked(complete.alarm) | {
            part for alarm, part in self._spooled if alarm == complete.alarm
        }
        if missing := [part for part in parts if part not in safe]:
            log.error("alarm %s: not in the spool: %s", complete.alarm, ", ".join(missing))
        else:
            self._notes.close(complete.alarm)
