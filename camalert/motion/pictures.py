"""Where pictures to be judged come from, and what is said of those that cannot be."""

import os
import select
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from camalert.diagnostics import log
from camalert.errors import BadData, CamalertError
from camalert.handover import LARGEST

ENDINGS = (".jpg", ".jpeg")
CHUNK = 65536
SAID = 3
"""Pictures skipped that are said one by one; of further ones only the number."""

LONG = 80
"""Letters of a path that are shown: what was no list of paths has lines without end."""


class Skipped:
    """Counts the pictures that could not be judged, of the `total` that came."""

    def __init__(self) -> None:
        self.count = self.total = 0

    def add(self, name: str, error: CamalertError) -> None:
        """Say why, the first few times, and then how many there were now and then."""
        self.count += 1
        if self.count <= SAID:
            log.error("%s: %s", shown(name), error.reason)
        elif self.count in (10, 100) or self.count % 1000 == 0:
            log.error("%d pictures skipped so far", self.count)

    def end(self) -> None:
        """Say how many of all it were, if any."""
        if self.count:
            log.error("%d of %d pictures skipped", self.count, self.total)


def shown(path: str) -> str:
    """`path`, or the end of one so long that it is none, for people."""
    return path if len(path) <= LONG else "..." + path[-LONG:]


def files(paths: Iterable[Path]) -> Iterator[str]:
    """The paths; for a folder the JPEGs in it, in order of their names. Raises BadData for none."""
    for path in paths:
        if path.is_dir():
            with os.scandir(path) as entries:  # pathlib is slow where there are thousands
                found = [entry.path for entry in entries if entry.name.lower().endswith(ENDINGS)]
            if not found:
                raise BadData(str(path), "no JPEG in the folder")
            yield from sorted(found)
        else:
            yield str(path)


def read(path: str) -> bytes:
    """The bytes of a file, at most `LARGEST`. Raises BadData where it cannot be read."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            size = os.fstat(descriptor).st_size
            data = os.read(descriptor, min(size, LARGEST) or CHUNK)
            while len(data) < LARGEST and len(data) != size:
                chunk = os.read(descriptor, CHUNK)
                if not chunk:
                    break
                data += chunk
        finally:
            os.close(descriptor)
    except (OSError, ValueError) as error:
        raise BadData(shown(path), getattr(error, "strerror", None) or str(error)) from None
    return data


def chunks(
    head: bytes,
    idle: Callable[[], None] = lambda: None,
    patience: Callable[[], float | None] = lambda: None,
) -> Iterator[bytes]:
    """Standard input as it comes, after `head`. `idle` is called whenever nothing has come for
    `patience()` seconds (None: for ever).
    """
    while head:
        yield head
        while not select.select([0], [], [], patience())[0]:
            idle()
        head = os.read(0, CHUNK)


def lines(pieces: Iterable[bytes]) -> Iterator[str]:
    """The paths in `pieces` of standard input, one a line, each as soon as it is whole."""
    rest = b""
    for piece in pieces:
        *whole, rest = (rest + piece).split(b"\n")
        yield from map(os.fsdecode, filter(None, whole))
    if rest:
        yield os.fsdecode(rest)
