"""The event database: every record once, by its id. The only module that knows SQLAlchemy.

SQLite is a file of our own: 0600, write-ahead log, waits for locks a while. A damaged one is set
aside by `Events.add` and a new one begun. Any other database is its administrator's.
"""

import logging
import math
import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import sqlalchemy
from sqlalchemy import exc

from camalert.config import Config
from camalert.errors import BadConfig, StorageFailed
from camalert.records import Record, encode
from camalert.store import migrations

log = logging.getLogger("camalert")

BUSY = 2.0
"""Seconds that a write waits for another process that writes."""
PAGE = 500
"""Rows read at once, so that a reader that dawdles holds nothing open."""
MOST_SET_ASIDE = 9

_TABLE = sqlalchemy.table(
    "events", *map(sqlalchemy.column, ("id", "time", "type", "source", "body"))
)
_INTO = (
    "INTO events (id, time, clock, boot, mono, type, source, body)"
    " VALUES (:id, :time, :clock, :boot, :mono, :type, :source, :body)"
)
_INSERT = f"INSERT {_INTO} ON CONFLICT DO NOTHING"
_INSERT_MYSQL = f"INSERT IGNORE {_INTO}"


class Damaged(StorageFailed):
    """The SQLite file is none, or broken inside."""


class Event(NamedTuple):
    """A stored record: what is searched by, and the whole as it was, one line of JSON.

    `time` is UTC in the one form `2026-11-20T12:00:00.000Z`, so it sorts as text.
    """

    id: str
    time: str
    type: str
    source: str
    body: str


class Events:
    """The event database at `url`, or the SQLite file at a path. Connects when first used.

    Belongs to one thread. After an error it connects anew.
    """

    def __init__(self, where: str | Path) -> None:
        self._where = where
        self._connection: sqlalchemy.Connection | None = None
        self._opened: int | None = None

    @classmethod
    def configured(cls, config: Config) -> "Events":
        """The one that [events] names."""
        return cls(config.events.database or config.folder("state", "events.db"))

    @cached_property
    def path(self) -> Path | None:
        """The file, where it is SQLite in one. Raises BadConfig."""
        name = self._url.database
        sqlite = self._url.get_backend_name() == "sqlite"
        return Path(name) if sqlite and name and name != ":memory:" else None

    @cached_property
    def _url(self) -> sqlalchemy.URL:
        if isinstance(self._where, Path):
            return sqlalchemy.URL.create("sqlite", database=str(self._where))
        try:
            return sqlalchemy.make_url(self._where)
        except (exc.ArgumentError, ValueError) as error:
            raise BadConfig("events.database", str(error)) from None

    @cached_property
    def _engine(self) -> sqlalchemy.Engine:
        # isolation_level None: else Python's driver runs CREATE TABLE outside the transaction
        options = {"timeout": BUSY, "isolation_level": None} if self.path else {}
        try:
            return sqlalchemy.create_engine(self._url, connect_args=options)
        except (exc.ArgumentError, ImportError) as error:
            raise BadConfig("events.database", str(error), "install its driver") from None

    def add(self, records: Sequence[Record]) -> None:
        """Store `records`; those whose id is there already are left as they are.

        Raises StorageFailed (locked, full, unreachable: try again later) and BadConfig.
        """
        rows = [_row(record) for record in records]
        try:
            self._insert(rows)
        except Damaged as error:
            log.error("%s; set aside as %s, a new one begins", error, self._set_aside())
            self._insert(rows)

    def find(
        self,
        *,
        since: datetime | None = None,
        until: datetime | None = None,
        types: Sequence[str] = (),
        source: str | None = None,
        limit: int | None = None,
    ) -> Iterator[Event]:
        """The events from `since` to before `until`, oldest first; of more than `limit` the newest.

        A type that ends in `*` stands for all that begin so. Raises StorageFailed and BadConfig.
        """
        column = _TABLE.c
        wanted = sqlalchemy.select(*column)
        if since:
            wanted = wanted.where(column.time >= _sortable(since))
        if until:
            wanted = wanted.where(column.time < _sortable(until))
        if types:
            wanted = wanted.where(sqlalchemy.or_(*map(_of_type, types)))
        if source:
            wanted = wanted.where(column.source == source)
        if limit is not None:
            newest = wanted.order_by(column.time.desc(), column.id.desc()).limit(limit)
            yield from reversed(self._rows(newest))
            return
        key = sqlalchemy.tuple_(column.time, column.id)
        page = wanted.order_by(column.time, column.id).limit(PAGE)
        rows = self._rows(page)
        while rows:
            yield from rows
            rows = self._rows(page.where(key > (rows[-1].time, rows[-1].id)))

    def close(self) -> None:
        """Let go of the database; the next use connects again."""
        if self._connection is not None:
            self._connection.invalidate()
            self._connection.close()
            self._engine.dispose()
        self._connection = None

    def _rows(self, statement: "sqlalchemy.Select[tuple[str, ...]]") -> list[Event]:
        with self._connected() as connection:
            rows = [Event._make(row) for row in connection.execute(statement)]
            connection.rollback()
        return rows

    def _insert(self, rows: list[dict[str, object]]) -> None:
        mysql = self._url.get_backend_name() in ("mysql", "mariadb")
        statement = sqlalchemy.text(_INSERT_MYSQL if mysql else _INSERT)
        try:
            with self._connected() as connection, _transaction(connection):
                if rows:
                    _execute(connection, statement, rows)
        except _Refused as error:
            if len(rows) == 1:
                log.error("event %s: refused by the database: %s; not stored", rows[0]["id"], error)
                return
            for row in rows:
                self._insert([row])

    @contextmanager
    def _connected(self) -> Iterator[sqlalchemy.Connection]:
        if self._connection is not None and self._file() != self._opened:
            self.close()  # SQLite would go on writing into a file that was removed or set aside
        try:
            yield self._connection or self._connect()
        except (exc.SQLAlchemyError, OSError) as error:
            self.close()
            raise self._failure(error) from None
        except BaseException:
            self.close()
            raise

    def _connect(self) -> sqlalchemy.Connection:
        if self.path:
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            os.close(os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
        connection = self._connection = self._engine.connect()
        self._opened = self._file()
        if self.path:
            for pragma in ("journal_mode=WAL", "synchronous=FULL"):
                connection.exec_driver_sql(f"PRAGMA {pragma}")
            connection.rollback()
        with _transaction(connection):
            _migrate(connection)
        return connection

    def _file(self) -> int | None:
        """Which file the path names."""
        try:
            return self.path.stat().st_ino if self.path else None
        except OSError:
            return None

    def _failure(self, error: Exception) -> StorageFailed:
        where = self._url.render_as_string(hide_password=True) if not self.path else str(self.path)
        driver = getattr(error, "orig", None)
        code = getattr(driver, "sqlite_errorcode", 0) & 0xFF
        if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
            return Damaged(where, _reason(error))
        return StorageFailed(where, _reason(error))

    def _set_aside(self) -> Path:
        assert self.path  # only SQLite is ever Damaged
        for number in range(1, MOST_SET_ASIDE + 1):
            aside = self.path.with_name(f"{self.path.name}.corrupt-{number}")
            if not aside.exists():
                break
        else:
            raise StorageFailed(
                str(self.path), f"damaged again, {MOST_SET_ASIDE} lie beside it", "check the disk"
            )
        try:
            self.path.rename(aside)
            for ending in ("-wal", "-shm"):  # they belong to the file, and would damage a new one
                if (part := Path(f"{self.path}{ending}")).exists():
                    part.rename(f"{aside}{ending}")
        except OSError as error:
            raise self._failure(error) from None
        return aside


class _Refused(Exception):
    """A row that the database will never take."""


def _execute(
    connection: sqlalchemy.Connection,
    statement: sqlalchemy.TextClause,
    rows: list[dict[str, object]],
) -> None:
    try:
        connection.execute(statement, rows)
    except (exc.DataError, exc.IntegrityError) as error:
        raise _Refused(_reason(error)) from None


@contextmanager
def _transaction(connection: sqlalchemy.Connection) -> Iterator[None]:
    if connection.dialect.name == "sqlite":
        # at once, as two that read first and then both want to write cannot wait for each other
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    yield
    connection.commit()


def _migrate(connection: sqlalchemy.Connection) -> None:
    connection.exec_driver_sql(migrations.VERSIONS)
    found = connection.exec_driver_sql("SELECT MAX(version) FROM schema_version").scalar()
    for number, statements in migrations.due(found or 0):
        for statement in statements:
            connection.exec_driver_sql(statement)
        connection.execute(
            sqlalchemy.text("INSERT INTO schema_version (version, applied) VALUES (:n, :now)"),
            {"n": number, "now": _sortable(datetime.now(UTC))},
        )


def _row(record: Record) -> dict[str, object]:
    return {
        "id": _text(record.id),
        "time": _time(record.time),
        "clock": _text(record.clock),
        "boot": _text(record.boot),
        "mono": _number(record.mono),
        "type": _text(record.type),
        "source": _text(record.source),
        "body": encode(record).decode().rstrip("\n"),
    }


def _text(value: str) -> str:
    """What every database takes: no NUL, no half of a surrogate pair, as long as the column."""
    return value.replace("\0", "?").encode("utf-8", "replace").decode()[:255]


def _number(value: float) -> float | None:
    """What JSON holds may be infinite, or a whole number too large for any float."""
    try:
        return float(value) if math.isfinite(value) else None
    except OverflowError:
        return None


def _time(value: str) -> str:
    try:
        return _sortable(datetime.fromisoformat(value))
    except (ValueError, OverflowError):
        return _sortable(datetime.now(UTC))


def _sortable(moment: datetime) -> str:
    """The one form of a time in the database; one without a zone is UTC."""
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _of_type(pattern: str) -> "sqlalchemy.ColumnElement[bool]":
    if pattern.endswith("*"):
        # not LIKE, which ignores case in SQLite
        return sqlalchemy.func.substr(_TABLE.c.type, 1, len(pattern) - 1) == pattern[:-1]
    return _TABLE.c.type == pattern


def _reason(error: Exception) -> str:
    """The first line of what the driver says; SQLAlchemy adds the statement and its values."""
    text = str(getattr(error, "orig", None) or error)
    if isinstance(error, OSError) and error.strerror:
        text = error.strerror
    return text.strip().partition("\n")[0]
