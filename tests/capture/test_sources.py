"""capture/sources.py: the contract that all cameras share, their lock, how pictures are kept."""

import contextlib
import fcntl
import io
import os
import threading
import time

import pytest
from PIL import Image

from camalert.capture import jpeg, ring, sources
from camalert.capture.bounds import Bounds
from camalert.capture.sources import capture, fresh, save, take
from camalert.config import Camera
from camalert.errors import BadData, BadUsage, CannotCreate, TryAgain, Unavailable
from camalert.lock import hold_lock


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


# From a ring


@pytest.fixture
def owned(tmp_path):
    """A ring of the camera "cam" whose owner lives: a writer, and the lock it holds."""
    held = hold_lock(ring.lock(tmp_path, "cam"), "capture-ring")
    writer = ring.Ring(ring.folder(tmp_path, "cam"), Bounds(10, 100, 10**6), time.monotonic())
    yield writer
    with contextlib.suppress(OSError):
        os.close(held)


def tagged(photo) -> bytes:
    return jpeg.clean(photo.read_bytes(), 90).data


def test_the_newest_frame_of_the_ring_is_the_picture(owned, tmp_path, photo, fake):
    said = fake("rpicam-still", "exit 1")
    owned.add(b"older", time.monotonic())
    owned.add(tagged(photo), time.monotonic())
    picture = take(camera("rpicam"), tmp_path)
    assert picture.data == tagged(photo)
    assert picture.moment and picture.moment <= time.monotonic()
    assert not said.exists()
    # Only the camera of that name, and not where nobody wants a ring.
    with pytest.raises(Unavailable):
        take(camera("rpicam"), tmp_path, rings=False)
    assert said.exists()


def test_an_old_frame_is_waited_for_to_be_followed(owned, tmp_path, photo):
    owned.add(b"old", time.monotonic() - 10)
    timer = threading.Timer(0.3, lambda: owned.add(tagged(photo), time.monotonic()))
    timer.start()
    assert take(camera("rpicam", 20.0), tmp_path).data == tagged(photo)
    timer.join()


@pytest.mark.parametrize(
    ("known", "reason"),
    [
        ("unplugged", "its capture-ring has no fresh frame: unplugged"),
        (None, "the newest is 1[01] s old"),
    ],
)
def test_without_a_fresh_frame_it_is_said_why_and_the_device_stays_shut(
    owned, tmp_path, fake, known, reason
):
    said = fake("rpicam-still", "exit 1")
    owned.add(b"old", time.monotonic() - 10)
    ring.tell_trouble(tmp_path, "cam", known)
    with pytest.raises(Unavailable, match=reason):
        take(camera("rpicam", 0.3), tmp_path)
    assert not said.exists()


def test_an_empty_ring_says_that_none_has_come(owned, tmp_path):
    with pytest.raises(Unavailable, match="no fresh frame: none has come yet"):
        take(camera("pattern", 0.2), tmp_path)


def test_waiting_for_a_frame_can_be_stopped(owned, tmp_path):
    cancel = os.eventfd(1)
    with pytest.raises(TryAgain, match="stopped"):
        take(camera("pattern"), tmp_path, cancel=cancel)
    os.close(cancel)


def test_when_the_owner_leaves_the_device_is_opened(tmp_path, photo, fake):
    fake("rpicam-still", f"cat {photo}")
    held = hold_lock(ring.lock(tmp_path, "cam"), "capture-ring")
    timer = threading.Timer(0.2, os.close, (held,))
    timer.start()
    assert take(camera("rpicam", 20.0), tmp_path).width == 64
    timer.join()


def test_a_frame_that_goes_as_it_is_read_is_no_failure(owned, tmp_path, photo, monkeypatch):
    owned.add(tagged(photo), time.monotonic())
    gone = iter([ring.Frame(int(time.monotonic() * 1000), 9, tmp_path / "gone")])
    real = ring.newest
    monkeypatch.setattr(ring, "newest", lambda folder: next(gone, None) or real(folder))
    assert take(camera("rpicam"), tmp_path).data == tagged(photo)


@pytest.mark.parametrize(("rate", "night", "seconds"), [(30, 0, 2), (0.5, 0, 4), (2, 0.1, 20)])
def test_fresh_is_two_intervals_or_two_seconds(rate, night, seconds):
    assert fresh(camera("pattern", rate=rate, night_rate=night)) == pytest.approx(seconds)


# Masked


def test_a_privacy_mask_is_burnt_in(tmp_path):
    plain = take(camera("pattern", width=160, height=120), tmp_path)
    hidden = take(camera("pattern", width=160, height=120, privacy_masks=("0,0 50,50",)), tmp_path)
    for picture, dark in ((plain, False), (hidden, True)):
        with Image.open(io.BytesIO(picture.data)) as image:
            assert (image.crop((0, 0, 80, 60)).convert("L").getextrema()[1] <= 24) is dark


def test_a_cut_picture_is_not_masked_but_refused(tmp_path, photo, fake):
    fake("rpicam-still", f"head -c 2000 {photo}")
    assert take(camera("rpicam"), tmp_path).damaged
    with pytest.raises(BadData, match="cut off: no end marker, so it cannot be masked"):
        take(camera("rpicam", privacy_masks=("0,0 50,50",)), tmp_path)
