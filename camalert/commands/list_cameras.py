"""list-cameras: which cameras there are, and what to write into the config for each."""

import os
from typing import TYPE_CHECKING

import click

from camalert import cli
from camalert.errors import BadUsage, CamalertError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from camalert.capture.discovery import Found

KINDS = ("csi", "usb", "network")


@cli.command(example="list-cameras --pictures trial/ > cameras.toml")
@click.option("--only", type=click.Choice(KINDS), multiple=True, help="Look for these only.")
@click.option("--no-trial", is_flag=True, help="Take no pictures.")
@click.option("--pictures", metavar="FOLDER", type=cli.PATH, help="Keep the trial pictures there.")
@click.option(
    "--deadline", metavar="SECONDS", type=cli.Number(0.1, 120), default=15.0, help="A picture's."
)
@click.option(
    "--wait", metavar="SECONDS", type=cli.Number(0.1, 30), default=3.0, help="For the network."
)
@click.option("--ask", metavar="HOST[:PORT]", help="Ask this host, not the whole network.")
@click.option("--json", "as_json", is_flag=True, help="A line of JSON for each camera.")
def main(
    settings: cli.Settings,
    only: tuple[str, ...],
    no_trial: bool,
    pictures: "Path | None",
    deadline: float,
    wait: float,
    ask: str | None,
    as_json: bool,
) -> None:
    """Find cameras: on the ribbon cable, at USB, in the network. Take a trial picture of each.

    What comes out can go into the config: what does not work is a comment that says why. Exit 1
    where no camera was found that works.
    """
    from camalert.alarm.state import ModeInForce
    from camalert.capture import discovery

    if no_trial and pictures:
        raise BadUsage("--pictures", "are not taken with --no-trial")
    target = _target(ask)
    finders: dict[str, Callable[[], list[Found]]] = {
        "csi": discovery.ribbon,
        "usb": discovery.usb,
        "network": lambda: discovery.network(target, wait),
    }
    found: list[Found] = []
    for kind in only or KINDS:
        try:
            found += finders[kind]()
        except CamalertError as error:
            cli.log.warning("%s", error)
        except OSError as error:
            cli.log.warning("%s: not searched: %s", kind, error.strerror or error)
    found = discovery.named(found, settings.config.camera)
    if not no_trial and ModeInForce().read(settings.config) == "off":
        cli.log.warning("mode is off, and nothing is captured in it: no trial pictures")
        no_trial = True
    if not no_trial:
        found = list(_tried(settings, found, deadline, pictures))
    lines = map(discovery.as_json, found) if as_json else [discovery.toml(found).rstrip("\n")]
    if found:
        click.echo("\n".join(lines))
    else:
        cli.log.warning("no camera found")
    if not any(each.works is not False for each in found):
        raise SystemExit(1)


def _target(ask: str | None) -> tuple[str, int]:
    """The address to send the probe to. Raises BadUsage for what is none."""
    import socket

    from camalert.capture import onvif

    if ask is None:
        return onvif.MULTICAST
    host, _, port = ask.partition(":")
    try:
        number = int(port or onvif.MULTICAST[1])
        if not 0 < number < 65536:
            raise ValueError("a port is from 1 to 65535")
        return socket.gethostbyname(host), number
    except (OSError, ValueError) as error:
        raise BadUsage("--ask", f"{ask} is no host with a port: {error}") from None


def _tried(
    settings: cli.Settings, found: "list[Found]", deadline: float, folder: "Path | None"
) -> "Iterator[Found]":
    """`found` with what came of a picture of each, all taken at once, in the same order."""
    import dataclasses

    from camalert.capture import frames
    from camalert.capture.jpeg import Picture
    from camalert.capture.workers import Job, Workers
    from camalert.records import SystemClock

    workers = Workers(settings.config.folder("run"), SystemClock())
    # What is in the config is taken as it stands there, with its login, size and options.
    configured = {camera.name: camera for camera in settings.config.camera}
    try:
        for number, each in enumerate(found):
            camera = configured[each.known] if each.known else each.camera
            if not each.trouble or each.known:
                workers.ask(Job(dataclasses.replace(camera, deadline=deadline), subject=number))
        if os.isatty(2):
            click.echo(f"taking pictures, {deadline:g} s at most ...", err=True)
        outcomes = {job.subject: job.outcome for job in workers.wait()}
    finally:
        workers.stop()
    for number, each in enumerate(found):
        outcome = outcomes.get(number)
        if folder and isinstance(outcome, Picture):
            frames.add(outcome, folder, each.camera.name, SystemClock().now())
        trouble = "" if number in outcomes else each.trouble
        yield dataclasses.replace(each, outcome=outcome, trouble=trouble)
