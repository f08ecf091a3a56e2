"""Messages for Delta Chat in plain: RFC 5322 and MIME, as they are before they are encrypted.

The `Chat-Version` header makes Delta Chat show the body alone, without the subject. A message has
one picture at most, because a second attachment would become a second message there.
"""

import binascii
import dataclasses
import hashlib
import re
import uuid
from datetime import UTC, datetime
from email.charset import QP, Charset
from email.header import Header
from email.message import Message
from email.utils import format_datetime, formataddr

from camalert.config import ADDRESS
from camalert.errors import BadData

LINE = 76
"""Characters in a line of base64 (RFC 2045, 6.8)."""

TEXT = Charset("utf-8")
TEXT.body_encoding = QP


@dataclasses.dataclass(frozen=True)
class Letter:
    """What one message says: `text`, and with `jpeg` one picture called `filename`."""

    message_id: str
    date: datetime
    subject: str
    text: str
    jpeg: bytes = b""
    filename: str = ""


def message_id(alarm: str, part: str) -> str:
    """The Message-ID of `part` of `alarm`: a repetition is the same message and is shown once.

    It looks like any other of Delta Chat's, `<UUID 4@localhost>`, and tells nothing.
    """
    digest = hashlib.sha256(f"{alarm}\n{part}".encode()).digest()
    return f"<{uuid.UUID(bytes=digest[:16], version=4)}@localhost>"


def rehearse() -> None:
    """Write a message that nobody gets."""
    moment = datetime.fromtimestamp(0, UTC)
    letter = Letter(message_id("", ""), moment, "Alarm", "Alarm: \u2026", b"\xff\xd8", "a.jpg")
    build(letter, "camera", "nobody@localhost", ("nobody@localhost",))


def build(letter: Letter, name: str, address: str, recipients: tuple[str, ...]) -> bytes:
    """The message from `name` at `address` to `recipients`, with LF at the line ends.

    Raises BadData for what is not an address.
    """
    # Not EmailMessage: it parses what it is given, at twice the memory and four times the time.
    message = Message()
    message["From"] = formataddr((name, _address(address)))
    message["To"] = ", ".join(map(_address, recipients))
    message["Date"] = format_datetime(letter.date)
    message["Message-ID"] = letter.message_id
    message["Subject"] = Header(_one_line(letter.subject), header_name="Subject").encode()
    message["Chat-Version"] = "1.0"
    # RFC 3834: said by a machine. Delta Chat shows the camera as the bot it is.
    message["Auto-Submitted"] = "auto-generated"
    message["MIME-Version"] = "1.0"
    if letter.jpeg:
        return _with_picture(message, letter)
    message.set_payload(_ended(letter.text), TEXT)
    return message.as_bytes()


def _address(text: str) -> str:
    """`text`, which is an address. Raises BadData where it is none."""
    dotted = f".{text.replace('@', '..', 1)}."
    if not ADDRESS.fullmatch(text) or "..." in dotted or dotted.count("..") > 1:
        raise BadData(f"{text!r:.80}", "is not an address")
    return text


def _with_picture(message: Message, letter: Letter) -> bytes:
    """The multipart/mixed, joined by hand: email's generator takes ten times as long for it."""
    boundary = hashlib.sha256(letter.message_id.encode()).hexdigest()[:32]
    head = message.as_bytes().rstrip(b"\n")
    text, picture = Message(), Message()
    text.set_payload(_ended(letter.text), TEXT)
    picture["Content-Type"] = "image/jpeg"
    picture["Content-Transfer-Encoding"] = "base64"
    picture.add_header("Content-Disposition", "attachment", filename=letter.filename)
    return b"".join(
        (
            head,
            f'\nContent-Type: multipart/mixed; boundary="{boundary}"\n\n--{boundary}\n'.encode(),
            text.as_bytes(),
            f"\n--{boundary}\n".encode(),
            picture.as_bytes(),
            _base64_lines(letter.jpeg),
            f"\n--{boundary}--\n".encode(),
        )
    )


def _ended(text: str) -> str:
    return text if text.endswith("\n") else f"{text}\n"


def _base64_lines(data: bytes) -> bytes:
    encoded = binascii.b2a_base64(data, newline=False)
    return b"\n".join([encoded[at : at + LINE] for at in range(0, len(encoded), LINE)])


def _one_line(text: str) -> str:
    return re.sub(r"[\s\x00-\x1f\x7f]+", " ", text).strip()[:120]
