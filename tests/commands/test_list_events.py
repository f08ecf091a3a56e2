"""list-events as a process."""

import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from camalert.codec import encode
from camalert.records import AlarmRaised, ModeChanged, Record

Run = Callable[..., CompletedProcess[bytes]]


def stamp(id: str, time: datetime, source: str) -> dict[str, object]:
    text = time.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return {"id": id, "time": text, "clock": "set", "boot": "b", "mono": 1.0, "source": source}


NOW = datetime.now(UTC)
RECORDS: list[Record] = [
    ModeChanged(
        **stamp("a", datetime(2026, 11, 2, 10, tzinfo=UTC), "mode"),
        mode="alert",
        was="off",
        who="anna",
    ),
    AlarmRaised(
        **stamp("b", datetime(2026, 11, 3, 10, tzinfo=UTC), "alarm-panel"),
        cause="movement: hall",
        sensors=("hall",),
    ),
    AlarmRaised(**stamp("c", NOW - timedelta(hours=1), "alarm-panel"), cause="button", sensors=()),
]


@pytest.fixture
def listed(run: Run) -> Run:
    """Run list-events on a database that holds RECORDS, in UTC."""
    run("log-event", data=b"".join(map(encode, reversed(RECORDS))))
    return lambda *options: run("list-events", *options, TZ="UTC")


def test_a_table_oldest_first(listed: Run) -> None:
    done = listed("--until", "2026-11-03")
    assert done.returncode == 0
    assert done.stdout.decode().splitlines() == [
        "2026-11-02 10:00:00  mode.changed      mode         mode alert, was off, who anna",
        "2026-11-03 10:00:00  alarm.raised      alarm-panel  movement: hall",
    ]


def test_json_is_the_records_themselves(listed: Run) -> None:
    assert listed("--json").stdout == b"".join(map(encode, RECORDS))


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--since", "2h"], "c"),
        (["--since", "2026-11-03", "--until", "2026-11-03"], "b"),
        (["--until", "2026-11-03T10:00:00Z"], "a"),
        (["--since", "2026-11-03T10:00:00Z"], "bc"),
        (["--type", "alarm.*"], "bc"),
        (["--type", "alarm.raised", "--type", "mode.*"], "abc"),
        (["--source", "mode"], "a"),
        (["--limit", "1"], "c"),
        (["--limit", "1", "--until", "2026-11-03"], "b"),
    ],
)
def test_options_choose(listed: Run, options: list[str], expected: str) -> None:
    wanted = b"".join(encode(record) for record in RECORDS if record.id in expected)
    assert listed("--json", *options).stdout == wanted


def test_none_is_a_negative_answer(listed: Run) -> None:
    done = listed("--type", "no.such")
    assert (done.returncode, done.stdout, done.stderr) == (
        1,
        b"",
        b"list-events: no event matches\n",
    )


def test_no_database_is_said_and_none_is_made(run: Run, tmp_path: Path) -> None:
    done = run("list-events")
    assert (done.returncode, done.stdout) == (1, b"")
    assert b"nothing was ever logged" in done.stderr
    assert not (tmp_path / "state").exists()


@pytest.mark.parametrize("options", [["--since", "soon"], ["--limit", "0"], ["--until", ""]])
def test_what_is_no_time_or_number_is_refused(listed: Run, options: list[str]) -> None:
    done = listed(*options)
    assert (done.returncode, done.stdout) == (64, b"")


def test_a_damaged_database_is_said_and_left_alone(listed: Run, tmp_path: Path) -> None:
    database = tmp_path / "state/events.db"
    database.write_bytes(b"no database" * 500)
    done = listed()
    assert done.returncode == 74
    assert b"file is not a database" in done.stderr
    assert database.read_bytes() == b"no database" * 500


@pytest.mark.parametrize("command", ["log_event", "list_events"])
def test_help_loads_no_database(command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    code = (
        f"import sys; from camalert.commands.{command} import main\n"
        "try: main.main(['--help'])\n"
        "finally: assert not {'sqlalchemy', 'sqlite3'} & set(sys.modules)"
    )
    monkeypatch.delenv("COVERAGE_PROCESS_CONFIG", raising=False)  # it loads sqlite3 for itself
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "Example:" in done.stdout


def test_on_a_terminal_no_word_is_broken(run: Run, on_terminal: Run) -> None:
    cause = "movement: " + " and ".join(f"sensor-{n}" for n in range(9))
    alarm = AlarmRaised(**stamp("l", NOW, "alarm-panel"), cause=cause, sensors=())
    run("log-event", data=encode(alarm))
    assert run("list-events").stdout.count(b"\n") == 1
    shown = on_terminal("list-events").stdout.decode().splitlines()
    assert len(shown) > 1 and max(map(len, shown)) <= 80
    assert " ".join(" ".join(shown).split()).endswith(cause)
