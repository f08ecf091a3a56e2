"""watch-frames as a process: each kind of input, what comes out, and how it ends."""

import io
import json
import os
import random
import signal
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from subprocess import CompletedProcess, Popen
from typing import Any

import pytest
from PIL import Image

from camalert.codec import encode
from camalert.records import CameraTrouble, FrameCaptured, Record, SystemClock, envelope

Run = Callable[..., CompletedProcess[bytes]]
Start = Callable[..., Popen[bytes]]

NOISE = Image.frombytes("L", (20, 15), random.Random(1).randbytes(300))


def picture(left: int | None = None) -> bytes:
    """A JPEG of a room with much in it; with a figure that stands `left` pixels from its side."""
    scene = NOISE.point(lambda value: 100 + value // 2).resize((640, 480))
    if left is not None:
        scene.paste(NOISE.point(lambda value: value // 4).resize((64, 240)), (left, 200))
    out = io.BytesIO()
    scene.convert("RGB").save(out, "JPEG")
    return out.getvalue()


STILL = picture()
WALK = [STILL] * 12 + [picture(left) for left in range(0, 560, 80)] + [STILL] * 24
"""Two pictures a second: six seconds of nothing, somebody walks past, nothing."""


def found(done: CompletedProcess[bytes]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in done.stdout.splitlines()]


def types(done: CompletedProcess[bytes]) -> list[str]:
    return [record["type"] for record in found(done)]


@pytest.fixture
def frames(tmp_path: Path) -> list[bytes]:
    """The records of the walk past, its files in a ring; their moments are two a second."""
    ring = tmp_path / "run/ring/porch"
    ring.mkdir(parents=True)
    return [encode(frame(ring / f"{n:06}.jpg", data, n / 2)) for n, data in enumerate(WALK)]


def frame(path: Path, data: bytes, mono: float) -> FrameCaptured:
    path.write_bytes(data)
    stamp = envelope("porch", SystemClock()) | {"mono": mono, "boot": "other"}
    return FrameCaptured(**stamp, file=str(path))


def test_frames_go_in_and_events_come_out(run: Run, frames: list[bytes]) -> None:
    done = run("watch-frames", data=b"".join(frames))
    assert (done.returncode, done.stderr) == (0, b"")
    start, stop = found(done)
    assert (start["type"], start["source"], stop["type"]) == (
        "motion.start",
        "porch",
        "motion.stop",
    )
    assert start["file"] in {json.loads(record)["file"] for record in frames[12:19]}
    assert start["score"] > 1 and start["area"] > 1 and len(start["box"]) == 4
    assert 2 <= stop["duration"] <= 6 and stop["score"] >= start["score"]


def test_a_file_may_be_named_below_the_run_folder(
    run: Run, frames: list[bytes], tmp_path: Path
) -> None:
    inside = str(tmp_path / "run").encode() + b"/"
    relative = b"".join(frames).replace(inside, b"")
    assert b"ring/porch/000001.jpg" in relative and inside not in relative
    assert types(run("watch-frames", data=relative)) == ["motion.start", "motion.stop"]


def test_a_file_elsewhere_is_not_read(run: Run, frames: list[bytes], tmp_path: Path) -> None:
    (tmp_path / "run/ring/porch").rename(tmp_path / "elsewhere")
    moved = b"".join(frames).replace(b"/run/ring/porch/", b"/elsewhere/")
    done = run("watch-frames", data=moved)
    assert (done.returncode, done.stdout) == (0, b"")
    said = done.stderr.decode().splitlines()
    assert len(said) == 2 and "porch: frame skipped, 1 so far" in said[0]
    assert "is not below" in said[0]


def test_all_other_records_pass(run: Run, frames: list[bytes]) -> None:
    trouble = CameraTrouble(**envelope("yard", SystemClock()), reason="no frame for 10 s")
    strange = Record(type="cat.purred", **envelope("cat", SystemClock()))
    done = run("watch-frames", data=encode(trouble) + frames[0] + encode(strange))
    assert done.stdout == encode(trouble) + encode(strange)


def test_an_event_that_goes_on_at_the_end_of_input_is_over(run: Run, frames: list[bytes]) -> None:
    assert types(run("watch-frames", data=b"".join(frames[:19]))) == ["motion.start", "motion.stop"]


def test_an_event_ends_when_no_more_frames_come(start: Start, frames: list[bytes]) -> None:
    process = start("watch-frames", "--clear", "0.3")
    assert process.stdin and process.stdout
    process.stdin.write(b"".join(frames[:12]))
    for n, record in enumerate(frames[12:19]):
        tree = json.loads(record) | {"mono": 6 + n / 10}  # nearer together than the clear time
        process.stdin.write(json.dumps(tree).encode() + b"\n")
    assert json.loads(process.stdout.readline())["type"] == "motion.start"
    assert json.loads(process.stdout.readline())["type"] == "motion.stop"
    process.stdin.close()
    process.stdin = None
    assert process.wait(20) == 0 and process.stdout.read() == b""


def test_sigterm_ends_it_at_the_end_of_its_input(start: Start, frames: list[bytes]) -> None:
    process = start("watch-frames")
    assert process.stdin and process.stdout
    process.stdin.write(b"".join(frames[:16]))
    assert json.loads(process.stdout.readline())["type"] == "motion.start"
    process.send_signal(signal.SIGTERM)
    process.stdin.close()
    process.stdin = None
    assert json.loads(process.stdout.readline())["type"] == "motion.stop"
    assert process.wait(20) == 0


def test_its_reader_gone_it_ends(start: Start, frames: list[bytes]) -> None:
    process = start("watch-frames")
    assert process.stdin and process.stdout
    process.stdin.write(frames[0])
    process.stdout.close()
    assert process.wait(20) == -signal.SIGPIPE
    process.stdout = None


def test_into_the_line_without_waiting_for_it(
    run: Run, frames: list[bytes], tmp_path: Path
) -> None:
    fifo = tmp_path / "run/events"
    os.mkfifo(fifo, 0o600)
    reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    done = run("watch-frames", "--to-line", data=b"".join(frames))
    records = [json.loads(line) for line in os.read(reader, 65536).splitlines()]
    os.close(reader)
    assert done.stdout == b"" and b"no alarm line runs" in done.stderr
    assert [record["type"] for record in records] == ["motion.start", "motion.stop"]


def test_jpegs_one_after_the_other(run: Run) -> None:
    done = run("watch-frames", "--camera", "yard", "--every", "0.5", data=b"".join(WALK))
    assert (types(done), done.stderr) == (["motion.start", "motion.stop"], b"")
    assert [record["source"] for record in found(done)] == ["yard", "yard"]
    assert found(done)[0]["file"] == ""


def test_jpegs_that_stop_coming_end_their_event(start: Start) -> None:
    process = start("watch-frames", "--minimum", "0", "--clear", "0.3")
    assert process.stdin and process.stdout
    process.stdin.write(b"".join(WALK[:19]))
    assert json.loads(process.stdout.readline())["type"] == "motion.start"
    assert json.loads(process.stdout.readline())["type"] == "motion.stop"
    process.stdin.close()
    process.stdin = None
    assert process.wait(20) == 0


def test_paths_a_line(run: Run, tmp_path: Path) -> None:
    for n, data in enumerate(WALK):
        (tmp_path / f"{n:03}.jpg").write_bytes(data)
    names = [f"{n:03}.jpg" for n in range(len(WALK))]
    (tmp_path / "005.jpg").write_bytes(b"hello")
    done = run("watch-frames", "--every", "0.5", data="\n".join([*names, "gone.jpg", ""]).encode())
    assert types(done) == ["motion.start", "motion.stop"]
    assert found(done)[0]["file"] in names[12:19] and found(done)[0]["source"] == "camera"
    assert done.stderr.count(b"\n") == 1
    assert b"camera: frame skipped, 1 so far: picture: not a JPEG" in done.stderr


def test_numbers_of_the_command_line_go_before_those_of_the_config(
    run: Run, config_file: Callable[[str], Path]
) -> None:
    walk = b"".join(WALK)

    def events(*options: str) -> int:
        return len(found(run("watch-frames", "--every", "0.5", *options, data=walk)))

    assert events("--minimum", "60") == events("--area", "90") == events("--threshold", "100") == 0
    config_file("[watch]\nminimum = 60\n")
    assert events() == 0
    assert events("--minimum", "0.5") == 2


def test_the_schedule_of_the_config_is_heeded(run: Run, config_file: Callable[[str], Path]) -> None:
    hour = datetime.now().astimezone().hour
    for begin, end, number in ((hour - 1, hour + 2, 2), (hour + 6, hour + 12, 0)):
        config_file(f'[watch]\nactive = ["{begin % 24:02}:00-{end % 24:02}:00"]\n')
        done = run("watch-frames", "--every", "0.5", data=b"".join(WALK))
        assert len(found(done)) == number
    config_file('[watch]\nactive = ["night"]\n')
    done = run("watch-frames", data=STILL)
    assert (done.returncode, done.stdout) == (78, b"")
    assert b"watch.active[0]: 'night' is no day" in done.stderr


def test_masks_that_leave_nothing_are_a_matter_of_the_config(
    run: Run, config_file: Callable[[str], Path]
) -> None:
    config_file('[[camera]]\nname = "yard"\nsource = "pattern"\nmasks = ["0,0 100,100"]\n')
    done = run("watch-frames", "--camera", "yard", data=STILL)
    assert done.returncode == 78
    assert "camera[0].masks: zones and masks leave nothing" in done.stderr.decode()
    assert done.stderr.count(b"\n") == 1


def test_no_input_is_no_event(run: Run) -> None:
    done = run("watch-frames")
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_on_a_terminal_it_says_what_it_waits_for(on_terminal: Run) -> None:
    done = on_terminal("watch-frames")
    assert done.returncode == 64
    assert b"records of capture-ring" in done.stderr


def test_a_camera_that_the_config_does_not_know_is_refused(
    run: Run, config_file: Callable[[str], Path]
) -> None:
    assert run("watch-frames", "--camera", "nope", data=STILL).returncode == 0
    config_file('[[camera]]\nname = "yard"\nsource = "pattern"\n')
    done = run("watch-frames", "--camera", "nope", data=STILL)
    assert (done.returncode, done.stdout) == (64, b"")
    assert done.stderr == b"watch-frames: nope: no such camera; known here: yard\n"
    assert run("watch-frames", "--camera", "yard", data=STILL).returncode == 0


@pytest.mark.parametrize("data", [b"hello\n", b"\xff\xfe", b"\xff\xd8\xff\xe0 cut", STILL[:5000]])
def test_input_of_which_nothing_is_a_picture_is_refused(run: Run, data: bytes) -> None:
    done = run("watch-frames", data=data)
    assert (done.returncode, done.stdout) == (65, b"")
    last = done.stderr.splitlines()[-1]
    assert last == b"watch-frames: standard input: no picture in it could be read"


def test_of_foreign_bytes_only_a_little_is_shown_and_nothing_a_terminal_obeys(run: Run) -> None:
    foreign = b"a" + random.Random(2).randbytes(9000).replace(b"\n", b"\x1b")
    for command in ("watch-frames", "diff-frames"):
        done = run(command, data=foreign)
        assert done.returncode == 65
        said = done.stderr.decode()
        assert len(said) < 400
        assert all(line.isprintable() for line in said.splitlines())
