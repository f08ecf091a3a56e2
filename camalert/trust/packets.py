"""OpenPGP packets as bytes: their framing, version 4 signatures, and what a signature signs.

RFC 4880, sections 4.2, 5.2 and 11; RFC 9580 where it is stricter. Read here and not by a library,
because a signature is over bytes as they came, and a library that writes them anew changes them.
"""

import dataclasses
import hashlib
import struct
from collections.abc import Iterator

from camalert.errors import BadData

PKESK, SIGNATURE, SKESK, ONE_PASS, SECRET_KEY, PUBLIC_KEY, SECRET_SUBKEY = range(1, 8)
COMPRESSED, SED, MARKER, LITERAL, TRUST, USER_ID, PUBLIC_SUBKEY = range(8, 15)
USER_ATTRIBUTE, SEIPD, MDC, AEAD, PADDING = 17, 18, 19, 20, 21
IGNORED = frozenset({MARKER, TRUST, PADDING})

MOST = 500
"""Packets in one key or message; more is an attack."""

_STREAMED = frozenset({COMPRESSED, SED, LITERAL, SEIPD, AEAD})
"""Packets that may come in chunks or with no length at all."""


@dataclasses.dataclass(frozen=True)
class Packet:
    """One packet, without its header."""

    tag: int
    body: bytes


def split(data: bytes) -> Iterator[Packet]:
    """The packets in `data`, in order, but for those that say nothing (marker, trust, padding).

    Raises BadData when a packet is cut off, a length is not allowed for its tag, or there are more
    than `MOST` packets.
    """
    at = count = 0
    while at < len(data):
        count += 1
        if count > MOST or not data[at] & 0x80:
            raise BadData("OpenPGP", "too many packets" if count > MOST else "not OpenPGP data")
        try:
            if data[at] & 0x40:
                tag = data[at] & 0x3F
                body, at = _new_format(data, at + 1, tag)
            else:
                tag = data[at] >> 2 & 0x0F
                body, at = _old_format(data, at + 1, tag, data[at] & 3)
        except (IndexError, struct.error):
            raise BadData("OpenPGP", "a packet is cut off") from None
        if tag not in IGNORED and tag < 40:
            yield Packet(tag, body)


def _new_format(data: bytes, at: int, tag: int) -> tuple[bytes, int]:
    chunks, partial = [], True
    while partial:
        first = data[at]
        partial = 224 <= first < 255
        if partial:
            length, at = 1 << (first & 0x1F), at + 1
        elif first < 192:
            length, at = first, at + 1
        elif first < 224:
            length, at = (first - 192 << 8) + data[at + 1] + 192, at + 2
        else:
            length, at = struct.unpack_from(">I", data, at + 1)[0], at + 5
        if partial and tag not in _STREAMED:
            raise BadData("OpenPGP", f"a packet of tag {tag} in chunks")
        chunks.append(_take(data, at, length))
        at += length
    return (chunks[0] if len(chunks) == 1 else b"".join(chunks)), at


def _old_format(data: bytes, at: int, tag: int, kind: int) -> tuple[bytes, int]:
    if kind == 3:
        if tag not in _STREAMED:
            raise BadData("OpenPGP", f"a packet of tag {tag} without a length")
        return data[at:], len(data)
    size = 1 << kind
    length = int.from_bytes(_take(data, at, size), "big")
    at += size
    return _take(data, at, length), at + length


def _take(data: bytes, at: int, length: int) -> bytes:
    if at + length > len(data):
        raise BadData("OpenPGP", "a packet is cut off")
    return data[at : at + length]


def frame(tag: int, body: bytes) -> bytes:
    """`body` as a packet with a header of the new format, the only one mail relays take."""
    size = len(body)
    if size < 192:
        return bytes((0xC0 | tag, size)) + body
    if size < 8384:
        return bytes((0xC0 | tag, (size - 192 >> 8) + 192, size - 192 & 0xFF)) + body
    return struct.pack(">BBI", 0xC0 | tag, 0xFF, size) + body


def mpi(data: bytes) -> bytes:
    """`data` as a multiprecision integer: its length in bits, then itself without leading zeros."""
    data = data.lstrip(b"\0")
    bits = len(data) * 8 - (8 - data[0].bit_length()) if data else 0
    return struct.pack(">H", bits) + data


class Subpacket:
    """Types of signature subpackets (RFC 4880, 5.2.3.1; RFC 9580, 5.2.3.7)."""

    CREATED, EXPIRES, KEY_EXPIRES, ISSUER, FLAGS = 2, 3, 9, 16, 27
    EMBEDDED, ISSUER_FINGERPRINT, INTENDED_RECIPIENT = 32, 33, 35
    UNDERSTOOD = frozenset((*range(2, 8), 9, 11, 12, 16, *range(20, 36), 37, 39))


class Kind:
    """Types of signatures (RFC 4880, 5.2.1)."""

    BINARY, TEXT = 0x00, 0x01
    CERTIFICATIONS = frozenset(range(0x10, 0x14))
    SUBKEY_BINDING, PRIMARY_BINDING, DIRECT = 0x18, 0x19, 0x1F
    KEY_REVOCATION, SUBKEY_REVOCATION, CERTIFICATION_REVOCATION = 0x20, 0x28, 0x30


HASHES = {8: "sha256", 9: "sha384", 10: "sha512"}
"""The hashes that a signature may use; MD5, SHA-1 and RIPEMD-160 are too weak to count."""


@dataclasses.dataclass(frozen=True)
class Signature:
    """A version 4 signature. `hashed` are its own bytes that it signs, `mpis` the signature."""

    kind: int
    algorithm: int
    hash: int
    hashed: bytes
    left: bytes
    mpis: bytes
    hashed_parts: dict[int, list[bytes]]
    other_parts: dict[int, list[bytes]]
    understood: bool

    def signed(self, data: bytes) -> bytes:
        """All that is hashed when `data` is signed."""
        return b"".join((data, self.hashed, b"\x04\xff", struct.pack(">I", len(self.hashed))))

    def seconds(self, part: int) -> int:
        """The number in the hashed subpacket `part`, 0 where it is missing."""
        found = self.hashed_parts.get(part, [b""])[-1]
        return int.from_bytes(found[:4], "big")

    @property
    def created(self) -> int:
        """When it was made, in seconds of the Unix epoch."""
        return self.seconds(Subpacket.CREATED)

    @property
    def flags(self) -> int | None:
        """The key flags, None where it names none."""
        found = self.hashed_parts.get(Subpacket.FLAGS)
        return (found[-1][:1] or b"\0")[0] if found else None

    @property
    def issuer(self) -> str | None:
        """The signer's fingerprint, or else its key id (16 digits); None where it names neither."""
        for parts in (self.hashed_parts, self.other_parts):
            for fingerprint in parts.get(Subpacket.ISSUER_FINGERPRINT, []):
                return fingerprint[1:].hex().upper()
        for parts in (self.hashed_parts, self.other_parts):
            for key_id in parts.get(Subpacket.ISSUER, []):
                return key_id.hex().upper()
        return None

    def may_be_by(self, fingerprint: str) -> bool:
        """Whether it names this signer, or none at all (core's direct-key signatures)."""
        return self.issuer is None or fingerprint.endswith(self.issuer)


def signature(body: bytes) -> Signature | None:
    """The signature in a packet's `body`; None for versions other than 4, which do not count.

    Raises BadData when it is cut off.
    """
    if body[:1] != b"\x04":
        return None
    try:
        (hashed_size,) = struct.unpack_from(">H", body, 4)
        (other_size,) = struct.unpack_from(">H", body, 6 + hashed_size)
        left = 8 + hashed_size + other_size
        hashed, understood = _subpackets(_take(body, 6, hashed_size))
        other, _ = _subpackets(_take(body, 8 + hashed_size, other_size))
        _take(body, left, 3)
    except (IndexError, struct.error):
        raise BadData("OpenPGP", "a signature is cut off") from None
    return Signature(
        kind=body[1],
        algorithm=body[2],
        hash=body[3],
        hashed=body[: 6 + hashed_size],
        left=body[left : left + 2],
        mpis=body[left + 2 :],
        hashed_parts=hashed,
        other_parts=other,
        understood=understood,
    )


def _subpackets(data: bytes) -> tuple[dict[int, list[bytes]], bool]:
    """The subpackets by type, and whether all critical ones are of a type known here."""
    parts: dict[int, list[bytes]] = {}
    at, understood = 0, True
    while at < len(data):
        if (first := data[at]) < 192:
            length, at = first, at + 1
        elif first < 255:
            length, at = (first - 192 << 8) + data[at + 1] + 192, at + 2
        else:
            length, at = struct.unpack_from(">I", data, at + 1)[0], at + 5
        content = _take(data, at, length)
        kind = content[0]
        parts.setdefault(kind & 0x7F, []).append(content[1:])
        understood &= not kind & 0x80 or kind & 0x7F in Subpacket.UNDERSTOOD
        at += length
    return parts, understood


def key_bytes(body: bytes) -> bytes:
    """A public key's `body` as signatures and the fingerprint hash it."""
    return b"\x99" + struct.pack(">H", len(body)) + body


def user_id_bytes(packet: Packet) -> bytes:
    """A user id or attribute as certifications hash it."""
    mark = b"\xb4" if packet.tag == USER_ID else b"\xd1"
    return mark + struct.pack(">I", len(packet.body)) + packet.body


def fingerprint(body: bytes) -> str:
    """The version 4 fingerprint of a public key's `body`: 40 hex digits, upper case."""
    return hashlib.sha1(key_bytes(body), usedforsecurity=False).hexdigest().upper()
