"""arm: set the panel's mode to alert."""

from camalert import cli


@cli.command(example="arm")
def main(settings: cli.Settings) -> None:
    """Arm the camera: from now on alarms go out (mode alert)."""
    import functools

    import click

    from camalert.alarm.request import person, request_mode
    from camalert.records import SystemClock

    post = functools.partial(cli.post, settings)
    click.echo(request_mode(settings.config, "alert", post, person(), SystemClock()))
