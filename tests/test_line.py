"""The loop of every stage: as a process between pipes, and in this process for its details."""

import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from camalert.codec import LONGEST, encode
from camalert.errors import BadData, CannotCreate, TryAgain, Unavailable
from camalert.line import BACKLOG, RecordLine, open_fifo, stage
from camalert.lock import hold_lock, is_held
from camalert.records import AlarmRaised, Record, envelope

PATIENCE = 30
PASS_ON = "cli.stage(cli.RecordLine(), lambda record: iter([record]))"
Tool = Callable[..., list[str]]


class Stopped:
    """Records of one length."""

    def now(self) -> datetime:
        return datetime(2026, 12, 1, tzinfo=UTC)

    def monotonic(self) -> float:
        return 1000.0


def alarm(cause: str = "test", **fields: Any) -> AlarmRaised:
    return AlarmRaised(**envelope("panel", Stopped()), cause=cause, sensors=(), **fields)


@contextmanager
def started(command: list[str]) -> Iterator[subprocess.Popen[bytes]]:
    pipe = subprocess.PIPE
    process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, bufsize=0)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def feed(process: subprocess.Popen[bytes], *records: Record) -> None:
    assert process.stdin
    process.stdin.write(b"".join(map(encode, records)))


def answer(process: subprocess.Popen[bytes]) -> dict[str, Any]:
    assert process.stdout
    ready, _, _ = select.select([process.stdout], [], [], PATIENCE)
    assert ready, "no answer"
    return json.loads(process.stdout.readline())  # type: ignore[no-any-return]


# As a process


def test_a_record_comes_out_before_the_next_goes_in(tool: Tool) -> None:
    with started(tool(PASS_ON)) as process:
        for cause in ("one", "two"):
            feed(process, alarm(cause))
            assert answer(process)["cause"] == cause
        _, said = process.communicate(timeout=PATIENCE)
        assert (process.returncode, said) == (0, b"")


def test_a_reader_that_died_ends_the_writer_though_nothing_comes_in(tool: Tool) -> None:
    with started(tool(PASS_ON)) as process:
        feed(process, alarm())
        answer(process)
        assert process.stdout and process.stderr
        process.stdout.close()
        assert process.wait(PATIENCE) == -signal.SIGPIPE
        assert process.stderr.read() == b""


@pytest.mark.parametrize("body", [PASS_ON, f"cli.peek(); {PASS_ON}"])
def test_it_ends_so_even_before_the_first_record(tool: Tool, body: str) -> None:
    with started(tool(f"cli.log.info('%s', 'warm'); {body}")) as process:
        assert process.stdout and process.stderr
        assert process.stderr.readline() == b"tool: warm\n"
        process.stdout.close()
        assert process.wait(PATIENCE) == -signal.SIGPIPE


def test_sigterm_lets_a_later_stage_drain_its_pipe(tool: Tool) -> None:
    with started(tool(PASS_ON)) as process:
        feed(process, alarm("one"))
        answer(process)
        process.send_signal(signal.SIGTERM)
        feed(process, alarm("two"))
        assert answer(process)["cause"] == "two"
        out, said = process.communicate(encode(alarm("three")), timeout=PATIENCE)
        assert json.loads(out)["cause"] == "three"
        assert (process.returncode, said) == (0, b"")


def test_the_drain_has_a_deadline(tool: Tool) -> None:
    with started(tool(f"lines.DRAIN = 0.2; {PASS_ON}")) as process:
        feed(process, alarm())
        answer(process)
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE) == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_a_first_stage_at_once(
    tool: Tool, tmp_path: Path, number: signal.Signals
) -> None:
    fifo = tmp_path / "events"
    listen = f"cli.stage(cli.RecordLine(listen=lines.Path({str(fifo)!r})), lambda r: iter([r]))"
    writer = open_fifo(fifo)
    with started(tool(f"lines.DRAIN = 1e9; {listen}")) as process:
        os.write(writer, encode(alarm("by FIFO")))
        assert answer(process)["cause"] == "by FIFO"
        process.send_signal(number)
        assert process.wait(PATIENCE) == 0
    os.close(writer)


def test_another_signal_does_not_end_it(tool: Tool) -> None:
    handler = "signal.signal(signal.SIGWINCH, lambda *_: None); lines.DRAIN = 0.0"
    with started(tool(f"{handler}; {PASS_ON}")) as process:
        feed(process, alarm())
        answer(process)
        process.send_signal(signal.SIGWINCH)
        feed(process, alarm("after"))
        assert answer(process)["cause"] == "after"


def test_what_is_no_record_is_said_and_skipped(tool: Tool) -> None:
    bad = [b"hello", b"[]", b'{"a":1}', b'{"type":"alarm.raised"}', b"x" * 200_000, b"\xff"]
    data = b"".join(line + b"\n" + encode(alarm(str(n))) for n, line in enumerate(bad))
    done = subprocess.run(tool(PASS_ON), input=data, capture_output=True, timeout=PATIENCE)
    assert [json.loads(line)["cause"] for line in done.stdout.splitlines()] == list("012345")
    assert done.returncode == 0
    *said, total = done.stderr.splitlines()
    assert len(said) == 3 and all(line.endswith(b"; skipped") for line in said)
    assert total == b"tool: 6 lines that are no record skipped in all"


def test_a_flood_of_what_is_no_record_is_only_counted(tool: Tool) -> None:
    data = b"no record\n" * 2500
    done = subprocess.run(tool(PASS_ON), input=data, capture_output=True, timeout=PATIENCE)
    assert done.returncode == 65
    assert done.stderr.splitlines()[3:] == [
        b"tool: 10 lines that are no record skipped so far",
        b"tool: 100 lines that are no record skipped so far",
        b"tool: 1000 lines that are no record skipped so far",
        b"tool: 2000 lines that are no record skipped so far",
        b"tool: standard input: holds no record (lines: 2500)",
    ]


@pytest.mark.parametrize(("data", "code"), [(b"hello\n", 65), (b"hello", 65), (b"\n \n", 0)])
def test_an_item_that_is_no_record_ends_with_65(tool: Tool, data: bytes, code: int) -> None:
    done = subprocess.run(tool(PASS_ON), input=data, capture_output=True, timeout=PATIENCE)
    assert done.returncode == code


def test_the_last_line_needs_no_newline(tool: Tool) -> None:
    data = encode(alarm())
    done = subprocess.run(tool(PASS_ON), input=data[:-1], capture_output=True, timeout=PATIENCE)
    assert done.stdout == data


def test_a_full_disk_below_a_stage_is_74(tool: Tool) -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            tool(PASS_ON),
            input=encode(alarm()),
            stdout=full,
            stderr=subprocess.PIPE,
            timeout=PATIENCE,
            check=False,
        )
    assert done.returncode == 74
    assert b"No space left" in done.stderr


def test_a_pipe_that_does_not_block_is_written_all_the_same(tool: Tool) -> None:
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    with subprocess.Popen(tool("cli.write_all(b'x' * 1_000_000)"), stdout=writer) as process:
        os.close(writer)
        with os.fdopen(reader, "rb") as end:
            assert len(end.read()) == 1_000_000
    assert process.returncode == 0


def test_many_writers_tear_no_record(tmp_path: Path) -> None:
    fifo = tmp_path / "events"
    reader = open_fifo(fifo)
    longest = alarm("x" * (LONGEST - len(encode(alarm("")))))
    assert len(encode(longest)) == LONGEST
    script = (
        "import os, sys\nfrom camalert.line import open_fifo\nfrom pathlib import Path\n"
        "fifo = open_fifo(Path(sys.argv[1])); os.set_blocking(fifo, True)\n"
        "for _ in range(50): os.write(fifo, bytes.fromhex(sys.argv[2]))"
    )
    words = [sys.executable, "-c", script, str(fifo), encode(longest).hex()]
    writers = [subprocess.Popen(words) for _ in range(3)]
    line = RecordLine(listen=fifo)
    causes = []
    for batch in line.batches(timeout=lambda: PATIENCE):
        assert batch, "the writers are stuck"
        causes += [record.extra.get("cause") or vars(record)["cause"] for record in batch]
        if len(causes) == 150:
            break
    assert set(causes) == {longest.cause} and line.rejected == 0
    assert [writer.wait(PATIENCE) for writer in writers] == [0, 0, 0]
    os.close(reader)


# In this process


@contextmanager
def piped(**options: Any) -> Iterator[tuple[RecordLine, int]]:
    """A line that reads a pipe, and the pipe's other end. It writes nowhere."""
    reader, writer = os.pipe()
    line = RecordLine(reads=False, **options)
    line._input, line._waits, line.first = reader, False, False
    try:
        yield line, writer
    finally:
        os.close(reader)


WHOLE = [encode(alarm(str(n))) for n in range(3)]
PIECES = st.lists(
    st.one_of(st.sampled_from([*WHOLE, b"\n", b"{}\n", b"{" * 5000]), st.binary(max_size=40)),
    max_size=8,
)


@given(PIECES, st.integers(1, 6000))
def test_the_same_records_come_however_the_bytes_are_cut(pieces: list[bytes], cut: int) -> None:
    data = b"".join(pieces)
    found = []
    for size in (cut, max(1, len(data))):
        line = RecordLine(reads=False)
        batches = []
        for start in range(0, len(data), size):
            line._buffer += data[start : start + size]
            batches += line._complete_lines()
        found.append((batches + line._complete_lines(b"\n"), line.accepted))
    assert found[0] == found[1]


def test_waking_and_waiting_yield_none() -> None:
    wake, ring = os.pipe()
    with piped() as (line, writer):
        records = line.records(wake=wake, timeout=lambda: 0.01)
        assert next(records) is None  # the timeout
        os.write(ring, b"x")
        assert next(records) is None
        os.read(wake, 1)
        os.write(writer, WHOLE[0])
        while (record := next(records)) is None:
            pass
        assert encode(record) == WHOLE[0]
        os.close(writer)
        assert list(records) == []
    os.close(wake)
    os.close(ring)


def test_head_is_read_before_the_input() -> None:
    with piped(head=WHOLE[0] + WHOLE[1][:10]) as (line, writer):
        os.write(writer, WHOLE[1][10:] + WHOLE[2])
        os.close(writer)
        assert [encode(record) for record in line.records() if record] == WHOLE


def test_a_fifo_that_is_full_holds_up_no_sensor_and_keeps_the_newest(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    fifo = open_fifo(tmp_path / "events")
    line = RecordLine(reads=False, to=tmp_path / "events")
    for n in range(2000):
        line.write(alarm(f"{n:04} {'x' * 200}"))
    assert line.waiting == BACKLOG
    assert 2 < len(caplog.records) < 12
    text = b""
    while line.waiting or select.select([fifo], [], [], 0)[0]:
        text += os.read(fifo, 1 << 20)
        line._flush()
    causes = [int(json.loads(row)["cause"][:4]) for row in text.splitlines()]
    assert causes[-BACKLOG:] == list(range(2000 - BACKLOG, 2000))
    assert causes[0] == 0 and causes == sorted(causes)
    os.close(fifo)


def test_what_waits_is_written_when_there_is_room(tmp_path: Path) -> None:
    fifo = open_fifo(tmp_path / "events")
    line = RecordLine(reads=False, to=tmp_path / "events")
    while not line.waiting:
        line.write(alarm("x" * 1000))
    records = line.records(timeout=lambda: None)
    os.read(fifo, 1 << 20)
    assert next(records) is None
    assert line.waiting == 0
    os.close(fifo)


def test_a_fifo_that_was_taken_away_is_made_anew(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    line = RecordLine(reads=False, to=tmp_path / "events")
    (tmp_path / "events").unlink()
    line.write(alarm())
    reader = open_fifo(tmp_path / "events")
    assert b"alarm.raised" in os.read(reader, LONGEST)
    assert "was taken away; made anew" in caplog.text
    os.close(reader)


def test_who_listens_at_a_fifo_that_was_taken_away_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("camalert.line.LOOK", 0.01)
    line = RecordLine(listen=tmp_path / "events")
    (tmp_path / "events").unlink()
    with pytest.raises(Unavailable, match=r"was taken away; start the line again"):
        list(line.records())


def test_that_nobody_reads_a_fifo_is_said_once_until_somebody_does(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    line = RecordLine(reads=False, to=tmp_path / "events", reader=tmp_path / "lock")
    for _ in range(3):
        line.write(alarm())
    assert caplog.text.count("no alarm line runs") == 1
    held = hold_lock(tmp_path / "lock", "reader")
    line.write(alarm())
    assert caplog.text.count("no alarm line runs") == 1
    os.close(held)
    line.write(alarm())
    assert caplog.text.count("no alarm line runs") == 2


def test_what_nobody_has_read_at_the_end_is_an_error(tmp_path: Path) -> None:
    line = RecordLine(reads=False, to=tmp_path / "events", reader=tmp_path / "lock")
    with pytest.raises(Unavailable, match=r"none runs: 2 records are lost; start alarm-line"), line:
        line.write(alarm())
        line.write(alarm())


def test_what_a_line_that_came_late_reads_is_not_lost(tmp_path: Path) -> None:
    line = RecordLine(reads=False, to=tmp_path / "events", reader=tmp_path / "lock")
    with line:
        line.write(alarm())
        held = hold_lock(tmp_path / "lock", "reader")
    os.close(held)


def test_an_error_is_not_hidden_by_what_nobody_has_read(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    line = RecordLine(reads=False, to=tmp_path / "events", reader=tmp_path / "lock")
    with pytest.raises(KeyError), line:
        line.write(alarm())
        raise KeyError
    assert "none runs: 1 record is lost" in caplog.text


def test_a_lock_has_one_holder_and_a_look_takes_it_from_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("camalert.lock.GLANCE", 0.01)
    assert not is_held(tmp_path / "lock")
    held = hold_lock(tmp_path / "lock", "reader")
    assert is_held(tmp_path / "lock")
    with pytest.raises(TryAgain, match="another reader runs"):
        hold_lock(tmp_path / "lock", "reader")
    os.close(held)
    assert not is_held(tmp_path / "lock")
    os.close(hold_lock(tmp_path / "lock", "reader"))


def test_a_fifo_is_for_its_owner_and_nothing_else_is_taken_for_one(tmp_path: Path) -> None:
    path = tmp_path / "run/events"
    os.close(open_fifo(path))
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    os.close(open_fifo(path))
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to(path)
    for wrong in ("file", "link", "file/below"):
        with pytest.raises(CannotCreate):
            open_fifo(tmp_path / wrong)


# stage


class Kept(RecordLine):
    """Hands out `given`, keeps what is written."""

    def __init__(self, *given: Record) -> None:
        super().__init__(reads=False)
        self.given, self.written = given, list[Record]()

    def records(self, **_: Any) -> Iterator[Record | None]:
        yield from (None, *self.given)

    def write(self, record: Record) -> None:
        encode(record)
        self.written.append(record)


@pytest.mark.parametrize("error", [BadData("picture", "torn"), KeyError("x"), OSError(5, "I/O")])
def test_a_record_that_fails_is_passed_on_with_its_error(error: Exception) -> None:
    def handle(record: Record) -> Iterator[Record]:
        yield record
        if vars(record)["cause"] == "bad":
            raise error

    line = Kept(alarm("bad"), alarm("good"))
    stage(line, handle)
    assert [vars(record)["cause"] for record in line.written] == ["bad", "bad", "good"]
    failed = line.written[1].error
    assert failed and failed.startswith("picture: torn" if isinstance(error, BadData) else "")
    assert line.written[2].error is None


def test_an_error_is_shortened_or_left_out_where_the_record_has_no_room() -> None:
    def handle(record: Record) -> Iterator[Record]:
        raise BadData("picture", "torn " * 100)
        yield record

    room = LONGEST - len(encode(alarm("")))
    tight, full = alarm("x" * (room - 100)), alarm("x" * room)
    line = Kept(alarm(), tight, full, alarm())
    stage(line, handle)
    assert [len(record.error or "") for record in line.written] == [200, len("failed"), 200]


def test_a_reader_that_left_ends_the_stage() -> None:
    class Gone(Kept):
        def write(self, record: Record) -> None:
            raise BrokenPipeError

    with pytest.raises(BrokenPipeError):
        stage(Gone(alarm()), lambda record: iter([record]))
