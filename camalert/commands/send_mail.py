"""send-mail: into the durable spool, and out of it by verified SMTP."""

import contextlib
import os
import signal
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import click

from camalert import cli

if TYPE_CHECKING:
    from camalert.config import Config
    from camalert.mail.delivery import Delivery
    from camalert.mail.spool import Spool

GRACE = 8.0
"""Seconds that a message in the middle of its way still has after SIGTERM."""


@cli.command(example="send-mail --to owner@example.org < hall.eml")
@click.option("--to", multiple=True, metavar="ADDRESS", help="To whom; else mail.recipients.")
@click.option("--flush", is_flag=True, help="Deliver what is due in the spool.")
@click.option("--follow", is_flag=True, help="With --flush: stay, and deliver what comes.")
@click.option("--queue", is_flag=True, help="List what is in the spool.")
@click.option("-n", "--dry-run", is_flag=True, help="Say what would be sent, change nothing.")
def main(settings: cli.Settings, to: tuple[str, ...], dry_run: bool, **how: bool) -> None:
    """Send encrypted mail, by way of a spool on disk that loses nothing.

    An encrypted message on standard input is spooled and sent at once; exit 75 when it is kept for
    later. Records are passed on, and the messages among them only spooled: `send-mail --flush`, a
    service, delivers them. What is not encrypted is refused.
    """
    from camalert.errors import BadUsage

    if how["follow"] and not how["flush"]:
        raise BadUsage("--follow", "goes with --flush only")
    if how["queue"] or (how["flush"] and dry_run):
        _list(settings.config, due_only=not how["queue"])
    elif how["flush"]:
        _flush(settings, how["follow"])
    else:
        _take(settings, to, dry_run)


def _take(settings: cli.Settings, to: tuple[str, ...], dry_run: bool) -> None:
    from camalert.alarm.notes import Notes
    from camalert.mail.intake import Intake
    from camalert.records import SystemClock

    cli.input_expected("an encrypted message or a stream of records")
    notes = Notes(settings.config.folder("spool", "notes"))
    intake = Intake(lambda: settings.config, notes, SystemClock())
    if not dry_run:
        intake.prepare()
    head = cli.peek()
    if not to and head.lstrip()[:1] in (b"{", b""):
        cli.stage(cli.RecordLine(head=head), intake.handle)
    else:
        _send(settings, to or settings.config.mail.recipients, head, dry_run)


def _send(settings: cli.Settings, to: tuple[str, ...], head: bytes, dry_run: bool) -> None:
    """Exit 0 when the message is delivered, and with the reason's code when it is not."""
    from camalert.errors import BadUsage, TryAgain
    from camalert.mail import outer
    from camalert.mail.item import Urgency
    from camalert.mail.spool import Spool

    if not to:
        raise BadUsage("--to", "is missing, and mail.recipients is empty")
    message = cli.read_all(head, outer.LARGEST)
    if dry_run:
        outside = outer.check(outer.canonical(message))
        click.echo(f"{outside.message_id} from {outside.sender} to {', '.join(to)}")
        return
    spool = Spool(settings.config)
    item = spool.add(message, to, Urgency.PICTURE)
    spool.ring()
    with _delivery(settings, spool) as (delivery, stopped):
        trouble = delivery.drain(stopped, only=item)
    if trouble:
        raise trouble
    if any(waiting.key == item.key for waiting in spool.waiting()):
        raise TryAgain(item.name, "kept for its next try")


def _flush(settings: cli.Settings, follow: bool) -> None:
    from camalert.errors import TryAgain
    from camalert.mail.spool import Spool

    spool = Spool(settings.config)
    spool.prepare()
    with _delivery(settings, spool) as (delivery, stopped):
        if follow:
            delivery.follow(cli.open_fifo(spool.bell), stopped)
            return
        trouble = delivery.drain(stopped)
    if trouble:
        raise trouble
    if waiting := spool.waiting():
        raise TryAgain(str(spool.folder), f"{len(waiting)} messages wait for their next try")


@contextlib.contextmanager
def _delivery(
    settings: cli.Settings, spool: "Spool"
) -> Iterator[tuple["Delivery", Callable[[], bool]]]:
    """The one delivery, and whether it was told to stop (SIGTERM, SIGINT)."""
    from camalert.errors import TryAgain
    from camalert.mail.delivery import Delivery
    from camalert.records import SystemClock

    told: list[int] = []

    def stop(number: int, _frame: object) -> None:
        if not told:
            signal.setitimer(signal.ITIMER_REAL, GRACE)
        told.append(number)
        spool.ring()

    def give_up(*_: object) -> None:
        raise TryAgain("message", "stopped in the middle of its way, and kept")

    with spool.flushing():
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, stop)
        signal.signal(signal.SIGALRM, give_up)
        delivery = Delivery(spool, lambda: settings.config.mail, SystemClock())
        try:
            yield delivery, lambda: bool(told)
        finally:
            delivery.close()


def _list(config: "Config", due_only: bool) -> None:
    """A line a message: with tabs, or on a terminal in columns with titles."""
    import time

    from camalert.mail import listing
    from camalert.mail.spool import Spool

    rows = listing.rows(Spool(config), time.time(), due_only)
    if rows:
        click.echo(listing.columns(rows) if os.isatty(1) else "\n".join(map("\t".join, rows)))
    else:
        cli.log.info("nothing %s", "is due" if due_only else "waits")
