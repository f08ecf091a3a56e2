"""Records in and out: the loop of every stage of the line, and the bytes of standard input."""

import collections
import contextlib
import dataclasses
import logging
import os
import select
import signal
import stat
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from camalert.errors import (
    BadData,
    BadUsage,
    CamalertError,
    CannotCreate,
    StorageFailed,
    Unavailable,
)
from camalert.lock import is_held

if TYPE_CHECKING:
    from camalert.records import Record

log = logging.getLogger("camalert")

DRAIN = 10.0
"""Seconds that a stage goes on reading what is still in the pipe after SIGTERM."""

LOOK = 10.0
"""Seconds between looks whether the FIFO that is read still lies at its path."""

CHUNK = 65536
_ENDING = frozenset({signal.SIGTERM, signal.SIGINT})
SHOWN = 3
"""Lines that are no record said one by one; of further ones only the number."""

BACKLOG = 256
"""Records kept for a FIFO that is full; the oldest go first."""


def input_expected(what: str) -> None:
    """Refuse to wait for data on a terminal, where nobody would know what for.

    Raises BadUsage (exit 64) that says `what` was expected.
    """
    if os.isatty(0):
        raise BadUsage(
            "standard input", f"is a terminal, and {what} is expected there", "see --help"
        )


def peek() -> bytes:
    """The first bytes of standard input that are not all white space; b"" at its end.

    Raises BrokenPipeError when the reader of the output is gone.
    """
    poll = select.poll()
    poll.register(0, select.POLLIN)
    poll.register(1, 0)
    while True:
        ready = dict(poll.poll())
        if _reader_is_gone(ready.get(1, 0)):
            raise BrokenPipeError
        chunk = os.read(0, CHUNK)
        if chunk.strip() or not chunk:
            return chunk


def _reader_is_gone(event: int) -> bool:
    return bool(event & (select.POLLERR | select.POLLNVAL))


def read_all(head: bytes, limit: int) -> bytes:
    """Standard input up to its end, with `head` before it. Raises BadData above `limit` bytes."""
    parts, size = [head], len(head)
    while chunk := os.read(0, CHUNK):
        size += len(chunk)
        if size > limit:
            raise BadData("standard input", f"longer than {limit} bytes")
        parts.append(chunk)
    return b"".join(parts)


def write_all(data: bytes) -> None:
    """All of `data` to standard output. Raises StorageFailed where it takes no more (disk full)."""
    view = memoryview(data)
    while view:
        try:
            view = view[os.write(1, view) :]
        except BrokenPipeError:
            raise
        except BlockingIOError:  # somebody else made the terminal or pipe non-blocking
            select.select([], [1], [])
        except OSError as error:
            raise StorageFailed("standard output", error.strerror or str(error)) from None


def open_fifo(path: Path) -> int:
    """The FIFO at `path`, made (0600) where it is missing, opened to read and write.

    Read-write, so that it outlives every single reader and writer. Raises CannotCreate.
    """
    try:
        with contextlib.suppress(FileExistsError):
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            os.mkfifo(path, 0o600)
        descriptor = os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError as error:
        raise CannotCreate(str(path), error.strerror or str(error)) from None
    if not stat.S_ISFIFO(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise CannotCreate(str(path), "is there and no FIFO", "remove it")
    return descriptor


def _moved(path: Path, descriptor: int) -> bool:
    """Whether `path` is no longer the file behind `descriptor`."""
    try:
        return not os.path.samestat(path.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return True


class RecordLine:
    """Records in and out: the loop of every stage of the line.

    `listen` reads a FIFO instead of standard input; `to` writes to one instead of standard output,
    without ever blocking, and says when nobody holds the lock file `reader`. A stage with
    `reads=False` (a sensor) only writes. `head` is what was peeked from standard input.
    """

    def __init__(
        self,
        *,
        listen: Path | None = None,
        to: Path | None = None,
        reader: Path | None = None,
        reads: bool = True,
        head: bytes = b"",
    ) -> None:
        self.first = not reads or listen is not None
        self._listen, self._to, self._reader, self._unread = listen, to, reader, False
        self._unheard = 0
        self._input = open_fifo(listen) if listen else 0 if reads else -1
        self._output = open_fifo(to) if to else 1
        self._waits = to is None
        self._backlog: collections.deque[bytes] = collections.deque()
        self._dropped = 0
        self._buffer, self._overlong = bytearray(head), False
        self.accepted = self.rejected = 0
        self._signalled: float | None = None

    @property
    def waiting(self) -> int:
        """How many records are kept, because the FIFO they go to is full."""
        return len(self._backlog)

    def write(self, record: "Record") -> None:
        """Pass `record` on, flushed. To a FIFO that is full it is kept and tried again."""
        from camalert.codec import encode

        line = encode(record)
        if self._waits:
            write_all(line)
            return
        self._look_after_fifo()
        self._backlog.append(line)
        self._flush()

    def _look_after_fifo(self) -> None:
        """Make the FIFO anew where it was taken away, and say, once, when nobody reads it."""
        assert self._to
        if _moved(self._to, self._output):
            log.warning("%s: was taken away; made anew", self._to)
            os.close(self._output)
            self._output = open_fifo(self._to)
        unread = self._reader is not None and not is_held(self._reader)
        if unread and not self._unread:
            log.warning("no alarm line runs: until one does, what happens waits in %s", self._to)
        self._unread = unread
        self._unheard = self._unheard + 1 if unread else 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        """A FIFO that nobody holds any longer forgets what is in it: say what nobody has read.

        Raises Unavailable, unless a signal has ended this or an exception does.
        """
        if not self._unheard or (self._reader and is_held(self._reader)):
            return
        lost = "1 record is lost" if self._unheard == 1 else f"{self._unheard} records are lost"
        error = Unavailable("alarm line", f"none runs: {lost}", "start alarm-line first")
        if kind is None and self._signalled is None:
            raise error
        log.warning("%s", error)

    def _flush(self) -> None:
        while self._backlog:
            try:
                os.write(self._output, self._backlog[0])
            except BlockingIOError:
                break
            self._backlog.popleft()
        while len(self._backlog) > BACKLOG:
            self._backlog.popleft()
            self._dropped += 1
            if self._dropped & (self._dropped - 1) == 0:
                log.warning("nobody reads the FIFO; %d records dropped so far", self._dropped)

    def records(self, **waiting: Any) -> Iterator["Record | None"]:
        """Every record as it comes, and None whenever `batches` yields none; see there."""
        for batch in self.batches(**waiting):
            if not batch:
                yield None
            yield from batch

    def batches(
        self,
        *,
        wake: int | None = None,
        timeout: Callable[[], float | None] = lambda: None,
    ) -> Iterator[list["Record"]]:
        """All the records that one read brought; an empty list when `wake` is readable or after
        `timeout()` seconds.

        Ends at the end of input; when the reader of the output is gone (BrokenPipeError); on
        SIGTERM or SIGINT: at once for a first stage, for others, whose first stage has ended too,
        still at the end of input, `DRAIN` seconds later at most. A line that is no record is said,
        counted in `rejected` and skipped. Raises BadData at the end of input when all there was
        were such lines.
        """
        with self._signals() as signals:
            poll = select.poll()
            for descriptor in (self._input, wake, signals):
                if descriptor is not None and descriptor >= 0:
                    poll.register(descriptor, select.POLLIN)
            if self._waits:
                poll.register(self._output, 0)
            if batch := self._complete_lines():
                yield batch
            while True:
                ready = dict(poll.poll(self._patience(timeout())))
                if self._waits and _reader_is_gone(ready.get(self._output, 0)):
                    raise BrokenPipeError
                if signals in ready and _ENDING.intersection(os.read(signals, 64)):
                    self._signalled = self._signalled or time.monotonic()
                self._flush()
                if self._stop():
                    return
                if self._listen and _moved(self._listen, self._input):
                    raise Unavailable(str(self._listen), "was taken away", "start the line again")
                if self._input in ready:
                    if not self._fill():
                        break
                    if batch := self._complete_lines():
                        yield batch
                if not ready or wake in ready:
                    yield []
        if self._buffer and (batch := self._complete_lines(b"\n")):
            yield batch
        if self.rejected and not self.accepted:
            raise BadData("standard input", f"holds no record (lines: {self.rejected})")
        if self.rejected > SHOWN:
            log.error("%d lines that are no record skipped in all", self.rejected)

    def _patience(self, timeout: float | None) -> float | None:
        limits = [timeout] if timeout is not None else []
        if self._signalled is not None:
            limits.append(self._signalled + DRAIN - time.monotonic())
        if self._backlog:
            limits.append(0.2)
        if self._listen:
            limits.append(LOOK)
        return max(0.0, min(limits)) * 1000 if limits else None

    def _stop(self) -> bool:
        if self._signalled is None:
            return False
        return self.first or time.monotonic() >= self._signalled + DRAIN

    def _fill(self) -> bool:
        try:
            chunk = os.read(self._input, CHUNK)
        except BlockingIOError:
            return True
        self._buffer += chunk
        return bool(chunk)

    def _complete_lines(self, end: bytes = b"") -> list["Record"]:
        from camalert.codec import LONGEST, decode

        *lines, rest = bytes(self._buffer + end).split(b"\n")
        batch = []
        for line in lines:
            overlong, self._overlong = self._overlong, False
            if overlong or not line.strip():
                continue
            try:
                batch.append(decode(line))
            except BadData as error:
                self._reject(error)
        self.accepted += len(batch)
        self._buffer = bytearray(rest)
        if len(rest) > LONGEST:
            if not self._overlong:
                self._reject(BadData("record", f"longer than {LONGEST} bytes"))
            self._overlong, self._buffer = True, bytearray()
        return batch

    def _reject(self, error: BadData) -> None:
        self.rejected += 1
        if self.rejected <= SHOWN:
            log.error("%s; skipped", error)
        elif self.rejected in (10, 100) or self.rejected % 1000 == 0:
            log.error("%d lines that are no record skipped so far", self.rejected)

    @contextlib.contextmanager
    def _signals(self) -> Iterator[int]:
        """SIGTERM and SIGINT turned into a readable descriptor for as long as the loop runs."""
        reader, writer = os.pipe()
        os.set_blocking(writer, False)
        before = {number: signal.getsignal(number) for number in _ENDING}
        for number in before:
            signal.signal(number, lambda *_: None)
        wakeup = signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
        try:
            yield reader
        finally:
            signal.set_wakeup_fd(wakeup)
            for number, handler in before.items():
                signal.signal(number, handler)
            os.close(reader)
            os.close(writer)


def stage(
    line: RecordLine, handle: Callable[["Record"], Iterator["Record"]], **waiting: Any
) -> None:
    """Run `handle` over every record and pass on what it yields.

    A record whose handling fails is passed on with `error` added, so one bad record never stops
    those behind it. Raises BrokenPipeError and StorageFailed when the output itself fails.
    """
    for record in line.records(**waiting):
        if record is None:
            continue
        try:
            for answer in handle(record):
                line.write(answer)
        except BrokenPipeError:
            raise
        except Exception as error:
            reason = str(error) if isinstance(error, CamalertError) else repr(error)
            log.error("%s", reason, exc_info=log.isEnabledFor(logging.DEBUG))
            _pass_on_failed(line, record, reason)


def _pass_on_failed(line: RecordLine, record: "Record", reason: str) -> None:
    for error in (reason[:200], "failed"):
        try:
            line.write(dataclasses.replace(record, error=error))
            return
        except BadData as problem:  # with its error it is longer than a record may be
            log.error("%s", problem)
