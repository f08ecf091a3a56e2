import base64

import pytest

from camalert.errors import BadData
from camalert.mail.outer import canonical, check

CASES = {
    "plain text": lambda m: m.replace(b"multipart/encrypted", b"text/plain"),
    "signed only": lambda m: m.replace(b"multipart/encrypted", b"multipart/signed"),
    "another protocol": lambda m: m.replace(b'"application/pgp-encrypted"', b'"application/x"'),
    "no armor": lambda m: m.replace(b"-----BEGIN PGP MESSAGE-----", b"Motion in the hall"),
    "cut off": lambda m: m[: len(m) // 2],
    "armor cut off": lambda m: m.replace(b"-----END PGP MESSAGE-----", b""),
    "words before the parts": lambda m: m.replace(b"\n\n--b0", b"\n\nMotion!\n--b0", 1),
    "words behind them": lambda m: m + b"Motion!\n",
    "words behind the armor": lambda m: m.replace(
        b"MESSAGE-----\n\n--b0--", b"MESSAGE-----\nM\n--b0--"
    ),
    "words in the first part": lambda m: m.replace(b"Version: 1", b"Version: 1\nMotion!"),
    "a third part": lambda m: m.replace(b"--b0--", b"--b0\n\nMotion!\n--b0--"),
    "words in the armor": lambda m: m.replace(
        b"-----END PGP", b"Motion in the hall!\n-----END PGP"
    ),
    "a signed message, armored": lambda m: m.replace(*_first_packet(b"\xc4")),
    "a literal packet, old format": lambda m: m.replace(*_first_packet(b"\xac")),
    "base64 that is none": lambda m: m.replace(base64.b64encode(b"\xc1\0\0"), b"A==="),
    "two Content-Type": lambda m: b"Content-Type: text/plain\n" + m,
    "two From": lambda m: b"From: <other@example.org>\n" + m,
    "no Message-ID": lambda m: m.replace(b"Message-ID:", b"X-ID:"),
    "an odd Message-ID": lambda m: m.replace(b"@localhost>", b"@local host>"),
    "no Date": lambda m: m.replace(b"Date:", b"X-Date:"),
    "no address in From": lambda m: m.replace(b"<camera@example.org>", b"camera"),
    "no boundary": lambda m: m.replace(b'boundary="b0"', b"x=y"),
    "a bare CR": lambda m: m.replace(b"[...]", b"[.\r.]"),
    "a dot at a line's start": lambda m: m.replace(b"Subject", b"..\nSubject"),
    "a line too long": lambda m: m.replace(b"[...]", b"x" * 1000),
    "bytes above ASCII": lambda m: m.replace(b"[...]", b"\xc3\xa4"),
    "nothing": lambda m: b"",
    "a head without end": lambda m: b"X: y\n" * 20000 + m,
}


def _first_packet(first: bytes) -> tuple[bytes, bytes]:
    return base64.b64encode(b"\xc1\0\0"), base64.b64encode(first + b"\0\0")


def test_an_encrypted_message_passes(message):
    outside = check(canonical(message("<a@localhost>")))
    assert (outside.message_id, outside.sender) == ("<a@localhost>", "camera@example.org")


@pytest.mark.parametrize("tag", [b"\xc1", b"\x84", b"\x85", b"\xc3", b"\x8c"])
def test_session_keys_in_both_formats_pass(message, tag):
    check(canonical(message().replace(*_first_packet(tag))))


def test_a_bare_sender_passes(message):
    changed = message().replace(b"<camera@example.org>", b"camera@example.org")
    assert check(canonical(changed)).sender == "camera@example.org"


@pytest.mark.parametrize("name", CASES)
def test_anything_else_is_refused(message, name):
    changed = CASES[name](message())
    assert changed != message("<x@y>")
    with pytest.raises(BadData):
        check(canonical(changed))


def test_too_long_is_refused(message, monkeypatch):
    monkeypatch.setattr("camalert.mail.outer.LARGEST", 100)
    with pytest.raises(BadData, match="too long"):
        check(canonical(message()))


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (b"From:", b"X-From:", "has no From header"),
        (b"From:", b"From: a@b.de\nFrom:", "has 2 From headers"),
        (b"@localhost>", b"@local host>", "its Message-ID '<.*@local host>' is not valid"),
        (b"<camera@example.org>", b"camera", "its From 'camera' holds no address"),
    ],
)
def test_what_is_wrong_with_the_headers_is_named(message, old, new, said):
    with pytest.raises(BadData, match=f"^message: {said}$"):
        check(canonical(message().replace(old, new, 1)))
