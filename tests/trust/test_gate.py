import struct
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pgpy.constants import HashAlgorithm, PubKeyAlgorithm

from camalert.errors import BadData
from camalert.trust import packets
from camalert.trust.gate import Certificate, encryption_key, examine, why_not_signed
from camalert.trust.openpgp import OwnKey
from camalert.trust.openpgp import make_key as make_own
from camalert.trust.packets import Packet, frame, mpi


def let_in(raw: bytes, now: datetime) -> Certificate:
    certificate = examine(raw)
    encryption_key(certificate, now)
    return certificate


def refused(raw: bytes, now: datetime, reason: str) -> None:
    with pytest.raises(BadData, match=reason):
        let_in(raw, now)


def cut(raw: bytes) -> list[Packet]:
    return list(packets.split(raw))


def joined(parts: list[Packet]) -> bytes:
    return b"".join(frame(p.tag, p.body) for p in parts)


def public(key: Any) -> bytes:
    return bytes(key.pubkey)


def test_a_good_key(make_key: Any, now: datetime) -> None:
    found = let_in(public(make_key(user="Owner <Owner@Example.org>")), now)
    assert found.addresses == ("owner@example.org",)
    assert found.expires == float("inf") and len(found.subkeys) == 1


def test_every_kind_of_key_that_gnupg_makes(gpg: Any, now: datetime) -> None:
    for n, kind in enumerate(
        (
            "ed25519/cert,sign+cv25519/encr",
            "rsa2048/cert,sign+rsa2048/encr",
            "nistp256/cert,sign+nistp256/encr",
        )
    ):
        assert let_in(gpg.make(f"k{n}@example.org", kind), now).addresses == (f"k{n}@example.org",)


@pytest.mark.parametrize("user", ["bare@example.org", "Name <bare@example.org>"])
def test_addresses_of_a_user_id(make_key: Any, now: datetime, user: str) -> None:
    assert let_in(public(make_key(user=user)), now).addresses == ("bare@example.org",)


def test_a_user_id_without_an_address(make_key: Any, now: datetime) -> None:
    assert let_in(public(make_key(user="Somebody")), now).addresses == ()


def test_expired(make_key: Any, now: datetime) -> None:
    raw = public(make_key(expires=timedelta(days=99)))
    refused(raw, now, "expired on 2026-11-19")
    let_in(raw, now - timedelta(days=2))


def test_expired_subkey(make_key: Any, now: datetime) -> None:
    raw = public(make_key(sub_expires=timedelta(days=99)))
    refused(raw, now, "encryption subkey expired on 2026-11-19")
    let_in(raw, now - timedelta(days=2))


def test_a_camera_that_does_not_know_the_time_takes_a_key_from_the_future(make_key: Any) -> None:
    let_in(public(make_key()), datetime(1970, 1, 1, tzinfo=UTC))


def test_revoked(make_key: Any, now: datetime) -> None:
    key = make_key()
    key |= key.revoke(key)
    refused(public(key), now, "is revoked")


def test_revoked_by_gnupg(gpg: Any, now: datetime) -> None:
    fingerprint = let_in(gpg.make("gone@example.org"), now).fingerprint
    certificate = gpg.home / f"openpgp-revocs.d/{fingerprint}.rev"
    text = certificate.read_text().split("\n:-----BEGIN")[1]
    gpg("--import", data=f"-----BEGIN{text}".encode())
    refused(gpg("--export", "gone@example.org"), now, "is revoked")


def test_revoked_subkey(make_key: Any, now: datetime) -> None:
    key = make_key()
    subkey = next(iter(key.subkeys.values()))
    subkey |= key.revoke(subkey)
    refused(public(key), now, "encryption subkey is revoked")


def test_a_revocation_that_is_a_forgery_condemns_too(make_key: Any, now: datetime) -> None:
    key = make_key()
    key |= key.revoke(key)
    parts = cut(public(key))
    forged = bytearray(parts[1].body)
    forged[-1] ^= 1
    parts[1] = Packet(packets.SIGNATURE, bytes(forged))
    refused(joined(parts), now, r"signature \(0x20\) over the key itself is not valid")


def test_what_strangers_sign_does_not_count(make_key: Any, now: datetime) -> None:
    key, stranger = make_key(), make_key(user="<stranger@example.org>")
    uid = key.userids[0]
    uid |= stranger.certify(uid)
    key |= stranger.revoke(key)
    let_in(public(key), now)


def test_unbound_subkey(make_key: Any, now: datetime) -> None:
    parts = cut(public(make_key()))
    refused(joined(parts[:-1]), now, "subkey [0-9A-F]{16} is not bound")
    strange = cut(public(make_key()))[-2:]
    refused(joined(parts + strange[:1]), now, "is not bound")
    refused(joined(parts + strange), now, "is not bound")  # bound to another key


def test_a_binding_that_is_not_valid(make_key: Any, now: datetime) -> None:
    parts = cut(public(make_key()))
    parts[3] = cut(public(make_key()))[3]
    refused(joined(parts), now, r"signature \(0x18\) over subkey [0-9A-F]{16} is not valid")


def test_a_self_signature_that_is_not_valid(make_key: Any, now: datetime) -> None:
    parts = cut(public(make_key()))
    parts[1] = Packet(packets.USER_ID, b"<mallory@example.org>")
    refused(joined(parts), now, r"signature \(0x13\) over a user id is not valid")


def test_no_self_signature(make_key: Any, now: datetime) -> None:
    parts = cut(public(make_key()))
    refused(joined([parts[0], parts[1], *parts[3:]]), now, "no valid self-signature")


def test_no_encryption_subkey(make_key: Any, now: datetime) -> None:
    refused(public(make_key(subkey=False)), now, "has no encryption subkey")


def test_only_a_signing_subkey(gpg: Any, now: datetime) -> None:
    raw = gpg.make("signs@example.org", "ed25519/cert+ed25519/sign")
    refused(raw, now, "has no encryption subkey")


def test_a_signing_subkey_must_sign_its_binding(gpg: Any, now: datetime) -> None:
    raw = gpg.make("unsigned@example.org", "ed25519/cert+ed25519/sign")
    parts = cut(raw)
    body = parts[-1].body
    (hashed,) = struct.unpack_from(">H", body, 4)
    (other,) = struct.unpack_from(">H", body, 6 + hashed)
    without = body[: 6 + hashed] + b"\0\0" + body[8 + hashed + other :]
    refused(joined([*parts[:-1], Packet(2, without)]), now, "has not signed its binding")


def test_too_weak_rsa(make_key: Any, now: datetime) -> None:
    key = make_key(algorithm=(PubKeyAlgorithm.RSAEncryptOrSign, 1024))
    refused(public(key), now, "RSA of 1024 bits is too weak")


def test_too_weak_hash(make_key: Any, now: datetime) -> None:
    refused(public(make_key(hash=HashAlgorithm.SHA1)), now, "hash that is too weak")


def test_a_subkey_bound_with_too_weak_a_hash(make_key: Any, now: datetime) -> None:
    from .conftest import add_subkey

    key = make_key(subkey=False)
    add_subkey(key, now, HashAlgorithm.SHA1)
    refused(public(key), now, "encryption subkey is bound with a hash that is too weak")


def test_a_subkey_of_an_unknown_algorithm(make_key: Any, now: datetime) -> None:
    own = OwnKey(make_own("x@example.org", now))
    parts = cut(own.public)
    unknown = parts[3].body[:5] + b"\x63" + parts[3].body[6:]
    binding = signed_by(own, 0x18, packets.key_bytes(parts[0].body) + packets.key_bytes(unknown))
    raw = joined([*parts[:3], Packet(packets.PUBLIC_SUBKEY, unknown), binding])
    refused(raw, now, "encryption subkey is of no use: algorithm 99 is not supported")


def test_the_newest_good_subkey_is_taken(make_key: Any, now: datetime) -> None:
    from .conftest import add_subkey

    key = make_key()
    newer = add_subkey(key, now - timedelta(days=1), HashAlgorithm.SHA256)
    chosen = encryption_key(examine(public(key)), now)
    assert chosen.fingerprint == str(newer.fingerprint)
    newer |= key.revoke(newer)
    chosen = encryption_key(examine(public(key)), now)
    assert chosen.fingerprint != str(newer.fingerprint)


def test_several_keys_or_other_things(make_key: Any, now: datetime) -> None:
    key = make_key()
    refused(public(key) + public(make_key()), now, "more than one key")
    refused(bytes(key), now, "not a public key")
    refused(public(key)[10:], now, "OpenPGP")
    refused(b"", now, "is empty")
    refused(frame(packets.MARKER, b"PGP"), now, "is empty")


def signed_by(own: OwnKey, kind: int, data: bytes, hashed: bytes = b"\x02\x1b\x0c") -> Packet:
    """A signature by `own` with no Issuer subpacket, only its fingerprint, as core's 0x1f are."""
    import hashlib

    parts = b"\x05\x02" + bytes.fromhex("6a000000")
    parts += b"\x16\x21\x04" + bytes.fromhex(own.fingerprint) + hashed
    head = struct.pack(">BBBBH", 4, kind, 22, 8, len(parts)) + parts
    digest = hashlib.sha256(data + head + b"\x04\xff" + struct.pack(">I", len(head))).digest()
    made = own._signer.sign(digest)
    return Packet(2, head + b"\0\0" + digest[:2] + mpi(made[:32]) + mpi(made[32:]))


def test_the_direct_key_signature_without_issuer_of_core(now: datetime) -> None:
    """The second trap: PGPy raises IndexError on it."""
    own = OwnKey(make_own("core@example.org", now))
    first, *rest = cut(own.public)
    direct = signed_by(own, 0x1F, packets.key_bytes(first.body), b"\x02\x1b\x03\x02\x1e\x09")
    raw = joined([first, direct, *rest])
    found = let_in(raw, now)
    assert found.raw == raw and found.addresses == ("core@example.org",)
    signature = packets.signature(next(packets.split(own.sign(b"x", now))).body)
    assert signature is not None
    assert why_not_signed(found, signature, b"x", "", now) is None


def test_a_key_without_user_ids_but_with_a_direct_signature(now: datetime) -> None:
    own = OwnKey(make_own("core@example.org", now))
    first, _, _, *subkey = cut(own.public)
    direct = signed_by(own, 0x1F, packets.key_bytes(first.body), b"\x02\x1b\x03")
    assert let_in(joined([first, direct, *subkey]), now).addresses == ()
    expiring = signed_by(
        own, 0x1F, packets.key_bytes(first.body), b"\x05\x09" + struct.pack(">I", 60)
    )
    refused(joined([first, expiring, *subkey]), now + timedelta(hours=1), "expired on")


def test_a_revoked_user_id_gives_no_address(now: datetime) -> None:
    own = OwnKey(make_own("old@example.org", now))
    first, user, certification, *subkey = cut(own.public)
    base = packets.key_bytes(first.body)
    revocation = signed_by(own, 0x30, base + packets.user_id_bytes(user))
    other = Packet(packets.USER_ID, b"<new@example.org>")
    certified = signed_by(own, 0x13, base + packets.user_id_bytes(other))
    raw = joined([first, user, certification, revocation, other, certified, *subkey])
    assert let_in(raw, now).addresses == ("new@example.org",)
    refused(joined([first, user, certification, revocation, *subkey]), now, "no valid self-sig")


def test_user_attributes_are_checked_and_give_nothing(now: datetime) -> None:
    own = OwnKey(make_own("photo@example.org", now))
    first, *rest = cut(own.public)
    photo = Packet(packets.USER_ATTRIBUTE, b"\x02\x01\x00")
    signed = signed_by(own, 0x13, packets.key_bytes(first.body) + packets.user_id_bytes(photo))
    assert let_in(joined([first, *rest[:2], photo, signed, *rest[2:]]), now).addresses == (
        "photo@example.org",
    )


def test_a_critical_part_that_is_not_understood(now: datetime) -> None:
    own = OwnKey(make_own("x@example.org", now))
    first, *rest = cut(own.public)
    direct = signed_by(own, 0x1F, packets.key_bytes(first.body), b"\x02\xe3\x00")
    refused(joined([first, direct, *rest]), now, "is not valid")


def why(own: OwnKey, hashed: bytes, now: datetime, kind: int = 0, data: bytes = b"x") -> str | None:
    signature = packets.signature(signed_by(own, kind, data, hashed).body)
    assert signature is not None
    return why_not_signed(examine(own.public), signature, data, "AB" * 20, now)


def test_why_a_message_does_not_count_as_signed(now: datetime, make_key: Any) -> None:
    own = OwnKey(make_own("x@example.org", now))
    assert why(own, b"", now) is None
    assert why(own, b"\x16\x23\x04" + b"\xab" * 20, now) is None
    assert why(own, b"\x16\x23\x04" + b"\xac" * 20, now) == "it was meant for another reader"
    assert why(own, b"\x05\x03\x00\x00\x00\x01", now) == "the signature has expired"
    assert why(own, b"\x02\xe3\x00", now) == "the signature is not valid"
    assert "not for messages" in (why(own, b"", now, kind=0x1F) or "")
    expired = examine(public(make_key(expires=timedelta(days=1))))
    signature = packets.signature(next(packets.split(own.sign(b"x", now))).body)
    assert signature is not None
    assert "expired on" in (why_not_signed(expired, signature, b"x", "", now) or "")
    stranger = examine(public(make_key()))
    assert why_not_signed(stranger, signature, b"x", "", now) == "the signature is not valid"


def test_text_is_signed_with_crlf(now: datetime) -> None:
    own = OwnKey(make_own("x@example.org", now))
    signature = packets.signature(signed_by(own, 0x01, b"a\r\nb\r\n").body)
    assert signature is not None
    assert why_not_signed(examine(own.public), signature, b"a\nb\r\n", "", now) is None


def test_elgamal_and_dsa_are_too_weak(gpg: Any, now: datetime) -> None:
    refused(gpg.make("dsa@example.org", "dsa2048/cert,sign+elg2048/encr"), now, "DSA is too weak")
    refused(
        gpg.make("elg@example.org", "ed25519/cert,sign+elg2048/encr"),
        now,
        "encryption subkey ElGamal is too weak",
    )
