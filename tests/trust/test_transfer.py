import base64
import contextlib
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from camalert.errors import BadData
from camalert.trust import transfer
from camalert.trust.armor import armor
from camalert.trust.autocrypt import autocrypt_header
from camalert.trust.openpgp import OwnKey, make_key
from camalert.trust.transfer import read_key, vcard

KEY = OwnKey(make_key("owner@example.org", datetime(2026, 1, 1).astimezone())).public
TEXT = base64.b64encode(KEY)


def folded(data: bytes) -> bytes:
    return b"\r\n ".join(data[start : start + 75] for start in range(0, len(data), 75))


@pytest.mark.parametrize(
    ("data", "addresses"),
    [
        (KEY, ()),
        (armor(KEY, "PUBLIC KEY BLOCK"), ()),
        (TEXT, ()),
        (folded(TEXT), ()),
        (b"Autocrypt: addr=Owner@Example.org; keydata=" + folded(TEXT), ("owner@example.org",)),
        (autocrypt_header("owner@example.org", KEY).encode(), ("owner@example.org",)),
        (vcard("owner@example.org", "Owner", KEY), ("owner@example.org",)),
        (
            b"BEGIN:VCARD\nVERSION:3.0\nitem1.EMAIL;TYPE=INTERNET:a@example.org\n"
            b"EMAIL:mailto:b@example.org\nKEY;TYPE=PGP;ENCODING=b:" + folded(TEXT) + b"\nEND:VCARD",
            ("a@example.org", "b@example.org"),
        ),
        (
            b"BEGIN:VCARD\r\n"
            + folded(b"KEY:data:application/pgp-keys;base64," + TEXT)
            + b"\r\nEND:VCARD\r\n",
            (),
        ),
    ],
)
def test_every_form_a_key_comes_in(data: bytes, addresses: tuple[str, ...]) -> None:
    assert read_key(data) == (KEY, addresses)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "neither an OpenPGP key"),
        (b"hello, here is my key\n", "neither an OpenPGP key"),
        (b"abcde", "not base64"),
        (armor(KEY), "not a key but a PGP MESSAGE"),
        (b"BEGIN:VCARD\nEMAIL:a@example.org\nEND:VCARD", "holds no key"),
        (vcard("a@example.org", "A", KEY) * 2, "more than one contact"),
        (armor(KEY, "PUBLIC KEY BLOCK") * 2, "more than one key; hand them over one by one"),
        (vcard("nobody", "A", KEY), "'nobody' is not an address"),
        (b"A" * (transfer.LARGEST + 1), "longer than"),
    ],
)
def test_what_is_no_key_is_refused(data: bytes, reason: str) -> None:
    with pytest.raises(BadData, match=reason):
        read_key(data)


@given(st.binary(max_size=300))
def test_noise_is_refused_or_left_to_the_gate(data: bytes) -> None:
    with contextlib.suppress(BadData):
        read_key(data)
