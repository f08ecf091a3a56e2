"""capture/by_hand.py: pictures on demand and in a row, with a light, by a clock handed in."""

import contextlib
from datetime import UTC, datetime

import pytest

from camalert.capture import ring, sources
from camalert.capture.by_hand import Hand
from camalert.capture.pixels import draw
from camalert.config import Camera
from camalert.errors import BadUsage, NotPermitted, Unavailable


class Clock:
    def __init__(self):
        self.time = 1000.0

    def monotonic(self):
        return self.time

    def now(self):
        return datetime.fromtimestamp(self.time, UTC)


PORCH = Camera(name="porch", source="pattern", width=64, height=48)


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def said():
    return []


@pytest.fixture
def hand(tmp_path, clock, said):
    hand = Hand(tmp_path / "run", f"{tmp_path}/shots/", clock, said.append)
    yield hand
    hand.stop()


def waiting(clock):
    def wait(seconds):
        clock.time += seconds

    return wait


def test_a_lapse_keeps_its_times(hand, clock, tmp_path, said):
    assert hand.lapse(lambda: [PORCH], 10, 3, waiting(clock)) == set()
    names = sorted(path.name for path in (tmp_path / "shots").iterdir())
    stamps = [name.partition("-")[0] for name in names]
    assert stamps == [f"19700101T00{time}.000Z" for time in ("1640", "1650", "1700")]
    assert b"".join(said).split() == [bytes(tmp_path / "shots" / name) for name in names]


def test_a_picture_that_fails_is_said_and_the_next_is_taken(hand, clock, tmp_path, caplog):
    bad = Camera(name="gone", source="file", device=str(tmp_path / "none"))
    cameras = iter([[bad], [PORCH]])
    assert hand.lapse(lambda: next(cameras), 10, 2, waiting(clock)) == {69}
    assert [record.message for record in caplog.records] == [
        f"gone: {tmp_path / 'none'}: No such file or directory"
    ]
    assert len(list((tmp_path / "shots").iterdir())) == 1


def test_in_mode_off_none_is_taken_and_it_is_said_once(hand, clock, tmp_path, caplog):
    answers = iter([NotPermitted("porch", "mode is off")] * 3 + [[PORCH], NotPermitted("a", "off")])

    def choose():
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    assert hand.lapse(choose, 10, 5, waiting(clock)) == set()
    assert [record.message for record in caplog.records] == ["porch: mode is off", "a: off"]
    assert len(list((tmp_path / "shots").iterdir())) == 1


def test_off_all_the_time_is_a_failure(hand, clock):
    def choose():
        raise NotPermitted("porch", "mode is off")

    assert hand.lapse(choose, 10, 3, waiting(clock)) == {77}


def test_what_takes_too_long_is_said(hand, clock, caplog, monkeypatch):
    def slow(cameras):
        clock.time += 25
        return set()

    monkeypatch.setattr(hand, "shoot", slow)
    hand.lapse(lambda: [PORCH], 10, 2, waiting(clock))
    assert caplog.messages == ["the last picture took too long: 2 missed"]


def test_a_camera_that_is_no_longer_there_ends_it(hand, clock):
    def choose():
        raise BadUsage("porch", "no such camera")

    with pytest.raises(BadUsage):
        hand.lapse(choose, 10, None, waiting(clock))


def test_the_light_is_on_while_pictures_are_taken_and_off_when_one_fails(
    tmp_path, clock, monkeypatch
):
    seen = []

    @contextlib.contextmanager
    def light():
        clock.time += 3
        seen.append("on")
        yield
        seen.append("off")

    def take(camera, run, *, since, **_):
        seen.append((camera.name, since))
        raise Unavailable(camera.name, "dead")

    monkeypatch.setattr("camalert.capture.workers.take", take)
    hand = Hand(tmp_path, "x.jpg", clock, print, light)
    assert hand.shoot([PORCH]) == {69}
    assert seen == ["on", ("porch", 1003.0), "off"]
    hand.stop()


def test_a_frame_that_the_ring_had_before_the_light_is_not_taken(tmp_path, monkeypatch):
    camera = Camera(name="porch", source="pattern", rate=0.1, deadline=0.3)
    folder = ring.folder(tmp_path, "porch")
    clock = Clock()
    frame = draw("porch", clock.now(), (64, 48))
    writer = ring.Ring(folder, ring.Bounds(10, 100, 1 << 20), clock.time)
    writer.add(frame, clock.time)
    monkeypatch.setattr(ring, "is_owned", lambda run, name: True)
    picture = sources.take(camera, tmp_path, clock=clock, since=clock.time)
    assert picture.moment == clock.time
    with pytest.raises(Unavailable, match="no fresh frame"):
        sources.take(camera, tmp_path, clock=clock, since=clock.time + 1)
