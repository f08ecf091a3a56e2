"""check-config: say all that is wrong with the config, at once."""

from typing import TYPE_CHECKING

import click

from camalert import cli
from camalert.errors import BadConfig, BadUsage

if TYPE_CHECKING:
    from pathlib import Path


@cli.command(example="check-config /etc/camalert/camalert.toml")
@click.argument("file", required=False, type=cli.PATH)
@click.option("--show", is_flag=True, help="Print every key as it is in force, as TOML.")
def main(settings: cli.Settings, file: "Path | None", show: bool) -> None:
    """Check a config file: every problem by key and, where it can be found, line.

    Without FILE it is the file that all commands read: --config, $CAMALERT_CONFIG, the XDG folder,
    /etc/camalert. Exit status 78 when something is wrong.
    """
    from camalert import config_file
    from camalert.config import Config

    if file and settings.option:
        raise BadUsage(str(file), "and --config name two files", "check one after the other")
    path = file or config_file.locate(settings.option)
    if path is None:
        click.echo("no config file; the defaults are in force", err=True)
        checked = Config()
    else:
        checked, problems = config_file.parse(config_file.read(path))
        for problem in problems:
            cli.log.error("%s: %s", path, problem)
        if problems:
            raise SystemExit(BadConfig.code)
        click.echo(f"{path}: ok", err=True)
    if show:
        click.echo(config_file.dump(checked), nl=False)
