"""bin/bench motion: diff-frames against other detectors on the same JPEG files, process by process.

The footage is made here: a still with much detail, sensor noise, and a figure that crosses it a
third of the time. CPU is user and system time of the whole process, its start included. OpenCV is
fetched into a folder of its own in .venv, motion from Debian; what cannot be had is said.
"""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

BIN = Path(sys.executable).parent
PEERS = BIN.parent / "bench-peers"
SIZES = {"640x480": (1200, 4), "1920x1080": (400, 5)}
"""How many frames of a size, and ffmpeg's quality for 35 and 100 kB a frame."""
PATIENCE = 120.0

Rounds = Callable[..., Iterator[int]]
Figure = dict[str, Any]
Cost = tuple[float, float]
"""Milliseconds of CPU, megabytes at the peak."""

DECODE = """
import sys, numpy
from PIL import Image
for name in open(sys.argv[1]).read().split():
    with Image.open(name) as image:
        image.draft("L", (image.width // 8, image.height // 8))
        numpy.asarray(image)
"""

ABSDIFF = """
import sys, cv2
before = None
for name in open(sys.argv[1]).read().split():
    now = cv2.imread(name)
    if before is not None:
        gray = cv2.cvtColor(cv2.absdiff(now, before), cv2.COLOR_BGR2GRAY)
        cv2.countNonZero(cv2.threshold(gray, 25, 255, cv2.THRESH_BINARY)[1])
    before = now
"""
"""The least that can be called so: pictures as OpenCV reads them, their difference, its size.
Without the blur and the outlines of its tutorials, which cost as much again."""

MOG2 = """
import sys, cv2
background = cv2.createBackgroundSubtractorMOG2(detectShadows=True)
for name in open(sys.argv[1]).read().split():
    mask = background.apply(cv2.imread(name))
    cv2.countNonZero(cv2.threshold(mask, 200, 255, cv2.THRESH_BINARY)[1])
"""

MOTION = """\
daemon off
log_level 6
log_file {folder}/log
target_dir {folder}
netcam_url file://{folder}/clip.mkv
width {width}
height {height}
framerate 100
webcontrol_port 0
stream_port 0
picture_output off
movie_output off
"""


def figures(rounds: Rounds) -> Iterator[Figure]:
    """The rows of this part, as the arguments of bench.Row."""
    opencv = _opencv()
    _say("no row for Frigate: it comes as a container, from no package registry")
    for size, (count, quality) in SIZES.items():
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            _footage(folder, size, count, quality)
            peers = _peers(folder, size, opencv)
            costs: dict[str, list[Cost]] = {peer: [] for peer in ("diff-frames", *peers)}
            for _ in rounds(f"diff-frames, {size}", 3):
                for peer, (_, run) in peers.items():
                    costs["diff-frames"].append(_cost([str(BIN / "diff-frames"), str(folder)]))
                    costs[peer].append(run())
            yield from _rows(size, peers, costs)


def _rows(
    size: str, peers: "dict[str, tuple[float | None, Any]]", costs: dict[str, list[Cost]]
) -> Iterator[Figure]:
    """CPU against each peer, pair by pair; memory at the end."""
    ours = costs["diff-frames"]
    for place, (peer, (target, _)) in enumerate(peers.items()):
        pairs = ours[place :: len(peers)]
        yield {
            "what": f"diff-frames, {size}, CPU",
            "ours": [cpu for cpu, _ in pairs],
            "unit": "ms",
            "against": peer,
            "theirs": [cpu for cpu, _ in costs[peer]],
            "target": target,
        }
    what = f"diff-frames, {size}, peak of memory"
    yield {"what": what, "ours": [max(memory for _, memory in ours)], "unit": "MB", "target": 32}
    if "motion" in costs:
        theirs = [max(memory for _, memory in costs["motion"])]
        ours_most = [max(memory for _, memory in ours)]
        yield {
            "what": what,
            "ours": ours_most,
            "unit": "MB",
            "against": "motion",
            "theirs": theirs,
            "target": 0.6,
        }


def _peers(folder: Path, size: str, opencv: bool) -> "dict[str, tuple[float | None, Any]]":
    """By name: the target of our ratio to it, and what runs it."""
    listed, large = str(folder / "frames.txt"), size != "640x480"
    scene = ["ffmpeg", "-v", "error", "-i", f"{folder}/%06d.jpg", "-vf"]
    scene += ["select='gt(scene,0.01)'", "-f", "null", "-"]
    peers: dict[str, tuple[float | None, Any]] = {
        "Pillow decode alone": (
            1.2 if large else 1.25,
            lambda: _cost([sys.executable, "-c", DECODE, listed]),
        ),
        "ffmpeg scene": (0.95, lambda: _cost(scene)),
    }
    if opencv:
        path = os.environ | {"PYTHONPATH": str(PEERS)}
        for name, code, target in (("absdiff", ABSDIFF, 0.35), ("MOG2", MOG2, 0.12)):
            command = [sys.executable, "-c", code, listed]
            peers[f"OpenCV {name}"] = (target, lambda command=command: _cost(command, path))
    if _has_motion():
        peers["motion"] = (0.5, lambda: _motion(folder, size))
    return peers


def _footage(folder: Path, size: str, count: int, quality: int) -> None:
    width, height = map(int, size.split("x"))
    still = folder / "still.png"
    detail = ["-f", "lavfi", "-i", f"mandelbrot=size={size}:rate=1,hue=s=0.3", "-frames:v", "1"]
    _ffmpeg(*detail, str(still))
    figure = f"testsrc2=size={width // 10}x{height // 2}:rate=10"
    crossing = f"x='mod(n*{width // 60},{width * 3})-{width // 10}':y={height // 3}"
    graph = f"[0]noise=alls=6:allf=t[scene];[scene][1]overlay={crossing},format=yuvj420p"
    moving = ["-loop", "1", "-framerate", "10", "-i", str(still), "-f", "lavfi", "-i", figure]
    moving += ["-filter_complex", graph, "-frames:v", str(count), "-q:v", str(quality)]
    _ffmpeg(*moving, f"{folder}/%06d.jpg")
    still.unlink()
    frames = sorted(str(path) for path in folder.glob("*.jpg"))
    (folder / "frames.txt").write_text("\n".join(frames), encoding="utf-8")


def _ffmpeg(*words: str) -> None:
    subprocess.run(["ffmpeg", "-nostdin", "-v", "error", "-y", *words], check=True)


def _cost(command: list[str], environment: dict[str, str] | None = None) -> Cost:
    process = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment
    )
    return _ended(process, command[0], {0, 1})


def _ended(process: "subprocess.Popen[bytes]", name: str, good: set[int]) -> Cost:
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in good:
        sys.exit(f"bench: {name} ended with {process.returncode}")
    return (used.ru_utime + used.ru_stime) * 1000, used.ru_maxrss / 1024


def _motion(folder: Path, size: str) -> Cost:
    """motion on a clip of the same frames, until it has read all of them: it reads in real time."""
    width, height = size.split("x")
    (folder / "log").unlink(missing_ok=True)
    (folder / "motion.conf").write_text(
        MOTION.format(folder=folder, width=width, height=height), encoding="utf-8"
    )
    if not (folder / "clip.mkv").exists():
        clip = ["-framerate", "100", "-i", f"{folder}/%06d.jpg", "-c", "copy"]
        _ffmpeg(*clip, str(folder / "clip.mkv"))
    command = ["motion", "-c", str(folder / "motion.conf")]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline, log = time.monotonic() + PATIENCE, folder / "log"
    while "Reconnecting" not in (log.read_text(errors="ignore") if log.exists() else ""):
        if time.monotonic() > deadline or process.poll() is not None:
            process.kill()
            sys.exit("bench: motion did not read the clip to its end")
        time.sleep(0.05)
    process.send_signal(signal.SIGTERM)
    return _ended(process, "motion", {0, -signal.SIGTERM})


def _has_motion() -> bool:
    if subprocess.run(["which", "motion"], stdout=subprocess.DEVNULL, check=False).returncode == 0:
        return True
    _say("installing motion")
    install = ["apt-get", "-qq", "install", "-y", "--no-install-recommends", "motion"]
    return _installed("motion", install)


def _opencv() -> bool:
    if (PEERS / "cv2").is_dir():
        return True
    _say(f"fetching OpenCV into {PEERS}")
    wanted = ["--target", str(PEERS), "opencv-python-headless"]
    return _installed("OpenCV", [sys.executable, "-m", "pip", "-q", "install", *wanted])


def _installed(what: str, command: list[str]) -> bool:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        _say(f"no row for {what}: {' '.join(done.stderr.split())[-200:] or 'cannot be installed'}")
    return done.returncode == 0


def _say(what: str) -> None:
    print(f"bench: {what}", file=sys.stderr)
