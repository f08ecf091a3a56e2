"""The alarms' notes on disk: what was raised and not yet safe in the mail spool.

A note is one file `<id>.note`, the alarm's record with its count of attempts, and, once parts are
ticked off, `<id>.parts` beside it. What is told later about an alarm (that it is confirmed, or
over) has a note of its own, so that it may come when the alarm's is gone.
"""

import contextlib
import dataclasses
import logging
import os
import re
from collections.abc import Iterator
from pathlib import Path

from camalert import durable
from camalert.codec import decode, encode
from camalert.errors import BadData, CannotCreate
from camalert.records import AlarmRaised, Noted

log = logging.getLogger("camalert")

ALARM_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,63}")


class Notes:
    """The notes in `folder`, which is made (0700) when the first is written."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def write(self, alarm: Noted) -> None:
        """Make the note of `alarm` durable, or replace it. Raises CannotCreate."""
        try:
            durable.replace(self._path(alarm.id, "note"), encode(alarm))
        except OSError as error:
            raise CannotCreate(str(self.folder), f"no note: {error.strerror}") from None

    def pending(self) -> Iterator[Noted]:
        """What is noted, oldest first; what an interrupted run left is swept.

        A note that cannot be read as its alarm's is said and set aside, not raised.
        """
        for torn in self.folder.glob(".*.note.*"):
            torn.unlink(missing_ok=True)
        for path in sorted(self.folder.glob("*.note"), key=_written):
            try:
                record = decode(path.read_bytes())
                if isinstance(record, Noted) and record.id == path.stem:
                    yield record
                    continue
                reason = "holds another record"
            except (BadData, OSError) as error:
                reason = str(error)
            log.error("%s: not this alarm's note (%s); set aside", path, reason)
            with contextlib.suppress(OSError):  # on a disk that is read-only it stays
                self._move_aside(path)

    def tick(self, alarm: str, part: str) -> None:
        """Note durably that `part` of `alarm` is safe in the spool. Nothing where no note is."""
        if not self._path(alarm, "note").exists():
            return
        descriptor = os.open(
            self._path(alarm, "parts"), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600
        )
        try:
            os.write(descriptor, f"{part}\n".encode())
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def ticked(self, alarm: str) -> frozenset[str]:
        """The parts of `alarm` that are safe in the spool."""
        try:
            text = self._path(alarm, "parts").read_text(encoding="utf-8", errors="replace")
        except FileNotFoundError:
            return frozenset()
        return frozenset(text.split("\n")[:-1])  # after a power cut the last may be torn

    def close(self, alarm: str) -> None:
        """Remove the note of `alarm`: all its parts are safe."""
        for ending in ("note", "parts"):
            self._path(alarm, ending).unlink(missing_ok=True)
        if self.folder.exists():
            durable.sync_folder(self.folder)

    def set_aside(self, alarm: str) -> None:
        """Keep the note of `alarm` for a person to look at, where no start takes it up again."""
        for ending in ("note", "parts"):
            path = self._path(alarm, ending)
            if path.exists():
                self._move_aside(path)

    def _move_aside(self, path: Path) -> None:
        aside = self.folder / "failed"
        aside.mkdir(exist_ok=True, mode=0o700)
        path.rename(aside / path.name)
        durable.sync_folder(aside)
        durable.sync_folder(self.folder)

    def _path(self, alarm: str, ending: str) -> Path:
        if not ALARM_ID.fullmatch(alarm):
            raise BadData("alarm id", f"{alarm[:80]!r} is not one")
        return self.folder / f"{alarm}.{ending}"


def _written(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except FileNotFoundError:  # all of it is in the spool by now
        return 0


def next_attempt(alarm: Noted) -> Noted | None:
    """`alarm` as it is passed on again after a crash: the third time text only, the fifth never."""
    attempt = alarm.attempt + 1
    if attempt >= 5:
        return None
    if isinstance(alarm, AlarmRaised):
        alarm = dataclasses.replace(alarm, text_only=attempt >= 3)
    return dataclasses.replace(alarm, attempt=attempt)


class Reminders:
    """When an alarm whose note is still there is passed on again, without a restart. Pure.

    After `FIRST` seconds, then twice as long each time, `LONGEST` at most: a message may be held
    for want of a key, and a person needs time to bring it.
    """

    FIRST, LONGEST = 120.0, 3600.0

    def __init__(self) -> None:
        self._due: dict[str, tuple[float, float]] = {}

    def passed_on(self, alarm: str, now: float) -> None:
        """`alarm` went into the line at `now`."""
        wait = min(2 * self._due[alarm][1], self.LONGEST) if alarm in self._due else self.FIRST
        self._due[alarm] = (now + wait, wait)

    def done(self, alarm: str) -> None:
        """The note of `alarm` is gone."""
        self._due.pop(alarm, None)

    def due(self, now: float) -> list[str]:
        """The alarms to look after at `now`."""
        return [alarm for alarm, (when, _) in self._due.items() if when <= now]

    def deadline(self) -> float | None:
        """When the next is due."""
        return min((when for when, _ in self._due.values()), default=None)
