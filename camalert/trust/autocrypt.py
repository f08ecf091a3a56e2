"""Mail as Autocrypt and Delta Chat have it: signed and encrypted PGP/MIME (RFC 3156, RFC 9788).

All headers of a message go inside; outside is only what the post needs, and that is the same for
every message. So a message is taken apart as bytes, and a picture's body is never parsed.
"""

import base64
import dataclasses
import json
import os
import re
from collections.abc import Iterable
from datetime import UTC, datetime
from email.utils import format_datetime, getaddresses

from camalert.config import ADDRESS
from camalert.errors import BadConfig, BadData
from camalert.trust import gate, openpgp
from camalert.trust.armor import armor, unarmor
from camalert.trust.confined import confined
from camalert.trust.keyring import Keyring
from camalert.trust.openpgp import OwnKey, PublicKey

LARGEST = 48 << 20
"""Bytes of a message at most, as it comes in."""

HEADERS = 256 << 10
"""Bytes of its headers at most."""

MARK = b'protected-headers="v1"; hp="cipher"'

_FIELD = re.compile(rb"([!-9;-~]+)[ \t]*:(.*(?:\r?\n[ \t].*)*)(?:\r?\n|\Z)")
_BLANK = re.compile(rb"\r?\n\r?\n")
_MESSAGE_ID = re.compile(r"<[!-;=?-~]+>")
_NOT_INSIDE = frozenset({b"autocrypt", b"bcc", b"received", b"return-path"})


@dataclasses.dataclass(frozen=True)
class Message:
    """A message's header fields (name and the rest of the field, as they came) and its body."""

    fields: tuple[tuple[bytes, bytes], ...]
    body: bytes

    def text(self, *names: str) -> list[str]:
        """The fields of these names, unfolded."""
        wanted = {name.lower().encode() for name in names}
        return [
            b" ".join(value.split()).decode("utf-8", "replace")
            for name, value in self.fields
            if name.lower() in wanted
        ]

    def addresses(self, *names: str) -> list[str]:
        """The addresses in the fields of these names. Raises BadData for what is not one."""
        found = [address for _, address in getaddresses(self.text(*names)) if address]
        for address in found:
            if not ADDRESS.fullmatch(address):
                raise BadData("message", f"{address!r:.80} is not an address")
        return list(dict.fromkeys(address.lower() for address in found))


def parse(message: bytes) -> Message:
    """`message` taken apart. Raises BadData when what should be its headers is none."""
    blank = _BLANK.search(message, 0, HEADERS)
    if blank is None:
        raise BadData("message", "not a mail: no blank line after its headers")
    head = message[: blank.start()]
    fields, at = [], 0
    while at < len(head):
        field = _FIELD.match(head, at)
        if field is None:
            line = head[at : at + 40].partition(b"\n")[0].decode("ascii", "replace")
            raise BadData("message", f"not a mail: {line.strip()!r} is not a header")
        fields.append((field[1], field[2]))
        at = field.end()
    return Message(tuple(fields), message[blank.end() :])


def encrypt(message: bytes, keyring: Keyring, recipients: Iterable[str], now: datetime) -> bytes:
    """`message` (RFC 5322), signed and encrypted for `recipients`, or for whom its To and Cc name.

    Raises BadData when it is malformed or for nobody, BadConfig when the own key or one recipient's
    is missing or refused: it is encrypted for all of them or not at all.
    """
    wanted = list(recipients) or parse(message).addresses("To", "Cc", "Bcc")
    if not wanted:
        raise BadData("message", "is for nobody", "name somebody: --to ADDRESS")
    own = keyring.own()
    keys, problems = keyring.readers(wanted, now)
    if problems:
        raise BadConfig("nothing encrypted", ", and ".join(problems[:5]))
    return seal(message, own, keys.values(), now)


def seal(message: bytes, own: OwnKey, readers: Iterable[PublicKey], now: datetime) -> bytes:
    """`message` (RFC 5322), signed by `own` and encrypted for `readers`; CRLF at the line ends.

    Where it has no Date or Message-ID it is given one. Raises BadData when it is malformed.
    """
    plain = parse(message)
    senders = plain.addresses("From")
    if len(senders) != 1:
        raise BadData("message", "has not one sender", "give it one From address")
    message_id = (plain.text("Message-ID") or [f"<{os.urandom(16).hex()}@localhost>"])[0]
    if not _MESSAGE_ID.fullmatch(message_id):
        raise BadData("message", f"its Message-ID {message_id!r:.80} is not valid")
    date = (plain.text("Date") or [format_datetime(now)])[0]
    inner = _inner(plain, senders[0], own.public, {b"Message-ID": message_id, b"Date": date})
    sealed = armor(openpgp.sign_and_encrypt(inner, own, readers, now))
    return _outer(senders[0], date, message_id, sealed)


def rehearse() -> None:
    """Seal a message with a key that is thrown away."""
    now = datetime.now(UTC)
    own = OwnKey(openpgp.make_key("nobody@localhost", now))
    reader = gate.encryption_key(gate.examine(own.public), now)
    seal(b"From: <nobody@localhost>\n\n", own, [reader], now)


def warm_up(keyring: Keyring, recipients: Iterable[str], now: datetime) -> list[str]:
    """Load the keys and seal a message for nobody, so that the first real one takes no longer.

    Returns what will be in the way of it, one line each.
    """
    _, problems = keyring.readers(recipients, now)
    try:
        own = keyring.own()
    except BadConfig as error:
        return [str(error), *problems]
    reader = gate.encryption_key(gate.examine(own.public), now)
    seal(b"From: <camera@localhost>\n\n", own, [reader], now)
    return problems


def _inner(plain: Message, sender: str, public: bytes, defaults: dict[bytes, str]) -> bytes:
    fields = {name.lower() for name, _ in plain.fields}
    lines = [
        name + b":" + value
        for name, value in plain.fields
        if name.lower() not in _NOT_INSIDE | {b"content-type"}
    ]
    lines += [
        name + b": " + value.encode()
        for name, value in defaults.items()
        if name.lower() not in fields
    ]
    lines.append(b"Autocrypt: " + autocrypt_header(sender, public).encode())
    if b"chat-version" not in fields:
        lines.append(b"Chat-Version: 1.0")
    kinds = [value for name, value in plain.fields if name.lower() == b"content-type"]
    kind = kinds[0].strip().rstrip(b";") if kinds else b"text/plain; charset=utf-8"
    lines.append(b"Content-Type: " + kind + (b"" if b"hp=" in kind else b";\n " + MARK))
    return _crlf(b"\n".join([*lines, b"", plain.body]))


def autocrypt_header(address: str, key: bytes) -> str:
    """The value of an Autocrypt (or Autocrypt-Gossip) header, folded."""
    text = base64.b64encode(key).decode()
    folded = "".join(f"\r\n {text[start : start + 76]}" for start in range(0, len(text), 76))
    return f"addr={address}; prefer-encrypt=mutual; keydata={folded}"


def _outer(sender: str, date: str, message_id: str, sealed: bytes) -> bytes:
    boundary = os.urandom(16).hex()
    head = f"""\
From: <{sender}>
Date: {date}
Message-ID: {message_id}
MIME-Version: 1.0
To: "hidden-recipients": ;
Subject: [...]
Content-Type: multipart/encrypted; protocol="application/pgp-encrypted";
 boundary="{boundary}"

--{boundary}
Content-Type: application/pgp-encrypted
Content-Description: PGP/MIME version identification

Version: 1

--{boundary}
Content-Type: application/octet-stream; name="encrypted.asc"
Content-Description: OpenPGP encrypted message
Content-Disposition: inline; filename="encrypted.asc"

"""
    return b"".join((_crlf(head.encode()), sealed, f"\r\n--{boundary}--\r\n".encode()))


def _crlf(text: bytes) -> bytes:
    return text.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


@dataclasses.dataclass(frozen=True)
class Decrypted:
    """The inner entity, and who has signed it: a fingerprint of the keyring, or why nobody."""

    entity: bytes
    signer: str | None
    problem: str | None
    made: datetime | None


def decrypt(message: bytes, keyring: Keyring, now: datetime) -> Decrypted:
    """What is in an encrypted `message` (RFC 5322), read in a child process with limits.

    A message counts as signed when it bears one valid signature by a key of the keyring and, where
    it names the keys it was meant for, names the own one. Raises BadData when it is malformed or
    changed; BadConfig when there is no own key or it is for another.
    """
    own = keyring.own()
    answer = confined(lambda: _decrypted(message, own, keyring, now), "message")
    head, _, entity = answer.partition(b"\n")
    signer, problem, made = json.loads(head)
    when = datetime.fromtimestamp(made, UTC) if made is not None else None
    return Decrypted(entity, signer, problem, when)


def _decrypted(message: bytes, own: OwnKey, keyring: Keyring, now: datetime) -> bytes:
    """Run in the child."""
    kind, sealed = unarmor(_sealed(message))
    if kind != "MESSAGE":
        raise BadData("message", f"holds a PGP {kind}")
    content = openpgp.decrypt(sealed, own)
    signer, problem, made = None, content.problem, None
    if content.signature:
        peer = keyring.signer(content.signature)
        made = content.signature.created
        problem = (
            gate.why_not_signed(
                peer.certificate, content.signature, content.data, own.fingerprint, now
            )
            if peer
            else f"signed by a key that is not in the keyring: {content.signature.issuer}"
        )
        signer = peer.fingerprint if peer and not problem else None
    return json.dumps([signer, problem, made]).encode() + b"\n" + content.data


def _sealed(message: bytes) -> bytes:
    """The encrypted part of a PGP/MIME message (RFC 3156, section 4)."""
    from email import message_from_bytes, policy

    mail = message_from_bytes(message, policy=policy.compat32)
    parts = mail.get_payload()
    if mail.get_content_type() != "multipart/encrypted" or not isinstance(parts, list):
        raise BadData("message", "not encrypted (multipart/encrypted)")
    for part in parts:
        if not isinstance(part, str) and part.get_content_type() == "application/octet-stream":
            sealed = part.get_payload(decode=True)
            if isinstance(sealed, bytes):
                return sealed
    raise BadData("message", "malformed: no encrypted part")
