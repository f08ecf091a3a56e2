"""A simulated board: GPIO lines that several processes share, as files in one folder, no daemon.

Line N is up to three files: `N.line`, its level and what makes it; `N.claim`, locked by the process
that uses the line; `N.edges`, the datagram socket of a process that waits for its edges. `wires`
says which line's level comes from which other line. Every change is made under one lock, so all
processes see edges in one order. A process that is killed leaves nothing in the way: the kernel
frees its locks, and whoever listens next replaces the stale socket.
"""

import contextlib
import dataclasses
import fcntl
import json
import os
import socket
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from camalert.errors import BadData, BadUsage, CannotCreate, TryAgain

PATIENCE = 1.0
"""Seconds a change waits for a listener whose queue is full; then the edge is lost to it, as the
kernel drops the edges that nobody fetches."""

PULLS = {"up": 1, "down": 0, "floating": None}


@dataclasses.dataclass(frozen=True)
class Line:
    """One GPIO line. Of what drives it the first wins: `out`, `hand`, a wire, `pull`; else 0."""

    level: int = 0
    out: int | None = None
    """What the process that holds the line drives, where it is an output."""
    hand: int | None = None
    """What drives it from outside: a sensor, a finger."""
    pull: str = "floating"


class Board:
    """The board in `folder`, which is made (0700) where it is missing. Raises CannotCreate."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise CannotCreate(str(folder), error.strerror or str(error)) from None

    def line(self, number: int) -> Line:
        """Line `number` as it is now. Raises BadData where its file holds something else."""
        path = self.folder / f"{number}.line"
        try:
            return Line(**json.loads(path.read_bytes()))
        except FileNotFoundError:
            return Line()
        except (ValueError, TypeError):
            raise BadData(str(path), "is no line of a board", "remove it") from None

    def floats(self, number: int) -> bool:
        """Whether nothing makes a line's level, so that it means nothing."""
        line = self.line(number)
        return self._driven(number, line, self.wires()) is None and PULLS[line.pull] is None

    def lines(self) -> dict[int, Line]:
        """All lines that anything has touched, by number."""
        numbers = sorted(int(path.stem) for path in self.folder.glob("*.line"))
        return {number: self.line(number) for number in numbers}

    def output(self, number: int, level: int | None) -> None:
        """Drive a line as the process that holds it; None makes it an input."""
        with self._changing():
            self._put(number, dataclasses.replace(self.line(number), out=level))

    def pull(self, number: int, pull: str) -> None:
        """Set a line's pull resistor: up, down or floating."""
        with self._changing():
            self._put(number, dataclasses.replace(self.line(number), pull=pull))

    def drive(self, number: int, level: int | None) -> None:
        """Drive a line from outside; None lets go.

        Raises BadUsage where a process drives the line as its output: on a real board a short.
        """
        with self._changing():
            line = self.line(number)
            if level is not None and line.out is not None and (owner := self._owner(number)):
                raise BadUsage(f"GPIO{number}", f"is an output of {owner}")
            self._put(number, dataclasses.replace(line, hand=level))

    def wire(self, source: int, target: int) -> None:
        """Let the level of `target` follow `source`. Raises BadUsage where that makes a circle."""
        with self._changing():
            wires, at = self.wires(), source
            while at != target and at in wires:
                at = wires[at]
            if at == target:
                raise BadUsage(f"wire {source} {target}", "makes a circle")
            self._rewire(wires | {target: source}, target)

    def unwire(self, target: int) -> None:
        """Take away the wire that ends at `target`, if there is one."""
        with self._changing():
            wires = self.wires()
            wires.pop(target, None)
            self._rewire(wires, target)

    def wires(self) -> dict[int, int]:
        """The wires: target to source."""
        try:
            text = (self.folder / "wires").read_text(encoding="ascii")
        except FileNotFoundError:
            return {}
        return {int(target): source for target, source in json.loads(text).items()}

    def claim(self, number: int) -> int:
        """Take a line for this process; closing the descriptor gives it back.

        Raises TryAgain where another process has it.
        """
        with self._changing():
            descriptor = os.open(self.folder / f"{number}.claim", os.O_RDWR | os.O_CREAT, 0o600)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                owner = os.read(descriptor, 200).decode()
                os.close(descriptor)
                raise TryAgain(f"GPIO{number}", f"is busy: {owner} holds it") from None
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, f"{Path(sys.argv[0]).name} ({os.getpid()})".encode(), 0)
            return descriptor

    def owner(self, number: int) -> str:
        """Which process holds a line, as `name (pid)`; empty where none does."""
        with self._changing():
            return self._owner(number)

    def listen(self, number: int) -> socket.socket:
        """A socket on which `edges` reads the edges of a line; for the process that holds it."""
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        with self._changing(), self._address(number) as address:
            (self.folder / f"{number}.edges").unlink(missing_ok=True)
            listener.bind(address)
        return listener

    @contextlib.contextmanager
    def _changing(self) -> Iterator[None]:
        descriptor = os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    @contextlib.contextmanager
    def _address(self, number: int) -> Iterator[str]:
        """The address of a line's socket, short however long the folder's path is (108 bytes)."""
        folder = os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            yield f"/proc/self/fd/{folder}/{number}.edges"
        finally:
            os.close(folder)

    def _owner(self, number: int) -> str:
        try:
            descriptor = os.open(self.folder / f"{number}.claim", os.O_RDONLY)
        except FileNotFoundError:
            return ""
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return os.read(descriptor, 200).decode()
        finally:
            os.close(descriptor)
        return ""

    def _rewire(self, wires: dict[int, int], target: int) -> None:
        self._store("wires", json.dumps(wires))
        self._put(target, self.line(target))

    def _put(self, number: int, line: Line) -> None:
        """Store what drives a line; its level follows, and so do the lines wired to it."""
        wires = self.wires()
        level = self._level(number, line, wires)
        self._store(f"{number}.line", json.dumps(vars(line) | {"level": level}))
        if level != line.level:
            self._tell(number, level)
        for target, source in wires.items():
            if source == number:
                self._put(target, self.line(target))

    def _level(self, number: int, line: Line, wires: dict[int, int]) -> int:
        driven = self._driven(number, line, wires)
        return driven if driven is not None else PULLS[line.pull] or 0

    def _driven(self, number: int, line: Line, wires: dict[int, int]) -> int | None:
        if line.out is not None:
            return line.out
        if line.hand is not None or number not in wires:
            return line.hand
        return self._driven(wires[number], self.line(wires[number]), wires)

    def _store(self, name: str, text: str) -> None:
        new = self.folder / f"{name}.new"
        new.write_text(text, encoding="ascii")
        new.replace(self.folder / name)

    def _tell(self, number: int, level: int) -> None:
        edge = f"{time.monotonic()} {level}".encode()
        with (
            socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender,
            self._address(number) as address,
            contextlib.suppress(FileNotFoundError, ConnectionRefusedError, TimeoutError),
        ):
            sender.settimeout(PATIENCE)
            sender.sendto(edge, address)


def folder(run: Path) -> Path:
    """Where the board lies: $CAMALERT_BOARD, else `board` in the run folder."""
    return Path(os.environ.get("CAMALERT_BOARD") or run / "board")


def edges(listener: socket.socket) -> Iterator[tuple[float, int]]:
    """(monotonic time, level) of each edge as it comes; ends when the socket is shut down."""
    while edge := listener.recv(64):
        moment, level = edge.split()
        yield float(moment), int(level)
