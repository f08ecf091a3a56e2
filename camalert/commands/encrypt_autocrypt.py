"""encrypt-autocrypt: sign and encrypt a message for all it is for, or hold it."""

import collections
import re
from typing import TYPE_CHECKING

import click

from camalert import cli

if TYPE_CHECKING:
    from camalert.config import Config
    from camalert.records import Message, Record
    from camalert.trust.keyring import Keyring

LAST = ("alarm.complete", "heartbeat.complete")
TEXTS = ("text", "confirmed", "over")


@cli.command(example='compose-alert --text "Motion in the hall" a.jpg | encrypt-autocrypt > a.eml')
@click.option("--to", multiple=True, metavar="ADDRESS", help="For whom; else the message's To.")
def main(settings: cli.Settings, to: tuple[str, ...]) -> None:
    """Sign and encrypt a message for everybody it is for, or for nobody.

    A message (RFC 5322) on standard input is answered with the encrypted message. Records are
    passed on, and for each message among them the encrypted one is written into the run folder
    and the plain one removed. Nothing ever comes out in plain.
    """
    from datetime import UTC, datetime

    import camalert.handover
    import camalert.records  # noqa: F401 (loaded here, before the first alarm waits for it)
    from camalert.trust import autocrypt
    from camalert.trust.keyring import Keyring

    cli.input_expected("a message or a stream of records")
    config = settings.config
    keyring = Keyring(config.folder("state", "keys"))
    problems = autocrypt.warm_up(keyring, to or config.mail.recipients, datetime.now(UTC))
    head = cli.peek()
    if not to and head.lstrip()[:1] in (b"{", b""):
        for problem in problems:
            cli.log.error("%s", problem)
        _stage(settings, keyring, head)
        return
    message = cli.read_all(head, autocrypt.LARGEST)
    cli.write_all(autocrypt.encrypt(message, keyring, to, datetime.now(UTC)))


def _stage(settings: cli.Settings, keyring: "Keyring", head: bytes) -> None:
    """Pictures, and the records that close an alarm behind them, wait while anything else comes."""
    import time

    from camalert import handover

    handover.sweep(settings.config.folder("run", "outgoing"), time.time())
    line = cli.RecordLine(head=head)
    waiting: collections.deque[Record] = collections.deque()
    for batch in line.batches(timeout=lambda: 0.0 if waiting else None):
        for record in batch:
            if record.type in LAST or _is_picture(record):
                waiting.append(record)
            else:
                line.write(_handled(record, settings, keyring))
        if waiting:
            line.write(_handled(waiting.popleft(), settings, keyring))
    for record in waiting:
        line.write(_handled(record, settings, keyring))


def _is_picture(record: "Record") -> bool:
    return record.type == "message.composed" and getattr(record, "part", "") not in TEXTS


def _handled(record: "Record", settings: cli.Settings, keyring: "Keyring") -> "Record":
    """The record of the encrypted message; any other as it is; `error` where it could not be."""
    import dataclasses

    from camalert.errors import CamalertError
    from camalert.records import MessageComposed

    if not isinstance(record, MessageComposed):
        return record
    try:
        return _encrypted(record, settings.config, keyring)
    except (CamalertError, OSError, ValueError, LookupError, TypeError) as error:
        cli.log.error("%s: %s", record.part, error)
        return dataclasses.replace(record, error=f"{error}"[:200])


def _encrypted(record: "Message", config: "Config", keyring: "Keyring") -> "Record":
    """Raises BadConfig when the own key or every recipient's is missing or refused."""
    from datetime import UTC, datetime
    from pathlib import Path

    from camalert import handover
    from camalert.errors import BadConfig, BadData
    from camalert.records import MessageEncrypted, SystemClock, envelope
    from camalert.trust import autocrypt

    name = record.message_id.strip("<>").partition("@")[0]
    if not re.fullmatch(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}", name):
        raise BadData("message.composed", f"{record.message_id!r:.80} makes no file name")
    plain = handover.read(config.folder("run", "messages"), record.file)
    try:
        now = datetime.now(UTC)
        keys, problems = keyring.readers(record.recipients, now)
        if not keys:
            raise BadConfig("not encrypted", ", and ".join(problems) or "no recipient")
        sealed = autocrypt.seal(plain, keyring.own(), keys.values(), now)
        path = handover.write(config.folder("run", "outgoing"), f"{name}.eml", sealed)
    finally:
        Path(record.file).unlink(missing_ok=True)
    for problem in problems:
        cli.log.error("%s: sent without this recipient: %s", record.part, problem)
    return MessageEncrypted(
        **envelope("encrypt-autocrypt", SystemClock()),
        alarm=record.alarm,
        part=record.part,
        message_id=record.message_id,
        file=str(path),
        recipients=tuple(keys),
    )
