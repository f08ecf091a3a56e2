"""capture/frames.py: nothing is overwritten, and RAM is not filled."""

import os
from datetime import UTC, datetime, timedelta

import pytest

from camalert.capture import frames
from camalert.capture.jpeg import Picture
from camalert.errors import BadData, CannotCreate

NOON = datetime(2027, 1, 2, 12, 0, 0, 123456, tzinfo=UTC)


def test_a_thousand_shots_in_a_second_overwrite_nothing(tmp_path):
    paths = []
    for number in range(1000):
        now = NOON + timedelta(milliseconds=number % 3)
        paths.append(frames.add(Picture(b"%d" % number, 1, 1), tmp_path, "back yard", now))
    assert [path.read_bytes() for path in paths] == [b"%d" % number for number in range(1000)]
    assert sorted(tmp_path.iterdir()) == sorted(set(paths))
    assert paths[0].name == "20270102T120000.123Z-back_yard-0001.jpg"
    earlier = frames.add(Picture(b"", 1, 1), tmp_path, "back yard", NOON - timedelta(days=400))
    assert earlier.name < min(path.name for path in paths)
    assert paths[0].read_bytes() == b"0"


def test_a_folder_that_takes_nothing_is_told_and_keeps_nothing(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    with pytest.raises(CannotCreate):
        frames.add(Picture(b"", 1, 1), tmp_path / "file", "cam", NOON)

    def full(*_: object) -> None:
        raise CannotCreate("disk", "full")

    monkeypatch.setattr(frames, "save", full)
    with pytest.raises(CannotCreate, match="full"):
        frames.add(Picture(b"", 1, 1), tmp_path / "new", "cam", NOON)
    assert list((tmp_path / "new").iterdir()) == []


@pytest.mark.parametrize("alarm", ["../../etc", "", "a/b", ".", "a" * 65, "a\n"])
def test_an_id_that_is_a_path_is_refused(tmp_path, alarm):
    with pytest.raises(BadData, match="is not one"):
        frames.place(tmp_path, alarm, "cam")


def test_an_alarms_folder_is_for_its_owner_only(tmp_path):
    path = frames.place(tmp_path / "frames", "abc-000001", "back yard")
    assert path == tmp_path / "frames/abc-000001/back_yard-1.jpg"
    for folder in path.parents[:2]:
        assert folder.stat().st_mode & 0o777 == 0o700
    (tmp_path / "file").touch()
    with pytest.raises(CannotCreate):
        frames.place(tmp_path / "file", "abc", "cam")


def test_only_a_whole_picture_counts(tmp_path, photo):
    assert frames.is_whole(photo)
    photo.write_bytes(photo.read_bytes()[:-2])
    assert not frames.is_whole(photo)
    assert not frames.is_whole(tmp_path / "absent")


@pytest.mark.parametrize(("most_bytes", "most_alarms"), [(300, 99), (10**6, 3)])
def test_the_oldest_alarms_go_first(tmp_path, most_bytes, most_alarms):
    for number, name in enumerate("ebdac"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "cam-1.jpg").write_bytes(bytes(100))
        os.utime(tmp_path / name, (number, number))
    frames.trim(tmp_path, most_bytes, most_alarms)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "c", "d"]
    frames.trim(tmp_path / "absent")
