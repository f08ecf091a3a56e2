"""The codec: what is read can be written, what is written can be read, and nothing odd gets in."""

import dataclasses
import json
import math
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from camalert import clock
from camalert.codec import LONGEST, decode, encode
from camalert.errors import BadData
from camalert.records import (
    TYPES,
    AlarmRaised,
    PictureTaken,
    Record,
    SystemClock,
    clock_quality,
    envelope,
    new_id,
)

TEXT = st.text(max_size=30)
NUMBER = st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(2**53), 2**53)
VALUES: dict[Any, st.SearchStrategy[Any]] = {
    str: TEXT,
    int: st.integers(-(2**60), 2**60),
    bool: st.booleans(),
    float: NUMBER,
    tuple[str, ...]: st.lists(TEXT, max_size=3).map(tuple),
    tuple[float, ...]: st.lists(NUMBER, max_size=4).map(tuple),
}
JSON = st.recursive(
    st.none() | st.booleans() | NUMBER | st.text(st.characters(), max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)


def values_for(field: "dataclasses.Field[Any]") -> st.SearchStrategy[Any]:
    hints = getattr(field.type, "__args__", (field.type,))
    optional = type(None) in hints
    return st.none() | VALUES[hints[0]] if optional else VALUES[field.type]


@st.composite
def records(draw: st.DrawFn) -> Record:
    kind = draw(st.sampled_from(list(TYPES.values())))
    fields = [field for field in dataclasses.fields(kind) if field.name not in ("extra", "type")]
    values = {field.name: draw(values_for(field)) for field in fields}
    extra = draw(
        st.dictionaries(TEXT.filter(lambda name: not hasattr(kind, name)), JSON, max_size=3)
    )
    names = {field.name for field in dataclasses.fields(kind)}
    return kind(**values, extra={k: v for k, v in extra.items() if k not in names - {"extra"}})


@given(records())
def test_a_record_comes_back_as_it_was(record: Record) -> None:
    line = encode(record)
    assert line.endswith(b"\n") and line.count(b"\n") == 1
    assert decode(line) == record


@given(st.binary(max_size=200))
def test_no_bytes_do_more_than_bad_data(line: bytes) -> None:
    try:
        encode(decode(line))
    except BadData as error:
        assert "\n" not in str(error)


class Stopped:
    def __init__(self, now: datetime) -> None:
        self.time = now

    def now(self) -> datetime:
        return self.time

    def monotonic(self) -> float:
        return 12.345678


def tree(**changes: Any) -> dict[str, Any]:
    whole = json.loads(encode(alarm()))
    return {k: v for k, v in (whole | changes).items() if v is not ...}


def alarm(**fields: Any) -> AlarmRaised:
    stamp = envelope("panel", Stopped(datetime(2027, 1, 2, tzinfo=UTC)))
    return AlarmRaised(**stamp, cause="hall", sensors=("a",), **fields)


@given(JSON, st.sampled_from(["id", "time", "mono", "sensors", "attempt", "x", "error", "type"]))
def test_whatever_a_field_holds_it_is_refused_or_can_be_written_again(
    value: Any, name: str
) -> None:
    try:
        record = decode(json.dumps(tree(**{name: value})).encode())
    except BadData:
        return
    assert decode(encode(record)) == record


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"", "not JSON"),
        (b"alarm", "not JSON"),
        (b"[1]", "not a JSON object"),
        (b"null", "not a JSON object"),
        (b"{}", "with a type"),
        (b'{"type":7}', "with a type"),
        (
            b'{"type":"alarm.raised"}',
            "alarm.raised: record lacks id, time, clock, boot, mono, source, cause, sensors",
        ),
        (b'{"type":"made.up"}', "made.up: record lacks id, time, clock, boot, mono, source"),
        (b'{"type":"\xff"}', "not JSON, nor text in UTF-8"),
        ('{"type":"alarm.raised"}'.encode("utf-16"), "not JSON"),
        (b"[" * 4000, "too many lists"),
        (b'{"type":' + b"[" * 199, "not JSON"),
        (b" " * LONGEST + b"{}", "longer than 4096"),
        (json.dumps(tree(mono="1")).encode(), "mono is not of its type"),
        (json.dumps(tree(mono=math.nan)).encode(), "NaN is no number"),
        (json.dumps(tree(x=-math.inf)).encode(), "-Infinity is no number"),
        (json.dumps(tree(mono=0)).encode().replace(b'"mono": 0', b'"mono": 1e999'), "1e999 is no"),
        (json.dumps(tree(attempt=True)).encode(), "attempt is not"),
        (json.dumps(tree(attempt=None)).encode(), "attempt is not"),
        (json.dumps(tree(sensors="hall")).encode(), "sensors is not"),
        (json.dumps(tree(sensors=[1])).encode(), "sensors is not"),
        (json.dumps(tree(cause=...)).encode(), "cause"),
        (json.dumps(tree(type="made.up", id=1)).encode(), "id is not"),
    ],
)
def test_what_is_no_record_is_refused_with_a_reason(line: bytes, reason: str) -> None:
    with pytest.raises(BadData) as caught:
        decode(line)
    assert reason in str(caught.value) and caught.value.code == 65


def test_a_type_that_is_not_known_is_passed_on_whole() -> None:
    strange = tree(type="zone.armed", zone={"name": "attic"}, cause=3, error="odd")
    record = decode(json.dumps(strange).encode())
    assert type(record) is Record and record.error == "odd"
    assert json.loads(encode(record)) == strange


def test_a_field_that_is_not_known_is_passed_on() -> None:
    record = decode(json.dumps(tree(weather="rain")).encode())
    assert isinstance(record, AlarmRaised) and record.extra == {"weather": "rain"}
    assert json.loads(encode(record))["weather"] == "rain"


def test_half_a_surrogate_pair_is_passed_on_as_it_came() -> None:
    line = encode(decode(json.dumps(tree(note="\ud83d")).encode()))
    assert json.loads(line)["note"] == "\ud83d"
    line.decode("utf-8")


def test_null_stands_for_an_optional_field_that_is_not_there() -> None:
    record = decode(json.dumps(tree(error=None)).encode())
    assert record.error is None
    assert b"error" not in encode(record)


def test_a_record_may_fill_a_pipes_atomic_write_and_no_more() -> None:
    room = LONGEST - len(encode(alarm(error="")))
    line = encode(alarm(error="x" * room))
    assert len(line) == LONGEST
    assert encode(decode(line)) == line and encode(decode(line[:-1])) == line
    with pytest.raises(BadData, match="4097 bytes"):
        encode(alarm(error="x" * (room + 1)))
    with pytest.raises(BadData, match="longer than"):
        decode(line[:-1] + b" \n")


def test_lists_come_back_as_tuples() -> None:
    taken = PictureTaken(
        **envelope("porch", SystemClock()),
        alarm="a-1",
        part="porch-1",
        file="/run/x.jpg",
        kind="alarm",
        box=(1.0, 2, 3.5, 4),
    )
    assert decode(encode(taken)) == taken


def test_records_cannot_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        alarm().cause = "other"  # type: ignore[misc]


def test_ids_never_come_twice() -> None:
    ids = [new_id() for _ in range(1000)]
    assert len(set(ids)) == 1000 and ids == sorted(ids)


def test_the_envelope_says_when_on_which_clock_and_boot() -> None:
    made = envelope("porch", Stopped(datetime(2027, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)))
    assert made["time"] == "2027-01-02T03:04:05.678Z"
    assert (made["clock"], made["mono"], made["source"]) == ("set", 12.3457, "porch")
    assert made["boot"] == clock.BOOT and len(clock.BOOT) >= 7


@pytest.mark.parametrize(("offset", "quality"), [(0, "set"), (-1, "unset"), (-(10**9), "unset")])
def test_a_clock_before_the_release_is_not_set(offset: int, quality: str) -> None:
    assert clock_quality(clock.RELEASED + timedelta(seconds=offset)) == quality


def test_the_system_clock_is_in_utc_and_does_not_step_back() -> None:
    system = SystemClock()
    assert system.now().tzinfo is UTC
    assert system.monotonic() <= system.monotonic()
