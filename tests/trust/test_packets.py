import contextlib
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from camalert.errors import BadData
from camalert.trust import packets
from camalert.trust.packets import Packet, frame, mpi, split


@given(st.integers(1, 9), st.binary(max_size=300))
def test_a_framed_packet_comes_back(tag: int, body: bytes) -> None:
    assert list(split(frame(tag, body) * 2)) == [Packet(tag, body)] * 2


@pytest.mark.parametrize("size", [0, 191, 192, 8383, 8384, 70_000])
def test_every_form_of_length(size: int) -> None:
    body = bytes(size)
    assert list(split(frame(packets.LITERAL, body))) == [Packet(packets.LITERAL, body)]


def test_headers_of_the_old_format() -> None:
    data = b"\x99\x00\x03abc" + b"\xb4\x02de" + b"\xae" + struct.pack(">I", 1) + b"f"
    assert [(p.tag, p.body) for p in split(data)] == [(6, b"abc"), (13, b"de"), (11, b"f")]


def test_chunks_are_joined_and_no_length_means_the_rest() -> None:
    chunks = bytes((0xC0 | packets.LITERAL, 0xE1)) + b"ab" + b"\xe0c" + b"\x02de"
    assert list(split(chunks)) == [Packet(packets.LITERAL, b"abcde")]
    assert list(split(b"\xa3all the rest")) == [Packet(packets.COMPRESSED, b"all the rest")]


def test_packets_that_say_nothing_are_left_out() -> None:
    data = frame(packets.MARKER, b"PGP") + frame(packets.TRUST, b"x") + frame(60, b"private")
    assert list(split(data + frame(packets.USER_ID, b"u"))) == [Packet(packets.USER_ID, b"u")]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"hello", "not OpenPGP"),
        (b"\xcd\x05ab", "cut off"),
        (b"\xcd", "cut off"),
        (b"\xcd\xff\x00\x00", "cut off"),
        (b"\x99\x00", "cut off"),
        (b"\x9bwithout a length", "without a length"),
        (b"\xcd\xe1ab\x01c", "in chunks"),
        (b"\xcd\x00" * 501, "too many"),
        (b"\xca\x00" * 501, "too many"),
    ],
)
def test_what_is_malformed_is_refused(data: bytes, reason: str) -> None:
    with pytest.raises(BadData, match=reason):
        list(split(data))


@given(st.binary(max_size=200))
def test_nothing_but_bad_data_comes_of_noise(data: bytes) -> None:
    for parse in (lambda: list(split(data)), lambda: packets.signature(b"\x04" + data)):
        with contextlib.suppress(BadData):
            parse()


@pytest.mark.parametrize(
    ("number", "expected"),
    [(b"\0\0", b"\0\0"), (b"\0\x01", b"\0\x01\x01"), (b"\xff\0", b"\0\x10\xff\0")],
)
def test_mpi(number: bytes, expected: bytes) -> None:
    assert mpi(number) == expected


def subpacket(kind: int, content: bytes) -> bytes:
    return bytes((len(content) + 1, kind)) + content


def body(hashed: bytes, other: bytes = b"") -> bytes:
    head = struct.pack(">BBBBH", 4, 0, 22, 8, len(hashed)) + hashed
    return head + struct.pack(">H", len(other)) + other + b"\x12\x34" + mpi(b"\x01")


def test_a_signature_is_taken_apart() -> None:
    fingerprint = bytes(range(20))
    hashed = subpacket(2, struct.pack(">I", 1000)) + subpacket(33, b"\x04" + fingerprint)
    found = packets.signature(body(hashed, subpacket(16, fingerprint[-8:])))
    assert found is not None
    assert (found.created, found.flags, found.left) == (1000, None, b"\x12\x34")
    assert found.issuer == fingerprint.hex().upper()
    assert found.may_be_by(fingerprint.hex().upper())
    assert not found.may_be_by("0" * 40)
    assert found.signed(b"data").startswith(b"data\x04\x00\x16\x08")


def test_the_issuer_may_be_a_key_id_or_missing() -> None:
    named = packets.signature(body(b"", subpacket(16, b"\1" * 8)))
    assert named is not None and named.issuer == "01" * 8
    nameless = packets.signature(body(b""))
    assert nameless is not None and nameless.issuer is None and nameless.may_be_by("A" * 40)


def test_critical_subpackets_must_be_understood() -> None:
    for kind, understood in ((0x80 | 27, True), (0x80 | 99, False), (99, True)):
        found = packets.signature(body(subpacket(kind, b"\x0c")))
        assert found is not None and found.understood is understood


def test_long_subpackets() -> None:
    content = bytes(250)
    two = bytes((192, 251 - 192)) + b"\x14" + content
    five = b"\xff" + struct.pack(">I", 251) + b"\x14" + content
    found = packets.signature(body(two + five))
    assert found is not None and found.hashed_parts == {20: [content, content]}


def test_other_versions_do_not_count() -> None:
    assert packets.signature(b"\x03" + bytes(30)) is None
    with pytest.raises(BadData, match="cut off"):
        packets.signature(b"\x04\x00\x16\x08\xff\xff")
