"""How the spool is shown."""

import contextlib

from camalert.mail.spool import Spool

TITLES = ("state", "urgency", "tries", "wait/s", "bytes", "name")
_LAYOUT = "{:8}  {:9}  {:>5}  {:>6}  {:>9}  {}"


def rows(spool: Spool, now: float, due_only: bool = False) -> list[tuple[str, ...]]:
    """What is in `spool` at the wall clock's `now`, a text for each of `TITLES`.

    `due_only` leaves out what waits for its next try, and what failed.
    """
    found: list[tuple[str, ...]] = []
    for item in spool.waiting() + ([] if due_only else spool.failed()):
        wait = f"{spool.due_in(item, now):.0f}"
        if due_only and wait != "0":
            continue
        with contextlib.suppress(FileNotFoundError):  # sent in the meantime
            size, state = str(item.path.stat().st_size), item.path.parent.name
            urgency = item.urgency.name.lower()
            found.append((state, urgency, str(item.tries), wait, size, item.name))
    return found


def columns(rows: list[tuple[str, ...]]) -> str:
    """The rows for a person, below their titles."""
    return "\n".join(_LAYOUT.format(*row) for row in (TITLES, *rows))
