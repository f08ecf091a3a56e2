"""capture/rounds.py: which records an alarm and a heartbeat bring."""

import dataclasses

import pytest

from camalert.capture import rounds as module
from camalert.capture.jpeg import Picture
from camalert.capture.rounds import Rounds
from camalert.codec import decode, encode
from camalert.config import Camera, Config, Paths
from camalert.errors import Unavailable
from camalert.records import AlarmRaised, HeartbeatDue, PirIdle, SystemClock, envelope

CLOCK = SystemClock()


class Crew:
    """Workers that are done when the test says so."""

    def __init__(self) -> None:
        self.jobs = []

    def ask(self, job) -> None:
        self.jobs.append(job)

    def finished(self):
        done = [job for job in self.jobs if job.outcome]
        self.jobs = [job for job in self.jobs if not job.outcome]
        return done

    wait = finished


@pytest.fixture
def config(tmp_path):
    cameras = (Camera("porch", "pattern"), Camera("back yard", "pattern"))
    return Config(paths=Paths(run=str(tmp_path)), camera=cameras)


def alarm(**keys):
    return AlarmRaised(**envelope("panel", CLOCK), cause="movement", sensors=("a",), **keys)


def heartbeat(mode):
    return HeartbeatDue(**envelope("heartbeat", CLOCK), health="all well", mode=mode)


def test_pictures_come_one_by_one_and_then_it_is_complete(config, tmp_path):
    crew = Crew()
    rounds = Rounds(crew, CLOCK)
    raised = alarm()
    assert list(rounds.begin(raised, config)) == []
    porch, yard = crew.jobs
    yard.outcome = Picture(b"x", 1, 1, damaged="cut off")
    (taken,) = rounds.collect()
    folder = tmp_path / "frames" / raised.id
    assert dataclasses.replace(taken, extra={}) == decode(encode(taken))
    assert (taken.type, taken.source, taken.alarm) == ("picture.taken", "back yard", raised.id)
    assert (taken.part, taken.kind, taken.damaged) == ("back_yard-1", "alarm", "cut off")
    assert taken.file == str(folder / "back_yard-1.jpg")
    assert list(rounds.collect()) == []
    porch.outcome = Unavailable("porch", "r" * 5000)
    failed, complete = rounds.rest()
    assert (failed.type, failed.source, failed.reason) == ("picture.failed", "porch", "r" * 300)
    assert (complete.type, complete.alarm) == ("alarm.complete", raised.id)
    assert (complete.pictures, complete.failed) == (1, ("porch",))
    porch.keep(Picture(b"kept", 1, 1))
    assert (folder / "porch-1.jpg").read_bytes() == b"kept"


def test_a_picture_taken_before_a_crash_is_used_again(config, tmp_path, photo):
    crew = Crew()
    raised = alarm(attempt=2)
    folder = tmp_path / "frames" / raised.id
    folder.mkdir(parents=True)
    (folder / "porch-1.jpg").write_bytes(photo.read_bytes())
    (folder / "back_yard-1.jpg").write_bytes(photo.read_bytes()[:-2])
    (taken,) = Rounds(crew, CLOCK).begin(raised, config)
    assert (taken.source, taken.damaged) == ("porch", None)
    assert [job.camera.name for job in crew.jobs] == ["back yard"]


@pytest.mark.parametrize(
    ("record", "kind"),
    [(alarm(text_only=True), "alarm.complete"), (heartbeat("off"), "heartbeat.complete")],
)
def test_without_pictures_it_is_complete_at_once(config, record, kind):
    crew = Crew()
    (complete,) = Rounds(crew, CLOCK).begin(record, config)
    assert (complete.type, complete.pictures, complete.failed) == (kind, 0, ())
    assert crew.jobs == []
    (complete,) = Rounds(crew, CLOCK).begin(alarm(), Config(paths=config.paths))
    assert complete.pictures == 0


def test_a_heartbeat_keeps_its_health_and_mode(config):
    crew = Crew()
    rounds = Rounds(crew, CLOCK)
    assert list(rounds.begin(heartbeat("alert"), config)) == []
    for job in crew.jobs:
        job.outcome = Picture(b"x", 1, 1)
    *taken, complete = rounds.collect()
    assert [record.kind for record in taken] == ["heartbeat"] * 2
    assert (complete.type, complete.pictures) == ("heartbeat.complete", 2)
    assert (complete.health, complete.mode) == ("all well", "alert")


def test_other_records_ask_for_nothing(config):
    edge = PirIdle(**envelope("pir", CLOCK), pin=16)
    assert list(Rounds(Crew(), CLOCK).begin(edge, config)) == []


def test_an_id_that_is_a_path_fails_and_writes_nothing(config, tmp_path):
    evil = dataclasses.replace(alarm(), id="../../evil")
    *failed, complete = Rounds(Crew(), CLOCK).begin(evil, config)
    assert [record.type for record in failed] == ["picture.failed"] * 2
    assert complete.failed == ("porch", "back yard")
    assert not (tmp_path / "frames").exists()


def test_the_folder_of_frames_stays_bounded(config, tmp_path, monkeypatch):
    monkeypatch.setattr(module.frames.trim, "__defaults__", (10**6, 3))
    rounds = Rounds(Crew(), CLOCK)
    raised = [alarm() for _ in range(6)]
    for record in raised:
        list(rounds.begin(record, config))
    left = {path.name for path in (tmp_path / "frames").iterdir()}
    assert len(left) == 3
    assert raised[-1].id in left
