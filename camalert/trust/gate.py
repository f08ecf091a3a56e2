"""The gate for keys: what a certificate must be before anything is encrypted for it or believed.

PGPy checks no expiry, no revocation and no binding, so all of it is done here, over the bytes as
they came (RFC 4880, 5.2.4 and 11.1). What others have certified does not count, only the key's own
signatures; and one of those that is invalid condemns the whole key.
"""

import dataclasses
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from math import inf

from camalert.config import ADDRESS
from camalert.errors import BadData
from camalert.trust import packets
from camalert.trust.openpgp import PublicKey
from camalert.trust.packets import HASHES, Kind, Packet, Signature, Subpacket

CAN_SIGN, CAN_ENCRYPT = 0x02, 0x0C


@dataclasses.dataclass(frozen=True)
class Subkey:
    """A subkey that its primary key has bound. `expires` is in seconds of the Unix epoch."""

    key: PublicKey | None
    flags: int
    expires: float
    flaw: str | None

    @property
    def encrypts(self) -> bool:
        return bool(self.flags & CAN_ENCRYPT)


@dataclasses.dataclass(frozen=True)
class Certificate:
    """A public key whose own signatures are all valid. `raw` are its bytes as they came."""

    raw: bytes
    primary: PublicKey
    addresses: tuple[str, ...]
    expires: float
    flags: int
    subkeys: tuple[Subkey, ...]

    @property
    def fingerprint(self) -> str:
        return self.primary.fingerprint


@dataclasses.dataclass(frozen=True)
class _Part:
    """A user id or a subkey, or the primary key itself, and the signatures that follow it."""

    packet: Packet
    signatures: list[Signature]


def examine(raw: bytes) -> Certificate:
    """The certificate in `raw`, once all its own signatures are checked.

    Raises BadData, and says why, when it is malformed, revoked, too weak, or holds a part that is
    not bound or a signature of its own that is not valid. Dates are not looked at here.
    """
    first, *rest = _parts(raw)
    primary = PublicKey(first.packet.body)
    name = f"key {primary.fingerprint}"
    if primary.weakness:
        raise BadData(name, primary.weakness)
    base = packets.key_bytes(primary.body)
    if _valid(primary, first, base, frozenset({Kind.KEY_REVOCATION})):
        raise BadData(name, "is revoked")
    selves = _newest(_valid(primary, first, base, frozenset({Kind.DIRECT})))
    addresses: list[str] = []
    names: list[Signature] = []
    for part in rest:
        if part.packet.tag == packets.PUBLIC_SUBKEY:
            continue
        data = base + packets.user_id_bytes(part.packet)
        certified = _newest(_valid(primary, part, data, Kind.CERTIFICATIONS))
        if _valid(primary, part, data, frozenset({Kind.CERTIFICATION_REVOCATION})):
            continue
        names += certified
        if certified and part.packet.tag == packets.USER_ID:
            addresses += _address(part.packet.body)
    selves += _newest(names)
    if not selves:
        weak = any(
            signature.hash not in HASHES
            for part in [first, *rest]
            for signature in _own(primary, part)
        )
        raise BadData(
            name,
            "is signed with a hash that is too weak" if weak else "has no valid self-signature",
        )
    return Certificate(
        raw=raw,
        primary=primary,
        addresses=tuple(dict.fromkeys(addresses)),
        expires=min(_expiry(primary.created, signature) for signature in selves),
        flags=next((s.flags for s in reversed(selves) if s.flags is not None), CAN_SIGN),
        subkeys=tuple(
            _subkey(primary, part, base)
            for part in rest
            if part.packet.tag == packets.PUBLIC_SUBKEY
        ),
    )


def _parts(raw: bytes) -> list[_Part]:
    parts: list[_Part] = []
    for packet in packets.split(raw):
        if packet.tag == packets.SIGNATURE and parts:
            if signature := packets.signature(packet.body):
                parts[-1].signatures.append(signature)
        elif (packet.tag == packets.PUBLIC_KEY) == (not parts) and packet.tag in (
            packets.PUBLIC_KEY,
            packets.USER_ID,
            packets.USER_ATTRIBUTE,
            packets.PUBLIC_SUBKEY,
        ):
            parts.append(_Part(packet, []))
        elif packet.tag == packets.PUBLIC_KEY:
            raise BadData("key", "more than one key", "hand them over one by one")
        else:
            raise BadData("key", f"not a public key: a packet of tag {packet.tag} is in it")
    if not parts:
        raise BadData("key", "is empty")
    return parts


def _own(primary: PublicKey, part: _Part) -> Iterator[Signature]:
    return (s for s in part.signatures if s.may_be_by(primary.fingerprint))


def _valid(primary: PublicKey, part: _Part, data: bytes, kinds: frozenset[int]) -> list[Signature]:
    """The primary key's own signatures over `data`. Raises BadData when one is not valid."""
    found = []
    for signature in _own(primary, part):
        if signature.kind not in kinds or signature.hash not in HASHES:
            continue
        if not signature.understood or not primary.verifies(signature, data):
            raise BadData(
                f"key {primary.fingerprint}",
                f"its signature (0x{signature.kind:02x}) over {_what(part.packet)} is not valid",
            )
        found.append(signature)
    return found


def _what(packet: Packet) -> str:
    if packet.tag == packets.PUBLIC_SUBKEY:
        return f"subkey {packets.fingerprint(packet.body)[-16:]}"
    return "the key itself" if packet.tag == packets.PUBLIC_KEY else "a user id"


def _newest(signatures: list[Signature]) -> list[Signature]:
    return sorted(signatures, key=lambda signature: signature.created)[-1:]


def _expiry(created: int, signature: Signature) -> float:
    """When what `signature` says of a key made at `created` ends: by its own end or the key's."""
    key_lasts = signature.seconds(Subpacket.KEY_EXPIRES)
    lasts = signature.seconds(Subpacket.EXPIRES)
    return min(
        created + key_lasts if key_lasts else inf,
        signature.created + lasts if lasts else inf,
    )


def _address(user_id: bytes) -> list[str]:
    text = user_id.decode("utf-8", "replace")
    bracketed = re.search(r"<([^<>]*)>\s*$", text)
    address = (bracketed[1] if bracketed else text).strip()
    return [address.lower()] if ADDRESS.fullmatch(address) else []


def _subkey(primary: PublicKey, part: _Part, base: bytes) -> Subkey:
    """Raises BadData when the subkey is bound by nothing, or a signature on it is not valid."""
    body = part.packet.body
    shown = f"subkey {packets.fingerprint(body)[-16:]}"
    data = base + packets.key_bytes(body)
    revoked = _valid(primary, part, data, frozenset({Kind.SUBKEY_REVOCATION}))
    bound = _newest(_valid(primary, part, data, frozenset({Kind.SUBKEY_BINDING})))
    if not bound:
        if any(signature.kind == Kind.SUBKEY_BINDING for signature in _own(primary, part)):
            return Subkey(None, CAN_ENCRYPT, 0, "is bound with a hash that is too weak")
        raise BadData(f"key {primary.fingerprint}", f"{shown} is not bound to it")
    try:
        key = PublicKey(body, packets.PUBLIC_SUBKEY)
    except BadData as error:
        return Subkey(None, bound[0].flags or 0, 0, f"is of no use: {error.reason}")
    flags = bound[0].flags if bound[0].flags is not None else CAN_ENCRYPT if key.encrypts else 0
    if flags & CAN_SIGN and not _signed_back(key, bound[0], data):
        raise BadData(
            f"key {primary.fingerprint}", f"{shown} signs, but has not signed its binding"
        )
    expires = _expiry(key.created, bound[0])
    return Subkey(key, flags, expires, "is revoked" if revoked else key.weakness)


def _signed_back(key: PublicKey, binding: Signature, data: bytes) -> bool:
    """Whether a signing subkey agrees to be one (RFC 4880, 5.2.1, type 0x19)."""
    embedded = binding.hashed_parts.get(Subpacket.EMBEDDED, []) + binding.other_parts.get(
        Subpacket.EMBEDDED, []
    )
    backs = [back for body in embedded if (back := packets.signature(body))]
    return any(back.kind == Kind.PRIMARY_BINDING and key.verifies(back, data) for back in backs)


def encryption_key(certificate: Certificate, now: datetime) -> PublicKey:
    """The newest subkey of `certificate` to encrypt for. Raises BadData, and says why, for none.

    A key from the future is taken: a camera without network does not know the time.
    """
    name = f"key {certificate.fingerprint}"
    _unexpired(certificate, now)
    flaw = "has no encryption subkey"
    for subkey in sorted(certificate.subkeys, key=lambda s: s.key.created if s.key else 0)[::-1]:
        if not subkey.encrypts:
            continue
        if subkey.flaw:
            flaw = f"its encryption subkey {subkey.flaw}"
        elif subkey.expires <= now.timestamp():
            flaw = f"its encryption subkey expired on {date(subkey.expires)}"
        elif subkey.key and subkey.key.encrypts:
            return subkey.key
    raise BadData(name, flaw)


def _unexpired(certificate: Certificate, now: datetime) -> None:
    if certificate.expires <= now.timestamp():
        raise BadData(f"key {certificate.fingerprint}", f"expired on {date(certificate.expires)}")


def date(seconds: float) -> str | None:
    """The day of a time in seconds of the Unix epoch; None for never."""
    return None if seconds == inf else datetime.fromtimestamp(seconds, UTC).date().isoformat()


def why_not_signed(
    certificate: Certificate, signature: Signature, data: bytes, reader: str, now: datetime
) -> str | None:
    """Why `data` does not count as signed by `certificate` for `reader`; None where it does.

    A signature that names its intended recipients must name the fingerprint `reader`, or somebody
    passes on what was meant for another.
    """
    try:
        _unexpired(certificate, now)
    except BadData as error:
        return f"{error.thing} {error.reason}"
    if signature.kind == Kind.TEXT:
        data = re.sub(rb"\r?\n", b"\r\n", data)
    elif signature.kind != Kind.BINARY:
        return "signed in a way that is not for messages"
    signers = [certificate.primary] if certificate.flags & CAN_SIGN else []
    signers += [
        s.key
        for s in certificate.subkeys
        if s.key and s.flags & CAN_SIGN and not s.flaw and s.expires > now.timestamp()
    ]
    if not signature.understood or not any(key.verifies(signature, data) for key in signers):
        return "the signature is not valid"
    if _expiry(0, signature) <= now.timestamp():
        return "the signature has expired"
    meant = signature.hashed_parts.get(Subpacket.INTENDED_RECIPIENT, [])
    if meant and reader not in [fingerprint[1:].hex().upper() for fingerprint in meant]:
        return "it was meant for another reader"
    return None
