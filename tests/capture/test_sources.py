"""capture/sources.py: the contract that all cameras share, their lock, how pictures are kept."""

import fcntl
import os
import threading

import pytest

from camalert.capture import sources
from camalert.capture.sources import capture, save, take
from camalert.config import Camera
from camalert.errors import BadData, BadUsage, CannotCreate, TryAgain, Unavailable


def camera(source: str, seconds: float = 20.0, **keys: object) -> Camera:
    return Camera(name="cam", source=source, deadline=seconds, **keys)  # type: ignore[arg-type]


def test_a_capture_is_a_whole_picture_under_its_name_and_nothing_else(tmp_path):
    target = tmp_path / "shots" / "a.jpg"
    target.parent.mkdir()
    picture = capture(camera("pattern", width=64, height=48), target, tmp_path / "locks")
    assert (picture.width, picture.height, picture.damaged) == (64, 48, None)
    assert target.read_bytes() == picture.data
    assert target.stat().st_mode & 0o777 == 0o600
    assert list(target.parent.iterdir()) == [target]


@pytest.mark.parametrize(
    ("script", "error", "reason"),
    [
        ("exit 0", BadData, "rpicam ended well, but gave no picture"),
        ("echo nonsense", BadData, "rpicam gave no picture: not a JPEG"),
        ("head -c 50 PHOTO", BadData, "rpicam gave no picture: cut off in its header"),
        ("head -c 2000 PHOTO; echo unplugged >&2; exit 1", Unavailable, "rpicam-still: unplugged"),
        ("exec sleep 1000", Unavailable, "no picture within 0.5 s; rpicam-still killed"),
        ("trap '' TERM; while :; do sleep 0.05; done", Unavailable, "killed"),
        ("head -c 2000 PHOTO; exec sleep 1000", Unavailable, "killed"),
    ],
)
def test_what_goes_wrong_is_named_and_leaves_nothing(fake, photo, tmp_path, script, error, reason):
    fake("rpicam-still", script.replace("PHOTO", str(photo)))
    seconds = 0.5 if "killed" in reason else 20.0
    target = tmp_path / "out.jpg"
    with pytest.raises(error, match=f"cam: .*{reason}"):
        capture(camera("rpicam", seconds), target, tmp_path / "locks")
    assert not target.exists()


def test_half_a_picture_that_ended_well_is_labelled(fake, photo, tmp_path):
    fake("rpicam-still", f"head -c 2000 {photo}")
    assert take(camera("rpicam"), tmp_path).damaged == "cut off: no end marker"


def test_a_device_that_cannot_be_is_bad_usage(tmp_path):
    with pytest.raises(BadUsage):
        take(camera("ffmpeg", device="gopher://x"), tmp_path)


def test_a_camera_in_use_is_waited_for_until_the_deadline(fake, photo, tmp_path):
    fake("rpicam-still", f"cat {photo}")
    with (tmp_path / "camera-rpicam-0.lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(TryAgain, match=r"cam: busy: still in use after 0\.2 s"):
            take(camera("rpicam", 0.2), tmp_path)
        assert take(camera("rpicam", device="1"), tmp_path).damaged is None
        releasing = threading.Timer(0.1, lambda: fcntl.flock(held, fcntl.LOCK_UN))
        releasing.start()
        assert take(camera("rpicam"), tmp_path).damaged is None
        releasing.join()


def test_the_program_itself_holds_the_lock(fake, tmp_path):
    """So that a camera's program that outlives snap is not collided with."""
    fake("rpicam-still", "readlink /proc/$$/fd/* | grep lock >&2; exit 9")
    with pytest.raises(Unavailable, match=r"camera-rpicam-0\.lock"):
        take(camera("rpicam"), tmp_path)


def test_waiting_for_the_lock_can_be_cancelled(tmp_path):
    cancel = os.eventfd(1)
    with (tmp_path / "camera-dev-video0.lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(TryAgain, match="stopped"):
            take(camera("fswebcam"), tmp_path, cancel=cancel)
    os.close(cancel)


def test_only_what_one_program_can_open_is_locked():
    locked = {
        source: sources._device(camera(source, device=device))
        for source, device in [
            ("rpicam", ""),
            ("fswebcam", ""),
            ("ffmpeg", "/dev/video2"),
            ("ffmpeg ", "rtsp://host"),
            ("file", "clip"),
            ("pattern", ""),
        ]
    }
    assert list(locked.values()) == ["-rpicam-0", "/dev/video0", "/dev/video2", None, None, None]


def test_no_place_for_lock_or_picture_is_told(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(CannotCreate, match="file"):
        take(camera("rpicam"), tmp_path / "file")
    picture = take(camera("pattern", width=16, height=16), tmp_path)
    with pytest.raises(CannotCreate, match="No such file or directory"):
        save(picture, tmp_path / "no" / "a.jpg")
    (tmp_path / "folder").mkdir()
    with pytest.raises(CannotCreate):
        save(picture, tmp_path / "folder")


def test_what_is_no_file_is_written_into_and_never_replaced(tmp_path):
    os.mkfifo(tmp_path / "fifo")
    reader = os.open(tmp_path / "fifo", os.O_RDONLY | os.O_NONBLOCK)
    picture = take(camera("pattern", width=16, height=16), tmp_path)
    save(picture, tmp_path / "fifo")
    assert os.read(reader, 65536) == picture.data
    assert (tmp_path / "fifo").is_fifo()
    os.close(reader)
