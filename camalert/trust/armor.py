"""ASCII armor of OpenPGP (RFC 4880, section 6), with a CRC24 quick enough for pictures."""

import base64
import binascii
import re

from camalert.errors import BadData

POLYNOMIAL = 0x1864CFB
INITIAL = 0xB704CE

_BEGIN = re.compile(
    rb"^-----BEGIN PGP ([A-Z ]{3,30})-----[ \t]*\r?\n(?:[A-Za-z]+: .*\r?\n)*[ \t]*\r?\n",
    re.MULTILINE,
)
_CHECKSUM = re.compile(rb"(?:^|\n)=([A-Za-z0-9+/]{4})\s*\Z")


def crc24(data: bytes) -> int:
    """The CRC24 of RFC 4880, section 6.1, without a loop over the bytes.

    The message is a polynomial over GF(2), here one big integer. With the register's start value
    put in front it is folded: A * x^n + B becomes A * (x^n mod P) + B, at most 24 shifts of A for
    each halving, until what is left fits a machine word.
    """
    rest = (INITIAL << 8 * len(data)) ^ (int.from_bytes(data, "big") << 24)
    powers = [2]  # x^(2^k) mod P
    while 1 << len(powers) < rest.bit_length():
        powers.append(_remainder(_product(powers[-1], powers[-1])))
    while rest.bit_length() > 64:
        power = (rest.bit_length() - 1).bit_length() - 1
        high = rest >> (1 << power)
        rest ^= high << (1 << power)
        for bit in range(24):
            if powers[power] >> bit & 1:
                rest ^= high << bit
    return _remainder(rest)


def _product(a: int, b: int) -> int:
    product = 0
    for bit in range(b.bit_length()):
        if b >> bit & 1:
            product ^= a << bit
    return product


def _remainder(value: int) -> int:
    while (excess := value.bit_length() - 25) >= 0:
        value ^= POLYNOMIAL << excess
    return value


def armor(data: bytes, kind: str = "MESSAGE") -> bytes:
    """`data` armored as `PGP <kind>`: CRLF line ends, lines of 76 characters, and a checksum.

    The checksum is not optional: mail relays cut the body at its last `=` to be rid of one.
    """
    text = binascii.b2a_base64(data, newline=False)
    lines = [b"-----BEGIN PGP %s-----" % kind.encode(), b""]
    lines += [text[start : start + 76] for start in range(0, len(text), 76)]
    lines.append(b"=" + base64.b64encode(crc24(data).to_bytes(3, "big")))
    lines += [b"-----END PGP %s-----" % kind.encode(), b""]
    return b"\r\n".join(lines)


def unarmor(text: bytes) -> tuple[str, bytes]:
    """The kind (e.g. `MESSAGE`) and the bytes of the first armored block in `text`.

    The checksum may be missing. Raises BadData when there is no whole block, its base64 is not
    valid or the checksum differs.
    """
    begin = _BEGIN.search(text)
    end = text.find(b"\n-----END PGP %s-----" % begin[1], begin.end() - 1) if begin else -1
    if begin is None or end < 0:
        raise BadData("armor", "no whole OpenPGP block")
    body, checksum = text[begin.end() : end + 1], None
    if found := _CHECKSUM.search(body, max(0, len(body) - 80)):
        body, checksum = body[: found.start()], base64.b64decode(found[1])
    try:
        data = base64.b64decode(body.translate(None, b" \t\r\n"), validate=True)
    except ValueError as error:
        raise BadData("armor", f"not base64: {error}") from None
    if checksum is not None and crc24(data) != int.from_bytes(checksum, "big"):
        raise BadData("armor", "the checksum differs: the block was changed or cut")
    return begin[1].decode(), data
