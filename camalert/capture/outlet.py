"""Standard output for who must not wait: what its reader is too slow for is dropped, or kept."""

import collections
import fcntl
import logging
import os
import select

from camalert.errors import StorageFailed

log = logging.getLogger("camalert")

PIPE = 8192
"""Bytes that may wait in a pipe for its reader, who should meet frames that are still there."""

MOST_KEPT = 256


class Outlet:
    """Lines of at most 4,096 bytes to a descriptor, without ever waiting."""

    def __init__(self, descriptor: int = 1) -> None:
        self._descriptor = descriptor
        self._kept: collections.deque[bytes] = collections.deque(maxlen=MOST_KEPT)
        self._poll = select.poll()
        self._poll.register(descriptor, select.POLLOUT)
        self.dropped = self._said = 0
        try:
            fcntl.fcntl(descriptor, fcntl.F_SETPIPE_SZ, PIPE)
        except OSError:  # no pipe, or one that holds more already
            log.debug("the pipe keeps its size")

    def write(self, line: bytes, *, keep: bool) -> None:
        """Write `line`; where it has to wait it is kept for later, or else dropped and counted.

        Raises BrokenPipeError, or StorageFailed where no more can be written at all.
        """
        self.flush()
        if keep:
            self._kept.append(line)
            self.flush()
        elif self._kept or not self._ready():
            self._drop()
        else:
            self._write(line)

    def flush(self) -> None:
        """Write what was kept, as far as that does not wait."""
        while self._kept and self._ready():
            self._write(self._kept.popleft())

    def _ready(self) -> bool:
        """Whether a line can be written whole: a pipe that is ready has a page (4,096 B) free."""
        return bool(self._poll.poll(0))

    def _write(self, line: bytes) -> None:
        view = memoryview(line)
        while view:
            try:
                view = view[os.write(self._descriptor, view) :]
            except BrokenPipeError:
                raise
            except OSError as error:
                raise StorageFailed("standard output", error.strerror or str(error)) from None

    def _drop(self) -> None:
        self.dropped += 1
        if self.dropped >= 10**self._said:
            self._said += 1
            log.warning("the reader is too slow: %d frames not told to it so far", self.dropped)
