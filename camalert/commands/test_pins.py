"""test-pins: switch every output on in turn, and show the inputs as they are."""

import os

import click

from camalert import cli


@cli.command(example="test-pins --seconds 2")
@click.option("--once", is_flag=True, help="Only show the inputs as they are now, and exit.")
@click.option(
    "--seconds",
    type=cli.Number(0, 60),
    default=1.0,
    show_default=True,
    metavar="SECONDS",
    help="How long each output is on.",
)
@click.option("--no-outputs", is_flag=True, help="Switch nothing on.")
def main(settings: cli.Settings, once: bool, seconds: float, no_outputs: bool) -> None:
    """Try the wiring: each LED and the link on in turn, then the inputs live.

    Without a terminal the inputs are shown once. The link trips the camera side, if that runs:
    disarm first. A pin that another process holds is said and left out; then the exit code is 75.
    """
    import time

    from camalert.errors import TryAgain
    from camalert.sensing import terminal
    from camalert.sensing.pins import Pins
    from camalert.sensing.selftest import SelfTest

    config = settings.config
    with Pins(config.folder("run")) as pins, terminal.leave_on_term():
        test = SelfTest(config, pins)
        if not (once or no_outputs):
            for said in test.walk(seconds, time.sleep):
                click.echo(said)
        if once or not (os.isatty(0) and os.isatty(1)):
            click.echo("\n".join(test.view()))
        else:
            terminal.live(test.view, lambda _: None)
        if test.busy:
            raise TryAgain("pins", f"not tried: {', '.join(test.busy)}", "stop what holds them")
