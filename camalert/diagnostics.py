"""What a user is told: one line on stderr, `tool: thing: reason`."""

import logging
import os
import sys

log = logging.getLogger("camalert")


def to_stderr(name: str, debug: bool) -> None:
    """From now on what is logged is a line on stderr, with the tool's `name` before it."""
    if not log.handlers:
        log.addHandler(logging.StreamHandler(sys.stderr))
    log.handlers[0].setFormatter(_OneLine(f"{name}: %(message)s"))
    log.setLevel(logging.DEBUG if debug else logging.INFO)


class _OneLine(logging.Formatter):
    """`tool: thing: reason`; under the journal with the priority it reads (`<3>`)."""

    def format(self, record: logging.LogRecord) -> str:
        text = super().format(record)
        if not record.exc_info:  # else it is a traceback, asked for by --debug
            text = "".join(c if c.isprintable() else "?" for c in " ".join(text.split()))
        level = {"DEBUG": 7, "INFO": 6, "WARNING": 4, "ERROR": 3}.get(record.levelname, 2)
        return f"<{level}>{text}" if _to_journal() else text


def _to_journal() -> bool:
    try:
        status = os.fstat(2)
    except OSError:
        return False
    return os.environ.get("JOURNAL_STREAM") == f"{status.st_dev}:{status.st_ino}"
