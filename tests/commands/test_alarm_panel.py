"""alarm-panel as a process: its two ways in, its notes, its lock."""

import json
import os
import signal
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess, Popen

import pytest

from camalert.codec import encode
from camalert.records import PirAgreed, SystemClock, envelope

Run = Callable[..., CompletedProcess[bytes]]
Start = Callable[..., Popen[bytes]]


def agreed() -> bytes:
    stamp = envelope("pirs", SystemClock())
    return encode(PirAgreed(**stamp, sensors=("hall", "stairs")))


def test_a_trigger_piped_in_comes_out_with_its_alarm(run: Run, tmp_path: Path) -> None:
    done = run("alarm-panel", data=agreed())
    alarm, trigger = map(json.loads, done.stdout.splitlines())
    assert done.returncode == 0
    assert (trigger["type"], alarm["type"]) == ("pir.agreed", "alarm.raised")
    assert alarm["cause"] == "movement: hall and stairs"
    assert (tmp_path / f"spool/notes/{alarm['id']}.note").exists()


def test_what_a_killed_panel_noted_comes_first_after_its_start(run: Run, start: Start) -> None:
    panel = start("alarm-panel")
    assert panel.stdin
    assert panel.stdout
    panel.stdin.write(agreed())
    panel.stdin.flush()
    alarm = json.loads(panel.stdout.readline())
    panel.send_signal(signal.SIGKILL)
    (again,) = map(json.loads, run("alarm-panel").stdout.splitlines())
    assert (again["id"], again["attempt"]) == (alarm["id"], 2)


def test_a_record_that_is_none_is_said_and_the_next_goes_on(run: Run) -> None:
    done = run("alarm-panel", data=b"rubbish\n" + agreed())
    assert done.returncode == 0
    assert b"record: not JSON" in done.stderr
    assert len(done.stdout.splitlines()) == 2


def test_one_bad_record_alone_is_bad_data(run: Run) -> None:
    assert run("alarm-panel", data=b'{"v": 1}\n').returncode == 65


@pytest.fixture
def listening(start: Start, tmp_path: Path) -> Popen[bytes]:
    """A panel at the FIFO, up: it has answered a first record."""
    panel = start("alarm-panel", "--listen")
    fifo = tmp_path / "run/events"
    while not (fifo.exists() and fifo.is_fifo()):
        assert panel.poll() is None
    descriptor = os.open(fifo, os.O_RDWR)
    os.write(descriptor, agreed())
    assert panel.stdout
    assert json.loads(panel.stdout.readline())["type"] == "alarm.raised"
    assert json.loads(panel.stdout.readline())["type"] == "pir.agreed"
    os.close(descriptor)
    return panel


def test_the_fifo_outlives_its_writers(listening: Popen[bytes], tmp_path: Path) -> None:
    assert listening.stdout
    for _ in range(3):
        with (tmp_path / "run/events").open("wb") as fifo:
            fifo.write(agreed())
        assert json.loads(listening.stdout.readline())["type"] == "pir.agreed"
        assert json.loads(listening.stdout.readline())["type"] == "alarm.suppressed"


def test_a_second_panel_at_the_same_fifo_is_refused(listening: Popen[bytes], run: Run) -> None:
    done = run("alarm-panel", "--listen")
    assert done.returncode == 75
    assert b"another alarm-panel runs" in done.stderr


def test_sigterm_stops_a_panel_that_listens_at_once(listening: Popen[bytes]) -> None:
    listening.terminate()
    assert listening.wait(10) == 0


def test_its_reader_gone_it_ends_before_the_next_record(listening: Popen[bytes]) -> None:
    assert listening.stdout
    listening.stdout.close()
    assert listening.wait(10) == -signal.SIGPIPE
    listening.stdout = None
