"""The event database, on SQLite and on a real PostgreSQL."""

import errno
import json
import os
import random
import sqlite3
import stat
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from camalert.codec import decode
from camalert.config import Config, Paths
from camalert.config import Events as EventsConfig
from camalert.errors import BadConfig, StorageFailed
from camalert.records import Record
from camalert.store import events as store
from camalert.store import migrations, sqlite
from camalert.store.database import Damaged
from camalert.store.events import Events

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


def ids(found):
    return [event.id for event in found]


@pytest.fixture
def events(where):
    opened = Events(where)
    yield opened
    opened.close()


def test_a_record_comes_back_whole(events, make):
    record = make(extra={"added": {"later": ["ä", None]}})
    events.add([record])
    (event,) = events.find()
    assert decode(event.body.encode()) == record
    assert event[:4] == ("a-1", "2026-11-20T12:00:00.000Z", "alarm.raised", "panel")


def test_a_record_that_comes_twice_is_stored_once(events, make, caplog):
    events.add([make(), make("a-2")])
    events.add([make(attempt=2), make("a-3"), make("a-3")])
    assert ids(events.find()) == ["a-1", "a-2", "a-3"]
    assert json.loads(next(events.find()).body)["attempt"] == 1
    assert not caplog.records


def test_nothing_to_add_connects_and_makes_the_tables(events):
    events.add([])
    assert list(events.find()) == []


def test_events_come_oldest_first_whatever_offset_they_were_written_with(events, make):
    events.add(
        [
            make("late", "2026-11-20T12:00:00.002Z"),
            make("early", "2026-11-20T14:00:00.001+02:00"),
            make("whole", "2026-11-20T12:00:00Z"),
        ]
    )
    assert ids(events.find()) == ["whole", "early", "late"]


def test_what_is_asked_for(events, make):
    for n, (type, source) in enumerate(
        [
            ("alarm.raised", "panel"),
            ("alarm_x", "panel"),
            ("mode.changed", "mode"),
            ("ALARM.y", "p"),
        ]
    ):
        stamp = (NOON + timedelta(hours=n)).isoformat()
        fields = {"clock": "set", "boot": "b", "mono": n}
        events.add([Record(type=type, id=f"{n}", time=stamp, source=source, **fields)])
    assert ids(events.find(types=["alarm.raised"])) == ["0"]
    assert ids(events.find(types=["alarm_*"])) == ["1"]
    assert ids(events.find(types=["alarm.*", "mode.changed"])) == ["0", "2"]
    assert ids(events.find(types=["*"])) == ["0", "1", "2", "3"]
    assert ids(events.find(source="panel")) == ["0", "1"]
    assert ids(events.find(since=NOON + timedelta(hours=2))) == ["2", "3"]
    assert ids(events.find(until=NOON + timedelta(hours=2))) == ["0", "1"]
    assert ids(events.find(until=datetime(2026, 11, 20, 13))) == ["0"]
    assert ids(events.find(limit=2)) == ["2", "3"]
    assert ids(events.find(limit=1, until=NOON + timedelta(hours=2))) == ["1"]


def test_more_than_a_page_comes_whole_and_in_order(events, make, monkeypatch):
    monkeypatch.setattr(store, "PAGE", 7)
    made = [make(f"{n:03}", f"2026-11-20T12:00:0{n // 25}Z") for n in range(50)]
    random.Random(1).shuffle(made)
    events.add(made)
    assert ids(events.find()) == [f"{n:03}" for n in range(50)]


def test_hostile_values_are_stored(events, make):
    events.add(
        [
            make("half \ud800", source="nul \0", time="not a time"),
            make("x" * 3000, mono=10**400, clock="\x1b[2J"),
            make("nan", mono=float("nan")),
            make("'; DROP TABLE events; --"),
        ]
    )
    found = {event.id: event for event in events.find()}
    assert set(found) == {"half ?", "x" * 255, "nan", "'; DROP TABLE events; --"}
    assert found["half ?"].source == "nul ?"
    assert json.loads(found["half ?"].body)["source"] == "nul \0"
    datetime.fromisoformat(found["half ?"].time)


def test_what_the_database_refuses_does_not_stop_the_rest(events, make, monkeypatch, caplog):
    row = store._row

    def broken(record):
        return row(record) | ({"body": None} if record.id == "bad" else {})

    monkeypatch.setattr(store, "_row", broken)
    events.add([make("one"), make("bad"), make("two")])
    assert ids(events.find()) == ["one", "two"]
    assert "bad: refused by the database" in caplog.text


def test_two_that_start_at_once_both_store(where, make):
    others = [Events(where) for _ in range(4)]
    failures = []

    def store_one(number, events):
        for _ in range(5):  # on PostgreSQL one of two that make the tables is told to try again
            try:
                events.add([make(f"{number}")])
            except StorageFailed as error:
                failures.append(error)
            else:
                break
        events.close()

    threads = [threading.Thread(target=store_one, args=pair) for pair in enumerate(others)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    events = Events(where)
    assert ids(events.find()) == ["0", "1", "2", "3"], failures
    events.close()


def test_migrations_run_once_and_in_order(where, make, monkeypatch):
    old = Events(where)
    old.add([make()])
    old.close()
    more = ("ALTER TABLE events ADD seen INTEGER", "UPDATE events SET seen = 7")
    monkeypatch.setattr(migrations, "STEPS", (*migrations.STEPS, more))
    for _ in range(2):
        new = Events(where)
        new.add([make("a-2")])
        with new._connected() as database:
            seen = database.execute("SELECT seen FROM events ORDER BY id")
            versions = database.execute("SELECT version FROM schema_version ORDER BY 1")
            assert [version for (version,) in versions] == [1, 2]
        new.close()
        assert [value for (value,) in seen] == [7, None]


def test_a_migration_that_fails_leaves_the_database_as_it_was(where, make, monkeypatch):
    old = Events(where)
    old.add([make()])
    old.close()
    good = migrations.STEPS
    monkeypatch.setattr(migrations, "STEPS", (*good, ("DROP INDEX events_type", "NONSENSE")))
    broken = Events(where)
    with pytest.raises(StorageFailed, match=r"(?i)syntax error"):
        broken.add([make("a-2")])
    broken.close()
    monkeypatch.setattr(migrations, "STEPS", (*good, ("DROP INDEX events_type",)))
    mended = Events(where)
    mended.add([])
    assert ids(mended.find()) == ["a-1"]
    mended.close()


def test_a_database_of_a_newer_version_is_refused(where, make, monkeypatch):
    monkeypatch.setattr(migrations, "STEPS", (*migrations.STEPS, ("SELECT 1",)))
    new = Events(where)
    new.add([make()])
    new.close()
    monkeypatch.undo()
    old = Events(where)
    for attempt in (lambda: old.add([make("a-2")]), lambda: list(old.find())):
        with pytest.raises(BadConfig, match=r"newer camalert \(schema 2, known up to 1"):
            attempt()
    old.close()


def test_the_configured_database(tmp_path):
    config = Config(paths=Paths(state=str(tmp_path)))
    assert Events.configured(config).path == tmp_path / "events.db"
    config = Config(events=EventsConfig(f"sqlite:///{tmp_path}/other.db"))
    assert Events.configured(config).path == tmp_path / "other.db"
    config = Config(events=EventsConfig("sqlite+pysqlite:///other.db"))
    assert Events.configured(config).path == Path("other.db")
    assert Events.configured(Config(events=EventsConfig("postgresql://h/d"))).path is None


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("nonsense", "(?i)parse"),
        ("postgresql://host:port/name", "events.database"),
        ("unheardof://host/name", "unheardof"),
        ("mysql://host/name", "MySQLdb.*install its driver"),
        ("sqlite://", "names no SQLite file"),
        ("sqlite:///:memory:", "names no SQLite file"),
        ("sqlite:///events.db?mode=ro", "names no SQLite file"),
        ("sqlite+other:///events.db", "names no SQLite file"),
    ],
)
def test_a_url_that_leads_nowhere_is_a_matter_of_config(url, reason, make):
    events = Events(url)
    with pytest.raises(BadConfig, match=reason):
        events.add([make()])
    events.close()


def test_a_server_that_is_not_there_can_be_tried_again_and_its_password_is_not_said(make):
    pytest.importorskip("psycopg")
    with pytest.raises(StorageFailed) as caught:
        Events("postgresql+psycopg://me:secret@127.0.0.1:1/x").add([make()])
    assert "127.0.0.1" in str(caught.value)
    assert "secret" not in str(caught.value)


def test_a_server_that_was_restarted_is_connected_to_again(postgres, make):
    import psycopg

    folder = postgres.partition("host=")[2].partition("&")[0]
    events = Events(postgres + "postgres")
    events.add([make()])
    with psycopg.connect(host=folder, user="camalert", dbname="postgres", autocommit=True) as other:
        other.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE pid <> pg_backend_pid() AND datname = 'postgres'"
        )
    with pytest.raises(StorageFailed):
        events.add([make("a-2")])
    events.add([make("a-2")])
    assert ids(events.find()) == ["a-1", "a-2"]
    events.close()


@pytest.fixture
def path(tmp_path):
    return tmp_path / "state" / "events.db"


def test_the_sqlite_file_is_only_ours(path, make):
    events = Events(path)
    events.add([make()])
    modes = {item.name: stat.S_IMODE(item.stat().st_mode) for item in path.parent.iterdir()}
    assert modes == dict.fromkeys(("events.db", "events.db-wal", "events.db-shm"), 384)
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    events.close()
    with sqlite3.connect(path) as plain:
        assert plain.execute("PRAGMA journal_mode").fetchone() == ("wal",)


@pytest.mark.parametrize(("start", "garbage"), [(0, b"no database"), (4096, b"\xff")])
def test_a_damaged_file_is_set_aside_and_a_new_one_begun(path, make, caplog, start, garbage):
    events = Events(path)
    events.add([make(f"old-{n}") for n in range(300)])
    events.close()
    with path.open("r+b") as file:
        file.seek(start)
        file.write(garbage * 5000)
    events.add([make("new")])
    assert ids(events.find()) == ["new"]
    assert path.with_name("events.db.corrupt-1").exists()
    assert "corrupt-1" in caplog.text
    events.close()


def test_who_only_reads_touches_no_damaged_file(path):
    path.parent.mkdir()
    path.write_bytes(b"no database" * 500)
    with pytest.raises(Damaged, match="not a database"):
        list(Events(path).find())
    assert [item.name for item in path.parent.iterdir()] == ["events.db"]


def test_a_disk_that_damages_all_is_not_filled_with_copies(path, make):
    path.parent.mkdir()
    for number in range(1, 10):
        path.with_name(f"events.db.corrupt-{number}").write_bytes(b"")
    path.write_bytes(b"no database" * 500)
    with pytest.raises(StorageFailed, match="check the disk"):
        Events(path).add([make()])


def test_a_folder_that_cannot_be_made_is_a_failure_to_try_again(tmp_path, make):
    (tmp_path / "state").write_bytes(b"a file")
    events = Events(tmp_path / "state" / "events.db")
    with pytest.raises(StorageFailed, match=r"exists|directory"):
        events.add([make()])
    (tmp_path / "state").unlink()
    events.add([make()])
    assert ids(events.find()) == ["a-1"]
    events.close()


def test_the_log_that_another_holds_open_goes_with_the_damaged_file(path, make):
    events = Events(path)
    events.add([make("old")])
    other = sqlite3.connect(path)
    other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    events.close()
    path.write_bytes(b"no database" * 500)
    events.add([make("new")])
    assert path.with_name("events.db.corrupt-1-wal").exists()
    other.close()
    assert ids(events.find()) == ["new"]
    events.close()


def test_a_damaged_file_is_closed_before_it_is_set_aside(path, make, monkeypatch):
    path.parent.mkdir()
    path.write_bytes(b"no database" * 500)
    rename = Path.rename

    def watched(self, target):
        assert str(path) not in map(os.path.realpath, Path("/proc/self/fd").iterdir())
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", watched)
    events = Events(path)
    events.add([make()])
    assert ids(events.find()) == ["a-1"]
    events.close()


def test_a_damaged_file_that_cannot_be_set_aside_stays(path, make, monkeypatch):
    path.parent.mkdir()
    path.write_bytes(b"no database" * 500)

    def read_only(*_):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr(Path, "rename", read_only)
    with pytest.raises(StorageFailed, match="Read-only"):
        Events(path).add([make()])
    assert path.exists()


def test_a_lock_is_waited_for_and_then_said(path, make, monkeypatch):
    monkeypatch.setattr(sqlite, "BUSY", 0.05)
    events = Events(path)
    events.add([make()])
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StorageFailed, match="locked"):
        events.add([make("a-2")])
    other.execute("ROLLBACK")
    other.close()
    events.add([make("a-2")])
    assert ids(events.find()) == ["a-1", "a-2"]
    events.close()


def test_a_file_that_was_removed_while_open_is_made_again(path, make):
    events = Events(path)
    events.add([make()])
    for item in list(path.parent.iterdir()):
        item.unlink()
    events.add([make("a-2")])
    other = Events(path)
    assert ids(other.find()) == ["a-2"]
    other.close()
    events.close()
