"""What lies in the spool: an item's name, its envelope, and when it is to be tried again."""

import dataclasses
import enum
import hashlib
import json
import re
import uuid
from pathlib import Path

from camalert.errors import BadData

FIRST, LONGEST = 5.0, 300.0
"""Seconds until the second try, and between tries at most; it doubles between."""

NAME = re.compile(r"([0-3])-(\d{10})-([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})(?:\.(\d{1,6}))?")
"""Urgency, sequence, the Message-ID's UUID, and the tries so far."""


SEQUELS = ("confirmed", "over")
"""Texts about an alarm that come after it, each with a note of its own."""


class Urgency(enum.IntEnum):
    """What goes first."""

    TEXT = 0
    PREVIEW = 1
    PICTURE = 2
    HEARTBEAT = 3

    @classmethod
    def of(cls, part: str) -> "Urgency":
        """The urgency of an alarm's part."""
        if part in ("text", "trouble", *SEQUELS):
            return cls.TEXT
        if part == "heartbeat":
            return cls.HEARTBEAT
        return cls.PREVIEW if part.endswith("-preview") else cls.PICTURE


@dataclasses.dataclass(frozen=True, order=True)
class Item:
    """A message in the spool, by its file's name. Items sort as they are to go."""

    urgency: Urgency
    sequence: int
    key: str
    tries: int
    path: Path = dataclasses.field(compare=False)

    @classmethod
    def at(cls, path: Path) -> "Item":
        """The item that lies at `path`. Raises BadData when its name is none."""
        match = NAME.fullmatch(path.name)
        if not match:
            raise BadData(path.name, "is no item of the spool")
        return cls(Urgency(int(match[1])), int(match[2]), match[3], int(match[4] or 0), path)

    @property
    def name(self) -> str:
        """The name without the tries."""
        return self.path.name.partition(".")[0]


@dataclasses.dataclass(frozen=True)
class Envelope:
    """From whom and to whom a message goes, whatever its headers say."""

    sender: str
    recipients: tuple[str, ...]

    def before(self, message: bytes) -> bytes:
        """An item's bytes: this envelope and `message`."""
        fields = {**vars(self), "sha256": hashlib.sha256(message).hexdigest()}
        return json.dumps(fields).encode() + b"\n" + message


def remaining(tries: int, age: float) -> float:
    """Seconds until the next try, `age` seconds of the wall clock after the last of `tries`.

    A clock that was set meanwhile can make it sooner, never later than `LONGEST`.
    """
    if tries == 0 or age < 0:
        return 0.0
    return max(0.0, min(FIRST * 2.0 ** min(tries - 1, 30), LONGEST) - age)


def read(data: bytes) -> tuple[Envelope, bytes]:
    """Envelope and message of an item's bytes. Raises BadData for a torn or foreign one."""
    head, _, message = data.partition(b"\n")
    try:
        fields = json.loads(head)
        envelope = Envelope(fields["sender"], tuple(fields["recipients"]))
        whole = fields["sha256"] == hashlib.sha256(message).hexdigest()
    except (ValueError, LookupError, TypeError):
        whole = False
    if not whole:
        raise BadData("item", "is torn, or was not written by send-mail")
    return envelope, message


def key_of(message_id: str) -> str:
    """The UUID in a Message-ID of ours; of any other one, a UUID made from it."""
    try:
        return str(uuid.UUID(message_id[1:-1].partition("@")[0]))
    except ValueError:
        return str(uuid.UUID(bytes=hashlib.sha256(message_id.encode()).digest()[:16], version=4))
