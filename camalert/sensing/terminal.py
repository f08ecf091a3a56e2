"""Tables of lines, and a live view of one on a terminal."""

import contextlib
import os
import select
import signal
import sys
import termios
import tty
from collections.abc import Callable, Iterator, Sequence

REFRESH = 0.1
CLEAR_LINE, HOME, CLEAR_BELOW = "\x1b[K", "\x1b[H", "\x1b[J"
ENTER, LEAVE = "\x1b[?1049h\x1b[?25l", "\x1b[?25h\x1b[?1049l"
QUIT = "q\x03\x04"


def table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Rows as lines of text, in columns as wide as they need."""
    widths = [max(map(len, column)) for column in zip(headings, *rows, strict=True)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in (headings, *rows)
    ]


def live(draw: Callable[[], list[str]], press: Callable[[str], None]) -> None:
    """Show what `draw` returns, again and again, and hand each key to `press`; q ends it."""
    with _screen():
        while True:
            lines = [*draw(), "", "q quits"]
            sys.stdout.write(HOME + "".join(f"{line}{CLEAR_LINE}\n" for line in lines))
            sys.stdout.write(CLEAR_BELOW)
            sys.stdout.flush()
            if not select.select([0], [], [], REFRESH)[0]:
                continue
            keys = os.read(0, 64).decode(errors="replace")
            if not keys or any(key in QUIT for key in keys):
                return
            for key in keys:
                press(key)


@contextlib.contextmanager
def leave_on_term() -> Iterator[None]:
    """Let SIGTERM and SIGHUP unwind what is running, so that all is put back as it was."""
    ending = (signal.SIGTERM, signal.SIGHUP)
    before = [signal.signal(each, lambda number, _: sys.exit(128 + number)) for each in ending]
    try:
        yield
    finally:
        for each, handler in zip(ending, before, strict=True):
            signal.signal(each, handler)


@contextlib.contextmanager
def _screen() -> Iterator[None]:
    before = termios.tcgetattr(0)
    with leave_on_term():
        try:
            tty.setcbreak(0)
            sys.stdout.write(ENTER)
            yield
        finally:
            termios.tcsetattr(0, termios.TCSANOW, before)
            sys.stdout.write(LEAVE)
            sys.stdout.flush()
