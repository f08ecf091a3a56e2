"""capture/ring.py: whole files in order, never over a bound, and what a new writer takes over."""

import errno
import os
import time
from pathlib import Path

import pytest

from camalert.capture import ring
from camalert.capture.bounds import Bounds
from camalert.capture.ring import Full, Ring
from camalert.errors import BadData, CannotCreate

WIDE = Bounds(1000, 3600, 10**6)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return ring.folder(tmp_path, "back yard")


def test_a_frame_is_a_private_file_named_by_its_moment(tmp_path, place):
    frame = Ring(place, WIDE, 0).add(b"one", 12.3456)
    assert frame.path == tmp_path / "ring/back_yard/000000012345-000001.jpg"
    assert (frame.path.read_bytes(), frame.mono) == (b"one", 12.345)
    assert frame.path.stat().st_mode & 0o777 == 0o600
    assert place.stat().st_mode & 0o777 == place.parent.stat().st_mode & 0o777 == 0o700


def test_readers_see_the_frames_by_age(tmp_path, place):
    assert (ring.listing(place), ring.newest(place)) == ([], None)
    writer = Ring(place, WIDE, 0)
    (place / "note.txt").touch()
    added = [writer.add(b"x", moment) for moment in (1.0, 2.0, 2.0)]
    assert ring.listing(place) == added == writer.frames
    assert ring.newest(place) == added[-1]


@pytest.mark.parametrize(
    ("bounds", "left"),
    [
        (Bounds(3, 3600, 10**6), 3),
        (Bounds(1000, 4.5, 10**6), 5),
        (Bounds(1000, 3600, 25), 2),
    ],
)
def test_whichever_bound_comes_first(place, bounds, left):
    writer = Ring(place, bounds, 0)
    for second in range(20):
        writer.add(bytes(10), second)
        assert len(writer) <= bounds.frames and writer.size <= bounds.size
    names = [frame.number for frame in ring.listing(place)]
    assert names == list(range(21 - left, 21))
    assert writer.size == 10 * left


def test_age_alone_empties_it(place):
    writer = Ring(place, Bounds(10, 5, 100), 0)
    writer.add(b"x", 1)
    writer.expire(6)
    assert len(writer) == 1
    writer.expire(6.1)
    assert (len(writer), writer.size, ring.listing(place)) == (0, 0, [])


def test_narrower_bounds_hold_at_once(place):
    writer = Ring(place, WIDE, 0)
    for second in range(10):
        writer.add(bytes(10), second)
    writer.bounds = Bounds(1000, 3600, 35)
    writer.expire(10)
    assert [frame.mono for frame in ring.listing(place)] == [7, 8, 9]


def test_a_frame_larger_than_the_ring_costs_no_other(place):
    writer = Ring(place, Bounds(10, 10, 100), 0)
    writer.add(bytes(60), 1)
    with pytest.raises(BadData, match="of 101 bytes, the ring holds 100"):
        writer.add(bytes(101), 2)
    assert len(ring.listing(place)) == 1


def test_names_are_unique_and_sorted_however_many_come_in_a_millisecond(place):
    writer = Ring(place, Bounds(10**5, 3600, 10**6), 0)
    frames = [writer.add(b"x", 5 + n / 5000) for n in range(3000)]
    assert len({frame.path.name for frame in frames}) == 3000
    assert ring.listing(place) == frames


def test_names_go_on_in_order_where_the_numbers_begin_anew(place):
    writer = Ring(place, WIDE, 0)
    place.joinpath("000000007000-999998.jpg").touch()
    writer = Ring(place, WIDE, 7)
    names = [writer.add(b"x", 7.0).path.name for _ in range(3)]
    assert names == [f"00000000700{n}" for n in ("0-999999.jpg", "1-000000.jpg", "1-000001.jpg")]


def test_a_step_of_the_wall_clock_is_not_seen(place, monkeypatch):
    writer = Ring(place, WIDE, 0)
    first = writer.add(b"x", 1.0)
    monkeypatch.setattr(time, "time", lambda: 0.0)
    assert first < writer.add(b"x", 1.5)


def test_a_new_writer_takes_over_what_it_finds(place):
    Ring(place, WIDE, 0).add(b"kept", 95)
    for name in ("000000050000-000007.jpg", "000000900000-000008.jpg", ring.UNFINISHED):
        (place / name).write_bytes(b"left")
    writer = Ring(place, Bounds(10, 20, 100), 100)
    assert [frame.mono for frame in writer.frames] == [95]  # too old, or from another boot
    assert [path.name for path in place.iterdir()] == ["000000095000-000001.jpg"]
    assert writer.size == 4
    assert writer.add(b"new", 100).number == 2


def test_nothing_is_left_of_a_frame_that_found_no_space(place, monkeypatch):
    writer = Ring(place, WIDE, 0)
    writer.add(b"first", 1)
    real = os.write

    def write(descriptor: int, data: bytes) -> int:
        if len(data) > 3:
            return real(descriptor, data[:3])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "write", write)
    with pytest.raises(Full, match="No space left"):
        writer.add(b"second", 2)
    monkeypatch.undo()
    assert [path.name for path in place.iterdir()] == ["000000001000-000001.jpg"]
    assert writer.add(b"third", 3).number == 2


def test_a_folder_that_cannot_be_is_named(tmp_path):
    (tmp_path / "ring").touch()
    with pytest.raises(CannotCreate, match="ring"):
        Ring(ring.folder(tmp_path, "porch"), WIDE, 0)


def test_clear_leaves_nothing(place):
    writer = Ring(place, WIDE, 0)
    for second in range(5):
        writer.add(b"x", second)
    writer.clear()
    assert (list(place.iterdir()), writer.size) == ([], 0)


@pytest.mark.parametrize(("held", "left"), [(0, 0), (1, 0), (2, 1), (5, 2)])
def test_halve_removes_the_older_ones(place, held, left):
    writer = Ring(place, WIDE, 0)
    frames = [writer.add(b"x", second) for second in range(held)]
    writer.halve()
    assert ring.listing(place) == frames[held - left :]


def test_what_cannot_be_looked_at_has_no_owner_and_no_trouble(tmp_path):
    (tmp_path / "run").touch()
    assert ring.is_owned(tmp_path / "run", "porch") is False
    assert ring.trouble(tmp_path / "run", "porch") is None
    ring.tell_trouble(tmp_path / "run", "porch", "no matter")


def test_a_trouble_is_there_for_others_until_it_is_over(tmp_path):
    ring.tell_trouble(tmp_path, "back yard", "unplugged")
    assert ring.trouble(tmp_path, "back yard") == "unplugged"
    assert (tmp_path / "ring/back_yard.trouble").stat().st_mode & 0o777 == 0o600
    ring.tell_trouble(tmp_path, "back yard", None)
    assert ring.trouble(tmp_path, "back yard") is None


def test_a_folder_that_is_tidied_away_is_made_anew(tmp_path, place):
    writer = Ring(place, WIDE, 0)
    place.rmdir()
    frame = writer.add(b"x", 1)
    assert ring.listing(place) == [frame]
    place.chmod(0o700)


def test_another_boots_frames_go(place):
    writer = Ring(place, WIDE, 0)
    writer.add(b"x", 5000)
    assert len(Ring(place, WIDE, 100)) == 0
    assert ring.listing(place) == []
