"""snap as a process: by hand, and as the stage of the line that never makes the text wait."""

import functools
import json
import os
import select
import signal
import subprocess
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from PIL import Image

from camalert.alarm.state import write_mode
from camalert.capture import jpeg
from camalert.codec import encode
from camalert.records import AlarmRaised, HeartbeatDue, ModeChanged, PirIdle, SystemClock, envelope
from camalert.sensing.board import Board

Run = Callable[..., subprocess.CompletedProcess[bytes]]
Start = Callable[..., "subprocess.Popen[bytes]"]

PATTERN = '[[camera]]\nname = "{}"\nsource = "pattern"\nwidth = 160\nheight = 120\n'
RPICAM = '[[camera]]\nname = "{}"\nsource = "rpicam"\ndeadline = {}\n'


@pytest.fixture
def fake(on_path: Callable[[str, str], None]) -> Callable[[str], None]:
    """Put a shell script on PATH as rpicam-still."""
    return functools.partial(on_path, "rpicam-still")


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "photo.jpeg"
    tags = Image.Exif()
    tags[0x010F] = "SecretMaker"
    tags.get_ifd(0x8825)[1] = "N"
    Image.linear_gradient("L").save(path, exif=tags)
    return path


def alarm(**keys) -> bytes:
    stamp = envelope("panel", SystemClock())
    return encode(AlarmRaised(**stamp, cause="movement", sensors=("hall",), **keys))


def line(process: "subprocess.Popen[bytes]", seconds: float = 30.0) -> dict:
    """The next record that comes out."""
    text = b""
    assert process.stdout
    while not text.endswith(b"\n"):
        assert select.select([process.stdout], [], [], seconds)[0], "nothing came"
        byte = os.read(process.stdout.fileno(), 1)
        assert byte, "the end came"
        text += byte
    return json.loads(text)


def write(process: "subprocess.Popen[bytes]", *records: bytes) -> None:
    assert process.stdin
    process.stdin.write(b"".join(records))
    process.stdin.flush()


def alive(number: int) -> bool:
    try:
        state = Path(f"/proc/{number}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    except FileNotFoundError:
        return False
    return state[0] not in "ZX"


def gone(numbers: list[int], seconds: float = 10.0) -> bool:
    end = time.monotonic() + seconds
    while any(map(alive, numbers)) and time.monotonic() < end:
        time.sleep(0.01)
    return not any(map(alive, numbers))


def noted(path: Path) -> list[int]:
    while not path.exists() or not path.read_text(encoding="ascii").endswith("\n"):
        time.sleep(0.01)
    return [int(number) for number in path.read_text(encoding="ascii").split()]


# By hand


def test_a_camera_of_the_config_into_a_file(run, config_file, tmp_path):
    config_file(PATTERN.format("porch") + PATTERN.format("back yard"))
    done = run("snap", "porch", "-o", "porch.jpg")
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    assert jpeg.inspect((tmp_path / "porch.jpg").read_bytes()) == (160, 120)


def test_to_standard_output(run, config_file):
    config_file(PATTERN.format("porch"))
    done = run("snap", "-o", "-")
    assert (done.returncode, done.stderr) == (0, b"")
    assert jpeg.inspect(done.stdout) == (160, 120)


@pytest.mark.parametrize("where", [[], ["-o", "shots/"]])
def test_all_of_them_under_new_names_that_are_printed(run, config_file, tmp_path, where):
    config_file(PATTERN.format("porch") + PATTERN.format("back yard"))
    paths = []
    for _ in range(2):
        done = run("snap", "--all", *where)
        assert (done.returncode, done.stderr) == (0, b"")
        paths += done.stdout.decode().split()
    assert len(set(paths)) == 4
    assert all(path.startswith("shots/") for path in paths) is bool(where)
    for path in paths:
        assert jpeg.inspect((tmp_path / path).read_bytes())


def test_without_any_config(run, config_file, tmp_path, photo):
    assert run("snap", "--source", "pattern", "-o", "test.jpg").returncode == 0
    assert run("snap", "--source", "fswebcam", "--device", "TEST", "-o", "usb.jpg").returncode == 0
    done = run("snap", "door", "--source", "file", "--device", str(photo))
    assert done.returncode == 0
    path = tmp_path / done.stdout.decode().strip()
    assert path.name.endswith("Z-door-0001.jpg")
    assert b"Secret" in photo.read_bytes()
    assert b"Secret" not in path.read_bytes()
    with Image.open(path) as shown:
        assert not shown.getexif()


@pytest.mark.parametrize(
    ("arguments", "code", "reason"),
    [
        (["nowhere"], 64, "nowhere: no such camera; known here: porch, back yard"),
        (["-o", "a.jpg"], 64, "camera: which one: porch, back yard?"),
        (["--all", "-o", "a.jpg"], 64, "-o: is one file, and there are 2 cameras"),
        (["--all", "-o", "-"], 64, "-o: is one file, and there are 2 cameras"),
        (["--device", "/dev/video0"], 64, "--device: needs --source"),
        (["--source", "ffmpeg"], 64, "--source: ffmpeg needs --device"),
        (["--source", "pattern", "a", "b"], 64, "--source: is one camera"),
        (["--source", "pattern", "--all"], 64, "--source: is one camera"),
        (["--source", "pattern", "../up"], 64, "--source: is one camera"),
        (["--source", "daguerre"], 64, "--source"),
        (
            ["--source", "pattern", "porch"],
            64,
            "porch: is a camera of the config, with keys of its",
        ),
        (["--source", "pattern", "Back_yard"], 64, "leave out --source, or take another name"),
        (["--source", "fswebcam", "--device", "/dev/video97"], 69, "no such device /dev/video97"),
        (["--source", "file", "--device", "absent"], 69, "absent: No such file"),
        (["porch", "-o", "no/such/folder/a.jpg"], 73, "a.jpg: No such file or directory"),
    ],
)
def test_what_cannot_be_is_one_line_and_a_code(run, config_file, arguments, code, reason):
    config_file(PATTERN.format("porch") + PATTERN.format("back yard"))
    done = run("snap", *arguments)
    assert done.returncode == code
    assert reason in done.stderr.decode()
    assert done.stderr.count(b"\n") == 1
    assert done.stdout == b""


def test_no_camera_configured_names_a_way_out(run):
    done = run("snap", "porch")
    assert done.returncode == 78
    assert done.stderr == (
        b"snap: camera: none is configured; camalert snap --source pattern -o a.jpg\n"
    )


def test_a_terminal_gets_no_picture_and_no_riddle(on_terminal):
    done = on_terminal("snap", "--source", "pattern", "-o", "-")
    assert (done.returncode, done.stdout) == (64, b"")
    assert b"snap: -o: a terminal shows no picture; name a file" in done.stderr
    done = on_terminal("snap")
    assert done.returncode == 64
    assert done.stderr == b"snap: camera: none is named; give a camera's name, or --all\n"


def test_a_dead_camera_costs_the_others_nothing(run, config_file, fake):
    fake("exec sleep 1000")
    config_file(PATTERN.format("porch") + RPICAM.format("yard", 0.5))
    done = run("snap", "--all")
    assert done.returncode == 69
    assert done.stderr == b"snap: yard: no picture within 0.5 s; rpicam-still killed\n"
    assert len(done.stdout.splitlines()) == 1


def test_a_damaged_picture_is_written_and_said(run, config_file, fake, photo, tmp_path):
    fake(f"head -c 2000 {photo}")
    config_file(RPICAM.format("yard", 20))
    done = run("snap", "yard", "-o", "yard.jpg")
    assert done.returncode == 65
    assert done.stderr == b"snap: yard: the picture is damaged: cut off: no end marker\n"
    assert (tmp_path / "yard.jpg").stat().st_size > 1000


def test_codes_of_several_failures_become_one(run, config_file, fake):
    fake("exit 0")
    config_file(
        RPICAM.format("a", 20) + '[[camera]]\nname = "b"\nsource = "fswebcam"\n'
        'device = "/dev/video97"\n'
    )
    assert run("snap", "a").returncode == 65
    assert run("snap", "b").returncode == 69
    assert run("snap", "--all").returncode == 69


def test_interrupted_by_hand_it_takes_the_program_along(start, config_file, fake, tmp_path):
    fake(f"sleep 1000 & echo $$ $! >{tmp_path}/numbers; wait")
    config_file(RPICAM.format("yard", 60))
    process = start("snap", "yard")
    numbers = noted(tmp_path / "numbers")
    process.send_signal(signal.SIGINT)
    assert process.wait(30) == -signal.SIGINT
    assert gone(numbers)


# Again and again, and with a flash


def test_a_time_lapse_into_a_folder(run, config_file, tmp_path):
    config_file(PATTERN.format("porch"))
    done = run("snap", "porch", "--every", "0.1", "--count", "3", "-o", "shots/")
    assert done.returncode == 0
    # On a busy machine a picture may take longer than that.
    assert all(b" missed" in line for line in done.stderr.splitlines())
    paths = done.stdout.decode().split()
    assert len(set(paths)) == 3
    for path in paths:
        assert jpeg.inspect((tmp_path / path).read_bytes()) == (160, 120)


def test_a_time_lapse_without_a_picture_is_a_failure(run, config_file, tmp_path):
    config_file(PATTERN.format("porch"))
    lapse = ("--every", "0.1", "--count", "3", "-o", "shots/")
    done = run("snap", "--source", "file", "--device", "nothere", *lapse)
    assert done.returncode == 69
    assert done.stderr.count(b"nothere: No such file or directory") == 3
    write_mode(tmp_path / "state/mode.json", "off")
    done = run("snap", "porch", *lapse)
    assert done.returncode == 77
    assert done.stderr.count(b"mode is off") == 1
    assert not (tmp_path / "shots").exists()


FLASH = "[flash]\npin = 23\nsettle = 0.05\nactive_high = {}\n"


@pytest.fixture(params=[True, False], ids=["active high", "active low"])
def flash(request, config_file, tmp_path, monkeypatch):
    """A board with a flash at 23 and a resistor that holds it off; `flash()`: is it on?"""
    monkeypatch.setenv("GPIOZERO_PIN_FACTORY", "simulated")
    monkeypatch.setenv("CAMALERT_BOARD", str(tmp_path / "board"))
    config_file(RPICAM.format("porch", 10) + FLASH.format(str(request.param).lower()))
    board = Board(tmp_path / "board")
    board.drive(23, int(not request.param))
    return lambda: board.line(23).level == request.param


def test_the_flash_is_on_for_the_picture_only(run, fake, photo, flash, tmp_path):
    fake(f"cat {tmp_path}/board/23.line >> {tmp_path}/seen; cat {photo}")
    assert not flash()
    done = run("snap", "porch", "--flash", "-o", "porch.jpg")
    assert (done.returncode, done.stderr) == (0, b"")
    assert not flash()
    during = json.loads((tmp_path / "seen").read_text())
    resting = json.loads((tmp_path / "board/23.line").read_text())
    assert during["level"] == during["out"] == 1 - resting["level"]


def test_the_flash_is_off_when_the_camera_fails(run, fake, flash):
    fake("exit 1")
    assert run("snap", "porch", "--flash", "-o", "porch.jpg").returncode == 69
    assert not flash()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_the_flash_is_off_after_a_signal(start, fake, flash, tmp_path, number):
    fake(f"echo $$ > {tmp_path}/pid; exec sleep 600")
    process = start("snap", "porch", "--flash", "--every", "60", "-o", "shots/")
    (camera,) = noted(tmp_path / "pid")
    assert flash()
    process.send_signal(number)
    assert process.wait(30) == (-number if number == signal.SIGINT else 128 + number)
    assert not flash()
    assert gone([camera])


def test_what_a_killed_snap_leaves_on_is_off_with_the_next(
    run, start, fake, photo, flash, tmp_path
):
    fake(f"echo $$ > {tmp_path}/pid; exec sleep 600")
    process = start("snap", "porch", "--flash", "-o", "porch.jpg")
    noted(tmp_path / "pid")
    busy = run("snap", "--flash-off")
    assert busy.returncode == 75
    process.kill()
    process.wait(30)
    assert flash(), "nobody was left to switch it off"
    done = run("snap", "--flash-off")
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    assert not flash()


def test_in_mode_off_there_is_neither_picture_nor_flash(start, run, fake, flash, tmp_path):
    run("mode", "off")
    fake(f"touch {tmp_path}/taken")
    assert run("snap", "porch", "--flash", "-o", "porch.jpg").returncode == 77
    done = run("snap", "porch", "--flash", "--every", "0.1", "--count", "3")
    assert done.returncode == 77
    assert done.stderr.count(b"mode is off") == 1
    assert not (tmp_path / "taken").exists()
    assert not flash()


@pytest.mark.parametrize(
    ("words", "code", "reason"),
    [
        (("--flash",), 78, b"flash.pin: is not set"),
        (("--flash-off",), 78, b"flash.pin: is not set"),
        (("--every", "5", "-o", "one.jpg"), 64, b"-o: is one file, and --every takes many"),
        (("--every", "5", "-o", "-"), 64, b"-o: is one file, and --every takes many"),
        (("--every", "0"), 64, b"'--every'"),
        (("--count", "5"), 64, b"--count: is for a time lapse"),
    ],
)
def test_what_a_time_lapse_and_a_flash_need(run, config_file, words, code, reason):
    config_file(PATTERN.format("porch"))
    done = run("snap", "porch", *words)
    assert done.returncode == code
    assert reason in done.stderr


# In the line


def test_the_alarm_passes_at_once_and_each_picture_as_it_comes(
    start, config_file, fake, tmp_path, photo
):
    fake(f"echo $$ >{tmp_path}/numbers; read nothing <{tmp_path}/gate; cat {photo}")
    os.mkfifo(tmp_path / "gate")
    config_file(RPICAM.format("slow", 60) + PATTERN.format("back yard"))
    process = start("snap")
    first, second = alarm(), encode(PirIdle(**envelope("pir", SystemClock()), pin=16))
    write(process, first)
    assert line(process) == json.loads(first)
    taken = line(process)
    assert (taken["type"], taken["source"]) == ("picture.taken", "back yard")
    assert (taken["part"], taken["kind"]) == ("back_yard-1", "alarm")
    assert taken["file"] == f"{tmp_path}/run/frames/{json.loads(first)['id']}/back_yard-1.jpg"
    assert jpeg.inspect(Path(taken["file"]).read_bytes()) == (160, 120)
    write(process, second)
    assert line(process) == json.loads(second)
    (tmp_path / "gate").write_text("now\n")
    taken, complete = line(process), line(process)
    assert (taken["type"], taken["source"]) == ("picture.taken", "slow")
    assert b"Secret" not in Path(taken["file"]).read_bytes()
    assert (complete["type"], complete["pictures"], complete["failed"]) == ("alarm.complete", 2, [])


def test_a_camera_that_hangs_is_told_when_its_time_is_over(run, config_file, fake, tmp_path):
    fake(f"trap '' TERM; sleep 1000 & echo $$ $! >>{tmp_path}/numbers; while :; do wait; done")
    config_file(RPICAM.format("hung", 0.5) + PATTERN.format("porch"))
    done = run("snap", data=alarm())
    assert done.returncode == 0
    _, taken, failed, complete = map(json.loads, done.stdout.splitlines())
    assert (taken["type"], taken["source"]) == ("picture.taken", "porch")
    assert (failed["type"], failed["source"]) == ("picture.failed", "hung")
    assert failed["reason"] == "no picture within 0.5 s; rpicam-still killed"
    assert (complete["pictures"], complete["failed"]) == (1, ["hung"])
    assert gone(noted(tmp_path / "numbers"))


def test_a_damaged_picture_is_labelled(run, config_file, fake, photo):
    fake(f"head -c 2000 {photo}")
    config_file(RPICAM.format("yard", 20))
    _, taken, complete = map(json.loads, run("snap", data=alarm()).stdout.splitlines())
    assert taken["damaged"] == "cut off: no end marker"
    assert complete["pictures"] == 1


@pytest.mark.parametrize(
    ("record", "kind"),
    [
        (alarm(text_only=True), "alarm.complete"),
        (
            encode(HeartbeatDue(**envelope("h", SystemClock()), health="well", mode="off")),
            "heartbeat.complete",
        ),
    ],
)
def test_text_only_takes_no_picture(run, config_file, record, kind):
    config_file(PATTERN.format("porch"))
    passed, complete = map(json.loads, run("snap", data=record).stdout.splitlines())
    assert passed == json.loads(record)
    assert (complete["type"], complete["pictures"]) == (kind, 0)


def test_a_heartbeat_gets_its_pictures(run, config_file):
    config_file(PATTERN.format("porch"))
    due = encode(HeartbeatDue(**envelope("h", SystemClock()), health="well", mode="alert"))
    _, taken, complete = map(json.loads, run("snap", data=due).stdout.splitlines())
    assert (taken["kind"], taken["alarm"]) == ("heartbeat", json.loads(due)["id"])
    assert (complete["health"], complete["mode"], complete["pictures"]) == ("well", "alert", 1)


def test_after_a_crash_the_picture_of_that_moment_is_used(run, config_file, tmp_path):
    config_file(PATTERN.format("porch"))
    raised = alarm()
    taken = json.loads(run("snap", data=raised).stdout.splitlines()[1])
    before = Path(taken["file"]).stat().st_ino
    again = json.loads(run("snap", data=raised).stdout.splitlines()[1])
    assert (again["type"], again["file"]) == ("picture.taken", taken["file"])
    assert Path(taken["file"]).stat().st_ino == before


def test_alarms_in_quick_succession_do_not_pile_up(start, config_file, fake, tmp_path):
    fake(f"echo $$ >>{tmp_path}/numbers; exec sleep 1000")
    config_file(RPICAM.format("hung", 60))
    process = start("snap")
    write(process, *(alarm() for _ in range(50)))
    types = [line(process)["type"] for _ in range(50 + 2 * 47)]
    assert types.count("alarm.raised") == 50
    assert types.count("picture.failed") == types.count("alarm.complete") == 47
    threads = len(list(Path(f"/proc/{process.pid}/task").iterdir()))
    assert threads <= 2
    assert len(noted(tmp_path / "numbers")) == 1


def test_a_new_camera_in_the_config_is_used(start, config_file):
    config_file(PATTERN.format("porch"))
    process = start("snap")
    write(process, alarm())
    assert [line(process)["source"] for _ in range(3)] == ["panel", "porch", "snap"]
    config_file(PATTERN.format("yard"))
    write(process, alarm())
    assert [line(process)["source"] for _ in range(3)] == ["panel", "yard", "snap"]


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_no_program_outlives_it(start, config_file, fake, tmp_path, number):
    fake(f"echo $$ >{tmp_path}/numbers; exec sleep 1000")
    config_file(RPICAM.format("hung", 60))
    process = start("snap")
    write(process, alarm())
    numbers = noted(tmp_path / "numbers")
    assert all(map(alive, numbers))
    process.stdin.close()
    process.stdin = None
    # At the end of its input it waits for the camera alone; a further SIGTERM ends that too.
    while process.poll() is None:
        process.send_signal(number)
        time.sleep(0.05)
    assert gone(numbers)


def test_without_a_reader_it_ends_and_takes_the_program_along(start, config_file, fake, tmp_path):
    fake(f"sleep 1000 & echo $$ $! >{tmp_path}/numbers; wait")
    config_file(RPICAM.format("hung", 60))
    process = start("snap")
    write(process, alarm())
    numbers = noted(tmp_path / "numbers")
    process.stdout.close()
    assert process.wait(30) == -signal.SIGPIPE
    assert gone(numbers)


def test_help_needs_neither_pillow_nor_the_capture_room(run):
    script = (
        "import sys\n"
        "from camalert.commands import snap\n"
        "try: snap.main(['--help'])\n"
        "except SystemExit: pass\n"
        "heavy = {'PIL', 'numpy', 'subprocess', 'camalert.capture'} & set(sys.modules)\n"
        "sys.exit(str(heavy) if heavy else 0)\n"
    )
    done = run("python", "-c", script)
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"snap porch -o porch.jpg" in done.stdout


def test_the_sources_offered_are_those_of_the_config():
    from camalert.commands.snap import SOURCES
    from camalert.config import Camera

    assert Camera.__dataclass_fields__["source"].metadata["choices"] == SOURCES


# From a ring


@pytest.fixture
def ring_runs(start, config_file, fake, tmp_path):
    """A capture-ring of the camera "porch"; its still program, if asked, leaves a mark."""
    fake(f"touch {tmp_path}/opened; exit 1")
    (tmp_path / "bin/rpicam-vid").write_text(
        f"#!/bin/sh\nwhile cat {tmp_path}/photo.jpeg; do sleep 0.03; done\n"
    )
    (tmp_path / "bin/rpicam-vid").chmod(0o755)
    config_file('[[camera]]\nname = "porch"\nsource = "rpicam"\nrate = 10.0\nrotation = 90\n')
    process = start("capture-ring", "porch")
    assert line(process)["type"] == "frame.captured"
    return process


def test_with_a_ring_the_newest_frame_is_the_picture_at_once(photo, ring_runs, start, tmp_path):
    process = start("snap")
    write(process, alarm())
    assert [line(process)["type"] for _ in range(3)][-1] == "alarm.complete"
    took = []
    for _ in range(5):
        begin = time.monotonic()
        write(process, alarm())
        _, taken, complete = (line(process) for _ in range(3))
        took.append(time.monotonic() - begin)
        assert (taken["type"], complete["pictures"]) == ("picture.taken", 1)
        assert "damaged" not in taken  # the same frame twice is no stuck camera
        with Image.open(taken["file"]) as shown:
            assert shown.getexif()[0x0112] == 6  # the rotation
        assert Path(taken["file"]).read_bytes() in {
            path.read_bytes() for path in (tmp_path / "run/ring/porch").glob("*.jpg")
        }
    assert not (tmp_path / "opened").exists()
    assert min(took) < 0.1
    ring_runs.send_signal(signal.SIGTERM)
    ring_runs.wait(30)
    write(process, alarm())
    assert [line(process)["type"] for _ in range(3)][1] == "picture.failed"
    assert (tmp_path / "opened").exists()  # without a ring the device is opened


def test_by_hand_too_but_not_for_a_camera_that_no_config_knows(photo, ring_runs, run, tmp_path):
    assert run("snap", "porch", "-o", "a.jpg").returncode == 0
    assert not (tmp_path / "opened").exists()
    done = run("snap", "porch-2", "--source", "pattern", "-o", "b.jpg")
    assert (done.returncode, jpeg.inspect((tmp_path / "b.jpg").read_bytes())) == (0, (1280, 720))


# Privacy


def test_a_mask_is_black_in_every_picture(run, config_file, tmp_path):
    config_file(PATTERN.format("porch") + 'privacy_masks = ["0,0 50,50"]\n')
    assert run("snap", "porch", "-o", "porch.jpg").returncode == 0
    taken = json.loads(run("snap", data=alarm()).stdout.splitlines()[1])
    for path in (tmp_path / "porch.jpg", Path(taken["file"])):
        with Image.open(path) as image:
            assert image.crop((0, 0, 80, 60)).convert("L").getextrema()[1] <= 24
            assert image.crop((88, 0, 160, 60)).convert("L").getextrema()[1] > 60


def test_what_cannot_be_masked_is_no_picture(run, config_file, fake, photo, tmp_path):
    fake(f"head -c 2000 {photo}")
    config_file(RPICAM.format("yard", 20) + 'privacy_masks = ["0,0 50,50"]\n')
    done = run("snap", "yard", "-o", "yard.jpg")
    assert done.returncode == 65
    assert b"cut off: no end marker, so it cannot be masked" in done.stderr
    assert not (tmp_path / "yard.jpg").exists()
    failed = json.loads(run("snap", data=alarm()).stdout.splitlines()[1])
    assert failed["type"] == "picture.failed"
    assert not list((tmp_path / "run/frames").rglob("*.jpg"))


def test_in_mode_off_no_picture_is_taken(run, config_file, tmp_path):
    config_file(PATTERN.format("porch"))
    write_mode(tmp_path / "state/mode.json", "off")
    done = run("snap", "porch", "-o", "porch.jpg")
    assert done.returncode == 77
    assert done.stderr == (
        b"snap: porch: mode is off, and nothing is captured in it; camalert mode monitor\n"
    )
    assert not (tmp_path / "porch.jpg").exists()
    _, complete = map(json.loads, run("snap", data=alarm()).stdout.splitlines())
    assert (complete["type"], complete["pictures"]) == ("alarm.complete", 0)
    assert run("snap", "--source", "pattern", "-o", "test.jpg").returncode == 0


def test_when_it_becomes_off_pictures_of_before_go(start, run, config_file, tmp_path):
    config_file(PATTERN.format("porch"))
    process = start("snap")
    write(process, alarm())
    taken = [line(process) for _ in range(3)][1]
    write_mode(tmp_path / "state/mode.json", "off")
    stale = tmp_path / "run/ring/porch/000000000001-000001.jpg"
    stale.parent.mkdir(parents=True)
    stale.write_bytes(b"\xff\xd8")
    os.utime(Path(taken["file"]).parent, (1e9, 1e9))
    stamp = envelope("panel", SystemClock())
    write(process, encode(ModeChanged(**stamp, mode="off", was="alert", who="anna")))
    assert line(process)["type"] == "mode.changed"
    write(process, alarm())
    assert line(process)["type"] == "alarm.raised"
    assert not stale.exists()
    assert not Path(taken["file"]).exists()


def test_at_night_its_options_are_in_force_without_a_ring_too(run, config_file, fake, tmp_path):
    fake(f'echo "$*" >{tmp_path}/said; exit 1')
    more = 'night = "hours"\nnight_from = "{}"\nnight_to = "{}"\nnight_options = ["--ev", "2"]\n'
    now = datetime.now().astimezone()
    for begin, end, night in [(-1, 1, True), (2, 3, False)]:
        hours = (f"{now + timedelta(hours=hour):%H:%M}" for hour in (begin, end))
        config_file(RPICAM.format("yard", 20) + more.format(*hours))
        run("snap", "yard")
        assert ("--ev 2" in (tmp_path / "said").read_text()) is night
