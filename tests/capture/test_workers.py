"""capture/workers.py: a camera that hangs costs the others nothing, and nobody waits for ever."""

import os
import select
import threading

import pytest

from camalert.capture import workers as module
from camalert.capture.jpeg import Picture
from camalert.capture.workers import GRACE, Job, Workers
from camalert.config import Camera
from camalert.errors import TryAgain, Unavailable
from camalert.records import SystemClock

PICTURE = Picture(b"x", 1, 1)


class Hands:
    """A clock that a test moves."""

    now = 100.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def gates(monkeypatch):
    """Cameras that take their picture when their gate is opened."""
    gates = {name: threading.Event() for name in ("a", "b")}

    def take(camera, locks, *, clock, cancel, rings=True, since=0.0):
        gates[camera.name].wait(30)
        return PICTURE

    monkeypatch.setattr(module, "take", take)
    yield gates
    for gate in gates.values():
        gate.set()


def job(name: str, source: str = "pattern", **keys) -> Job:
    return Job(Camera(name=name, source=source, deadline=10.0), **keys)


def woken(crew: Workers) -> list[Job]:
    done: list[Job] = []
    while not done:
        assert select.select([crew.wake], [], [], 20)[0]
        done = crew.finished()
    return done


def begun(job: Job) -> None:
    end = threading.Event()
    while job.started is None:
        end.wait(0.005)


def test_one_that_is_ready_does_not_wait_for_the_other(gates, tmp_path):
    crew = Workers(tmp_path, Hands())
    slow, quick = job("a"), job("b", subject="mine")
    for each in (slow, quick):
        crew.ask(each)
    gates["b"].set()
    assert woken(crew) == [quick]
    assert (quick.outcome, quick.subject) == (PICTURE, "mine")
    assert crew.finished() == []
    gates["a"].set()
    assert woken(crew) == [slow]
    assert crew.patience() is None


def test_a_camera_past_its_deadline_is_busy_for_those_behind(gates, tmp_path):
    clock = Hands()
    crew = Workers(tmp_path, clock)
    jobs = [job("a") for _ in range(5)]
    crew.ask(jobs[0])
    begun(jobs[0])
    for each in jobs[1:]:
        crew.ask(each)
    full = woken(crew)
    assert full == jobs[3:]
    assert all("too many pictures are waited for" in str(each.outcome) for each in full)
    assert crew.patience() == 10
    clock.now += 10
    assert crew.patience() == 0
    assert crew.finished() == jobs[1:3]
    assert isinstance(jobs[1].outcome, TryAgain)
    assert str(jobs[1].outcome) == "a: busy for 10 s with pictures before"
    assert crew.patience() == GRACE
    clock.now += GRACE
    assert crew.finished() == jobs[:1]
    assert isinstance(jobs[0].outcome, Unavailable)
    assert "state D" in str(jobs[0].outcome)
    gates["a"].set()
    while not crew._queues["a"].empty():
        threading.Event().wait(0.005)
    kept: list[Picture] = []
    last = job("a", keep=kept.append)
    crew.ask(last)
    assert woken(crew) == [last]
    assert kept == [PICTURE]
    assert [each.started is not None for each in jobs] == [True, False, False, False, False]


@pytest.mark.parametrize("error", [TryAgain("a", "no"), OSError(28, "full"), ValueError("odd")])
def test_whatever_a_capture_raises_is_its_outcome(tmp_path, monkeypatch, error):
    def take(*_, **__):
        raise error

    monkeypatch.setattr(module, "take", take)
    crew = Workers(tmp_path, SystemClock())
    crew.ask(job("a"))
    (done,) = crew.wait()
    assert str(error) in str(done.outcome)
    assert isinstance(done.outcome, TryAgain | Unavailable)


def test_keep_gets_the_picture_before_it_is_told(gates, tmp_path):
    kept = []
    gates["a"].set()
    crew = Workers(tmp_path, SystemClock())
    crew.ask(job("a", keep=kept.append))
    assert [done.outcome for done in crew.wait()] == kept == [PICTURE]


@pytest.mark.parametrize(
    ("source", "device", "stale"),
    [("rpicam", "", True), ("fswebcam", "TEST", False), ("pattern", "", False)],
)
def test_the_same_picture_twice_from_a_sensor_is_stale(gates, tmp_path, source, device, stale):
    gates["a"].set()
    crew = Workers(tmp_path, SystemClock())
    outcomes = []
    for _ in range(2):
        crew.ask(Job(Camera(name="a", source=source, device=device)))
        outcomes += [done.outcome for done in crew.wait()]
    assert outcomes[0] == PICTURE
    assert ("camera may be stuck" in str(outcomes[1].damaged)) is stale


def test_stop_ends_what_runs_and_does_not_wait_for_the_stuck(gates, tmp_path, monkeypatch):
    cancelled = threading.Event()

    def take(camera, locks, *, clock, cancel, rings=True, since=0.0):
        if camera.name == "b":
            gates["b"].wait(30)
        select.select([cancel], [], [], 30)
        cancelled.set()
        raise TryAgain(camera.name, "stopped")

    monkeypatch.setattr(module, "take", take)
    monkeypatch.setattr(module, "GRACE", 0.2)
    crew = Workers(tmp_path, SystemClock())
    for each in (job("a"), job("b")):
        crew.ask(each)
        begun(each)
    crew.stop()
    assert cancelled.is_set()


def test_waiting_ends_when_nobody_reads_the_output(gates, tmp_path):
    crew = Workers(tmp_path, SystemClock())
    reader, writer = os.pipe()
    saved = os.dup(1)
    os.dup2(writer, 1)
    os.close(reader)
    try:
        crew.ask(job("a"))
        with pytest.raises(BrokenPipeError):
            list(crew.wait())
    finally:
        os.dup2(saved, 1)
        os.close(saved)
        os.close(writer)
