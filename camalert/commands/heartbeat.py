"""heartbeat: prove the line by a picture of every camera and a line of health sent through it."""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import click

from camalert import cli
from camalert.errors import Unavailable

if TYPE_CHECKING:
    from camalert.config import Config
    from camalert.records import HeartbeatDue

BY_ITSELF = ("snap", "diff-frames", "compose-alert", "encrypt-autocrypt", "send-mail")


@cli.command(example="heartbeat --wait 30")
@click.option(
    "--wait",
    type=cli.Number(0),
    default=60.0,
    metavar="SECONDS",
    help="Patience with the line.  [60]",
)
@click.option("-n", "--dry-run", is_flag=True, help="Print the line of health, send nothing.")
def main(settings: cli.Settings, wait: float, dry_run: bool) -> None:
    """Send one picture of every camera and a line of health.

    It goes through the always-on line and so proves it. When its message is not in the spool after
    a minute, heartbeat sends it by itself, says in it that the line is down, and exits with 69.
    Run by a timer or by cron, once an hour.
    """
    import dataclasses

    from camalert.mail.compose import message_id
    from camalert.mail.spool import Spool
    from camalert.records import HeartbeatDue, SystemClock, envelope

    config = settings.config
    due = HeartbeatDue(**envelope("heartbeat", SystemClock()), health=_health(config)[:1000])
    if dry_run:
        click.echo(due.health)
        return
    spool = Spool(config)
    wanted = message_id(due.id, "heartbeat")
    if not cli.post(settings, due):
        cli.log.error("alarm-line: does not run; sending the heartbeat past it")
    elif _seen(lambda: spool.knows(wanted), wait):
        return
    else:
        cli.log.error("alarm-line: no message after %g s; sending the heartbeat past it", wait)
    health = f"THE ALARM LINE IS DOWN. {due.health}"
    _send_by_itself(settings, dataclasses.replace(due, health=health, mode=_mode(config)))
    if not spool.knows(wanted):
        raise Unavailable("message", "not even sent past the line", "see camalert doctor")
    raise Unavailable("alarm-line", "is down; the heartbeat went past it", "see camalert doctor")


def _seen(arrived: Callable[[], bool], patience: float) -> bool:
    deadline = time.monotonic() + patience
    while not arrived():
        if time.monotonic() >= deadline:
            return False
        time.sleep(0.1)
    return True


def _mode(config: "Config") -> str:
    from camalert.alarm.state import mode_file, read_mode

    return read_mode(mode_file(config)) or config.panel.mode


def _health(config: "Config") -> str:
    from camalert.health import vitals
    from camalert.mail.spool import Spool

    waiting = len(Spool(config).waiting())
    return vitals.read(config.folder("spool"), waiting, _mode(config), _last_event(config)).text()


def _last_event(config: "Config") -> str:
    import contextlib
    from datetime import UTC, datetime

    from camalert.errors import CamalertError
    from camalert.health.vitals import span
    from camalert.store.events import Events

    try:
        with contextlib.closing(Events.configured(config)) as events:
            found = list(events.find(types=("alarm.*", "pir.*", "button.*", "mode.*"), limit=1))
    except CamalertError as error:
        return f"not known, {error}"
    if not found:
        return "none yet"
    age = datetime.now(UTC) - datetime.fromisoformat(found[0].time)
    return f"{found[0].type} {found[0].source}, {span(max(0, age.total_seconds()))} ago"


def _send_by_itself(settings: cli.Settings, due: "HeartbeatDue") -> None:
    """The same stages as the line's, started afresh for this one record."""
    import subprocess

    from camalert.codec import encode

    option = ["--config", settings.option] if settings.option else []
    line = encode(due)
    for name in BY_ITSELF:
        command = [str(cli.sibling(name)), *option]
        line = subprocess.run(
            command, input=line, stdout=subprocess.PIPE, timeout=300, check=False
        ).stdout
    flush = [str(cli.sibling("send-mail")), *option, "--flush"]
    subprocess.run(flush, timeout=300, check=False)
