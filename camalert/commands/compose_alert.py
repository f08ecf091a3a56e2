"""compose-alert: the messages of an alarm, in plain, for encrypt-autocrypt."""

import os
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from camalert import cli

if TYPE_CHECKING:
    from pathlib import Path

    from camalert.mail.compose import Letter


@cli.command(example='compose-alert --text "Motion in the hall" hall.jpg -o - > hall.eml')
@click.argument("pictures", nargs=-1, type=cli.PATH, metavar="[JPEG]...")
@click.option("--text", metavar="TEXT", help="Make a message that says this.")
@click.option("--to", multiple=True, metavar="ADDRESS", help="To whom; else mail.recipients.")
@click.option("--from", "sender", metavar="ADDRESS", help="From whom; else mail.address.")
@click.option(
    "-o",
    "--output",
    default="-",
    metavar="FILE",
    help="Where one message goes, or the folder for several.  [default: -]",
)
@click.option("--listen", is_flag=True, help="Read the FIFO `outbox` of the run folder.")
def main(
    settings: cli.Settings,
    pictures: tuple["Path", ...],
    text: str | None,
    to: tuple[str, ...],
    sender: str | None,
    output: str,
    listen: bool,
) -> None:
    """Write the messages of an alarm: its text at once, then one mail a picture.

    With --text or pictures it makes messages of them; without, it reads records and writes the
    messages of each alarm and heartbeat among them into the run folder. The messages are plain:
    encrypt-autocrypt comes next.
    """
    if text is None and not pictures:
        _stage(settings, listen)
    else:
        _write(settings, list(_letters(text or "", pictures)), to, sender, output)


def _stage(settings: cli.Settings, listen: bool) -> None:
    import time

    from camalert import handover
    from camalert.alarm.notes import Notes
    from camalert.mail.alerts import Composer
    from camalert.records import SystemClock

    if not listen:
        cli.input_expected("a stream of records")
    config = settings.config
    handover.sweep(config.folder("run", "messages"), time.time())
    notes = Notes(config.folder("spool", "notes"))
    composer = Composer(lambda: settings.config, SystemClock(), notes.ticked)
    outbox = config.folder("run", "outbox") if listen else None
    cli.stage(cli.RecordLine(listen=outbox), composer.handle)


def _letters(text: str, pictures: tuple["Path", ...]) -> Iterator["Letter"]:
    from datetime import UTC, datetime

    from camalert.mail.compose import Letter, message_id
    from camalert.records import new_id

    alarm, now = new_id(), datetime.now(UTC)
    subject = text or "Picture"
    if not pictures:
        yield Letter(message_id(alarm, "text"), now, subject, text)
    for n, path in enumerate(pictures, 1):
        words = f"{text} ({n} of {len(pictures)})".strip() if len(pictures) > 1 else text
        name = re.sub(r"[^A-Za-z0-9_]+", "-", path.stem).strip("-")[:64] or "picture"
        yield Letter(
            message_id(alarm, f"{n}"), now, subject, words, _read_jpeg(path), f"{name}.jpg"
        )


def _read_jpeg(path: "Path") -> bytes:
    from camalert.errors import BadData, Unavailable
    from camalert.handover import LARGEST

    try:
        with path.open("rb") as stream:
            jpeg = stream.read(LARGEST + 1)
    except OSError as error:
        raise Unavailable(str(path), error.strerror or str(error)) from None
    if not jpeg.startswith(b"\xff\xd8"):
        raise BadData(str(path), "is no JPEG")
    if len(jpeg) > LARGEST:
        raise BadData(str(path), f"is longer than {LARGEST} bytes")
    return jpeg


def _write(
    settings: cli.Settings,
    letters: list["Letter"],
    to: tuple[str, ...],
    sender: str | None,
    output: str,
) -> None:
    from pathlib import Path

    from camalert import handover
    from camalert.errors import BadConfig, BadUsage
    from camalert.mail.compose import build

    mail = settings.config.mail
    address, recipients = sender or mail.address, to or mail.recipients
    if not address:
        raise BadConfig("mail.address", "not set", "set it or name it with --from")
    if not recipients:
        raise BadConfig("mail.recipients", "not set", "set it or name them with --to")
    folder = Path(output)
    if len(letters) > 1 and (output == "-" or (folder.exists() and not folder.is_dir())):
        raise BadUsage(
            "--output", f"{len(letters)} pictures make as many messages", "name a folder"
        )
    for n, letter in enumerate(letters, 1):
        message = build(letter, mail.name, address, recipients)
        if output == "-":
            cli.write_all(message)
        elif folder.is_dir() or len(letters) > 1:
            handover.write(folder, f"{n}-{letter.message_id[1:37]}.eml", message)
        else:
            _write_file(output, message)


def _write_file(output: str, message: bytes) -> None:
    from camalert.errors import CannotCreate

    try:
        # Opened, not replaced: it may be a device or a FIFO.
        descriptor = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(message)
    except OSError as error:
        raise CannotCreate(output, error.strerror or str(error)) from None
