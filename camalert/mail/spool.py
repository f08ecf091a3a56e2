"""The mail that is to go out, safe on disk: what `add` has taken survives a power cut.

Made as nullmailer's queue and Maildir are: written in tmp/, fsync, renamed into new/, fsync of the
folder. An item is one file: a line of JSON (envelope sender and recipients, which no header shows,
and the message's SHA-256), then the message. Its name says all that the order needs, and no clock
is in it:

    <urgency>-<sequence>-<uuid of the Message-ID>[.<tries>]

new/ holds what was never tried, deferred/ what was, sent/ empty marks of what is gone (the newest
1,000, so that a repetition is known), failed/ what will never go, each with the reason beside it.
"""

import contextlib
import errno
import fcntl
import logging
import os
import re
import stat
import time
from collections.abc import Iterator
from pathlib import Path

from camalert.config import ADDRESS, Config
from camalert.durable import sync_folder
from camalert.errors import BadData, CannotCreate, StorageFailed, TryAgain
from camalert.mail import outer
from camalert.mail.item import NAME, Envelope, Item, Urgency, key_of, read, remaining

log = logging.getLogger("camalert")

MEGABYTE = 1_000_000
MARKS = 1000
RESERVE = 65536
"""Bytes kept on disk, and beyond the quota, for a text when all else is full."""

ENVELOPE = 65536
"""Bytes of an envelope at most."""

LOCK = 10.0
"""Seconds to wait for another process that adds."""

FULL = (errno.ENOSPC, errno.EDQUOT)
STATES = ("new", "deferred", "sent", "failed")


class Spool:
    """The spool of `config`, in a folder that is made (0700) at need.

    Any number of processes may add; one at a time flushes (`flushing`). What any method may raise:
    CannotCreate when there is no room, StorageFailed when the disk fails, TryAgain when another
    process holds the lock for too long.
    """

    def __init__(self, config: Config) -> None:
        self.folder = config.folder("spool", "mail")
        self.quota = config.mail.quota * MEGABYTE

    def prepare(self) -> None:
        """Make the folders, remove what a killed process left behind, fill the reserve."""
        with _storage(self.folder), self._locked("add.lock", LOCK):
            # Whoever adds holds the lock: what lies in tmp/ now is nobody's.
            for path in (self.folder / "tmp").iterdir():
                path.unlink()
            for mark in self._items("sent"):
                if mark.path.stat().st_size:
                    os.truncate(mark.path, 0)
            self._fill_reserve()

    def _fill_reserve(self) -> None:
        reserve = self.folder / "reserve"
        if not reserve.exists():
            try:
                with reserve.open("xb") as stream:
                    os.posix_fallocate(stream.fileno(), 0, RESERVE)
            except OSError:
                reserve.unlink(missing_ok=True)

    def add(self, message: bytes, recipients: tuple[str, ...], urgency: Urgency) -> Item:
        """Make `message` durable, once: what waits or was sent already stays as it is.

        Raises BadData for a message that is not encrypted or goes to nobody. Whatever it raises,
        nothing is kept.
        """
        for recipient in recipients or ("",):
            if not ADDRESS.fullmatch(recipient):
                raise BadData("recipient", f"{recipient!r:.80} is not an address")
        message = outer.canonical(message)
        outside = outer.check(message)
        data = Envelope(outside.sender, recipients).before(message)
        key = key_of(outside.message_id)
        with _storage(self.folder), self._locked("add.lock", LOCK):
            if known := self.find(key):
                return known
            self._make_room(len(data), urgency)
            highest = max((int(match[2]) for _, match in self._names(*STATES)), default=0)
            name = f"{int(urgency)}-{highest + 1:010}-{key}"
            try:
                self._write(name, data)
            except OSError as error:
                reserve = self.folder / "reserve"
                if (urgency, error.errno in FULL, reserve.exists()) != (Urgency.TEXT, True, True):
                    raise
                reserve.unlink()
                self._write(name, data)
            return Item.at(self.folder / "new" / name)

    def _write(self, name: str, data: bytes) -> None:
        temporary, path = self.folder / "tmp" / name, self.folder / "new" / name
        try:
            _write_durably(temporary, data)
            temporary.rename(path)
            sync_folder(path.parent)
        except OSError:
            # After a failed fsync nobody knows what is on the disk: given up, not repeated.
            for trace in (temporary, path):
                with contextlib.suppress(OSError):
                    trace.unlink(missing_ok=True)
            raise

    def _make_room(self, size: int, urgency: Urgency) -> None:
        """Let what failed and then heartbeats go, oldest first, where the quota is full of them."""
        limit = self.quota + RESERVE * (urgency is Urgency.TEXT)
        failed, waiting = self.failed(), self.waiting()
        beats = [item for item in waiting if item.urgency is Urgency.HEARTBEAT]
        used = sum(_size(item.path) for item in failed + waiting)
        for item in failed + beats * (urgency is not Urgency.HEARTBEAT):
            if used + size <= limit:
                return
            used -= _size(item.path)
            item.path.unlink(missing_ok=True)
            log.warning("%s: removed from the spool, which is full", item.path.name)
        if used + size > limit:
            raise CannotCreate(
                str(self.folder),
                f"full: {used} bytes wait, {size} more would pass the limit of {limit}",
                "see camalert send-mail --queue, and mail.quota",
            )

    def knows(self, message_id: str) -> bool:
        """Whether the message waits or was sent: it is safe."""
        return self.find(key_of(message_id)) is not None

    def find(self, key: str) -> Item | None:
        """The item with `key` that waits or was sent. Looked for in the order that items move."""
        for state, match in self._names("new", "deferred", "sent"):
            if match[3] == key:
                return Item.at(self.folder / state / match[0])
        return None

    def waiting(self) -> list[Item]:
        """All that is to go, the most urgent first."""
        return sorted(self._items("new", "deferred"))

    def failed(self) -> list[Item]:
        """All that will never go, the oldest first."""
        return sorted(self._items("failed"), key=lambda item: item.sequence)

    def due_in(self, item: Item, now: float) -> float:
        """Seconds until `item` is to be tried; `now` in seconds since 1970."""
        try:
            return remaining(item.tries, now - item.path.stat().st_mtime)
        except FileNotFoundError:
            return 0.0

    def read(self, item: Item) -> tuple[Envelope, bytes]:
        """Envelope and message. Raises BadData for a torn one, FileNotFoundError for one gone."""
        try:
            descriptor = os.open(item.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
            with os.fdopen(descriptor, "rb") as stream:
                data = stream.read(outer.LARGEST + ENVELOPE)
        except FileNotFoundError:
            raise
        except OSError as error:
            raise BadData(item.path.name, f"cannot be read: {error.strerror}") from None
        return read(data)

    def sent(self, item: Item) -> None:
        """`item` is delivered: only a mark of it stays."""
        mark = self.folder / "sent" / item.name
        with _storage(self.folder), contextlib.suppress(FileNotFoundError):
            item.path.rename(mark)
            os.truncate(mark, 0)
            sync_folder(mark.parent)
            marks = sorted(self._items("sent"), key=lambda item: item.sequence)
            for old in marks[:-MARKS]:
                old.path.unlink(missing_ok=True)
            self._fill_reserve()

    def defer(self, item: Item, now: float) -> None:
        """`item` was tried in vain at `now`."""
        path = self.folder / "deferred" / f"{item.name}.{item.tries + 1}"
        with _storage(self.folder), contextlib.suppress(FileNotFoundError):
            os.utime(item.path, (now, now))
            item.path.rename(path)

    def narrow(self, item: Item, envelope: Envelope, message: bytes) -> None:
        """`item` has reached some of its recipients: `envelope` names those who are left."""
        with _storage(self.folder), self._locked("add.lock", LOCK):
            temporary = self.folder / "tmp" / item.name
            _write_durably(temporary, envelope.before(message))
            temporary.rename(item.path)

    def fail(self, path: Path, reason: str) -> None:
        """What lies at `path` will never go: it is kept in failed/, with the `reason` beside it."""
        name = Item.at(path).name if NAME.fullmatch(path.name) else path.name
        aside = self.folder / "failed" / name
        with _storage(self.folder):
            aside.with_name(f"{name}.reason").write_text(f"{reason}\n", encoding="utf-8")
            path.rename(aside)
        log.error("%s: will not be sent: %s; kept in %s", name, reason, aside.parent)

    def set_foreign_aside(self) -> None:
        """Move what has no item's name out of the way."""
        for state in ("new", "deferred"):
            for path in (self.folder / state).iterdir():
                if not NAME.fullmatch(path.name):
                    self.fail(path, "has no item's name")

    def server_due_in(self, now: float) -> float:
        """Seconds until a server that could not be reached is to be tried again."""
        path = self.folder / "unreachable"
        try:
            return remaining(_number(path), now - path.stat().st_mtime)
        except FileNotFoundError:
            return 0.0

    def note_unreachable(self, now: float, least: int = 1) -> None:
        """The server could not be reached at `now`: one try more, and `least` at least."""
        path = self.folder / "unreachable"
        with _storage(self.folder):
            path.write_text(f"{max(least, _number(path) + 1)}")
            os.utime(path, (now, now))

    def note_reachable(self) -> None:
        """The server has answered."""
        with _storage(self.folder):
            (self.folder / "unreachable").unlink(missing_ok=True)

    @property
    def bell(self) -> Path:
        """The FIFO in which a byte wakes the process that flushes."""
        return self.folder / "wake"

    def ring(self) -> None:
        """Wake the process that flushes, where there is one."""
        with contextlib.suppress(OSError):
            descriptor = os.open(self.bell, os.O_WRONLY | os.O_NONBLOCK | os.O_NOFOLLOW)
            with os.fdopen(descriptor, "wb", buffering=0) as stream:
                if stat.S_ISFIFO(os.fstat(descriptor).st_mode):
                    stream.write(b"\n")

    @contextlib.contextmanager
    def flushing(self) -> Iterator[None]:
        """Held by the one process that delivers. Raises TryAgain when another one does."""
        with self._locked("flush.lock", 0):
            yield

    @contextlib.contextmanager
    def _locked(self, name: str, patience: float) -> Iterator[None]:
        with _storage(self.folder):
            self._make_folders()
            descriptor = os.open(self.folder / name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            _lock(descriptor, self.folder / name, patience)
            yield
        finally:
            os.close(descriptor)

    def _make_folders(self) -> None:
        if (self.folder / STATES[-1]).is_dir():
            return
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        for state in ("tmp", *STATES):
            (self.folder / state).mkdir(exist_ok=True, mode=0o700)
        sync_folder(self.folder)
        sync_folder(self.folder.parent)

    def _items(self, *states: str) -> Iterator[Item]:
        for state, match in self._names(*states):
            yield Item.at(self.folder / state / match[0])

    def _names(self, *states: str) -> Iterator[tuple[str, re.Match[str]]]:
        for state in states:
            with contextlib.suppress(FileNotFoundError):
                # Names alone, without a Path for each: sent/ has a thousand.
                for name in os.listdir(self.folder / state):  # noqa: PTH208
                    if match := NAME.fullmatch(name):
                        yield state, match


def _size(path: Path) -> int:
    try:
        return path.lstat().st_size
    except FileNotFoundError:
        return 0


def _number(path: Path) -> int:
    try:
        return int(path.read_text())
    except (FileNotFoundError, ValueError):
        return 0


def _write_durably(path: Path, data: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb", buffering=0) as stream:
        rest = memoryview(data)
        while rest:
            rest = rest[stream.write(rest) :]
        os.fsync(descriptor)


def _lock(descriptor: int, path: Path, patience: float) -> None:
    until = time.monotonic() + patience
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if time.monotonic() >= until:
                raise TryAgain(str(path), "another send-mail is at work") from None
        time.sleep(0.01)


@contextlib.contextmanager
def _storage(folder: Path) -> Iterator[None]:
    """Say what the disk says: no room is one thing, a failing disk another."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        if error.errno in FULL:
            raise CannotCreate(str(folder), reason) from None
        raise StorageFailed(str(folder), f"the storage fails: {reason}") from None
