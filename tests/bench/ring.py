"""bin/bench ring: what a frame costs, and a picture from the ring against opening the device."""

import contextlib
import io
import os
import resource
import select
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from PIL import Image

BIN = Path(sys.executable).parent
FEW, MANY = 30, 180
SIZES = {"640x480": (640, 480, 36_000), "1920x1080": (1920, 1080, 116_000)}
USB = 'source = "fswebcam"\ndevice = "TEST"\n'
CLIP = 'source = "file"\ndevice = "{}/clip.mp4"\n'

CAMERA = """
import sys, time
data = open("{}", "rb").read()
while True:
    sys.stdout.buffer.write(data)
    sys.stdout.flush()
    time.sleep(1 / 31)
"""

Rounds = Callable[..., Iterator[int]]
Figure = dict[str, Any]


def figures(rounds: Rounds) -> Iterator[Figure]:
    """The rows of this part, as the arguments of bench.Row."""
    with tempfile.TemporaryDirectory(dir=_ram()) as name:
        folder = Path(name)
        for size, (width, height, most) in SIZES.items():
            photo = _photo(folder / f"{size}.jpg", width, height, most)
            yield from _frames(rounds, folder, photo, size)
        make = ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc2=r=10:d=5:s=640x480"]
        subprocess.run([*make, folder / "clip.mp4"], check=True)
        for what, source in (("fswebcam TEST", USB), ("ffmpeg, a clip", CLIP.format(folder))):
            yield _snaps(rounds, folder, what, source)


def _ram() -> str | None:
    return "/dev/shm" if Path("/dev/shm").is_dir() else None


def _photo(path: Path, width: int, height: int, most: int) -> Path:
    """A JPEG of about `most` bytes."""
    small = Image.effect_noise((width // 8, height // 8), 60)
    noise = small.resize((width, height), Image.Resampling.BICUBIC).convert("RGB")
    out = io.BytesIO()
    for quality in range(5, 100, 3):
        out = io.BytesIO()
        noise.save(out, "JPEG", quality=quality)
        if len(out.getvalue()) >= most:
            break
    path.write_bytes(out.getvalue())
    return path


# CPU a frame


def _frames(rounds: Rounds, folder: Path, photo: Path, size: str) -> Iterator[Figure]:
    (folder / "bin").mkdir(exist_ok=True)
    program = folder / "bin/rpicam-vid"
    program.write_text(f"#!{sys.executable} -IS\n{CAMERA.format(photo)}")
    program.chmod(0o755)
    masked = 'privacy_masks = ["0,0 30,30"]\n'
    kinds = {
        "from a file": f'source = "file"\ndevice = "{photo}"\n',
        "from a stream": 'source = "rpicam"\n',
        "from a file, masked": f'source = "file"\ndevice = "{photo}"\n{masked}',
    }
    ours: dict[str, list[float]] = {kind: [] for kind in kinds}
    theirs = []
    for _ in rounds(f"ring, {size}", 3):
        theirs.append(_bare(folder, photo.read_bytes()))
        for kind, source in kinds.items():
            config = _config(folder, source + "rate = 30.0\n")
            ours[kind].append((_cpu(config, MANY) - _cpu(config, FEW)) * 1000 / (MANY - FEW))
    for kind, values in ours.items():
        yield {
            "what": f"ring: CPU a frame {size} {kind}",
            "ours": values,
            "unit": "ms",
            "against": "read, write, rename, remove",
            "theirs": theirs,
        }


def _config(folder: Path, source: str) -> Path:
    path = folder / "camalert.toml"
    path.write_text(
        f'[paths]\nrun = "{folder}/run"\nspool = "{folder}/spool"\nstate = "{folder}/state"\n'
        f'[[camera]]\nname = "porch"\n{source}'
    )
    return path


def _environment(config: Path) -> dict[str, str]:
    path = f"{config.parent}/bin:{os.environ['PATH']}"
    return {**os.environ, "CAMALERT_CONFIG": str(config), "PATH": path}


def _cpu(config: Path, frames: int) -> float:
    """Seconds of CPU of a ring that takes so many frames, its camera's program included."""
    command = [str(BIN / "capture-ring"), "porch", "--frames", str(frames)]
    before = _used()
    subprocess.run(command, env=_environment(config), stdout=subprocess.DEVNULL, check=True)
    return _used() - before


def _used() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def _bare(folder: Path, data: bytes) -> float:
    """Milliseconds of CPU to read a file of `data`, write it, rename and remove it."""
    source, new, frame = folder / "source", folder / "new", folder / "frame"
    source.write_bytes(data)
    before = time.process_time()
    for _ in range(500):
        new.write_bytes(source.read_bytes())
        new.rename(frame)
        frame.unlink()
    return (time.process_time() - before) * 1000 / 500


# A picture for an alarm


def _snaps(rounds: Rounds, folder: Path, what: str, source: str) -> Figure:
    config = _config(folder, source + "rate = 5.0\n")
    ours, theirs = [], []
    with _running("snap", config=config) as line:
        _alarm(line)
        for _ in rounds(f"snap, {what}", 7):
            with _running("capture-ring", "porch", config=config) as ring:
                _until(ring, b"frame.captured")
                ours.append(_alarm(line))
            theirs.append(_alarm(line))
    return {
        "what": f"snap in the line from the ring ({what})",
        "ours": ours,
        "unit": "ms",
        "against": "opening it",
        "theirs": theirs,
    }


@contextlib.contextmanager
def _running(*command: str, config: Path) -> Iterator["subprocess.Popen[bytes]"]:
    process = subprocess.Popen(
        [str(BIN / command[0]), *command[1:]],
        env=_environment(config),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        bufsize=0,
    )
    try:
        yield process
    finally:
        process.terminate()
        assert process.stdin and process.stdout
        process.stdin.close()
        process.stdout.close()
        process.wait()


def _alarm(line: "subprocess.Popen[bytes]") -> float:
    """Milliseconds from an alarm to its picture."""
    from camalert.codec import encode
    from camalert.records import AlarmRaised, SystemClock, envelope

    stamp = envelope("panel", SystemClock())
    assert line.stdin
    begin = time.perf_counter()
    line.stdin.write(encode(AlarmRaised(**stamp, cause="bench", sensors=("bench",))))
    _until(line, b"picture.taken")
    took = (time.perf_counter() - begin) * 1000
    _until(line, b"alarm.complete")
    return took


def _until(process: "subprocess.Popen[bytes]", wanted: bytes) -> None:
    """Read lines up to one that holds `wanted`."""
    assert process.stdout
    while True:
        assert select.select([process.stdout], [], [], 30)[0], "nothing came"
        text = process.stdout.readline()
        assert text, "the end came"
        if wanted in text:
            return
