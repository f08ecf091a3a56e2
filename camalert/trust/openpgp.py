"""The one door to PGPy: making a key, signing and encrypting, decrypting, checking a signature.

PGPy 0.6.0 is used for the keys and the arithmetic. Messages and certificates are taken apart in
`packets`, which keeps clear of its traps: it finds no session key for key id 0, stumbles over a
signature without an issuer, writes keys anew with other bytes, armors slowly, decrypts without an
integrity check and decompresses without a limit.
"""

import bz2
import dataclasses
import hashlib
import os
import struct
import warnings
import zlib
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from cryptography.hazmat.primitives import hashes
from pgpy import PGPUID, PGPKey
from pgpy.constants import (
    CompressionAlgorithm,
    EllipticCurveOID,
    HashAlgorithm,
    KeyFlags,
    PubKeyAlgorithm,
    SymmetricKeyAlgorithm,
)
from pgpy.packet import Packet as PGPyPacket
from pgpy.packet.packets import IntegrityProtectedSKEDataV1, PKESessionKeyV3, SignatureV4

from camalert.errors import BadConfig, BadData
from camalert.trust import packets
from camalert.trust.packets import Kind, Packet, Signature, Subpacket

warnings.filterwarnings("ignore", module=r"pgpy\.")  # old ciphers that are never used here

LARGEST = 32 << 20
"""Bytes of a decrypted message at most, after decompression."""

RSA_BITS = 2048
_SIGNS = frozenset({1, 3, 17, 19, 22})
_AES = frozenset({7, 8, 9})
_HASHES: dict[int, Any] = {8: hashes.SHA256, 9: hashes.SHA384, 10: hashes.SHA512}


class PublicKey:
    """One public key packet, primary or subkey.

    Raises BadData when it is no version 4 key of an algorithm known here, or not well-formed.
    """

    def __init__(self, body: bytes, tag: int = packets.PUBLIC_KEY) -> None:
        self.body = body
        self.fingerprint = packets.fingerprint(body)
        if body[:1] != b"\x04" or len(body) < 10:
            raise BadData(f"key {self.fingerprint}", "not a version 4 key")
        self.created: int = struct.unpack_from(">I", body, 1)[0]
        self.algorithm = body[5]
        try:
            self._packet: Any = PGPyPacket(bytearray(packets.frame(tag, body)))
            same = self._packet.fingerprint == self.fingerprint
        except Exception as error:  # PGPy raises whatever its parser stumbles over
            raise BadData(
                f"key {self.fingerprint}", f"algorithm {self.algorithm} is not supported ({error})"
            ) from None
        if not same:
            raise BadData(f"key {self.fingerprint}", "not well-formed")
        rsa = self.algorithm in (1, 2, 3)
        self._bits: int = self._packet.keymaterial.n.bit_length() if rsa else 0

    @property
    def weakness(self) -> str | None:
        """Why the key is too weak to be used, None where it is not."""
        if self._bits:
            return f"RSA of {self._bits} bits is too weak" if self._bits < RSA_BITS else None
        return {16: "ElGamal is too weak", 17: "DSA is too weak"}.get(self.algorithm)

    @property
    def encrypts(self) -> bool:
        """Whether its algorithm is one for encryption."""
        return self.algorithm in (1, 2, 18)

    def verifies(self, signature: Signature, data: bytes) -> bool:
        """Whether `signature` over `data` is this key's. A weak hash or a stranger's: False."""
        if signature.hash not in _HASHES or signature.algorithm not in _SIGNS:
            return False
        holder: Any = SignatureV4()
        try:
            holder.pubalg = signature.algorithm
            holder.signature.parse(bytearray(signature.mpis))
            given = bytes(holder.signature.__sig__())
            if self._bits:  # an MPI drops leading zeros, which RSA needs
                given = given.rjust((self._bits + 7) // 8, b"\0")
            hashed = _HASHES[signature.hash]()
            good = self._packet.verify(signature.signed(data), given, hashed)
        except Exception:  # an MPI out of range, another algorithm than the key's
            return False
        return good is True

    def wrap(self, session_key: bytes) -> bytes:
        """A PKESK packet (version 3) that gives `session_key` (AES-256) to the key's holder."""
        wrapped: Any = PKESessionKeyV3()
        wrapped.encrypter = bytearray.fromhex(self.fingerprint[-16:])
        wrapped.pkalg = self.algorithm
        wrapped.encrypt_sk(self._packet, SymmetricKeyAlgorithm.AES256, session_key)
        return bytes(wrapped)


def make_key(address: str, created: datetime) -> bytes:
    """A new secret key for `address`: Ed25519 to sign, Curve25519 to decrypt, one user id."""
    key: Any = PGPKey.new(PubKeyAlgorithm.EdDSA, EllipticCurveOID.Ed25519, created=created)
    key.add_uid(
        PGPUID.new(f"<{address}>"),
        usage={KeyFlags.Sign, KeyFlags.Certify},
        hashes=[HashAlgorithm.SHA256, HashAlgorithm.SHA512],
        ciphers=[SymmetricKeyAlgorithm.AES256, SymmetricKeyAlgorithm.AES128],
        compression=[CompressionAlgorithm.ZLIB, CompressionAlgorithm.Uncompressed],
        created=created,
    )
    subkey: Any = PGPKey.new(PubKeyAlgorithm.ECDH, EllipticCurveOID.Curve25519, created=created)
    usage = {KeyFlags.EncryptCommunications, KeyFlags.EncryptStorage}
    key.add_subkey(subkey, usage=usage, created=created)
    return bytes(key)


class OwnKey:
    """The camera's own secret key; `public` is what others get, always the same bytes.

    Raises BadData when `secret` is no unprotected Ed25519 key with an ECDH subkey.
    """

    def __init__(self, secret: bytes) -> None:
        self.secret = secret
        self._decrypters: list[Any] = []
        public, signer = [], None
        for packet in packets.split(secret):
            if packet.tag in (packets.SECRET_KEY, packets.SECRET_SUBKEY):
                key = _secret(packet)
                public.append(bytes(key.pubkey()))
                if packet.tag == packets.SECRET_KEY and key.pkalg == PubKeyAlgorithm.EdDSA:
                    self.fingerprint = str(key.fingerprint)
                    self._created = int(key.created.timestamp())
                    signer = key.keymaterial.__privkey__()
                elif key.pkalg == PubKeyAlgorithm.ECDH:
                    self._decrypters.append(key)
            else:
                public.append(packets.frame(packet.tag, packet.body))
        if signer is None or not self._decrypters:
            raise BadData("secret key", "not an Ed25519 key with an ECDH subkey")
        self._signer: Any = signer
        self.public = b"".join(public)

    def sign(self, data: bytes, now: datetime) -> bytes:
        """A signature packet (version 4, SHA-256) over `data`."""
        created = max(int(now.timestamp()), self._created)  # a clock that is not set runs late
        fingerprint = bytes.fromhex(self.fingerprint)
        parts = struct.pack(">BBI", 5, Subpacket.CREATED, created)
        parts += bytes((22, Subpacket.ISSUER_FINGERPRINT, 4)) + fingerprint
        hashed = struct.pack(">BBBBH", 4, Kind.BINARY, PubKeyAlgorithm.EdDSA, 8, len(parts)) + parts
        digest = hashlib.sha256(data)
        digest.update(hashed + b"\x04\xff" + struct.pack(">I", len(hashed)))
        made = self._signer.sign(digest.digest())
        issuer = bytes((9, Subpacket.ISSUER)) + fingerprint[-8:]
        body = hashed + struct.pack(">H", len(issuer)) + issuer + digest.digest()[:2]
        return packets.frame(
            packets.SIGNATURE, body + packets.mpi(made[:32]) + packets.mpi(made[32:])
        )

    def unwrap(self, wrapped: Packet) -> tuple[int, bytes] | None:
        """The cipher and the session key in a PKESK packet; None where it is for another key.

        The key id in it is not asked: core leaves it zero, so each subkey is tried.
        """
        if wrapped.body[:1] != b"\x03" or wrapped.body[9:10] != b"\x12":
            return None
        for key in self._decrypters:
            try:
                holder: Any = PGPyPacket(bytearray(packets.frame(packets.PKESK, wrapped.body)))
                cipher, session_key = holder.decrypt_sk(key)
                return int(cipher), bytes(session_key)
            except Exception:  # noqa: S112 (PGPy tells a wrong key by many exceptions)
                continue
        return None


def _secret(packet: Packet) -> Any:
    try:
        key: Any = PGPyPacket(bytearray(packets.frame(packet.tag, packet.body)))
        protected = key.protected
    except Exception as error:
        raise BadData("secret key", f"cannot be read: {error}") from None
    if protected:
        raise BadData("secret key", "has a passphrase", "export it without one")
    return key


def sign_and_encrypt(
    data: bytes, own: OwnKey, readers: Iterable[PublicKey], now: datetime
) -> bytes:
    """`data` signed by `own` and encrypted (AES-256, with MDC) for every one of `readers`.

    Not compressed: what is big here are JPEGs.
    """
    signed = b"".join(
        (
            packets.frame(
                packets.ONE_PASS,
                bytes((3, Kind.BINARY, 8, PubKeyAlgorithm.EdDSA))
                + bytes.fromhex(own.fingerprint[-16:])
                + b"\x01",
            ),
            packets.frame(packets.LITERAL, b"b\0" + struct.pack(">I", 0) + data),
            own.sign(data, now),
        )
    )
    session_key = os.urandom(32)
    sealed: Any = IntegrityProtectedSKEDataV1()
    sealed.encrypt(session_key, SymmetricKeyAlgorithm.AES256, signed)
    return b"".join([*(key.wrap(session_key) for key in readers), bytes(sealed)])


@dataclasses.dataclass(frozen=True)
class Content:
    """What was in a message: its data, and the one signature or why there is not one."""

    data: bytes
    signature: Signature | None
    problem: str | None


def decrypt(message: bytes, own: OwnKey) -> Content:
    """The content of `message`.

    Raises BadConfig when it is for none of the own keys; BadData when it is malformed, has no
    integrity protection or fails it, or is larger than `LARGEST` once decompressed.
    """
    *wrapped, sealed = list(packets.split(message)) or [Packet(0, b"")]
    if sealed.tag == packets.SED:
        raise BadData("message", "encrypted without integrity protection (MDC)")
    if sealed.tag != packets.SEIPD or any(
        packet.tag not in (packets.PKESK, packets.SKESK) for packet in wrapped
    ):
        raise BadData("message", "not an encrypted OpenPGP message")
    if sealed.body[:1] != b"\x01":
        raise BadData("message", "encrypted in a version that is not supported")
    keys = (own.unwrap(packet) for packet in wrapped if packet.tag == packets.PKESK)
    cipher, session_key = next((key for key in keys if key), (0, b""))
    if not session_key:
        raise BadConfig("message", f"not encrypted for the key {own.fingerprint}")
    if cipher not in _AES:
        raise BadData("message", f"encrypted with cipher {cipher}, not with AES")
    holder: Any = IntegrityProtectedSKEDataV1()
    holder.ct = sealed.body[1:]
    try:
        plain = holder.decrypt(session_key, SymmetricKeyAlgorithm(cipher))
    except Exception:
        raise BadData("message", "changed on its way: the integrity check fails") from None
    # The MDC packet, 22 bytes that have just been checked, is no part of a packet without a length.
    return _content(list(_decompressed(packets.split(bytes(plain[:-22])))))


def _decompressed(inside: Iterable[Packet]) -> Iterator[Packet]:
    for packet in inside:
        if packet.tag != packets.COMPRESSED:
            yield packet
            continue
        for inner in packets.split(_inflate(packet.body[:1], packet.body[1:])):
            if inner.tag == packets.COMPRESSED:
                raise BadData("message", "compressed more than once")
            yield inner


def _inflate(algorithm: bytes, data: bytes) -> bytes:
    try:
        if algorithm == b"\0":
            return data
        if algorithm in (b"\x01", b"\x02"):
            inflater = zlib.decompressobj(-15 if algorithm == b"\x01" else 15)
            inflated = inflater.decompress(data, LARGEST + 1)
        elif algorithm == b"\x03":
            inflated = bz2.BZ2Decompressor().decompress(data, LARGEST + 1)
        else:
            raise BadData("message", f"compressed by an unknown algorithm {algorithm.hex()}")
    except (zlib.error, OSError) as error:
        raise BadData("message", f"its compression is broken: {error}") from None
    if len(inflated) > LARGEST:
        raise BadData("message", f"larger than {LARGEST} bytes when decompressed")
    return inflated


def _content(inside: list[Packet]) -> Content:
    literals = [packet for packet in inside if packet.tag == packets.LITERAL]
    if len(literals) != 1 or len(literals[0].body) < 6:
        raise BadData("message", "holds no data, or more than one piece")
    body = literals[0].body
    data = body[6 + body[1] :]
    made = [packet for packet in inside if packet.tag == packets.SIGNATURE]
    if len(made) != 1:
        return Content(data, None, "more than one signature" if made else "not signed")
    signature = packets.signature(made[0].body)
    return Content(data, signature, None if signature else "signed in an unknown version")
