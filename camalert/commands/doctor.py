"""doctor: say in plain words what works, what does not, and what to do about it."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from camalert import cli
from camalert.errors import CamalertError

if TYPE_CHECKING:
    from camalert.config import Config
    from camalert.health.checks import Check

MARKS = {"ok": "ok      ", "warning": "WARNING ", "broken": "BROKEN  "}


@cli.command(example="doctor --offline")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@click.option("--offline", is_flag=True, help="Leave the mail server alone.")
def main(settings: cli.Settings, as_json: bool, offline: bool) -> None:
    """Look at everything an alarm needs, and say what works and what does not.

    Each line is ok, a warning or broken, with the next step. Exits with 1 where one is broken.
    """
    import dataclasses
    import json

    broken = False
    for check in _checks(settings, offline):
        broken = broken or check.verdict == "broken"
        if as_json:
            click.echo(json.dumps(dataclasses.asdict(check)))
            continue
        click.echo(f"{MARKS[check.verdict]}{check.name}: {check.finding}")
        if check.next_step:
            click.echo(f"        -> {check.next_step}")
    if broken:
        raise SystemExit(1)


def _checks(settings: cli.Settings, offline: bool) -> "Iterator[Check]":
    from camalert.clock import SystemClock
    from camalert.health import checks

    try:
        config = settings.config
    except CamalertError as error:
        yield checks.Check("config", checks.BROKEN, str(error), "camalert check-config says all")
        return
    yield from checks.machine(config, SystemClock())
    yield from _keys(config)
    yield _line(config)
    yield _mode(config)
    yield from _rings(config)
    yield _queue(config)
    if not offline:
        yield _server(config)


def _keys(config: "Config") -> "Iterator[Check]":
    from datetime import UTC, datetime

    from camalert.health.checks import BROKEN, OK, Check
    from camalert.trust.keyring import Keyring

    keyring = Keyring(config.folder("state", "keys"))
    try:
        yield Check("own key", OK, keyring.own().fingerprint)
    except CamalertError as error:
        yield Check("own key", BROKEN, error.reason, error.next_step or "camalert keyring make")
    if not config.mail.recipients:
        yield Check("recipients", BROKEN, "none: no alarm can go out", "set mail.recipients")
    good, problems = keyring.readers(config.mail.recipients, datetime.now(UTC))
    for address in good:
        yield Check(f"key of {address}", OK, "good")
    for problem in problems:
        address, _, reason = problem.partition(": ")
        finding, _, step = reason.partition("; ")
        yield Check(f"key of {address}", BROKEN, finding, step or "camalert keyring import FILE")


def _line(config: "Config") -> "Check":
    from camalert.health.checks import BROKEN, OK, Check

    if cli.is_held(config.folder("run", "alarm-panel.lock")):
        return Check("alarm line", OK, "runs")
    return Check("alarm line", BROKEN, "does not run", "start it: camalert alarm-line")


def _mode(config: "Config") -> "Check":
    from camalert.alarm.state import mode_file, read_mode
    from camalert.health.checks import OK, WARNING, Check

    mode = read_mode(mode_file(config)) or config.panel.mode
    if mode == "alert":
        return Check("mode", OK, "alert: alarms go out")
    what = "nothing is captured or recorded" if mode == "off" else "recorded, nobody is told"
    return Check("mode", WARNING, f"{mode}: {what}", "camalert arm")


def _rings(config: "Config") -> "Iterator[Check]":
    """Whether each ring that is written has a fresh frame; in mode off there are none."""
    import time

    from camalert.alarm.state import ModeInForce
    from camalert.capture import ring
    from camalert.capture.sources import fresh
    from camalert.health.checks import BROKEN, OK, Check

    run = config.folder("run")
    if ModeInForce().read(config) == "off":
        return
    for camera in config.camera:
        if not ring.is_owned(run, camera.name):
            continue
        newest = ring.newest(ring.folder(run, camera.name))
        age = time.monotonic() - newest.mono if newest else float("inf")
        if age <= fresh(camera):
            yield Check(f"ring of {camera.name}", OK, f"the newest frame is {age:.1f} s old")
        else:
            why = ring.trouble(run, camera.name) or "why is not known yet"
            step = "look at the camera and its cable"
            yield Check(f"ring of {camera.name}", BROKEN, f"no fresh frame: {why}", step)


def _queue(config: "Config") -> "Check":
    from camalert.health.checks import OK, WARNING, Check
    from camalert.mail.spool import Spool

    spool = Spool(config)
    waiting, failed = len(spool.waiting()), len(spool.failed())
    text = f"{waiting} waiting, {failed} failed"
    if waiting or failed:
        step = "camalert send-mail --queue; is camalert send-mail --flush --follow running?"
        return Check("mail queue", WARNING, text, step)
    return Check("mail queue", OK, "empty")


def _server(config: "Config") -> "Check":
    from camalert.health.checks import BROKEN, OK, Check
    from camalert.mail.submission import connect

    try:
        connect(config.mail).close()
    except CamalertError as error:
        step = error.next_step or "check the [mail] section of the config"
        return Check("mail server", BROKEN, f"{error.thing}: {error.reason}", step)
    login = "login works" if config.mail.password_file else "no login configured"
    return Check("mail server", OK, f"{config.mail.smtp_host}: reached, {login}")
