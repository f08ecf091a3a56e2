"""capture/feed.py: a real source in its thread, stopped whatever it does."""

import os
import select
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from camalert.capture.feed import WAITING, Feed
from camalert.capture.sources import take
from camalert.config import Camera
from camalert.errors import TryAgain
from camalert.records import SystemClock


@pytest.fixture
def wake() -> Iterator[int]:
    descriptor = os.eventfd(0, os.EFD_NONBLOCK)
    yield descriptor
    os.close(descriptor)


@pytest.fixture
def start(tmp_path: Path, wake: int) -> Iterator[Callable[..., Feed]]:
    feeds: list[Feed] = []

    def start(source: str, **keys: object) -> Feed:
        camera = Camera(**({"name": "cam", "source": source, "rate": 30.0} | keys))  # type: ignore[arg-type]
        feeds.append(Feed(camera, tmp_path / "run", SystemClock(), wake))
        return feeds[-1]

    yield start
    for feed in feeds:
        if feed._thread.is_alive():
            feed.stop()


def woken(wake: int, condition: Callable[[], object], seconds: float = 20.0) -> bool:
    """Whether `condition` comes true, looked at whenever the feed wakes us."""
    end = time.monotonic() + seconds
    while not condition():
        if not select.select([wake], [], [], max(0.0, end - time.monotonic()))[0]:
            return False
        os.eventfd_read(wake)
    return True


def test_frames_come_with_their_moment_and_turn(start, wake, photo, fake):
    fake("rpicam-vid", f"cat {photo}; exec sleep 1000")
    before = time.monotonic()
    feed, got = start("rpicam", rotation=90), []
    assert woken(wake, lambda: got.extend(feed.take()) or got)
    assert (got[0].data, got[0].turn) == (photo.read_bytes(), 90)
    assert before <= got[0].moment <= time.monotonic()
    assert feed.ended is None
    assert feed.stop()
    assert isinstance(feed.ended, TryAgain)


def test_how_it_ends_is_there_after_its_frames(start, wake, photo, fake):
    fake("rpicam-vid", f"cat {photo}; echo 'lost the sensor' >&2; exit 1")
    feed = start("rpicam")
    assert woken(wake, lambda: feed.ended)
    assert "lost the sensor" in str(feed.ended)
    assert len(feed.take()) == 1


def test_for_a_slow_taker_the_newest_are_kept(start, wake):
    feed = start("pattern", width=64, height=48)
    seen = []
    assert woken(wake, lambda: seen.append(1) or len(seen) > 3 * WAITING)
    kept = feed.take()
    assert len(kept) <= WAITING
    assert kept[-1].moment > time.monotonic() - 1


def test_while_it_runs_nobody_else_opens_the_device(start, wake, photo, fake, tmp_path):
    fake("rpicam-vid", f"cat {photo}; exec sleep 1000")
    fake("rpicam-still", f"cat {photo}")
    feed = start("rpicam")
    assert woken(wake, feed.take)
    other = Camera("other", "rpicam", deadline=0.2)
    with pytest.raises(TryAgain, match="busy: still in use"):
        take(other, tmp_path / "run")
    assert feed.stop()
    assert take(other, tmp_path / "run").width == 64


def test_a_device_in_use_is_waited_for_and_then_told(start, wake, photo, fake):
    fake("rpicam-vid", f"cat {photo}; exec sleep 1000")
    first = start("rpicam")
    assert woken(wake, first.take)
    second = start("rpicam", deadline=0.2)
    assert woken(wake, lambda: second.ended)
    assert "busy" in str(second.ended)


def test_what_should_not_happen_is_told_too(start, wake, monkeypatch):
    from camalert.capture import streams

    def frames(_shot: object) -> None:
        raise RuntimeError("odd")

    monkeypatch.setattr(streams, "frames", frames)
    feed = start("pattern")
    assert woken(wake, lambda: feed.ended)
    assert str(feed.ended) == "cam: RuntimeError: odd"


def test_stopping_takes_along_what_ignores_it(start, wake, fake, tmp_path):
    said = tmp_path / "numbers"
    fake("rpicam-vid", f"trap '' TERM; sleep 1000 & echo $$ $! >{said}; while :; do wait; done")
    feed = start("rpicam")
    end = time.monotonic() + 20
    while not said.exists() or len(said.read_text().split()) < 2:
        assert time.monotonic() < end
        time.sleep(0.01)
    assert feed.stop()
    while any(map(alive, said.read_text().split())):  # killed they are, but not yet buried
        assert time.monotonic() < end
        time.sleep(0.01)


def alive(number: str) -> bool:
    try:
        return Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False
