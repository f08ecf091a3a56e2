import base64
import email
import re
from datetime import datetime, timedelta
from email import policy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from camalert.errors import BadConfig, BadData
from camalert.trust import autocrypt, packets
from camalert.trust.armor import unarmor
from camalert.trust.autocrypt import decrypt, encrypt, parse, seal, warm_up
from camalert.trust.keyring import Keyring, inspect
from camalert.trust.openpgp import OwnKey, make_key

TO = ["owner@example.org"]
PLAIN = b"""\
From: "Porch" <Camera@Example.org>
To: "Owner" <owner@example.org>
Date: Fri, 20 Nov 2026 11:00:00 +0000
Message-ID: <b1946ac9@localhost>
Subject: =?utf-8?q?Motion_in_the_hall?=
X-Extra: kept
 and folded
Bcc: hidden@example.org
Chat-Version: 1.0
MIME-Version: 1.0
Content-Type: text/plain; charset="utf-8"
Content-Transfer-Encoding: 8bit

Motion in the hall \xc3\xa9
"""


@pytest.fixture(params=["in a child", "here"], autouse=True)
def where(request: pytest.FixtureRequest) -> None:
    if request.param == "here":
        request.getfixturevalue("in_process")


def headers(mail: Any) -> list[str]:
    return [name.lower() for name in mail]


def test_outside_is_only_what_the_post_needs(
    camera: Keyring, owner: Keyring, now: datetime
) -> None:
    message = encrypt(PLAIN, camera, TO, now)
    assert message.count(b"\n") == message.count(b"\r\n")
    mail = email.message_from_bytes(message, policy=policy.default)
    assert headers(mail) == [
        "from",
        "date",
        "message-id",
        "mime-version",
        "to",
        "subject",
        "content-type",
    ]
    assert message.startswith(b"From: <camera@example.org>\r\n")
    assert b'\r\nTo: "hidden-recipients": ;\r\n' in message
    assert mail["Subject"] == "[...]"
    assert mail["Message-ID"] == "<b1946ac9@localhost>"
    for word in (b"Motion", b"Porch", b"Owner", b"X-Extra", b"owner@"):
        assert word not in message


def test_a_relays_rules_hold(camera: Keyring, owner: Keyring, now: datetime) -> None:
    """Two plain parts, version first, and armor that survives a cut at its last equals sign."""
    mail = email.message_from_bytes(encrypt(PLAIN, camera, TO, now), policy=policy.default)
    assert mail.get_content_type() == "multipart/encrypted"
    assert mail.get_param("protocol") == "application/pgp-encrypted"
    first, second = mail.iter_parts()
    assert first.get_content_type() == "application/pgp-encrypted"
    assert first.get_payload().strip() == "Version: 1"
    assert second.get_content_type() == "application/octet-stream"
    text = second.get_payload()
    body = text.removeprefix("-----BEGIN PGP MESSAGE-----").strip()
    assert body != text.strip()
    body = body.removesuffix("-----END PGP MESSAGE-----").rpartition("=")[0]
    found = list(packets.split(base64.b64decode(body)))
    assert [packet.tag for packet in found] == [packets.PKESK, packets.SEIPD]


def test_inside_are_all_headers_and_the_own_key(
    camera: Keyring, owner: Keyring, now: datetime
) -> None:
    opened = decrypt(encrypt(PLAIN, camera, TO, now), owner, now)
    assert (opened.signer, opened.problem) == (camera.own().fingerprint, None)
    assert opened.made == now
    entity = opened.entity
    assert entity.count(b"\n") == entity.count(b"\r\n")
    mail = email.message_from_bytes(entity, policy=policy.default)
    assert mail["From"].addresses[0].display_name == "Porch"
    assert mail["To"].addresses[0].addr_spec == "owner@example.org"
    assert mail["Subject"] == "Motion in the hall"
    assert mail["X-Extra"] == "kept and folded"
    assert mail["Message-ID"] == "<b1946ac9@localhost>"
    assert mail["Date"].datetime == datetime.fromisoformat("2026-11-20T11:00:00+00:00")
    assert "bcc" not in headers(mail)
    assert mail.get_all("Chat-Version") == ["1.0"]
    assert mail.get_content_type() == "text/plain"
    assert mail.get_param("protected-headers") == "v1"
    assert mail.get_param("hp") == "cipher"
    assert entity.endswith("Motion in the hall é\r\n".encode())
    fields = dict(part.split("=", 1) for part in mail["Autocrypt"].split("; "))
    assert fields["addr"] == "camera@example.org"
    assert fields["prefer-encrypt"] == "mutual"
    assert base64.b64decode(fields["keydata"]) == camera.own().public


def test_a_picture_arrives_byte_for_byte(camera: Keyring, owner: Keyring, now: datetime) -> None:
    jpeg = bytes(range(256)) * 1000
    mail = email.message.EmailMessage(policy=policy.SMTP)
    mail["From"], mail["To"] = "camera@example.org", "owner@example.org"
    mail.set_content("a picture")
    mail.add_attachment(jpeg, "image", "jpeg", filename="porch.jpg")
    opened = decrypt(encrypt(mail.as_bytes(), camera, [], now), owner, now)
    inner = email.message_from_bytes(opened.entity, policy=policy.default)
    assert inner.get_content_type() == "multipart/mixed" and inner.get_param("hp") == "cipher"
    assert next(inner.iter_attachments()).get_content() == jpeg


def test_what_is_missing_is_added(camera: Keyring, owner: Keyring, now: datetime) -> None:
    bare = b"From: camera@example.org\n\ntext"
    outer = encrypt(bare, camera, TO, now)
    mail = email.message_from_bytes(outer, policy=policy.default)
    entity = decrypt(outer, owner, now).entity
    inner = email.message_from_bytes(entity, policy=policy.default)
    assert mail["Message-ID"] == inner["Message-ID"]
    assert re.fullmatch(r"<[0-9a-f]{32}@localhost>", mail["Message-ID"])
    assert mail["Date"].datetime == inner["Date"].datetime == now
    assert inner["Chat-Version"] == "1.0"
    assert (
        inner["Content-Type"] == 'text/plain; charset="utf-8"; protected-headers="v1"; hp="cipher"'
    )


def test_recipients_come_from_the_message_or_the_caller(
    camera: Keyring, owner: Keyring, now: datetime
) -> None:
    second = OwnKey(make_key("second@example.org", now))
    camera.add(inspect(second.public, now))
    copied = PLAIN.replace(b"X-Extra: kept", b'Cc: "A, B" <second@example.org>\nX-Extra: kept')
    for message, to, count in (
        (copied, [], 2),
        (PLAIN, [], 1),
        (copied, ["second@example.org"], 1),
    ):
        message = message.replace(b"Bcc: hidden@example.org\n", b"")
        sealed = unarmor(encrypt(message, camera, to, now))[1]
        assert [p.tag for p in packets.split(sealed)].count(packets.PKESK) == count


def test_gnupg_reads_the_encrypted_part(
    camera: Keyring, owner: Keyring, gpg: Any, now: datetime
) -> None:
    gpg("--import", data=owner.own().secret)
    gpg("--import", data=camera.own().public)
    sealed = encrypt(PLAIN, camera, TO, now)
    plain, said = gpg.status("--decrypt", data=sealed)
    assert plain == decrypt(sealed, owner, now).entity
    assert f"VALIDSIG {camera.own().fingerprint}" in said


def test_all_of_the_recipients_or_none(camera: Keyring, owner: Keyring, now: datetime) -> None:
    with pytest.raises(BadConfig, match=r"nothing encrypted: stranger@example.org: no key"):
        encrypt(PLAIN, camera, ["owner@example.org", "stranger@example.org"], now)
    with pytest.raises(BadConfig, match=r"hidden@example.org: no key"):
        encrypt(PLAIN, camera, [], now)  # the Bcc counts


def test_no_own_key(owner: Keyring, now: datetime, tmp_path: Any) -> None:
    empty = Keyring(tmp_path / "empty")
    with pytest.raises(BadConfig, match="keyring make"):
        encrypt(PLAIN, empty, TO, now)
    with pytest.raises(BadConfig, match="keyring make"):
        decrypt(PLAIN, empty, now)


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (b"", "no blank line"),
        (b"From: a@example.org\n", "no blank line"),
        (b"From: a@example.org\nnot a header\n\n", "not a mail: 'not a header' is not a header"),
        (b"\nFrom: a@example.org\n\n", "not a mail: '' is not a header"),
        (b"# camalert\n\nAn alarm camera\n", "not a mail: '# camalert' is not a header"),
        (b"To: owner@example.org\n\ntext", "has not one sender"),
        (b"From: a@example.org, b@example.org\nTo: owner@example.org\n\n", "has not one sender"),
        (b"From: a@example.org\n\ntext", "is for nobody"),
        (b"From: a@example.org\nTo: nobody\n\ntext", "'nobody' is not an address"),
        (
            b"From: a@b.org\nTo: owner@example.org\nMessage-ID: <a b>\n\n",
            "Message-ID '<a b>' is not valid",
        ),
        (b"X: " + b"a" * autocrypt.HEADERS + b"\n\n", "no blank line"),
    ],
)
def test_malformed_mail_is_refused(
    camera: Keyring, owner: Keyring, now: datetime, message: bytes, reason: str
) -> None:
    with pytest.raises(BadData, match=reason):
        encrypt(message, camera, [], now)


@given(
    st.lists(
        st.tuples(st.from_regex(rb"[A-Z][a-z-]{0,9}", fullmatch=True), st.binary(max_size=20))
    ),
    st.binary(max_size=50),
)
@settings(max_examples=50)
def test_headers_are_kept_as_they_came(fields: list[tuple[bytes, bytes]], body: bytes) -> None:
    clean = [(name, value.translate(None, b"\r\n")) for name, value in fields]
    head = b"".join(name + b":" + value + b"\n" for name, value in [(b"X", b"y"), *clean])
    message = parse(head + b"\n" + body)
    assert list(message.fields) == [(b"X", b"y"), *clean] and message.body == body


def test_a_message_of_a_stranger_is_read_but_not_believed(
    camera: Keyring, owner: Keyring, now: datetime
) -> None:
    sealed = encrypt(PLAIN, camera, TO, now)
    owner.forget("camera@example.org")
    opened = decrypt(sealed, owner, now)
    assert opened.signer is None and b"Motion" in opened.entity
    assert opened.problem == (
        f"signed by a key that is not in the keyring: {camera.own().fingerprint}"
    )


def test_a_signature_by_a_key_that_has_expired(
    camera: Keyring, owner: Keyring, now: datetime, make_key_expiring: OwnKey
) -> None:
    owner.add(inspect(make_key_expiring.public, now), addresses=["aging@example.org"])
    reader = owner.readers(["camera@example.org"], now)[0].values()
    assert reader
    keys, _ = camera.readers(TO, now)
    sealed = seal(PLAIN, make_key_expiring, keys.values(), now)
    assert decrypt(sealed, owner, now).signer == make_key_expiring.fingerprint
    late = decrypt(sealed, owner, now + timedelta(days=20))
    assert late.signer is None and "expired on" in (late.problem or "")


@pytest.fixture
def make_key_expiring(make_key: Any) -> OwnKey:
    return OwnKey(bytes(make_key(expires=timedelta(days=110))))


def test_unsigned_is_said(camera: Keyring, owner: Keyring, gpg: Any, now: datetime) -> None:
    gpg("--import", data=owner.own().public)
    sealed = gpg("--armor", "-r", owner.own().fingerprint, "--encrypt", data=b"Subject: x\r\n\r\n")
    outer = encrypt(PLAIN, camera, TO, now)
    start, end = outer.index(b"-----BEGIN PGP"), outer.index(b"\r\n--", outer.index(b"-----END"))
    opened = decrypt(outer[:start] + sealed + outer[end:], owner, now)
    assert (opened.signer, opened.problem) == (None, "not signed")
    assert opened.entity == b"Subject: x\r\n\r\n"


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        (b"multipart/encrypted", b"multipart/mixed", "not encrypted"),
        (b"application/octet-stream", b"application/pdf", "no encrypted part"),
        (b"-----BEGIN PGP MESSAGE", b"-----BEGIN PGP SIGNATURE", "no whole OpenPGP block"),
        (b"PGP MESSAGE-----", b"PGP SIGNATURE-----", "holds a PGP SIGNATURE"),
    ],
)
def test_what_is_not_an_encrypted_message(
    camera: Keyring, owner: Keyring, now: datetime, old: bytes, new: bytes, reason: str
) -> None:
    sealed = encrypt(PLAIN, camera, TO, now)
    with pytest.raises(BadData, match=reason):
        decrypt(sealed.replace(old, new), owner, now)


def test_a_changed_byte_is_refused(camera: Keyring, owner: Keyring, now: datetime) -> None:
    sealed = encrypt(PLAIN, camera, TO, now)
    body = sealed.index(b"\r\n\r\n", sealed.index(b"BEGIN PGP")) + 4
    for at in range(body + 200, sealed.index(b"\r\n=", body), 97):
        changed = bytearray(sealed)
        changed[at] = ord("A") if changed[at] != ord("A") else ord("B")
        with pytest.raises((BadData, BadConfig)):
            decrypt(bytes(changed), owner, now)


def test_mail_that_nests_without_end_is_refused(camera: Keyring, now: datetime) -> None:
    head = b"Content-Type: multipart/encrypted; boundary=b\r\n\r\n"
    nest = b"".join(
        b"--b%s\r\nContent-Type: multipart/mixed; boundary=b%s\r\n\r\n" % (n, n)
        for n in (str(i).encode() for i in range(20000))
    )
    with pytest.raises((BadData, RecursionError)):
        decrypt(head + b"--b\r\n" + nest, camera, now)


def test_warm_up_says_what_will_be_missing(
    camera: Keyring, owner: Keyring, now: datetime, tmp_path: Any
) -> None:
    assert warm_up(camera, TO, now) == []
    assert warm_up(camera, ["x@example.org"], now) == [
        "x@example.org: no key; import it: camalert keyring import FILE"
    ]
    (problem,) = warm_up(Keyring(tmp_path / "empty"), [], now)
    assert "make one: camalert keyring make" in problem
