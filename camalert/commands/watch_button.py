"""watch-button: a record for each press of the button, or of the link wire."""

from typing import TYPE_CHECKING

import click

from camalert import cli

if TYPE_CHECKING:
    from pathlib import Path


@cli.command(example="watch-button | alarm-panel | log-event")
@click.option("--to-line", is_flag=True, help="Write into the alarm line's FIFO, not to stdout.")
@click.option(
    "--to",
    type=cli.PATH,
    metavar="FIFO",
    help="Write into this FIFO, not to stdout; never wait for its reader.",
)
def main(settings: cli.Settings, to_line: bool, to: "Path | None") -> None:
    """Watch the button: a record when it is pressed and when it is released.

    The button's pin may also be the other end of watch-pir's link wire. The button's LED is lit
    while an alarm is worked on.
    """
    from camalert.records import SystemClock
    from camalert.sensing.button import Button
    from camalert.sensing.pins import Pins

    config = settings.config
    line = cli.sensor_line(settings, to_line, to)
    with line, Pins(config.folder("run")) as pins:
        button = Button(config, pins, SystemClock())
        for _ in line.records(wake=pins.wake, timeout=button.patience):
            for record in button.news():
                line.write(record)
