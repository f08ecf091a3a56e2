"""Keys as people hand them over: armored, binary, an Autocrypt header, a contact's vCard."""

import base64
import re

from camalert.config import ADDRESS
from camalert.errors import BadData
from camalert.trust.armor import unarmor

LARGEST = 1 << 20
"""Bytes of a file with a key at most; a key with many signatures has some 100 kB."""

_VCARD_KEY = re.compile(
    rb"^KEY[^:\n]*:(?:data:[^,\n]*?;base64\\?,)?([A-Za-z0-9+/=]+)\s*$", re.M | re.I
)
_VCARD_EMAIL = re.compile(rb"^(?:[\w-]+\.)?EMAIL[^:\n]*:(?:mailto:)?([^\s]+)\s*$", re.M | re.I)
_AUTOCRYPT = re.compile(rb"\A\s*(?:Autocrypt:)?\s*addr=([^;\s]+)\s*;.*?keydata=", re.S | re.I)
_BASE64 = re.compile(rb"[A-Za-z0-9+/=\s]+")


def read_key(data: bytes) -> tuple[bytes, tuple[str, ...]]:
    """The binary key in `data`, and the addresses that came with it (none from a bare key).

    Raises BadData when there is no key, or more than one.
    """
    if len(data) > LARGEST:
        raise BadData("key", f"longer than {LARGEST} bytes")
    if data[:1] >= b"\x80":
        return data, ()
    if blocks := data.count(b"-----BEGIN PGP "):
        if blocks > 1:
            raise BadData("key", "more than one key", "hand them over one by one")
        kind, key = unarmor(data)
        if not kind.endswith("KEY BLOCK"):
            raise BadData("key", f"not a key but a PGP {kind}")
        return key, ()
    if b"BEGIN:VCARD" in data.upper():
        return _from_vcard(data)
    if header := _AUTOCRYPT.match(data):
        return _from_base64(data[header.end() :]), _addresses([header[1]])
    return _from_base64(data), ()


def _from_vcard(data: bytes) -> tuple[bytes, tuple[str, ...]]:
    if data.upper().count(b"BEGIN:VCARD") > 1:
        raise BadData("vCard", "more than one contact", "hand them over one by one")
    lines = re.sub(rb"\r?\n[ \t]", b"", data)
    found = _VCARD_KEY.search(lines)
    if not found:
        raise BadData("vCard", "holds no key")
    return _from_base64(found[1]), _addresses(_VCARD_EMAIL.findall(lines))


def _addresses(found: list[bytes]) -> tuple[str, ...]:
    addresses = [item.decode("ascii", "replace").lower() for item in found]
    for address in addresses:
        if not ADDRESS.fullmatch(address):
            raise BadData("key", f"{address!r:.80} is not an address")
    return tuple(dict.fromkeys(addresses))


def _from_base64(data: bytes) -> bytes:
    if not data.strip() or not _BASE64.fullmatch(data):
        raise BadData("key", "neither an OpenPGP key nor a vCard nor an Autocrypt header")
    try:
        return base64.b64decode(b"".join(data.split()), validate=True)
    except ValueError as error:
        raise BadData("key", f"not base64: {error}") from None


def vcard(address: str, name: str, key: bytes) -> bytes:
    """A contact (vCard 4.0, RFC 6350) that brings its key along, as Delta Chat reads and writes."""
    text = base64.b64encode(key).decode()
    lines = ["BEGIN:VCARD", "VERSION:4.0", f"EMAIL:{address}", f"FN:{name}"]
    lines += [f"KEY:data:application/pgp-keys;base64\\,{text}", "END:VCARD", ""]
    return "\r\n".join(lines).encode()
