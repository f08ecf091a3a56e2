"""list-events: what the event database holds."""

import sys

import click

from camalert import cli


@cli.command(example="list-events --since 2h --type 'alarm.*'")
@click.option("--since", metavar="TIME", help="Not older: 2h, 3d, 2026-11-20, or an RFC 3339 time.")
@click.option("--until", metavar="TIME", help="Not younger; a date means all of that day.")
@click.option("--type", "types", metavar="TYPE", multiple=True, help="Only this type, or alarm.*")
@click.option("--source", metavar="NAME", help="Only from this sensor, camera or command.")
@click.option("--limit", metavar="N", type=cli.Whole(1), help="At most the newest N.")
@click.option("--json", "as_json", is_flag=True, help="The records themselves, one a line.")
def main(
    settings: cli.Settings,
    since: str | None,
    until: str | None,
    types: tuple[str, ...],
    source: str | None,
    limit: int | None,
    as_json: bool,
) -> None:
    """Show the stored events, oldest first; exit 1 where there is none."""
    import shutil

    from camalert.records import SystemClock
    from camalert.store import listing
    from camalert.store.events import Events

    now = SystemClock().now()
    after = listing.moment(since, now) if since is not None else None
    before = listing.moment(until, now, end=True) if until is not None else None
    events = Events.configured(settings.config)
    if events.path and not events.path.exists():
        cli.log.warning("%s: no such database; nothing was ever logged", events.path)
        raise SystemExit(1)
    found = events.find(since=after, until=before, types=types, source=source, limit=limit)
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else 0
    number = 0
    for number, event in enumerate(found, 1):  # noqa: B007 (counts)
        click.echo(event.body if as_json else listing.line(event, width=width))
    if not number:
        cli.log.warning("no event matches")
        raise SystemExit(1)
