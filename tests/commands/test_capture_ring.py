"""capture-ring as a process: what it owns, writes and tells, and how it ends."""

import contextlib
import json
import os
import re
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PIL import Image

from camalert.alarm.state import write_mode
from camalert.capture import jpeg
from camalert.codec import decode

SCRIPTS = Path(sys.executable).parent
Run = Callable[..., subprocess.CompletedProcess[bytes]]
Start = Callable[..., "subprocess.Popen[bytes]"]

CAMERA = '[[camera]]\nname = "back yard"\nwidth = 160\nheight = 120\n'
PATTERN = CAMERA + 'source = "pattern"\nrate = 20.0\n'
RPICAM = CAMERA + 'source = "rpicam"\nrate = 20.0\n'


@pytest.fixture
def fake(tmp_path: Path, on_path: Callable[[str, str], None]) -> Callable[[str], None]:
    """Put a shell script on PATH as rpicam-vid; it notes its number and its child's."""
    return lambda script: on_path("rpicam-vid", f"echo $$ >>{tmp_path}/numbers\n{script}")


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "photo.jpeg"
    Image.effect_noise((160, 120), 80).save(path)
    return path


def record(process: "subprocess.Popen[bytes]", seconds: float = 30.0) -> dict:
    """The next record that comes out."""
    text = b""
    assert process.stdout
    while not text.endswith(b"\n"):
        assert select.select([process.stdout], [], [], seconds)[0], "nothing came"
        byte = os.read(process.stdout.fileno(), 1)
        assert byte, "the end came"
        text += byte
    return json.loads(text)


def of_type(process: "subprocess.Popen[bytes]", wanted: str) -> dict:
    while (found := record(process))["type"] != wanted:
        pass
    return found


def eventually(condition: Callable[[], object], seconds: float = 20.0) -> bool:
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


def alive(number: int) -> bool:
    try:
        state = Path(f"/proc/{number}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    except FileNotFoundError:
        return False
    return state[0] not in "ZX"


def numbers(tmp_path: Path) -> list[int]:
    path = tmp_path / "numbers"
    return [int(number) for number in path.read_text().split()] if path.exists() else []


def test_each_frame_is_a_file_and_a_record(run, config_file, tmp_path):
    config_file(PATTERN)
    done = run("capture-ring", "back yard", "--frames", "5")
    assert (done.returncode, done.stderr) == (0, b"")
    records = [decode(line) for line in done.stdout.splitlines()]
    assert [one.type for one in records] == ["frame.captured"] * 5
    files = [Path(one.file) for one in records]
    assert files == sorted((tmp_path / "run/ring/back_yard").glob("*.jpg"))
    for one, path in zip(records, files, strict=True):
        assert (one.source, f"{one.mono * 1000:012.0f}") == ("back yard", path.name[:12])
        assert jpeg.inspect(path.read_bytes()) == (160, 120)
        assert path.stat().st_mode & 0o777 == 0o600
    assert records[-1].mono - records[1].mono >= 2.5 / 20


def test_the_real_fswebcam_and_a_clip_by_the_real_ffmpeg(run, config_file, tmp_path):
    make = ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc2=r=10:d=1:s=320x240"]
    subprocess.run([*make, tmp_path / "clip.mp4"], check=True)
    usb = 'source = "fswebcam"\ndevice = "TEST"\nrate = 5.0\n'
    clip = f'source = "file"\ndevice = "{tmp_path}/clip.mp4"\nrate = 5.0\n'
    for more in (usb, clip):
        config_file(CAMERA + more)
        done = run("capture-ring", "back yard", "--frames", "3")
        assert (done.returncode, done.stderr) == (0, b"")
        for line in done.stdout.splitlines():
            assert jpeg.inspect(Path(json.loads(line)["file"]).read_bytes()) == (160, 120)


@pytest.mark.parametrize(
    ("more", "arguments", "code", "reason"),
    [
        ("", ["porch"], 78, "camera: none is configured"),
        (PATTERN, ["porch"], 64, "porch: no such camera; known here: back yard"),
        (PATTERN, ["back yard", "--frames", "0"], 64, "--frames"),
        (PATTERN, [], 64, "CAMERA"),
        (PATTERN.replace("width = 160", "width = 0"), ["back yard"], 78, "width: 0 is below 16"),
        (PATTERN.replace("20.0", "0.0"), ["back yard"], 78, "rate: 0.0 is below 0.1"),
        (
            PATTERN + 'privacy_masks = ["0,0 101,5"]\n',
            ["back yard"],
            78,
            "privacy_masks[0]: '101,5' lies outside the picture",
        ),
        (PATTERN + 'night = "dusk"\n', ["back yard"], 78, "night: 'dusk' is not one of never"),
        (PATTERN + 'night = "sun"\n', ["back yard"], 78, "set place.latitude"),
        (PATTERN + 'night_from = "25:00"\n', ["back yard"], 78, "night_from: '25:00' is not a"),
        (PATTERN + "[ring]\nframes = 0\n", ["back yard"], 78, "ring.frames: 0 is below 2"),
        (
            PATTERN + "[place]\nlatitude = 91.0\n",
            ["back yard"],
            78,
            "place.latitude: 91.0 is above",
        ),
    ],
)
def test_what_cannot_be_is_one_line_and_a_code(run, config_file, more, arguments, code, reason):
    config_file(more)
    done = run("capture-ring", *arguments)
    assert done.returncode == code
    assert reason in done.stderr.decode()
    assert done.stderr.count(b"\n") == 1


def test_a_camera_has_one_owner(run, start, config_file):
    config_file(PATTERN)
    record(start("capture-ring", "back yard"))
    done = run("capture-ring", "back yard")
    assert done.returncode == 75
    assert b"back_yard.lock: is held: another capture-ring back yard runs" in done.stderr


def test_a_dry_run_says_what_would_be_run(run, config_file, tmp_path):
    config_file(RPICAM)
    done = run("capture-ring", "-n", "back yard")
    first, *rest = done.stdout.decode().splitlines()
    assert first.startswith("source: rpicam-vid --camera 0 --width 160")
    assert rest == [
        f"ring: {tmp_path}/run/ring/back_yard",
        "at most: 20 frames a second; 600 frames, 120 s, 32 MB, 25 % of the free RAM",
    ]
    assert not (tmp_path / "run").exists()


def test_on_a_terminal_a_line_tells_how_it_goes(on_terminal, config_file):
    config_file(PATTERN)
    done = on_terminal("capture-ring", "back yard", "--frames", "30")
    assert done.returncode == 0
    lines = done.stdout.decode().split("\r\n")[:-1]
    assert 1 <= len(lines) <= 4
    assert all(
        re.fullmatch(r"[\d:]{8} back yard: \d+ frames?, (\d+ kB|[\d.]+ MB) in the ring", line)
        for line in lines
    )
    assert re.search(r": 1 frame, [1-9]\d* kB in the ring$", lines[0])


# Troubles


def test_a_camera_that_dies_is_one_trouble_then_good(start, config_file, fake, photo, tmp_path):
    once = f"[ $(wc -l <{tmp_path}/numbers) -ge 3 ]"
    fake(
        f"{once} || {{ cat {photo}; echo unplugged >&2; exit 1; }}\n"
        f"while cat {photo}; do sleep 0.1; done"
    )
    config_file(RPICAM)
    process = start("capture-ring", "back yard")
    trouble = of_type(process, "camera.trouble")
    assert trouble["reason"] == "rpicam-vid: unplugged"
    good = of_type(process, "camera.good")
    assert 0.5 < good["lasted"] < 60
    assert len(numbers(tmp_path)) == 3
    process.send_signal(signal.SIGTERM)
    _, said = process.communicate(timeout=30)
    assert process.returncode == 0
    first, last = said.decode().splitlines()
    assert first.startswith(
        "capture-ring: back yard: no frames: rpicam-vid: unplugged; tried again"
    )
    assert last.startswith("capture-ring: back yard: gives frames again, after ")


@pytest.mark.parametrize("script", ["exec sleep 1000", "exec cat /dev/zero", "while :; do :; done"])
def test_a_camera_that_gives_no_frame_is_killed_and_told(
    start, config_file, fake, tmp_path, script
):
    fake(script)
    config_file(RPICAM + "deadline = 0.5\n")
    process = start("capture-ring", "back yard")
    trouble = record(process)
    assert (trouble["type"], trouble["reason"]) == ("camera.trouble", "no frame for 0.55 s")
    assert eventually(lambda: not alive(numbers(tmp_path)[0]))


def test_with_to_line_only_troubles_go_into_the_fifo(start, config_file, fake, photo, tmp_path):
    fake(f"cat {photo}; exit 1")
    config_file(RPICAM)
    (tmp_path / "run").mkdir()
    os.mkfifo(tmp_path / "run/events", 0o600)
    fifo = os.open(tmp_path / "run/events", os.O_RDWR | os.O_NONBLOCK)
    process = start("capture-ring", "back yard", "--to-line")
    assert select.select([fifo], [], [], 30)[0]
    (line,) = os.read(fifo, 65536).splitlines()
    assert json.loads(line)["type"] == "camera.trouble"
    assert list((tmp_path / "run/ring/back_yard").glob("*.jpg"))
    os.close(fifo)
    process.send_signal(signal.SIGTERM)
    out, _ = process.communicate(timeout=30)
    assert (process.returncode, out) == (0, b"")


def test_a_slow_reader_never_stops_the_ring(start, config_file, tmp_path):
    config_file(PATTERN.replace("20.0", "30.0"))
    process = start("capture-ring", "back yard")
    folder = tmp_path / "run/ring/back_yard"
    # What nobody reads fills the pipe after some 40 records; the ring goes on.
    assert eventually(lambda: folder.exists() and len(list(folder.glob("*.jpg"))) > 120)
    mono = [record(process)["mono"] for _ in range(50)]
    newest = max(folder.glob("*.jpg")).name
    assert mono == sorted(mono)
    assert mono[-1] > int(newest[:12]) / 1000 - 2, "the reader meets frames that are new"
    process.kill()
    assert b"the reader is too slow: 1 frames not told" in process.communicate()[1]


# RAM


@pytest.fixture
def small_ram(tmp_path: Path) -> Iterator[Path]:
    """A run folder on a tmpfs of 2 MB."""
    mount = tmp_path / "run"
    mount.mkdir()
    words = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(mount)]
    if os.geteuid() or subprocess.run(words, capture_output=True, check=False).returncode:
        pytest.skip("only root may mount, and not everywhere")
    yield mount
    subprocess.run(["umount", "-l", str(mount)], check=True)


def test_a_run_folder_that_is_full_costs_old_frames_not_new_ones(small_ram, start, config_file):
    config_file(PATTERN.replace("160", "640").replace("120", "480") + "[ring]\nshare = 90\n")
    folder = small_ram / "ring/back_yard"
    process = start("capture-ring", "back yard")
    assert eventually(lambda: folder.exists() and sum(1 for _ in folder.glob("*.jpg")) > 10)
    filler = os.open(small_ram / "filler", os.O_WRONLY | os.O_CREAT)
    with contextlib.suppress(OSError):  # something else takes all that there is
        while True:
            os.write(filler, bytes(4096))
    full_at = int(max(folder.glob("*.jpg")).name[:12])
    assert eventually(lambda: int(max(folder.glob("*.jpg")).name[:12]) > full_at + 3000)
    os.close(filler)
    process.send_signal(signal.SIGTERM)
    _, said = process.communicate(timeout=30)
    assert process.returncode == 0
    assert said.count(b"RAM is short: the ring holds ") == 1
    assert b"skipped" not in said


# Mode


def test_in_mode_off_the_camera_is_closed_and_the_ring_empty(
    start, config_file, fake, photo, tmp_path
):
    fake(f"while cat {photo}; do sleep 0.05; done")
    config_file(RPICAM)
    process = start("capture-ring", "back yard")
    folder = tmp_path / "run/ring/back_yard"
    record(process)
    write_mode(tmp_path / "state/mode.json", "off")
    assert eventually(lambda: not alive(numbers(tmp_path)[0]))
    assert eventually(lambda: not list(folder.iterdir()))
    write_mode(tmp_path / "state/mode.json", "alert")
    assert eventually(lambda: len(numbers(tmp_path)) == 2 and list(folder.glob("*.jpg")))


def test_started_in_mode_off_it_opens_nothing(start, config_file, fake, tmp_path):
    fake("exec sleep 1000")
    config_file(RPICAM + '[panel]\nmode = "off"\n')
    process = start("capture-ring", "back yard")
    assert process.stderr
    said = process.stderr.readline()
    assert b"mode off: nothing is captured" in said
    assert numbers(tmp_path) == []


# Its end


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_told_to_end_it_takes_all_along(start, config_file, fake, photo, tmp_path, number):
    fake(f"sleep 1000 & echo $! >>{tmp_path}/numbers; while cat {photo}; do sleep 0.05; done")
    config_file(RPICAM)
    process = start("capture-ring", "back yard")
    record(process)
    process.send_signal(number)
    process.communicate(timeout=30)
    assert process.returncode == 0
    assert len(numbers(tmp_path)) == 2 and not any(map(alive, numbers(tmp_path)))


def test_killed_it_leaves_no_camera_program_behind(start, config_file, fake, photo, tmp_path):
    fake(f"while cat {photo}; do sleep 0.05; done")
    config_file(RPICAM)
    process = start("capture-ring", "back yard")
    record(process)
    process.kill()
    process.wait()
    assert eventually(lambda: not any(map(alive, numbers(tmp_path))))


def test_when_its_reader_goes_it_ends(start, config_file):
    config_file(PATTERN)
    process = start("capture-ring", "back yard")
    record(process)
    process.stdout.close()
    assert process.wait(30) == -signal.SIGPIPE


@pytest.mark.skipif(not shutil.which("strace"), reason="needs strace")
@pytest.mark.parametrize("source", ['"pattern"', '"fswebcam"\ndevice = "TEST"'])
def test_nothing_is_opened_for_writing_outside_the_run_folder(config_file, tmp_path, source):
    path = config_file(f'{CAMERA}source = {source}\nrate = 20.0\nprivacy_masks = ["0,0 9,9"]\n')
    trace = tmp_path / "trace"
    untraced = {name: value for name, value in os.environ.items() if "COVERAGE" not in name}
    command = [shutil.which("capture-ring", path=str(SCRIPTS)), "back yard", "--frames", "10"]
    subprocess.run(
        ["strace", "-f", "-y", "-e", "trace=open,openat,creat", "-o", trace, *command],
        check=True,
        stdout=subprocess.DEVNULL,
        env={**untraced, "CAMALERT_CONFIG": str(path), "PYTHONDONTWRITEBYTECODE": "1"},
        timeout=60,
    )
    opened = re.findall(
        r'(?:openat\([^,]*, |open\(|creat\()"([^"]*)"[^\n]*O_(?:WRONLY|RDWR|CREAT)',
        trace.read_text(errors="replace"),
    )
    inside = [name for name in opened if name.startswith(f"{tmp_path}/run/")]
    assert len(inside) >= 10
    assert set(opened) - set(inside) <= {"/dev/null", "/dev/tty"}
