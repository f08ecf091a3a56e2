"""What the event database asks of the database under it; `sqlite` and `server` are the two kinds.

Statements have their values as `:name`, which sqlite3 and SQLAlchemy's `text` both take.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from camalert.errors import StorageFailed


class Damaged(StorageFailed):
    """The SQLite file is none, or broken inside."""


class Refused(StorageFailed):
    """A row that the database will never take."""


class Database(Protocol):
    """A connection to a database. Whatever fails is a StorageFailed; after it only `close` is."""

    dialect: str
    """sqlite, postgresql, mysql, ..."""

    def is_current(self) -> bool:
        """Whether what it is connected to is still what its path or URL names."""

    def begin(self) -> None:
        """Begin to write; `commit` ends it, `close` undoes it."""

    def execute(self, statement: str, /, **values: object) -> list[Any]:
        """The rows that `statement` gives; none where it is no query."""

    def executemany(self, statement: str, rows: Sequence[Mapping[str, object]]) -> None:
        """Run `statement` for each of `rows`. Raises Refused."""

    def commit(self) -> None:
        """End what was begun, also a query."""

    def close(self) -> None:
        """Let go of the database; what was begun is undone."""
