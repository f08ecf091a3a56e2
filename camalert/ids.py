"""Ids of records: random for each process, then a sequence number; never from the clock."""

import itertools
import os
from collections.abc import Iterator


def new_id() -> str:
    """An id that no other record has."""
    return next(_ids)


def _sequence() -> Iterator[str]:
    process = os.urandom(6).hex()
    return (f"{process}-{number:06}" for number in itertools.count(1))


def _begin_anew() -> None:
    global _ids
    _ids = _sequence()


_ids = _sequence()
os.register_at_fork(after_in_child=_begin_anew)  # else parent and child would give the same ones
