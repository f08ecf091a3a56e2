import base64
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from camalert.errors import BadData
from camalert.trust.armor import INITIAL, POLYNOMIAL, armor, crc24, unarmor


def by_table(data: bytes) -> int:
    """The textbook's CRC24: a table of 256 steps."""
    table = []
    for byte in range(256):
        value = byte << 16
        for _ in range(8):
            value = value << 1 ^ (POLYNOMIAL if value & 0x800000 else 0)
        table.append(value & 0xFFFFFF)
    crc = INITIAL
    for byte in data:
        crc = (crc << 8 & 0xFFFFFF) ^ table[crc >> 16 ^ byte]
    return crc


@given(st.binary(max_size=2000))
def test_crc_is_the_textbooks(data: bytes) -> None:
    assert crc24(data) == by_table(data)


@pytest.mark.parametrize("size", [0, 1, 2, 3, 8, 2047, 2048, 2049, 65536, 300_001])
def test_crc_at_sizes_around_its_folds(size: int) -> None:
    data = bytes(range(251)) * (size // 251 + 1)
    assert crc24(data[:size]) == by_table(data[:size])


def test_crc_of_the_check_string() -> None:
    assert crc24(b"123456789") == 0x21CF02


@given(st.binary(max_size=500), st.sampled_from(["MESSAGE", "PUBLIC KEY BLOCK"]))
def test_what_is_armored_comes_back(data: bytes, kind: str) -> None:
    assert unarmor(b"before\r\n" + armor(data, kind) + b"after") == (kind, data)
    assert unarmor(armor(data, kind).replace(b"\r\n", b"\n")) == (kind, data)


@given(st.binary(min_size=1, max_size=300))
def test_a_relay_that_cuts_at_the_last_equals_sign_still_reads_it(data: bytes) -> None:
    text = armor(data).decode()
    body = text.removeprefix("-----BEGIN PGP MESSAGE-----\r\n\r\n")
    assert body != text
    body = body.rstrip("\r\n").removesuffix("-----END PGP MESSAGE-----")
    assert base64.b64decode(body.rpartition("=")[0]) == data


def test_lines_are_short_and_end_in_crlf() -> None:
    text = armor(bytes(1000))
    assert max(map(len, text.split(b"\r\n"))) == 76
    assert text.count(b"\n") == text.count(b"\r\n")


def test_gpg_reads_it_and_is_read(gpg: object) -> None:
    data = bytes(range(256)) * 40
    theirs = gpg("--enarmor", data=data)  # type: ignore[operator]
    assert unarmor(theirs)[1] == data
    renamed = theirs.replace(b"ARMORED FILE", b"MESSAGE")
    ours = re.sub(rb"\s|-----[^-]+-----|Comment:.*", b"", renamed)
    assert ours == re.sub(rb"\s|-----[^-]+-----", b"", armor(data))
    assert gpg("--dearmor", data=armor(data)) == data  # type: ignore[operator]


def test_headers_and_a_missing_checksum_are_fine() -> None:
    head = b"-----BEGIN PGP MESSAGE-----\nVersion: x\nComment: y\n\n"
    text = head + b"aGVsbG8=\n-----END PGP MESSAGE-----"
    assert unarmor(text) == ("MESSAGE", b"hello")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"", "no whole OpenPGP block"),
        (b"-----BEGIN PGP MESSAGE-----\n\naGVsbG8=\n", "no whole OpenPGP block"),
        (
            b"-----BEGIN PGP MESSAGE-----\n\naGVsbG8=\n-----END PGP SIGNATURE-----",
            "no whole OpenPGP block",
        ),
        (b"-----BEGIN PGP MESSAGE-----\n\n!!!!\n-----END PGP MESSAGE-----", "not base64"),
        (
            b"-----BEGIN PGP MESSAGE-----\n\naGVsbG8=\n=AAAA\n-----END PGP MESSAGE-----",
            "checksum differs",
        ),
    ],
)
def test_what_is_not_armor_is_refused(text: bytes, reason: str) -> None:
    with pytest.raises(BadData, match=reason):
        unarmor(text)
