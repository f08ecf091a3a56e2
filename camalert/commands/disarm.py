"""disarm: set the panel's mode to monitor."""

from camalert import cli


@cli.command(example="disarm")
def main(settings: cli.Settings) -> None:
    """Disarm the camera: what happens is recorded, nobody is told (mode monitor)."""
    import functools

    import click

    from camalert.alarm.request import person, request_mode
    from camalert.records import SystemClock

    post = functools.partial(cli.post, settings)
    click.echo(request_mode(settings.config, "monitor", post, person(), SystemClock()))
