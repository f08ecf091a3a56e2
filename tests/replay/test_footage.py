"""replay/footage.py: pictures of folders and clips, and what is no footage."""

import os
import select
import shutil
import subprocess
from pathlib import Path

import pytest

from camalert.capture import jpeg
from camalert.errors import BadData, BadUsage, NotPermitted, Unavailable
from camalert.replay import footage
from camalert.replay.footage import find

needs_ffmpeg = pytest.mark.skipif(not shutil.which("ffmpeg"), reason="ffmpeg is not installed")


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    """Two seconds, 12.5 pictures a second, wider than the detector needs."""
    path = tmp_path_factory.mktemp("clip") / "a clip's.mp4"
    source = ["-f", "lavfi", "-i", "testsrc2=size=1280x720:rate=25/2:duration=2"]
    command = ["ffmpeg", "-v", "error", "-nostdin", *source, "-pix_fmt", "yuv420p", str(path)]
    subprocess.run(command, check=True, timeout=60)
    return path


@pytest.fixture
def program(tmp_path, monkeypatch):
    """Put a shell script on PATH in place of a program."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")

    def make(name, script):
        path = folder / name
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)

    return make


@needs_ffmpeg
def test_a_clip_is_cut_into_its_pictures_none_doubled_or_left_out(clip):
    (found,) = find([clip], None)
    assert (found.name, found.rate, found.count, found.is_clip) == (str(clip), 12.5, 25, True)
    pictures = list(found.pictures(jpeg.frames))
    assert [jpeg.inspect(picture) for picture in pictures] == [(640, 360)] * 25
    assert len(set(pictures)) == 25
    assert find([clip], 5)[0].rate == 5


@needs_ffmpeg
def test_a_clip_that_is_cut_off(clip, tmp_path):
    whole, cut = tmp_path / "whole.mkv", tmp_path / "cut.mkv"
    command = ["ffmpeg", "-v", "error", "-nostdin", "-i", str(clip), "-c", "copy", str(whole)]
    subprocess.run(command, check=True, timeout=60)
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    seen = []
    with pytest.raises(BadData) as caught:
        for picture in find([cut], None)[0].pictures(jpeg.frames):
            seen.append(picture)
    assert 1 < len(seen) < 25
    assert caught.value.reason == "breaks off or is damaged: File ended prematurely"
    headless = tmp_path / "cut.mp4"
    headless.write_bytes(clip.read_bytes()[:20000])
    with pytest.raises(BadData) as caught:
        find([headless], None)
    assert caught.value.reason == "is no clip that ffmpeg can read: moov atom not found"


@needs_ffmpeg
def test_a_clip_can_be_played_again_and_left_early(clip):
    (found,) = find([clip], None)
    started = found.pictures(jpeg.frames)
    first = next(started)
    (child,) = children()
    started.close()
    assert children() == []
    assert not Path(f"/proc/{child}").exists()
    assert next(found.pictures(jpeg.frames)) == first


def children():
    text = "".join(path.read_text() for path in Path("/proc/self/task").glob("*/children"))
    return text.split()


def test_a_folder_is_its_jpegs_in_order(tmp_path):
    for name in ("b.jpg", "a.JPEG", "n.txt"):
        (tmp_path / name).write_text(name)
    (tmp_path / "c.jpg").mkdir()
    (found,) = find([tmp_path], None)
    assert (found.rate, found.count, found.is_clip) == (1.0, 3, False)
    assert list(found.pictures(jpeg.frames)) == [b"a.JPEG", b"b.jpg", b""]


def test_pictures_that_are_named_are_one_footage(tmp_path):
    paths = [tmp_path / f"{n}.jpg" for n in (2, 1)]
    for path in paths:
        path.write_text(path.name)
    (found,) = find(paths, 4)
    assert (found.name, found.rate, found.count) == ("2 pictures", 4, 2)
    assert list(found.pictures(jpeg.frames)) == [b"2.jpg", b"1.jpg"]


def test_what_cannot_be_read_is_an_empty_picture(tmp_path, monkeypatch):
    monkeypatch.setattr(footage, "LARGEST", 5)
    (tmp_path / "1.jpg").write_bytes(b"large!")
    os.mkfifo(tmp_path / "2.jpg")
    (tmp_path / "3.jpg").symlink_to("nowhere")
    assert list(find([tmp_path], None)[0].pictures(jpeg.frames)) == [b"", b"", b""]


def test_what_is_no_footage_is_named(tmp_path, monkeypatch):
    with pytest.raises(BadData, match="no JPEG in the folder"):
        find([tmp_path], None)
    with pytest.raises(BadUsage, match="clip: No such file"):
        find([tmp_path / "clip"], None)
    with pytest.raises(BadUsage, match="null: is neither a file nor a folder"):
        find([Path("/dev/null")], None)
    (tmp_path / "clip").touch()
    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(NotPermitted, match="clip: may not be read"):
        find([tmp_path / "clip"], None)
    monkeypatch.setattr(Path, "iterdir", refuse)
    with pytest.raises(NotPermitted, match="may not be read"):
        find([tmp_path], None)


def refuse(*_):
    raise PermissionError


@needs_ffmpeg
def test_what_is_no_clip_is_named(tmp_path):
    noise, silent = tmp_path / "noise", tmp_path / "silent.mp4"
    noise.write_bytes(b"no clip" * 100)
    with pytest.raises(BadData) as caught:
        find([noise], None)
    reason = "is no clip that ffmpeg can read: Invalid data found when processing input"
    assert caught.value.reason == reason
    sound = ["-f", "lavfi", "-i", "sine=duration=0.1", str(silent)]
    subprocess.run(["ffmpeg", "-v", "error", "-nostdin", *sound], check=True, timeout=60)
    with pytest.raises(BadData, match="there is no video in it"):
        find([silent], None)


def test_a_clip_that_does_not_say_its_rate(program, tmp_path):
    (tmp_path / "clip").touch()
    said = '{"streams":[{"avg_frame_rate":"0/0","r_frame_rate":"N/A","nb_frames":"N/A"}]}'
    program("ffprobe", f"echo '{said}'")
    (found,) = find([tmp_path / "clip"], None)
    assert (found.rate, found.count) == (25.0, None)


def clip_of(tmp_path):
    (tmp_path / "clip").touch()
    return footage.Footage("clip", 25.0, None, (tmp_path / "clip",), True)


def test_a_program_that_is_silent_is_killed_with_its_children(program, tmp_path):
    program("ffmpeg", f"sleep 600 & echo $! > {tmp_path}/pid; printf x; wait")
    pictures = clip_of(tmp_path).pictures(iter, patience=1)
    assert next(pictures) == b"x"
    grandchild = os.pidfd_open(int((tmp_path / "pid").read_text()))
    with pytest.raises(Unavailable, match=r"clip: ffmpeg was silent for 1 s; killed"):
        next(pictures)
    assert select.select([grandchild], [], [], 20)[0], "it lives on"
    os.close(grandchild)


def test_a_program_that_fails_is_quoted(program, tmp_path):
    program("ffmpeg", "yes 'a long story' | head -c 300000 >&2; printf '\\ngone\\n' >&2; exit 3")
    with pytest.raises(Unavailable, match="clip: ffmpeg: gone"):
        list(clip_of(tmp_path).pictures(list))
    program("ffmpeg", "exit 3")
    with pytest.raises(Unavailable, match="clip: ffmpeg: exit status 3"):
        list(clip_of(tmp_path).pictures(list))
    program("ffmpeg", "kill -9 $$")
    with pytest.raises(Unavailable, match="clip: ffmpeg: killed by signal 9"):
        list(clip_of(tmp_path).pictures(list))
    program("ffmpeg", "exec 1>&- 2>&-; sleep 600")
    with pytest.raises(Unavailable, match="ffmpeg does not end; killed"):
        list(clip_of(tmp_path).pictures(list, patience=0.3))


def test_a_probe_that_is_killed_says_nothing_of_the_clip(program, tmp_path):
    (tmp_path / "clip").touch()
    program("ffprobe", "kill -9 $$")
    with pytest.raises(Unavailable, match="clip: ffprobe: killed by signal 9"):
        find([tmp_path / "clip"], None)


def test_a_program_that_is_missing_is_named(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Unavailable, match="ffmpeg is not installed; apt install ffmpeg"):
        list(clip_of(tmp_path).pictures(list))


def test_a_clip_without_end_is_given_up(program, tmp_path, monkeypatch):
    monkeypatch.setattr(footage, "MOST_PICTURES", 3)
    program("ffmpeg", "while :; do printf x; done")
    seen = []
    with pytest.raises(BadData, match="clip: more than 3 pictures; cut it"):
        seen.extend(clip_of(tmp_path).pictures(iter))
    assert children() == []
