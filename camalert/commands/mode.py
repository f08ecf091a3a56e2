"""mode: show or set what the panel does with a trigger."""

import click

from camalert import cli


@cli.command(example="mode monitor")
@click.argument("wanted", metavar="[off|monitor|alert]", required=False)
def main(settings: cli.Settings, wanted: str | None) -> None:
    """Show the mode, or set it.

    alert: alarms go out. monitor: they are recorded and nobody is told. off: nothing is captured or
    recorded but changes of mode.
    """
    import functools

    from camalert.alarm.panel import MODES
    from camalert.alarm.request import person, request_mode
    from camalert.alarm.state import mode_file, read_mode
    from camalert.capture import removal
    from camalert.errors import BadUsage
    from camalert.records import SystemClock

    config = settings.config
    if wanted is None:
        click.echo(read_mode(mode_file(config)) or config.panel.mode)
        return
    if wanted not in MODES:
        raise BadUsage(f"{wanted!r:.40}", "is not a mode", f"choose one of {', '.join(MODES)}")
    post = functools.partial(cli.post, settings)
    clock = SystemClock()
    click.echo(request_mode(config, wanted, post, person(), clock))
    if wanted == "off":
        notes = config.folder("spool", "notes")
        removal.clear(config.folder("run"), notes, clock.now().timestamp())
