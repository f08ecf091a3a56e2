"""From records to messages: which messages an alarm or a heartbeat makes, and when."""

import collections
import dataclasses
import logging
from collections.abc import Callable, Collection, Iterator
from datetime import tzinfo

from camalert import handover
from camalert.config import Config
from camalert.errors import BadConfig, CamalertError
from camalert.mail import words
from camalert.mail.compose import Letter, build, message_id
from camalert.records import (
    AlarmComplete,
    AlarmConfirmed,
    AlarmOver,
    AlarmRaised,
    Clock,
    Complete,
    HeartbeatComplete,
    MessageComposed,
    Noted,
    PictureFailed,
    PictureTaken,
    Record,
    envelope,
)

log = logging.getLogger("camalert")

KEPT = 100
"""Alarms and heartbeats remembered before their end; the oldest is forgotten first."""


@dataclasses.dataclass
class _Story:
    """One alarm or heartbeat as far as it is known."""

    parts: dict[str, None] = dataclasses.field(default_factory=dict)
    safe: Collection[str] = ()
    pictures: list[PictureTaken] = dataclasses.field(default_factory=list)
    trouble: dict[str, str] = dataclasses.field(default_factory=dict)


class Composer:
    """Writes messages into the run folder's `messages` as the records come by.

    `ticked` tells which parts of an alarm are safe in the spool already; it is asked only about
    alarms that are passed on again.
    """

    def __init__(
        self,
        config: Callable[[], Config],
        clock: Clock,
        ticked: Callable[[str], Collection[str]],
        zone: tzinfo | None = None,
    ) -> None:
        self._config, self._clock, self._ticked, self._zone = config, clock, ticked, zone
        self._stories: collections.OrderedDict[str, _Story] = collections.OrderedDict()

    def handle(self, record: Record) -> Iterator[Record]:
        """`record` itself, once, with an `error` where its message could not be made, and the
        messages made of it: behind it, but before an end that counts them.
        """
        made: list[Record] = []
        try:
            for message in self._messages(record):
                made.append(message)
        except (CamalertError, ValueError) as error:
            log.error("%s", error)
            record = dataclasses.replace(record, error=str(error)[:200])
        if isinstance(record, Complete):
            yield from made
            yield self._with_parts(record)
        else:
            yield record
            yield from made

    def _messages(self, record: Record) -> Iterator[MessageComposed]:
        if isinstance(record, AlarmRaised):
            yield from self._alarm(record)
        elif isinstance(record, AlarmConfirmed):
            yield from self._sequel(record, "confirmed")
        elif isinstance(record, AlarmOver):
            yield from self._sequel(record, "over")
        elif isinstance(record, PictureTaken) and record.kind == "alarm":
            yield from self._picture(record)
        elif isinstance(record, PictureTaken):
            self._story(record.alarm).pictures.append(record)
        elif isinstance(record, PictureFailed):
            self._story(record.alarm).trouble[record.source] = record.reason
        elif isinstance(record, AlarmComplete):
            yield from self._trouble(record)
        elif isinstance(record, HeartbeatComplete):
            yield from self._heartbeat(record)

    def _alarm(self, alarm: AlarmRaised) -> Iterator[MessageComposed]:
        story = self._story(alarm.id)
        if alarm.attempt > 1:
            story.safe = self._ticked(alarm.id)
        text = words.alarm_text(alarm, self._zone)
        yield from self._compose(alarm, alarm.id, "text", f"Alarm: {alarm.cause}", text)

    def _sequel(self, told: Noted, part: str) -> Iterator[MessageComposed]:
        """A text of its own: it may come when the alarm's messages are long in the spool."""
        text = words.sequel_text(told, self._zone)
        yield from self._compose(told, told.id, part, told.cause, text)
        self._stories.pop(told.id, None)

    def _picture(self, picture: PictureTaken) -> Iterator[MessageComposed]:
        subject = f"Picture: {picture.source}"
        text = words.picture_text(picture, self._zone)
        jpeg = self._read(picture)
        if self._config().mail.preview and (small := _preview(picture, jpeg)):
            part = f"{picture.part}-preview"
            yield from self._compose(picture, picture.alarm, part, subject, text, small)
        yield from self._compose(picture, picture.alarm, picture.part, subject, text, jpeg)

    def _read(self, picture: PictureTaken) -> bytes:
        try:
            return handover.read(self._config().folder("run"), picture.file)
        except CamalertError as error:
            self._story(picture.alarm).trouble[picture.source] = error.reason
            raise

    def _trouble(self, complete: AlarmComplete) -> Iterator[MessageComposed]:
        if trouble := self._failed(complete):
            subject = f"No picture: {', '.join(trouble)}"
            text = words.trouble_text(trouble)
            yield from self._compose(complete, complete.alarm, "trouble", subject, text)

    def _heartbeat(self, complete: HeartbeatComplete) -> Iterator[MessageComposed]:
        named = []
        for picture in self._story(complete.alarm).pictures if complete.mode != "off" else ():
            try:
                named.append((picture.source, self._read(picture)))
            except CamalertError as error:
                log.error("%s", error)
        text = words.heartbeat_text(complete, self._failed(complete), self._zone)
        yield from self._compose(
            complete, complete.alarm, "heartbeat", "Heartbeat", text, _tiled(named)
        )

    def _failed(self, complete: Complete) -> dict[str, str]:
        """Camera and reason, for each that gave no picture."""
        story = self._stories.get(complete.alarm, _Story())
        return dict.fromkeys(complete.failed, "no picture") | story.trouble

    def _compose(
        self, record: Record, alarm: str, part: str, subject: str, text: str, jpeg: bytes = b""
    ) -> Iterator[MessageComposed]:
        story = self._story(alarm)
        # Counted before it is made: what fails here keeps the alarm's note open.
        story.parts[part] = None
        if part in story.safe:
            return
        config = self._config()
        mail = config.mail
        for key in ("address", "recipients"):
            if not getattr(mail, key):
                raise BadConfig(f"mail.{key}", "not set, so no message can be made")
        source = record.source if isinstance(record, PictureTaken) else part
        letter = Letter(
            message_id(alarm, part),
            words.moment(record),
            subject,
            text,
            jpeg,
            words.filename(source, record, self._zone) if jpeg else "",
        )
        data = build(letter, mail.name, mail.address, mail.recipients)
        name = letter.message_id.removeprefix("<").removesuffix("@localhost>")
        path = handover.write(config.folder("run", "messages"), f"{name}.eml", data)
        yield MessageComposed(
            **envelope(record.source, self._clock),
            alarm=alarm,
            part=part,
            message_id=letter.message_id,
            file=str(path),
            recipients=mail.recipients,
        )

    def _story(self, alarm: str) -> _Story:
        if alarm not in self._stories:
            while len(self._stories) >= KEPT:
                self._stories.popitem(last=False)
            self._stories[alarm] = _Story()
        return self._stories[alarm]

    def _with_parts(self, complete: Complete) -> Complete:
        """`complete` with the alarm's parts, unless its beginning was not seen: then the parts
        are not all known, and its note must stay open.
        """
        story = self._stories.pop(complete.alarm, _Story())
        first = "text" if isinstance(complete, AlarmComplete) else "heartbeat"
        if first not in story.parts:
            return complete
        return dataclasses.replace(complete, parts=tuple(story.parts))


def _preview(picture: PictureTaken, jpeg: bytes) -> bytes:
    """A preview, or nothing: the full picture goes in any case."""
    from camalert.mail import pictures

    try:
        return pictures.preview(jpeg)
    except CamalertError as error:
        log.warning("%s: no preview: %s", picture.source, error.reason)
        return b""


def _tiled(named: list[tuple[str, bytes]]) -> bytes:
    if len(named) < 2:
        return named[0][1] if named else b""
    from camalert.mail import pictures

    return pictures.tile(named)
