import bz2
import struct
import zlib
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pgpy.constants import SymmetricKeyAlgorithm
from pgpy.packet.packets import IntegrityProtectedSKEDataV1

from camalert.errors import BadConfig, BadData
from camalert.trust import openpgp, packets
from camalert.trust.armor import armor
from camalert.trust.gate import encryption_key, examine, why_not_signed
from camalert.trust.keyring import Keyring
from camalert.trust.openpgp import OwnKey, PublicKey, decrypt, sign_and_encrypt
from camalert.trust.packets import Signature, frame

DATA = b"an inner entity\r\n" * 100


def reader(keyring: Keyring, now: datetime) -> PublicKey:
    return encryption_key(examine(keyring.own().public), now)


def sealed(plain: bytes, key: PublicKey, cipher: int = 9) -> bytes:
    """`plain` packets, encrypted as a stranger could."""
    session_key = bytes(range(SymmetricKeyAlgorithm(cipher).key_size // 8))
    holder: Any = IntegrityProtectedSKEDataV1()
    holder.encrypt(session_key, SymmetricKeyAlgorithm(cipher), plain)
    assert cipher == 9
    return key.wrap(session_key) + bytes(holder)


def literal(data: bytes) -> bytes:
    return frame(packets.LITERAL, b"b\0" + bytes(4) + data)


def test_the_key_made_is_what_core_expects(camera: Keyring) -> None:
    own = camera.own()
    found = list(packets.split(own.public))
    assert [p.tag for p in found] == [
        packets.PUBLIC_KEY,
        packets.USER_ID,
        packets.SIGNATURE,
        packets.PUBLIC_SUBKEY,
        packets.SIGNATURE,
    ]
    assert (found[0].body[0], found[0].body[5], found[3].body[5]) == (4, 22, 18)
    assert found[1].body == b"<camera@example.org>"
    assert OwnKey(own.secret).public == own.public


def test_what_is_sent_is_v3_session_keys_and_v1_data_in_new_headers(
    camera: Keyring, owner: Keyring, now: datetime
) -> None:
    keys = [reader(owner, now), reader(camera, now)]
    message = sign_and_encrypt(DATA, camera.own(), keys, now)
    found = list(packets.split(message))
    assert [(p.tag, p.body[0]) for p in found] == [(1, 3), (1, 3), (18, 1)]
    assert message == b"".join(frame(p.tag, p.body) for p in found)
    for keyring in (owner, camera):
        content = decrypt(message, keyring.own())
        assert content.data == DATA and content.problem is None
        assert content.signature is not None
        assert (content.signature.kind, content.signature.hash) == (0, 8)
        peer = examine(camera.own().public)
        mine = keyring.own().fingerprint
        assert why_not_signed(peer, content.signature, DATA, mine, now) is None


def test_gnupg_decrypts_and_verifies_for_each_reader(
    camera: Keyring, owner: Keyring, gpg: Any, tmp_path: Path, now: datetime
) -> None:
    public = gpg.make("second@example.org")
    gpg("--import", data=owner.own().secret)
    gpg("--import", data=camera.own().public)
    keys = [reader(owner, now), encryption_key(examine(public), now)]
    both = sign_and_encrypt(DATA, camera.own(), keys, now)
    for key in keys:
        message = sign_and_encrypt(DATA, camera.own(), [key], now)
        for data in (message, armor(message), both):
            plain, said = gpg.status("--decrypt", data=data)
            assert plain == DATA
            assert f"VALIDSIG {camera.own().fingerprint}" in said
            assert "DECRYPTION_OKAY" in said and "GOODMDC" in said
    listed = gpg.status("--list-packets", data=both)[1]
    assert listed.count("ENC_TO") == 2


@pytest.mark.parametrize(
    "words", [[], ["--throw-keyids"], ["-z", "0"], ["--compress-algo", "bzip2"]]
)
def test_a_message_by_gnupg_is_read(
    camera: Keyring, gpg: Any, now: datetime, words: list[str]
) -> None:
    """With --throw-keyids its session key is for key id 0, as core's are: the first trap."""
    name = f"writer{len(words)}{words[-1] if words else ''}@example.org".replace("-", "")
    public = gpg.make(name)
    gpg("--import", data=camera.own().public)
    message = gpg(
        *words, "-u", name, "-r", camera.own().fingerprint, "--sign", "--encrypt", data=DATA
    )
    wrapped = next(packets.split(message))
    assert (wrapped.body[1:9] == bytes(8)) == ("--throw-keyids" in words)
    content = decrypt(message, camera.own())
    assert content.data == DATA and content.signature
    assert why_not_signed(examine(public), content.signature, DATA, "", now) is None


def test_each_kind_of_signature_by_gnupg_is_checked(gpg: Any, camera: Keyring) -> None:
    """RSA, ECDSA, and a signing subkey; a hundred RSA ones, of which some begin with a zero."""
    gpg("--import", data=camera.own().public)
    for name, kind in (
        ("rsa@example.org", "rsa2048/cert,sign+rsa2048/encr"),
        ("ecdsa@example.org", "nistp256/cert,sign+nistp256/encr"),
        ("sub@example.org", "ed25519/cert+ed25519/sign"),
    ):
        peer = examine(gpg.make(name, kind))
        for n in range(40 if name.startswith("rsa") else 1):
            data = DATA + b"%d" % n
            signed = gpg("-u", name, "-z", "0", "--sign", data=data)
            parts = list(packets.split(signed))
            body = next(p.body for p in parts if p.tag == packets.SIGNATURE)
            signature = packets.signature(body)
            assert signature is not None
            when = datetime.now().astimezone()
            assert why_not_signed(peer, signature, data, "", when) is None, (name, n)
            assert why_not_signed(peer, signature, data + b"x", "", when)


def test_one_byte_changed_is_refused_wherever_it_is(
    camera: Keyring, owner: Keyring, now: datetime
) -> None:
    message = sign_and_encrypt(b"short", camera.own(), [reader(owner, now)], now)
    start = len(message) - len(frame(packets.SEIPD, list(packets.split(message))[1].body))
    refused = 0
    for at in range(len(message)):
        changed = bytearray(message)
        changed[at] ^= 1
        try:
            content = decrypt(bytes(changed), owner.own())
        except (BadData, BadConfig):
            refused += at >= start
        else:  # a key id, say, that nobody asks for
            assert at < start and content.data == b"short"
    assert refused == len(message) - start


def test_a_stranger_cannot_open_it(camera: Keyring, owner: Keyring, now: datetime) -> None:
    message = sign_and_encrypt(DATA, camera.own(), [reader(owner, now)], now)
    with pytest.raises(BadConfig, match="not encrypted for the key"):
        decrypt(message, camera.own())


def test_no_integrity_protection_is_refused(camera: Keyring, now: datetime) -> None:
    key = reader(camera, now)
    message = list(packets.split(sealed(literal(DATA), key)))
    bare = frame(1, message[0].body) + frame(packets.SED, message[1].body[1:])
    with pytest.raises(BadData, match="without integrity protection"):
        decrypt(bare, camera.own())


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (b"", "not an encrypted OpenPGP message"),
        (frame(packets.LITERAL, b"b\0" + bytes(4)), "not an encrypted OpenPGP message"),
        (frame(packets.LITERAL, b"") + frame(packets.SEIPD, b"\x01"), "not an encrypted"),
        (frame(packets.SEIPD, b"\x02" + bytes(60)), "version that is not supported"),
    ],
)
def test_what_is_no_encrypted_message(camera: Keyring, message: bytes, reason: str) -> None:
    with pytest.raises(BadData, match=reason):
        decrypt(message, camera.own())


def test_versions_and_algorithms_of_others_are_passed_over(camera: Keyring, now: datetime) -> None:
    others = frame(1, b"\x06" + bytes(30)) + frame(1, b"\x03" + bytes(8) + b"\x01" + bytes(20))
    others += frame(packets.SKESK, b"\x04" + bytes(20))
    content = decrypt(others + sealed(literal(DATA), reader(camera, now)), camera.own())
    assert (content.data, content.problem) == (DATA, "not signed")


def test_more_than_one_signature_is_none(camera: Keyring, now: datetime) -> None:
    signature = camera.own().sign(DATA, now)
    content = decrypt(sealed(literal(DATA) + signature * 2, reader(camera, now)), camera.own())
    assert (content.signature, content.problem) == (None, "more than one signature")
    third = frame(packets.SIGNATURE, b"\x03" + bytes(30))
    content = decrypt(sealed(literal(DATA) + third, reader(camera, now)), camera.own())
    assert (content.signature, content.problem) == (None, "signed in an unknown version")


@pytest.mark.parametrize("pieces", [b"", literal(b"a") + literal(b"b"), frame(11, b"b\0")])
def test_one_piece_of_data_or_none(camera: Keyring, now: datetime, pieces: bytes) -> None:
    with pytest.raises(BadData, match="no data, or more than one"):
        decrypt(sealed(pieces, reader(camera, now)), camera.own())


def raw_deflate(data: bytes) -> bytes:
    made = zlib.compressobj(wbits=-15)
    return made.compress(data) + made.flush()


@pytest.mark.parametrize(
    ("algorithm", "compress"),
    [(0, bytes), (1, raw_deflate), (2, zlib.compress), (3, bz2.compress)],
)
def test_compression_with_a_limit(
    camera: Keyring, now: datetime, algorithm: int, compress: Any
) -> None:
    def message(plain: bytes) -> bytes:
        body = bytes((algorithm,)) + compress(plain)
        return sealed(frame(packets.COMPRESSED, body), reader(camera, now))

    assert decrypt(message(literal(DATA)), camera.own()).data == DATA
    if algorithm:
        bomb = message(literal(bytes(openpgp.LARGEST + 1)))
        with pytest.raises(BadData, match="when decompressed"):
            decrypt(bomb, camera.own())


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"\x02" + zlib.compress(frame(packets.COMPRESSED, b"\0")), "more than once"),
        (b"\x02broken", "compression is broken"),
        (b"\x09", "unknown algorithm 09"),
    ],
)
def test_broken_compression(camera: Keyring, now: datetime, body: bytes, reason: str) -> None:
    with pytest.raises(BadData, match=reason):
        decrypt(sealed(frame(packets.COMPRESSED, body), reader(camera, now)), camera.own())


def test_a_cipher_other_than_aes_is_refused(
    camera: Keyring, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    message = sealed(literal(DATA), reader(camera, now))
    monkeypatch.setattr(OwnKey, "unwrap", lambda *_: (2, bytes(24)))
    with pytest.raises(BadData, match="cipher 2, not with AES"):
        decrypt(message, camera.own())


@given(st.binary(max_size=300))
def test_noise_as_a_message(data: bytes) -> None:
    own = OwnKey(_SECRET)
    with pytest.raises((BadData, BadConfig)):
        decrypt(data, own)


_SECRET = openpgp.make_key("noise@example.org", datetime(2026, 1, 1).astimezone())


def test_a_clock_that_runs_late_signs_no_earlier_than_the_key_was_made(camera: Keyring) -> None:
    signature = packets.signature(
        next(packets.split(camera.own().sign(DATA, datetime(1970, 1, 2).astimezone()))).body
    )
    made = struct.unpack(">I", next(packets.split(camera.own().public)).body[1:5])[0]
    assert signature is not None and signature.created == made


def test_a_secret_key_must_be_plain_and_of_the_right_kind(gpg: Any, make_key: Any) -> None:
    gpg("--passphrase", "x", "--quick-generate-key", "locked@example.org", "ed25519", "cert")
    words = ("--pinentry-mode", "loopback", "--passphrase", "x")
    with pytest.raises(BadData, match="has a passphrase"):
        OwnKey(gpg(*words, "--export-secret-keys", "locked@example.org"))
    with pytest.raises(BadData, match="not an Ed25519 key with an ECDH subkey"):
        OwnKey(bytes(make_key(subkey=False)))
    with pytest.raises(BadData, match="cannot be read"):
        OwnKey(frame(packets.SECRET_KEY, b"\x04" + bytes(4) + b"\x16\x09" + bytes(20)))


def test_key_material_that_is_not_well_formed() -> None:
    with pytest.raises(BadData, match="not a version 4 key"):
        PublicKey(b"\x03" + bytes(20))
    with pytest.raises(BadData, match="algorithm 99 is not supported"):
        PublicKey(b"\x04" + bytes(4) + b"\x63" + bytes(20))
    padded = b"\x04" + bytes(4) + b"\x01" + b"\x08\x00" + bytes(255) + b"\x01\x00\x01\x01"
    with pytest.raises(BadData, match="not well-formed"):
        PublicKey(padded)


def test_signatures_of_another_algorithm_or_hash_verify_nothing(
    camera: Keyring, now: datetime
) -> None:
    import dataclasses

    key = examine(camera.own().public).primary
    good = packets.signature(next(packets.split(camera.own().sign(DATA, now))).body)
    assert isinstance(good, Signature) and key.verifies(good, DATA)
    for changes in ({"hash": 2}, {"algorithm": 1}, {"algorithm": 99}, {"mpis": b""}):
        assert not key.verifies(dataclasses.replace(good, **changes), DATA)  # type: ignore[arg-type]
