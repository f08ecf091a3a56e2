"""Records as bytes and back: one JSON object on one line, every field held against its type."""

import dataclasses
import json
import math
import types
import typing
from collections.abc import Callable
from typing import Any

from camalert.errors import BadData
from camalert.records import TYPES, Record

LONGEST = 4096
"""A record's most bytes with its newline: what one write puts into a FIFO whole (PIPE_BUF)."""

DEEPEST = 200
"""A record's most lists and objects."""

_ENVELOPE = frozenset(field.name for field in dataclasses.fields(Record)) - {"extra"}
_FIELDS = {
    name: frozenset(field.name for field in dataclasses.fields(kind)) - {"extra"}
    for name, kind in TYPES.items()
}


def encode(record: Record) -> bytes:
    """The record as one line of JSON, newline included; fields that are None are left out.

    Raises BadData when the line would be longer than `LONGEST`.
    """
    names = _FIELDS.get(record.type, _ENVELOPE)
    tree = {"v": record.v, "type": record.type}
    tree.update((k, v) for k, v in vars(record).items() if k in names and v is not None)
    text = _ENCODER.encode(tree | record.extra)
    line = text.encode(errors="backslashreplace") + b"\n"  # half a surrogate pair: as JSON has it
    if len(line) > LONGEST:
        raise BadData(
            record.type, f"record of {len(line)} bytes, at most {LONGEST} go through the line"
        )
    return line


def decode(line: bytes) -> Record:
    """The record in `line`. What its type does not declare lands in `extra`.

    Raises BadData when the line is too long, no JSON object, or a declared field is missing or of
    another type than declared.
    """
    if len(line.rstrip(b"\n")) >= LONGEST:
        raise BadData("record", f"longer than {LONGEST} bytes")
    if line.count(b"[") + line.count(b"{") > DEEPEST:  # else what can be read could not be written
        raise BadData("record", "too many lists in it")
    try:
        tree = _DECODER.decode(line.decode())
    except UnicodeDecodeError:
        raise BadData("record", "not JSON, nor text in UTF-8") from None
    except (ValueError, RecursionError) as error:
        raise BadData("record", f"not JSON: {error}") from None
    if not isinstance(tree, dict) or not isinstance(tree.get("type"), str):
        raise BadData("record", "not a JSON object with a type")
    kind = TYPES.get(tree["type"], Record)
    known = _FIELDS.get(tree["type"], _ENVELOPE)
    values = {name: _checked(tree["type"], name, tree[name]) for name in tree if name in known}
    extra = {name: value for name, value in tree.items() if name not in known}
    try:
        return kind(**values, extra=extra)
    except TypeError:
        needed = [f.name for f in dataclasses.fields(kind) if f.default is dataclasses.MISSING]
        lacking = ", ".join(name for name in needed if name not in values and name != "extra")
        raise BadData(tree["type"], f"record lacks {lacking}") from None


def rehearse() -> None:
    """Write and read a record."""
    decode(encode(Record(type="", id="", time="", clock="", boot="", mono=0.0, source="")))


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text} is no number of JSON")
    return number


_ENCODER = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False)
_DECODER = json.JSONDecoder(parse_float=_finite, parse_constant=_finite)


def _texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def _number(value: Any) -> bool:
    return type(value) in (int, float)


def _numbers(value: Any) -> bool:
    return isinstance(value, list) and all(map(_number, value))


_CHECKS: dict[Any, Callable[[Any], bool]] = {
    str: lambda value: type(value) is str,
    int: lambda value: type(value) is int,
    bool: lambda value: type(value) is bool,
    float: _number,
    tuple[str, ...]: _texts,
    tuple[float, ...]: _numbers,
}
"""Every declared shape of a field, and how a value read from JSON is held against it."""


def _check_of(hint: Any) -> Callable[[Any], bool]:
    if not isinstance(hint, types.UnionType):
        return _CHECKS[hint]
    check = _CHECKS[typing.get_args(hint)[0]]
    return lambda value: value is None or check(value)


_CHECK_OF = {
    (name, field.name): _check_of(field.type)
    for name, kind in [("", Record), *TYPES.items()]
    for field in dataclasses.fields(kind)
    if field.name != "extra"
}


def _checked(name: str, field: str, value: Any) -> Any:
    fits = _CHECK_OF[name if name in TYPES else "", field]
    if not fits(value):
        raise BadData(name, f"record's {field} is not of its type: {value!r:.60}")
    return tuple(value) if isinstance(value, list) else value
