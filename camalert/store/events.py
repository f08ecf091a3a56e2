"""The event database: every record once, by its id.

SQLite unless the config names another kind. A damaged SQLite file is set aside by `Events.add` and
a new one begun.
"""

import logging
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from camalert.codec import encode
from camalert.config import Config
from camalert.records import Record
from camalert.store import migrations, sqlite
from camalert.store.database import Damaged, Database, Refused

log = logging.getLogger("camalert")

PAGE = 500
"""Rows read at once, so that a reader that dawdles holds nothing open."""

_INTO = (
    "INTO events (id, time, clock, boot, mono, type, source, body)"
    " VALUES (:id, :time, :clock, :boot, :mono, :type, :source, :body)"
)
_INSERT = f"INSERT {_INTO} ON CONFLICT DO NOTHING"
_INSERT_MYSQL = f"INSERT IGNORE {_INTO}"
_SELECT = "SELECT id, time, type, source, body FROM events WHERE "


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
    """The event database at `where`: a URL, or the path of an SQLite file.

    Connects when first used, and anew after an error. Belongs to one thread.
    """

    def __init__(self, where: str | Path) -> None:
        self._where = where
        self._database: Database | None = None

    @classmethod
    def configured(cls, config: Config) -> "Events":
        """The one that [events] names."""
        return cls(config.events.database or config.folder("state", "events.db"))

    @cached_property
    def path(self) -> Path | None:
        """The file, where it is SQLite. Raises BadConfig."""
        return self._where if isinstance(self._where, Path) else sqlite.named_by(self._where)

    def add(self, records: Sequence[Record]) -> None:
        """Store `records`; those whose id is there already are left as they are.

        Raises StorageFailed (locked, full, unreachable: try again later) and BadConfig.
        """
        rows = [_row(record) for record in records]
        try:
            self._insert(rows)
        except Damaged as error:
            assert self.path
            log.error("%s; set aside as %s, a new one begins", error, sqlite.set_aside(self.path))
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
        wanted, values = "1 = 1", dict[str, object]()
        if since:
            wanted += " AND time >= :since"
            values["since"] = _sortable(since)
        if until:
            wanted += " AND time < :until"
            values["until"] = _sortable(until)
        if types:
            wanted += f" AND ({' OR '.join(_of_type(n, type) for n, type in enumerate(types))})"
            values |= {f"type{n}": type.removesuffix("*") for n, type in enumerate(types)}
        if source:
            wanted += " AND source = :source"
            values["source"] = source
        if limit is not None:
            newest = f"{_SELECT}{wanted} ORDER BY time DESC, id DESC LIMIT :limit"
            yield from reversed(self._rows(newest, values | {"limit": limit}))
            return
        in_order = " ORDER BY time, id LIMIT :limit"
        values["limit"] = PAGE
        rows = self._rows(_SELECT + wanted + in_order, values)
        wanted += " AND (time, id) > (:last_time, :last_id)"
        while rows:
            yield from rows
            last = {"last_time": rows[-1].time, "last_id": rows[-1].id}
            rows = self._rows(_SELECT + wanted + in_order, values | last)

    def close(self) -> None:
        """Let go of the database; the next use connects again."""
        if self._database:
            self._database.close()
        self._database = None

    def _rows(self, statement: str, values: dict[str, object]) -> list[Event]:
        with self._connected() as database:
            rows = [Event._make(row) for row in database.execute(statement, **values)]
            database.commit()
        return rows

    def _insert(self, rows: list[dict[str, object]]) -> None:
        try:
            with self._connected() as database:
                if not rows:
                    return
                mysql = database.dialect in ("mysql", "mariadb")
                database.begin()
                database.executemany(_INSERT_MYSQL if mysql else _INSERT, rows)
                database.commit()
        except Refused as error:
            if len(rows) == 1:
                log.error(
                    "event %s: refused by the database: %s; not stored", rows[0]["id"], error.reason
                )
                return
            for row in rows:
                self._insert([row])

    @contextmanager
    def _connected(self) -> Iterator[Database]:
        """The database, its tables up to date. After an error it is let go of."""
        if self._database and not self._database.is_current():
            self.close()
        try:
            if not self._database:
                self._database = self._connect()
                _migrate(self._database)
            yield self._database
        except BaseException:
            self.close()
            raise

    def _connect(self) -> Database:
        if self.path:
            return sqlite.SQLite(self.path)
        from camalert.store import server  # only here, for the memory that SQLAlchemy takes

        return server.Server(str(self._where))


def _migrate(database: Database) -> None:
    database.begin()
    database.execute(migrations.VERSIONS)
    ((found,),) = database.execute("SELECT MAX(version) FROM schema_version")
    for number, statements in migrations.due(found or 0):
        for statement in statements:
            database.execute(statement)
        database.execute(
            "INSERT INTO schema_version (version, applied) VALUES (:n, :now)",
            n=number,
            now=_sortable(datetime.now(UTC)),
        )
    database.commit()


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


def _of_type(number: int, pattern: str) -> str:
    if pattern.endswith("*"):
        # not LIKE, which ignores case in SQLite
        return f"substr(type, 1, {len(pattern) - 1}) = :type{number}"
    return f"type = :type{number}"
