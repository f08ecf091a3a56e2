"""capture/backends.py: what each program is asked for, and what its failures are called."""

import os
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from camalert.capture import backends, jpeg
from camalert.capture.backends import BACKENDS
from camalert.errors import BadData, BadUsage, NotPermitted, TryAgain, Unavailable


def arguments(said: Path) -> list[str]:
    return said.read_text(encoding="utf-8").splitlines()


class At:
    """A clock that stands still."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    def monotonic(self) -> float:
        return self.seconds

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.seconds, UTC)


def at(shot, seconds: float):
    from dataclasses import replace

    return replace(shot, clock=At(seconds))


def test_rpicam_still_gets_every_option(fake, shot, photo):
    said = fake("rpicam-still", f"cat {photo}")
    asked = shot("rpicam", device="1", width=640, height=480, quality=70, rotation=180)
    assert backends.rpicam(asked) == (photo.read_bytes(), 0)
    assert arguments(said) == [
        *("--camera", "1", "--width", "640", "--height", "480", "--quality", "70"),
        *("--rotation", "180", "--nopreview", "--encoding", "jpg", "--thumb", "none"),
        *("--immediate", "--output", "-"),
    ]


def test_rpicam_options_of_the_user_take_the_place_of_ours(fake, shot):
    said = fake("rpicam-still", "printf x")
    backends.rpicam(shot("rpicam", options=("--thumb=160:120:50", "--quality", "5", "--hflip")))
    words = arguments(said)
    assert words.count("--quality") == 1
    assert "none" not in words
    assert words[-6:] == ["--thumb=160:120:50", "--quality", "5", "--hflip", "--output", "-"]


@pytest.mark.parametrize(("rotation", "pipeline", "tag"), [(0, 0, 0), (90, 0, 90), (270, 180, 90)])
def test_rpicam_quarter_turns_are_left_to_the_tag(fake, shot, rotation, pipeline, tag):
    said = fake("rpicam-still", "printf x")
    assert backends.rpicam(shot("rpicam", rotation=rotation)) == (b"x", tag)
    words = arguments(said)
    assert words[words.index("--rotation") + 1] == str(pipeline)


def test_libcamera_still_serves_where_it_is_the_only_one(fake, shot, monkeypatch):
    said = fake("libcamera-still", "printf old")
    assert backends.rpicam(shot("rpicam"))[0] == b"old"
    assert "--immediate" in arguments(said)
    fake("rpicam-still", "printf new")
    assert backends.rpicam(shot("rpicam"))[0] == b"new"
    monkeypatch.setenv("PATH", "/nowhere")
    reason = r"rpicam-still is not installed; apt install rpicam-apps-lite$"
    with pytest.raises(Unavailable, match=reason):
        backends.rpicam(shot("rpicam"))


def test_fswebcam_gets_every_option(fake, shot, tmp_path):
    said = fake("fswebcam", "printf x")
    device = tmp_path / "video0"
    device.touch()
    backends.fswebcam(
        shot("fswebcam", device=str(device), rotation=90, quality=100, options=("--set", "gain=1"))
    )
    assert arguments(said) == [
        *("--quiet", "--device", str(device), "--no-banner", "--resolution", "1280x720"),
        *("--jpeg", "95", "--skip", "5", "--rotate", "90", "--set", "gain=1", "-"),
    ]


@pytest.mark.parametrize(("rotation", "size"), [(0, (320, 240)), (90, (240, 320))])
def test_the_real_fswebcam_draws_its_test_picture(shot, rotation, size):
    asked = shot("fswebcam", device="TEST", width=320, height=240, rotation=rotation)
    assert jpeg.inspect(backends.fswebcam(asked)[0]) == size


@pytest.mark.parametrize("source", ["fswebcam", "ffmpeg"])
def test_an_absent_or_forbidden_device_is_named(shot, source, tmp_path, monkeypatch):
    with pytest.raises(Unavailable, match="cam: no such device /dev/video97"):
        BACKENDS[source](shot(source, device="/dev/video97"))
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(NotPermitted, match="may not open /dev/null; join the group video"):
        BACKENDS[source](shot(source, device="/dev/null"))


@pytest.mark.parametrize(
    "words",
    [
        "VIDIOC_STREAMON: Device or resource busy",
        "ERROR: *** failed to acquire camera /base/soc/i2c0mux/i2c@1/imx708@1a ***",
        "Pipeline handler in use by another process",
    ],
)
def test_a_busy_camera_may_be_tried_again(fake, shot, words):
    fake("rpicam-still", f"echo '{words}' >&2; exit 255")
    with pytest.raises(TryAgain, match="cam: in use by another program"):
        backends.rpicam(shot("rpicam"))


def test_ffmpeg_reads_a_v4l2_device(fake, shot):
    said = fake("ffmpeg", "printf x")
    assert backends.ffmpeg(shot("ffmpeg", device="/dev/null", quality=100, rotation=90)) == (
        b"x",
        0,
    )
    scale = "scale=w='min(1280,iw)':h='min(720,ih)':force_original_aspect_ratio=decrease"
    assert arguments(said) == [
        *("-nostdin", "-hide_banner", "-loglevel", "error", "-f", "v4l2"),
        *("-video_size", "1280x720", "-i", "/dev/null", "-an", "-frames:v", "1"),
        *("-vf", rf"select=gte(n\,5),{scale},transpose=clock,format=yuvj420p"),
        *("-q:v", "2", "-f", "mjpeg", "-"),
    ]


def test_a_login_in_a_url_stays_out_of_the_arguments_and_the_reason(fake, shot, tmp_path):
    fed = tmp_path / "fed"
    said = fake("ffmpeg", f"cat >{fed}; echo 'pipe:0: Connection refused' >&2; exit 1")
    with pytest.raises(Unavailable) as caught:
        backends.ffmpeg(shot("ffmpeg", device="rtsp://me:it's@host:554/a?b=c"))
    assert str(caught.value) == "cam: ffmpeg: host:554: Connection refused"
    words = arguments(said)
    assert not [word for word in words if "it's" in word]
    assert words[words.index("-protocol_whitelist") + 1] == "pipe,rtsp,rtp,tcp"
    assert fed.read_text(encoding="utf-8") == (
        "ffconcat version 1.0\n"
        "file 'rtsp://me:it'\\''s@host:554/a?b=c'\n"
        "option rtsp_transport tcp\n"
    )


@pytest.mark.parametrize("device", ["gopher://host/x", "concat:/etc/passwd", "video0", "--help"])
def test_other_urls_are_refused(shot, device):
    with pytest.raises(BadUsage, match="none of /dev/"):
        backends.ffmpeg(shot("ffmpeg", device=device))


def test_a_url_cannot_smuggle_a_line_into_the_play_list(shot):
    with pytest.raises(BadUsage, match="control character"):
        backends.ffmpeg(shot("ffmpeg", device="http://host/x\nfile '/etc/passwd'"))


def clip(path: Path, *more: str) -> Path:
    command = ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc2=d=2:r=10:s=320x240"]
    subprocess.run([*command, *more, str(path)], check=True)
    return path


def test_a_clip_plays_by_the_clock_in_a_loop(shot, tmp_path):
    path = clip(tmp_path / "-odd:name.mp4")
    asked = shot("file", device=str(path), width=160)
    first, later, again = (backends.file(at(asked, time))[0] for time in (0.0, 1.0, 2.0))
    assert jpeg.inspect(first) == (160, 120)
    assert first == again != later
    # Behind the last frame, but not yet at the end.
    assert jpeg.inspect(backends.file(at(asked, 1.9999))[0]) == (160, 120)


@pytest.mark.parametrize(("rotation", "size"), [(90, (240, 320)), (180, (320, 240))])
def test_a_clip_is_turned_and_never_enlarged(shot, tmp_path, rotation, size):
    asked = shot("file", device=str(clip(tmp_path / "clip.mkv")), rotation=rotation)
    assert jpeg.inspect(backends.file(asked)[0]) == size


def test_a_picture_file_is_the_camera(shot, photo):
    assert backends.file(shot("file", device=str(photo), rotation=90)) == (photo.read_bytes(), 90)


def test_a_folder_shows_its_next_picture_each_second(shot, photo, tmp_path):
    folder = tmp_path / "folder"
    folder.mkdir()
    asked = shot("file", device=str(folder))
    with pytest.raises(BadData, match="no JPEG in the folder"):
        backends.file(asked)
    for name in ("b.JPG", "a.jpeg", "note.txt"):
        (folder / name).write_bytes(b"\xff\xd8\xff" + name.encode())
    shown = [backends.file(at(asked, time))[0][3:] for time in (0, 0.9, 1, 2)]
    assert shown == [b"a.jpeg", b"a.jpeg", b"b.JPG", b"a.jpeg"]


def test_a_file_that_is_none_is_named(shot, tmp_path):
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "text").write_text("no clip")
    for name, error, reason in [
        ("absent", Unavailable, "absent: No such file"),
        ("fifo", Unavailable, "is no file"),
        ("text", Unavailable, "ffprobe: "),
    ]:
        with pytest.raises(error, match=reason):
            backends.file(shot("file", device=str(tmp_path / name)))
    (tmp_path / "empty").touch()
    assert backends.file(shot("file", device=str(tmp_path / "empty")))[0] == b""


def test_a_clip_without_a_length_is_refused(shot, fake, tmp_path):
    (tmp_path / "clip").write_text("clip")
    fake("ffprobe", "echo N/A")
    with pytest.raises(BadData, match="no length"):
        backends.file(shot("file", device=str(tmp_path / "clip")))


def test_the_pattern_is_drawn_by_the_clock(shot):
    asked = at(shot("pattern", width=64, height=48, rotation=270), 5.0)
    data, turn = backends.pattern(asked)
    assert (jpeg.inspect(data), turn) == ((64, 48), 270)
    assert backends.pattern(asked)[0] == data


def test_all_sources_of_the_config_are_there():
    from camalert.config import Camera

    choices = Camera.__dataclass_fields__["source"].metadata["choices"]
    assert set(BACKENDS) == set(choices)
    assert shutil.which("ffmpeg")
    assert shutil.which("fswebcam")


@pytest.mark.parametrize("source", ["rpicam", "fswebcam"])
def test_an_option_that_would_write_elsewhere_is_refused(source, shot, tmp_path):
    device = {"rpicam": "0", "fswebcam": "TEST"}[source]
    option = f"{'--save' if source == 'fswebcam' else '--output'}={tmp_path}/unmasked.jpg"
    with pytest.raises(BadUsage, match="without the privacy masks"):
        backends.BACKENDS[source](shot(source, device=device, options=(option,)))
    assert not (tmp_path / "unmasked.jpg").exists()
