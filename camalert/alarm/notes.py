"""The alarms' notes on disk: what was raised and not yet safe in the mail spool.

One folder an alarm would be two inodes; a note is one file `<id>.note` (the alarm's record and its
count of attempts) and, once parts are ticked off, `<id>.parts` beside it. Written as a mail spool
is: temporary file, fsync, rename, fsync of the folder.
"""

import dataclasses
import os
import re
from collections.abc import Iterator
from pathlib import Path

from camalert.errors import BadData, CannotCreate
from camalert.records import AlarmRaised, decode, encode

ALARM_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,63}")


class Notes:
    """The notes in `folder`, which is made (0700) when the first is written."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def write(self, alarm: AlarmRaised) -> None:
        """Make the note of `alarm` durable, or replace it. Raises CannotCreate."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            temporary = self.folder / f".{alarm.id}.{os.getpid()}"
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            try:
                os.write(descriptor, encode(alarm))
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
            temporary.rename(self._path(alarm.id, "note"))
            self._sync()
        except OSError as error:
            raise CannotCreate(str(self.folder), f"no note: {error.strerror}") from None

    def pending(self) -> Iterator[AlarmRaised]:
        """The alarms whose notes are there, oldest first. A torn note is set aside, not raised."""
        for path in sorted(self.folder.glob("*.note"), key=lambda path: path.stat().st_mtime_ns):
            try:
                record = decode(path.read_bytes())
                if isinstance(record, AlarmRaised):
                    yield record
                    continue
            except BadData:
                pass
            self.set_aside(path.stem)

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
            return frozenset(self._path(alarm, "parts").read_text(encoding="utf-8").splitlines())
        except FileNotFoundError:
            return frozenset()

    def close(self, alarm: str) -> None:
        """Remove the note of `alarm`: all its parts are safe."""
        for ending in ("note", "parts"):
            self._path(alarm, ending).unlink(missing_ok=True)
        if self.folder.exists():
            self._sync()

    def set_aside(self, alarm: str) -> None:
        """Keep the note of `alarm` for a person to look at, where no start takes it up again."""
        aside = self.folder / "failed"
        aside.mkdir(exist_ok=True, mode=0o700)
        for ending in ("note", "parts"):
            path = self._path(alarm, ending)
            if path.exists():
                path.rename(aside / path.name)
        self._sync()

    def _path(self, alarm: str, ending: str) -> Path:
        if not ALARM_ID.fullmatch(alarm):
            raise BadData("alarm id", f"{alarm[:80]!r} is not one")
        return self.folder / f"{alarm}.{ending}"

    def _sync(self) -> None:
        descriptor = os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def next_attempt(alarm: AlarmRaised) -> AlarmRaised | None:
    """`alarm` as it is passed on again after a crash: the third time text only, the fifth never."""
    attempt = alarm.attempt + 1
    if attempt >= 5:
        return None
    return dataclasses.replace(alarm, attempt=attempt, text_only=attempt >= 3)
