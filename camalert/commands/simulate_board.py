"""simulate-board: press, trip and watch the lines of a board that is a folder."""

import os
from typing import TYPE_CHECKING

import click

from camalert import cli

if TYPE_CHECKING:
    from camalert.sensing.hands import Hands

Words = tuple[str, ...]
span = click.option(
    "--for",
    "seconds",
    type=cli.Number(0, 3600),
    default=2.0,
    show_default=True,
    metavar="SECONDS",
    help="How long.",
)


@cli.group(example="simulate-board trip pir-1 pir-2", invoke_without_command=True)
def main(settings: cli.Settings) -> None:
    """Press, trip and watch the lines of the simulated board.

    A LINE is a name of the config (a PIR, the button, link, ...) or a BCM number. Without a
    subcommand the lines are shown; live on a terminal, where keys press and let go.
    """
    if click.get_current_context().invoked_subcommand:
        return
    if os.isatty(0) and os.isatty(1):
        _hands(settings).live()
    else:
        click.echo("\n".join(_hands(settings).view()))


@main.command()
@click.argument("line", nargs=-1)
@span
@click.pass_obj
def press(settings: cli.Settings, line: Words, seconds: float) -> None:
    """Press the button, or LINE, for some seconds."""
    _hands(settings).pulse(line or (settings.config.button.name,), seconds)


@main.command()
@click.argument("line", nargs=-1)
@span
@click.pass_obj
def trip(settings: cli.Settings, line: Words, seconds: float) -> None:
    """Trip PIRs for some seconds: all of them, where none is named."""
    every = tuple(pir.name for pir in settings.config.pir if pir.enabled)
    _hands(settings).pulse(line or every, seconds)


@main.command()
@click.argument("line", nargs=-1, required=True)
@click.pass_obj
def hold(settings: cli.Settings, line: Words) -> None:
    """Make lines active until they are released."""
    _hands(settings).touch(line)


@main.command()
@click.argument("line", nargs=-1, required=True)
@click.pass_obj
def release(settings: cli.Settings, line: Words) -> None:
    """Let lines go that were held or set."""
    _hands(settings).touch(line, False)


@main.command("set")
@click.argument("line")
@click.argument("level", type=cli.Whole(0, 1))
@click.pass_obj
def set_level(settings: cli.Settings, line: str, level: int) -> None:
    """Drive LINE to a level, 0 or 1, until it is released."""
    _hands(settings).set(line, level)


@main.command()
@click.argument("source", default="link")
@click.argument("target", default="")
@click.pass_obj
def wire(settings: cli.Settings, source: str, target: str) -> None:
    """Join two lines by a wire: the link to the button, unless others are named."""
    _hands(settings).wire(source, target or settings.config.button.name)


@main.command()
@click.argument("target", default="")
@click.pass_obj
def unwire(settings: cli.Settings, target: str) -> None:
    """Take away the wire that ends at TARGET, or at the button."""
    _hands(settings).unwire(target or settings.config.button.name)


@main.command()
@click.pass_obj
def reset(settings: cli.Settings) -> None:
    """Take away all wires and let every line go; the PIRs are at rest."""
    _hands(settings).reset()


@main.command()
@click.option("--json", "as_json", is_flag=True, help="A JSON array, for programs.")
@click.pass_obj
def show(settings: cli.Settings, as_json: bool) -> None:
    """Show every line: its name, level, and the process that holds it."""
    import json

    hands = _hands(settings)
    click.echo(json.dumps(hands.states()) if as_json else "\n".join(hands.view()))


def _hands(settings: cli.Settings) -> "Hands":
    from camalert.sensing.hands import Hands

    return Hands(settings.config)
