import os
import stat

import pytest

from camalert import handover
from camalert.errors import BadData, CannotCreate, Unavailable


def test_what_is_written_is_whole_private_and_read_again(tmp_path):
    folder = tmp_path / "run" / "messages"
    path = handover.write(folder, "a.eml", b"hello")
    assert path == folder / "a.eml"
    assert handover.read(folder, str(path)) == b"hello"
    assert handover.read(tmp_path / "run", str(path)) == b"hello"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    handover.write(folder, "a.eml", b"again")
    assert [file.name for file in folder.iterdir()] == ["a.eml"]


def test_a_left_temporary_is_no_hindrance(tmp_path):
    (tmp_path / f".a.eml.{os.getpid()}").symlink_to(tmp_path / "victim")
    handover.write(tmp_path, "a.eml", b"hello")
    assert not (tmp_path / "victim").exists()


def test_what_cannot_be_written_leaves_nothing(tmp_path):
    (tmp_path / "a.eml").mkdir()
    with pytest.raises(CannotCreate):
        handover.write(tmp_path, "a.eml", b"hello")
    assert [file.name for file in tmp_path.iterdir()] == ["a.eml"]


@pytest.mark.parametrize("file", ["/etc/passwd", "{run}/../secret", "{run}", "relative", ""])
def test_nothing_outside_the_folder_is_read(tmp_path, file):
    (tmp_path / "run").mkdir()
    (tmp_path / "secret").write_text("secret")
    with pytest.raises(BadData, match="not below"):
        handover.read(tmp_path / "run", file.format(run=tmp_path / "run"))


def test_no_link_is_followed(tmp_path):
    run = tmp_path / "run"
    (run / "real").mkdir(parents=True)
    (run / "real" / "a.jpg").write_bytes(b"jpeg")
    (run / "link").symlink_to(run / "real")
    (run / "link.jpg").symlink_to(run / "real" / "a.jpg")
    for file in ("link/a.jpg", "link.jpg"):
        with pytest.raises(Unavailable):
            handover.read(run, str(run / file))


def test_only_regular_files_of_bounded_size_are_read(tmp_path, monkeypatch):
    os.mkfifo(tmp_path / "fifo")
    with pytest.raises(BadData, match="regular"):
        handover.read(tmp_path, str(tmp_path / "fifo"))
    with pytest.raises((BadData, Unavailable)):
        (tmp_path / "folder").mkdir()
        handover.read(tmp_path, str(tmp_path / "folder"))
    monkeypatch.setattr(handover, "LARGEST", 3)
    (tmp_path / "big").write_bytes(b"1234")
    with pytest.raises(BadData, match="longer than 3 bytes"):
        handover.read(tmp_path, str(tmp_path / "big"))


def test_what_is_gone_is_said(tmp_path):
    with pytest.raises(Unavailable, match="No such file"):
        handover.read(tmp_path, str(tmp_path / "gone.jpg"))


def test_old_leftovers_are_swept(tmp_path):
    (tmp_path / "old").write_bytes(b"")
    (tmp_path / "new").write_bytes(b"")
    (tmp_path / "folder").mkdir()
    os.utime(tmp_path / "old", (1000, 1000))
    os.utime(tmp_path / "new", (5000, 5000))
    assert handover.sweep(tmp_path, 5000.0) == 1
    assert sorted(file.name for file in tmp_path.iterdir()) == ["folder", "new"]
    assert handover.sweep(tmp_path / "none", 5000.0) == 0
