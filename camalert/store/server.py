"""PostgreSQL, MySQL and what else SQLAlchemy knows; such a database is its administrator's.

The only module that imports SQLAlchemy, and itself imported only for such a database: SQLAlchemy
takes more memory than all the rest of log-event.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import sqlalchemy
from sqlalchemy import exc, pool

from camalert.errors import BadConfig, StorageFailed
from camalert.store.database import Refused


class Server:
    """A connection to the database at `url`. Raises StorageFailed, and BadConfig for the URL."""

    def __init__(self, url: str) -> None:
        try:
            parsed = sqlalchemy.make_url(url)
        except (exc.ArgumentError, ValueError) as error:
            raise BadConfig("events.database", str(error)) from None
        try:
            engine = sqlalchemy.create_engine(parsed, poolclass=pool.NullPool)
        except (exc.ArgumentError, ImportError) as error:
            raise BadConfig("events.database", str(error), "install its driver") from None
        self.dialect = engine.dialect.name
        self._name = parsed.render_as_string(hide_password=True)
        with self._failures():
            self._connection = engine.connect()

    def is_current(self) -> bool:
        return True

    def begin(self) -> None:
        """SQLAlchemy begins with the first statement."""

    def execute(self, statement: str, /, **values: object) -> list[Any]:
        with self._failures():
            result = self._connection.execute(sqlalchemy.text(statement), values)
            return list(result) if result.returns_rows else []

    def executemany(self, statement: str, rows: Sequence[Mapping[str, object]]) -> None:
        with self._failures():
            try:
                self._connection.execute(sqlalchemy.text(statement), rows)
            except (exc.DataError, exc.IntegrityError) as error:
                raise Refused(self._name, _reason(error)) from None

    def commit(self) -> None:
        with self._failures():
            self._connection.commit()

    def close(self) -> None:
        self._connection.invalidate()  # no last words to a server that may be gone
        self._connection.close()

    @contextmanager
    def _failures(self) -> Iterator[None]:
        try:
            yield
        except (exc.SQLAlchemyError, OSError) as error:
            raise StorageFailed(self._name, _reason(error)) from None


def _reason(error: Exception) -> str:
    """The first line of what the driver says; SQLAlchemy adds the statement and its values."""
    return str(getattr(error, "orig", None) or error).strip().partition("\n")[0]
