"""SQLite by the standard library: the database that every camera has.

A file of our own: 0600, write-ahead log, each write synced, waits for locks a while.
"""

import os
import re
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from camalert.errors import BadConfig, StorageFailed
from camalert.store.database import Damaged, Refused

BUSY = 2.0
"""Seconds that a write waits for another process that writes."""
MOST_SET_ASIDE = 9


def named_by(url: str) -> Path | None:
    """The file that `url` (`sqlite:///...`) names, None where it is of another kind.

    Raises BadConfig for one of SQLite without a file, or with options.
    """
    if not re.match(r"sqlite[+:]", url):
        return None
    found = re.fullmatch(r"sqlite(?:\+pysqlite)?:///([^?]+)", url)
    if not found or found[1] == ":memory:":
        raise BadConfig("events.database", "names no SQLite file", "write sqlite:////folder/file")
    return Path(found[1])


class SQLite:
    """A connection to the file at `path`, which is made where it is missing.

    Raises StorageFailed, and Damaged where the file is no database.
    """

    dialect = "sqlite"

    def __init__(self, path: Path) -> None:
        self._path = path
        with self._failures():
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
            # isolation_level None: else the module begins transactions where it thinks fit
            self._connection = sqlite3.connect(path, timeout=BUSY, isolation_level=None)
        self._opened = self._inode()
        try:
            for pragma in ("journal_mode=WAL", "synchronous=FULL"):
                self.execute(f"PRAGMA {pragma}")
        except StorageFailed:
            self.close()
            raise

    def is_current(self) -> bool:
        # SQLite would go on writing into a file that was removed or set aside
        return self._inode() == self._opened

    def begin(self) -> None:
        # at once, as two that read first and then both want to write cannot wait for each other
        self.execute("BEGIN IMMEDIATE")

    def execute(self, statement: str, /, **values: object) -> list[Any]:
        with self._failures():
            return self._connection.execute(statement, values).fetchall()

    def executemany(self, statement: str, rows: Sequence[Mapping[str, object]]) -> None:
        with self._failures():
            try:
                self._connection.executemany(statement, rows)
            except (sqlite3.DataError, sqlite3.IntegrityError) as error:
                raise Refused(str(self._path), str(error)) from None

    def commit(self) -> None:
        with self._failures():
            self._connection.commit()

    def close(self) -> None:
        self._connection.close()

    def _inode(self) -> int | None:
        try:
            return self._path.stat().st_ino
        except OSError:
            return None

    @contextmanager
    def _failures(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            code = getattr(error, "sqlite_errorcode", 0) & 0xFF
            damaged = code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
            kind = Damaged if damaged else StorageFailed
            raise kind(str(self._path), str(error)) from None
        except OSError as error:
            raise StorageFailed(str(self._path), error.strerror or str(error)) from None


def set_aside(path: Path) -> Path:
    """Rename the damaged file at `path`, which no connection has open; its new name.

    Raises StorageFailed, also where `MOST_SET_ASIDE` of them lie there already.
    """
    for number in range(1, MOST_SET_ASIDE + 1):
        aside = path.with_name(f"{path.name}.corrupt-{number}")
        if not aside.exists():
            break
    else:
        raise StorageFailed(
            str(path), f"damaged again, {MOST_SET_ASIDE} lie beside it", "check the disk"
        )
    try:
        path.rename(aside)
        for ending in ("-wal", "-shm"):  # they belong to the file, and would damage a new one
            if (part := Path(f"{path}{ending}")).exists():
                part.rename(f"{aside}{ending}")
    except OSError as error:
        raise StorageFailed(str(path), error.strerror or str(error)) from None
    return aside
