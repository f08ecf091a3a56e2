"""capture/removal.py: in mode off no picture stays, but what is still to be sent."""

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from camalert.capture import removal, ring
from camalert.capture.removal import Removal, clear
from camalert.lock import hold_lock

NOW = 1_800_000_000.0


class Clock:
    def __init__(self) -> None:
        self.time = 1000.0

    def monotonic(self) -> float:
        return self.time

    def now(self) -> datetime:
        return datetime.fromtimestamp(NOW + self.time - 1000, UTC)


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return tmp_path / "run"


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    folder = tmp_path / "spool/notes"
    folder.mkdir(parents=True)
    return folder


def frame(run: Path, camera: str = "back yard") -> Path:
    path = ring.folder(run, camera) / "000000999000-000001.jpg"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"\xff\xd8")
    return path


def picture(run: Path, alarm: str, age: float) -> Path:
    path = run / "frames" / alarm / "porch-1.jpg"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"\xff\xd8")
    os.utime(path.parent, (NOW - age, NOW - age))
    return path


def test_without_a_run_folder_there_is_nothing(run, notes):
    assert clear(run, notes, NOW) is False


def test_a_ring_that_nobody_owns_is_emptied(run, notes):
    left = frame(run)
    (left.parent / ring.UNFINISHED).write_bytes(b"\xff\xd8")
    ring.lock(run, "back yard").touch()  # that of a capture-ring that was killed
    assert clear(run, notes, NOW) is False
    assert list(left.parent.iterdir()) == []


def test_a_ring_that_runs_empties_itself(run, notes):
    held = frame(run)
    lock = hold_lock(ring.lock(run, "back yard"), "capture-ring")
    assert clear(run, notes, NOW) is True
    assert held.exists()
    os.close(lock)
    assert clear(run, notes, NOW) is False
    assert not held.exists()


def test_alarms_pictures_go_but_what_is_still_to_be_sent(run, notes):
    old, noted, young = (
        picture(run, alarm, age) for alarm, age in [("a-1", 121), ("a-2", 9999), ("a-3", 119)]
    )
    (notes / "a-2.note").touch()
    assert clear(run, notes, NOW) is True
    assert (old.parent.exists(), noted.exists(), young.exists()) == (False, True, True)


def test_what_cannot_be_removed_counts_as_left(run, notes, monkeypatch):
    frame(run)
    picture(run, "a-1", 500)

    def refused(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "unlink", refused)
    monkeypatch.setattr(removal.shutil, "rmtree", lambda *_, **__: None)
    assert clear(run, notes, NOW) is True


def test_what_had_to_stay_goes_later(run, notes):
    clock = Clock()
    one, young = Removal(clock), picture(run, "a-1", 100)
    one.follow(False, run, notes)
    assert (one.patience(), young.exists()) == (None, True)
    one.follow(True, run, notes)
    assert one.patience() == 15
    clock.time += 14
    one.look()
    assert (one.patience(), young.exists()) == (1, True)
    clock.time += 7
    one.look()
    assert (one.patience(), young.exists()) == (None, False)


def test_no_longer_off_nothing_is_removed(run, notes):
    clock = Clock()
    one, young = Removal(clock), picture(run, "a-1", 0)
    one.follow(True, run, notes)
    one.follow(False, run, notes)
    clock.time += 1000
    one.look()
    assert (one.patience(), young.exists()) == (None, True)
