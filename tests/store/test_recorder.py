"""The thread between the line and the database."""

import threading
import time

import pytest

from camalert.errors import BadConfig, StorageFailed, TryAgain
from camalert.store import recorder
from camalert.store.recorder import Recorder


class Database:
    """Takes what it is given, or fails while told to; `gate` holds it up inside a call."""

    def __init__(self):
        self.stored, self.calls, self.failure = [], 0, None
        self.gate, self.entered = threading.Event(), threading.Event()
        self.gate.set()

    def add(self, records):
        self.calls += 1
        self.entered.set()
        assert self.gate.wait(30)
        if self.failure:
            raise self.failure
        self.stored.extend(records)


@pytest.fixture
def database():
    made = Database()
    yield made
    made.gate.set()
    made.failure = None


def until(condition):
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline, "never came true"
        time.sleep(0.002)


def test_records_are_stored_in_order_and_all_at_the_end(database, make):
    records = [make(f"{n}") for n in range(3 * recorder.BATCH + 7)]
    made = Recorder(database.add)
    for record in records:
        made.put(record)
    made.close(20)
    assert database.stored == records


def test_the_database_is_connected_to_before_the_first_record(database):
    made = Recorder(database.add)
    until(lambda: database.calls == 1)
    made.close(20)
    assert database.calls == 1


def test_who_puts_never_waits_and_what_is_too_much_is_dropped_and_said_once(database, make, caplog):
    database.gate.clear()
    made = Recorder(database.add, capacity=3)
    assert database.entered.wait(20)
    for n in range(10):
        made.put(make(f"{n}"))
    assert caplog.text.count("dropped") == 1
    database.gate.set()
    made.close(20)
    assert [record.id for record in database.stored] == ["0", "1", "2"]
    assert "7 events were dropped" in caplog.text


def test_a_failure_is_said_once_tried_again_and_its_end_said(database, make, caplog):
    database.failure = StorageFailed("events.db", "database is locked")
    made = Recorder(database.add, wait=0.001, longest=0.002)
    made.put(make())
    until(lambda: database.calls > 5)
    assert caplog.text.count("database is locked") == 1
    database.failure = None
    until(lambda: database.stored)
    made.close(20)
    assert database.stored == [make()]
    assert "works again; 0 events were dropped" in caplog.text


def test_a_failure_that_goes_on_is_said_again_after_an_hour(database, make, caplog):
    now = [0.0]
    database.failure = StorageFailed("events.db", "database is locked")
    made = Recorder(database.add, wait=0.001, longest=0.002, monotonic=lambda: now[0])
    made.put(make())
    until(lambda: database.calls > 3)
    now[0] = recorder.AGAIN
    until(lambda: caplog.text.count("database is locked") == 2)
    database.failure = None
    made.close(20)


def test_the_waits_grow_up_to_the_longest(database, make):
    waits = []
    made = Recorder(database.add, wait=1, longest=60)
    until(lambda: database.calls == 1)
    made._pause = waits.append
    database.failure = StorageFailed("events.db", "gone")
    made.put(make())
    until(lambda: len(waits) > 8)
    database.failure = None
    made.close(20)
    assert waits[:8] == [1, 2, 4, 8, 16, 32, 60, 60]


def test_an_error_nobody_thought_of_does_not_end_the_thread(database, make, caplog):
    database.failure = RuntimeError("a bug in a driver")
    made = Recorder(database.add, wait=0.001)
    made.put(make())
    until(lambda: database.calls > 2)
    database.failure = None
    made.close(20)
    assert database.stored == [make()]
    assert "RuntimeError: a bug in a driver" in caplog.text


def test_the_end_says_why_what_waits_could_not_be_stored(database, make, caplog):
    database.failure = TryAgain("events.db", "locked")
    made = Recorder(database.add, wait=60)
    made.put(make())
    made.put(make("a-2"))
    until(lambda: database.calls > 1)
    with pytest.raises(TryAgain, match="locked"):
        made.close(0.05)
    assert "2 events not stored" in caplog.text


def test_the_end_tries_once_more_what_waits_for_its_next_try(database, make):
    database.failure = TryAgain("events.db", "locked")
    made = Recorder(database.add, wait=3600)
    made.put(make())
    until(lambda: database.calls > 1)
    database.failure = None
    made.close(20)
    assert database.stored == [make()]


def test_the_end_waits_for_a_database_that_hangs_only_so_long(database, make):
    database.gate.clear()
    made = Recorder(database.add)
    made.put(make())
    with pytest.raises(StorageFailed, match=r"no answer in 0\.05 s"):
        made.close(0.05)


def test_the_end_does_not_wait_for_a_config_to_mend_itself(database, make):
    database.failure = BadConfig("events.database", "no such driver")
    made = Recorder(database.add, wait=3600)
    made.put(make())
    with pytest.raises(BadConfig):
        made.close(20)
    assert not made._thread.is_alive()
