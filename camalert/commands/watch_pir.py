"""watch-pir: a record for each edge of a PIR, and one when they agree."""

from typing import TYPE_CHECKING

import click

from camalert import cli

if TYPE_CHECKING:
    from pathlib import Path


@cli.command(example="watch-pir | alarm-panel | log-event")
@click.option("--to-line", is_flag=True, help="Write into the alarm line's FIFO, not to stdout.")
@click.option(
    "--to",
    type=cli.PATH,
    metavar="FIFO",
    help="Write into this FIFO, not to stdout; never wait for its reader.",
)
@click.option(
    "--settle",
    type=cli.Number(0, 600),
    metavar="SECONDS",
    help="Settle for this long, not for what the config says.",
)
def main(settings: cli.Settings, to_line: bool, to: "Path | None", settle: float | None) -> None:
    """Watch the PIRs: a record for each edge, and one when they agree and when they part.

    Each PIR's LED mirrors it, and the link pin is active while they agree. At the start the PIRs
    get time to settle, in which nothing they do is an event.
    """
    from camalert.records import SystemClock
    from camalert.sensing.pins import Pins
    from camalert.sensing.pirs import Pirs

    config = settings.config
    line = cli.sensor_line(settings, to_line, to)
    with line, Pins(config.folder("run")) as pins:
        settling = config.sensing.settle if settle is None else settle
        pirs = Pirs(config, pins, SystemClock(), settling)
        for _ in line.records(wake=pins.wake, timeout=pirs.patience):
            for record in pirs.news():
                line.write(record)
