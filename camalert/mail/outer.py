"""The gate in front of spool and server: an encrypted message passes, nothing else does.

Read by hand and narrowly, because what is not understood must not go: exactly the two parts of
PGP/MIME (RFC 3156, section 4), and an OpenPGP message that does begin with an encrypted session
key.
"""

import binascii
import dataclasses
import re

from camalert.config import ADDRESS
from camalert.errors import BadData

LARGEST = 48 * 1024 * 1024
"""Bytes of a message at most."""

HEAD = 65536
LINE = 998
"""Bytes of a line at most (RFC 5322, 2.1.1)."""

SESSION_KEYS = (1, 3)
"""Packet tags of encrypted session keys: for a public key, and for a passphrase."""

_ID = re.compile(r"<[!-;=?-~]{1,240}>")
_BOUNDARY = re.compile(
    r'boundary="?([0-9A-Za-z\'()+_,./:=? -]{0,69}[0-9A-Za-z\'()+_,./:=?-])"?', re.I
)
_CONTROL = re.compile(
    rb"\r\n(?i:Content-Type: *application/pgp-encrypted)[^\r\n]*\r\n"
    rb"(?:[A-Za-z-]+:[^\r\n]*\r\n(?:[ \t][^\r\n]*\r\n)*)*\r\nVersion: 1\s*"
)
_CIPHERTEXT = re.compile(
    rb"\r\n(?i:Content-Type: *application/octet-stream)[^\r\n]*\r\n"
    rb"(?:[ \t][^\r\n]*\r\n)*"
    rb"(?:[A-Za-z-]+:[^\r\n]*\r\n(?:[ \t][^\r\n]*\r\n)*)*\r\n"
    rb"\s*-----BEGIN PGP MESSAGE-----\r\n(?:[A-Za-z]+: [^\r\n]*\r\n)*\r\n"
    rb"([A-Za-z0-9+/=\r\n]+)-----END PGP MESSAGE-----\s*"
)


@dataclasses.dataclass(frozen=True)
class Outer:
    """What the spool needs to know of a message."""

    message_id: str
    sender: str


def canonical(message: bytes) -> bytes:
    """`message` with CRLF at every line's end, as it goes over the wire."""
    return message.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def check(message: bytes) -> Outer:
    """What is outside of `message`, given in its canonical form.

    Raises BadData for what is not encrypted, and for what SMTP cannot carry.
    """
    if len(message) > LARGEST:
        raise BadData("message", f"of {len(message)} bytes is too long, at most {LARGEST}")
    head, _, body = message.partition(b"\r\n\r\n")
    headers = _headers(head)
    kind = headers["content-type"]
    if not re.match(r"multipart/encrypted *(;|$)", kind, re.I) or not re.search(
        r'protocol="?application/pgp-encrypted"?', kind, re.I
    ):
        raise BadData("message", "is not encrypted", "run it through camalert encrypt-autocrypt")
    _check_body(kind, body)
    _check_lines(message)
    sender = re.sub(r".*<|>.*", "", headers["from"]).strip()
    if not ADDRESS.fullmatch(sender):
        raise BadData("message", f"its From {headers['from']!r:.80} holds no address")
    if not _ID.fullmatch(headers["message-id"]):
        raise BadData("message", f"its Message-ID {headers['message-id']!r:.80} is not valid")
    return Outer(headers["message-id"], sender)


def _headers(head: bytes) -> dict[str, str]:
    """The headers by their names in lower case; those that matter are there exactly once."""
    try:
        text = head.decode("ascii") if len(head) <= HEAD else ""
    except UnicodeDecodeError:
        text = ""
    fields = [line.partition(":") for line in re.sub(r"\r\n[ \t]+", " ", text).split("\r\n")]
    names = [name.lower() for name, _, _ in fields]
    for name in ("From", "Date", "Message-ID", "Content-Type"):
        if (count := names.count(name.lower())) != 1:
            raise BadData("message", f"has {count or 'no'} {name} header{'s' * (count > 1)}")
    return {name: value.strip() for name, (_, _, value) in zip(names, fields, strict=True)}


def _check_body(kind: str, body: bytes) -> None:
    boundary = _BOUNDARY.search(kind)
    if not boundary:
        raise BadData("message", "has no boundary")
    parts = (b"\r\n" + body).split(b"\r\n--" + boundary[1].encode())
    if len(parts) != 4 or parts[0].strip() or parts[3].strip() != b"--":
        raise BadData("message", "is not the two parts of PGP/MIME alone")
    ciphertext = _CIPHERTEXT.fullmatch(parts[2])
    if not _CONTROL.fullmatch(parts[1]) or not ciphertext:
        raise BadData("message", "holds something else than one PGP message")
    if _first_tag(ciphertext[1]) not in SESSION_KEYS:
        raise BadData("message", "is an OpenPGP message, but not an encrypted one")


def _first_tag(armored: bytes) -> int:
    """The tag of the first packet (RFC 4880, section 4.2)."""
    try:
        first = binascii.a2b_base64(armored.lstrip()[:4])[0]
    except (ValueError, IndexError):
        return 0
    return first & 0x3F if first & 0x40 else first >> 2 & 0x0F


def _check_lines(message: bytes) -> None:
    """A bare CR or LF, or a dot at a line's start, is how a second message is smuggled in."""
    ends = message.count(b"\r\n")
    if message.count(b"\r") != ends or message.count(b"\n") != ends or b"\r\n." in message:
        raise BadData("message", "has a bare CR or a dot at the start of a line")
    if max(map(len, message.split(b"\r\n"))) > LINE:
        raise BadData("message", f"has a line of more than {LINE} bytes")
