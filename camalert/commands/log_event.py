"""log-event: pass every record on, and keep it in the event database."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from camalert import cli

if TYPE_CHECKING:
    from camalert.records import Record

PATIENCE = 5.0
"""Seconds after the end of input until what waits for the database is given up."""


@cli.command(example="watch-pir | alarm-panel | log-event")
def main(settings: cli.Settings) -> None:
    """Pass every record on at once, and keep it in the event database.

    The database never holds up the line: while it is locked, full or gone, records wait in memory
    and are stored when it works again. A record that comes twice is stored once.
    """
    from camalert.store.events import Events
    from camalert.store.recorder import Recorder

    cli.input_expected("a stream of records from alarm-panel")
    events = Events.configured(settings.config)
    line = cli.RecordLine()
    recorder = Recorder(events.add)

    def keep(record: "Record") -> "Iterator[Record]":
        yield record
        recorder.put(record)

    try:
        cli.stage(line, keep)
    finally:
        recorder.close(PATIENCE)
