"""log-event as a process: it passes on first, and never waits for its database."""

import json
import select
import shutil
import signal
import sqlite3
import sys
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess, Popen

import pytest

from camalert.codec import encode
from camalert.records import ModeChanged, SystemClock, envelope

Run = Callable[..., CompletedProcess[bytes]]
Start = Callable[..., Popen[bytes]]


def changed(who: str = "anna", **more: object) -> bytes:
    stamp = envelope("mode", SystemClock())
    return encode(ModeChanged(**stamp, mode="off", was="alert", who=who, extra=more))


def stored(run: Run) -> list[bytes]:
    return run("list-events", "--json").stdout.splitlines(keepends=True)


def read_line(process: Popen[bytes]) -> bytes:
    """The next line, which must come on its own: the input is still open."""
    assert process.stdout
    assert select.select([process.stdout], [], [], 20)[0], "nothing came"
    return process.stdout.readline()


def give(process: Popen[bytes], data: bytes) -> None:
    assert process.stdin
    process.stdin.write(data)
    process.stdin.flush()


def test_every_record_is_passed_on_unchanged_and_stored(run: Run) -> None:
    data = changed() + changed("bert", later={"added": [1, None]})
    data += changed().replace(b"mode.changed", b"thing.new")
    done = run("log-event", data=data)
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout == data
    assert stored(run) == data.splitlines(keepends=True)


def test_a_record_that_comes_again_is_passed_on_and_not_stored_again(run: Run) -> None:
    data = changed()
    assert run("log-event", data=data + data).stdout == data + data
    assert run("log-event", data=data).stdout == data
    assert stored(run) == [data]


def test_a_record_by_hand_that_is_none(run: Run) -> None:
    done = run("log-event", data=b"rubbish\n")
    assert done.returncode == 65
    assert done.stderr.startswith(b"log-event: record: not JSON")
    assert run("list-events").returncode == 1


def test_a_record_comes_out_while_the_line_stays_open(start: Start) -> None:
    process, data = start("log-event"), changed()
    give(process, data)
    assert read_line(process) == data


def test_a_locked_database_holds_up_nothing_and_is_caught_up_with(
    run: Run, start: Start, tmp_path: Path
) -> None:
    first = changed("first")
    run("log-event", data=first)
    other = sqlite3.connect(tmp_path / "state/events.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    process = start("log-event")
    lines = [changed(f"{n}") for n in range(5)]
    for line in lines:
        give(process, line)
        assert read_line(process) == line
    assert process.stderr
    assert b"database is locked; the line goes on" in process.stderr.readline()
    other.execute("COMMIT")
    other.close()
    assert process.communicate(timeout=30)[0] == b""
    assert process.returncode == 0
    assert stored(run) == [first, *lines]


@pytest.mark.parametrize("how", [signal.SIGTERM, None])
def test_what_waits_is_stored_before_it_ends(run: Run, start: Start, how: int | None) -> None:
    process = start("log-event")
    lines = [changed(f"{n}") for n in range(300)]
    give(process, b"".join(lines))
    assert process.stdout
    assert [process.stdout.readline() for _ in lines] == lines
    if how:
        process.send_signal(how)
    process.communicate(timeout=30)
    assert process.returncode == 0
    assert len(stored(run)) == 300


def test_it_ends_with_its_reader_and_keeps_what_it_passed_on(run: Run, start: Start) -> None:
    process, data = start("log-event"), changed()
    give(process, data)
    read_line(process)
    assert process.stdout
    process.stdout.close()
    assert process.wait(30) == -signal.SIGPIPE
    assert stored(run) == [data]


def test_a_full_disk_stops_no_record_and_is_said(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COVERAGE_PROCESS_CONFIG", raising=False)  # its file would be cut off too
    limited = shutil.which("prlimit") or pytest.skip("prlimit (util-linux) is not here")
    data = changed()
    done = run(limited, "--fsize=2048", str(Path(sys.executable).parent / "log-event"), data=data)
    assert done.stdout == data
    assert done.returncode == 74
    assert b"1 events not stored" in done.stderr
    assert b"Traceback" not in done.stderr


def test_a_damaged_database_is_set_aside(run: Run, tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()
    (tmp_path / "state/events.db").write_bytes(b"\0" * 5000)
    data = changed()
    done = run("log-event", data=data)
    assert (done.returncode, done.stdout) == (0, data)
    assert b"set aside as" in done.stderr
    assert stored(run) == [data]
    assert (tmp_path / "state/events.db.corrupt-1").stat().st_size == 5000


@pytest.mark.parametrize("url", ["nonsense", "unheardof://x/y"])
def test_a_wrong_url_stops_no_record_and_is_said(
    run: Run, config_file: Callable[[str], Path], url: str
) -> None:
    config_file(f'[events]\ndatabase = "{url}"')
    data = changed()
    done = run("log-event", data=data)
    assert (done.returncode, done.stdout) == (78, data)
    assert b"log-event: events.database:" in done.stderr
    assert run("list-events").returncode == 78


def test_a_database_of_a_newer_version_is_left_alone(run: Run, tmp_path: Path) -> None:
    run("log-event", data=changed())
    with sqlite3.connect(tmp_path / "state/events.db") as other:
        other.execute("INSERT INTO schema_version VALUES (99, 'x')")
    other.close()
    data = changed()
    done = run("log-event", data=data)
    assert (done.returncode, done.stdout) == (78, data)
    assert b"newer camalert" in done.stderr
    done = run("list-events")
    assert (done.returncode, done.stdout) == (78, b"")


def test_another_database_by_url(
    run: Run, config_file: Callable[[str], Path], tmp_path: Path
) -> None:
    config_file(f'[events]\ndatabase = "sqlite:///{tmp_path}/else/where.db"')
    data = changed()
    run("log-event", data=data)
    assert stored(run) == [data]
    assert (tmp_path / "else/where.db").exists()
    assert json.loads(stored(run)[0])["who"] == "anna"


def loaded(run: Run, command: str, *words: str, data: bytes = b"") -> set[str]:
    """The packages that a command has imported at its end."""
    script = str(Path(sys.executable).parent / command)
    done = run(sys.executable, "-X", "importtime", script, *words, data=data)
    rows = done.stderr.decode().splitlines()
    return {row.rpartition("|")[2].strip().partition(".")[0] for row in rows}


def test_sqlalchemy_is_loaded_only_for_another_kind_of_database(
    run: Run, config_file: Callable[[str], Path], tmp_path: Path
) -> None:
    data = changed()
    assert {"sqlite3", "sqlalchemy"} & loaded(run, "log-event", data=data) == {"sqlite3"}
    assert "sqlalchemy" not in loaded(run, "list-events")
    assert stored(run) == [data]
    config_file(f'[events]\ndatabase = "sqlite:///{tmp_path}/other.db"')
    assert "sqlalchemy" not in loaded(run, "log-event", data=data)
    config_file('[events]\ndatabase = "unheardof://x/y"')
    assert "sqlalchemy" in loaded(run, "log-event", data=data)
