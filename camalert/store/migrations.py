"""The event database's schema, step by step.

A step is never changed once it is released: a new one is added at the end. The SQL is what SQLite,
PostgreSQL and MySQL all understand.
"""

from collections.abc import Iterator

from camalert.errors import BadConfig

VERSIONS = (
    "CREATE TABLE IF NOT EXISTS schema_version"
    " (version INTEGER NOT NULL PRIMARY KEY, applied VARCHAR(32) NOT NULL)"
)
"""The table that tells which steps a database has seen, and when."""

STEPS: tuple[tuple[str, ...], ...] = (
    (
        "CREATE TABLE events ("
        " id VARCHAR(255) NOT NULL PRIMARY KEY,"
        " time VARCHAR(32) NOT NULL,"
        " clock VARCHAR(255) NOT NULL,"
        " boot VARCHAR(255) NOT NULL,"
        " mono DOUBLE PRECISION,"
        " type VARCHAR(255) NOT NULL,"
        " source VARCHAR(255) NOT NULL,"
        " body TEXT NOT NULL)",
        "CREATE INDEX events_time ON events (time)",
        "CREATE INDEX events_type ON events (type)",
    ),
)


def due(version: int) -> Iterator[tuple[int, tuple[str, ...]]]:
    """The steps that a database of `version` (0: empty) still needs, each with its number.

    Raises BadConfig for a version that is not known here.
    """
    if version > len(STEPS):
        raise BadConfig(
            "event database",
            f"was made by a newer camalert (schema {version}, known up to {len(STEPS)})",
            "upgrade camalert",
        )
    yield from list(enumerate(STEPS, 1))[version:]
