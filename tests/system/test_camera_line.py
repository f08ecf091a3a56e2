"""A camera as a sensor: what a real Delta Chat shows of its frames; who takes whom down."""

import os
import random
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from camera import PORCH, QUICK, SCRIPTS, Camera, picture, stages, wait_for
from PIL import Image

from camalert.codec import encode
from camalert.records import MotionStart, SystemClock, envelope

if TYPE_CHECKING:
    from delta_chat import Owner

Messages = list[dict[str, Any]]
NOISE = Image.frombytes("L", (20, 15), random.Random(1).randbytes(300))
ROOM = NOISE.point(lambda value: 100 + value // 2).resize((640, 480))
HALVES = ("capture-ring", "watch-frames")


def room(left: int | None = None) -> Image.Image:
    """A room with much in it; with somebody who stands `left` pixels from its side."""
    scene = ROOM.copy()
    if left is not None:
        scene.paste(NOISE.point(lambda value: value // 4).resize((64, 240)), (left, 200))
    return scene


@pytest.fixture
def porch(tmp_path: Path) -> Callable[[list[Image.Image]], str]:
    """Makes a camera of pictures, one a second, again and again; its config."""

    def write(pictures: list[Image.Image]) -> str:
        (tmp_path / "seen").mkdir()
        for n, shown in enumerate(pictures):
            shown.convert("RGB").save(tmp_path / f"seen/{n:03}.jpg")
        return f'[[camera]]\nname = "porch"\nsource = "file"\ndevice = "{tmp_path / "seen"}"\n'

    return write


WALK = [room()] * 15 + [room(left) for left in range(0, 560, 70)]


def start(camera: Camera, owner: "Owner", config: str) -> None:
    camera.configure(config)
    camera.meet(owner)
    camera.start_all()
    camera.start("camera-line", "porch")


def texts(messages: Messages, beginning: str) -> Messages:
    return [message for message in messages if message["text"].startswith(beginning)]


def test_somebody_a_camera_sees_ends_as_an_encrypted_picture(
    camera: Camera, owner: "Owner", porch: Callable[[list[Image.Image]], str]
) -> None:
    start(camera, owner, f"[sensing]\nsettle = 0\n\n{porch(WALK)}")
    messages = owner.until(lambda shown: any(map(picture, shown)))
    (text,) = texts(messages, "Alarm: ")
    assert text["text"].startswith("Alarm: movement seen by porch\n")
    assert {picture(message) for message in messages} - {None} <= camera.taken()
    assert all(message["showPadlock"] for message in messages)
    (event,) = camera.events("motion.start")
    assert event["source"] == "porch" and Path(event["file"]).parent.name == "porch"
    # The PIRs see it too.
    camera.trip()
    messages = owner.until(lambda shown: texts(shown, "Confirmed: "))
    (text,) = texts(messages, "Confirmed: ")
    assert " see movement too\n" in text["text"] and text["showPadlock"]
    (confirmed,) = camera.events("alarm.confirmed")
    (alarm,) = camera.events("alarm.raised")
    assert confirmed["alarm"] == alarm["id"] and set(confirmed["sensors"]) == {"pir-1", "pir-2"}
    wait_for("end of the notes", lambda: not camera.notes())


def test_pictures_that_only_confirm_make_the_pirs_alarm_a_sure_one(
    camera: Camera, owner: "Owner", porch: Callable[[list[Image.Image]], str]
) -> None:
    panel = '[panel]\ncooldown = 600\nmotion = "confirm"\n'
    start(camera, owner, f"[sensing]\nsettle = 0\n\n{panel}\n{porch(WALK)}")
    wait_for("movement", lambda: camera.events("motion.start"))
    assert not camera.events("alarm.raised")
    camera.trip()
    (text,) = texts(owner.until(lambda shown: texts(shown, "Alarm: ")), "Alarm: ")
    assert "Confirmed: a sensor and a camera agree." in text["text"]
    (alarm,) = camera.events("alarm.raised")
    assert alarm["confirmed"] is True


def test_a_camera_that_is_covered_is_told_and_that_it_is_well_again(
    camera: Camera, owner: "Owner", tmp_path: Path
) -> None:
    def show(scene: Image.Image) -> None:
        scene.convert("RGB").save(tmp_path / "new.jpg")
        (tmp_path / "new.jpg").rename(tmp_path / "now.jpg")

    show(room())
    view = '[view]\nhold = 2\ngood = 2\n\n[panel]\nmotion = "log"\n'
    source = f'[[camera]]\nname = "porch"\nsource = "file"\ndevice = "{tmp_path / "now.jpg"}"\n'
    start(camera, owner, f"[sensing]\nsettle = 0\n\n{view}\n{source}")
    ring = camera.folder / "run/ring/porch"
    wait_for("a view learnt, two frames a second", lambda: len(list(ring.glob("*.jpg"))) >= 30)
    show(Image.new("L", (640, 480), 90))
    (text,) = texts(owner.until(lambda shown: texts(shown, "Alarm: ")), "Alarm: ")
    assert text["text"].startswith("Alarm: porch: view covered\n")
    show(room())
    owner.until(lambda shown: texts(shown, "porch: view in order again"))
    (over,) = camera.events("alarm.over")
    assert over["alarm"] == camera.events("alarm.raised")[0]["id"]
    assert owner.until(lambda shown: any(map(picture, shown)))
    wait_for("end of the notes", lambda: not camera.notes())


def test_a_camera_that_is_not_there_is_told(camera: Camera, owner: "Owner", tmp_path: Path) -> None:
    device = tmp_path / "gone"
    config = f'{QUICK}[[camera]]\nname = "porch"\nsource = "file"\ndevice = "{device}"\n'
    start(camera, owner, config)
    messages = owner.until(lambda shown: texts(shown, "Alarm: "))
    assert texts(messages, "Alarm: porch: no pictures: ")


def test_a_confirmation_is_neither_lost_nor_shown_twice_when_a_stage_is_killed(
    camera: Camera, owner: "Owner"
) -> None:
    camera.configure(f"[sensing]\nsettle = 0\n\n[panel]\ncooldown = 600\n\n{PORCH}")
    camera.meet(owner)
    line = camera.start_all()
    victim = stages(line)["compose-alert"]
    os.kill(victim, signal.SIGSTOP)
    alarm = camera.break_in()
    seen = MotionStart(**envelope("porch", SystemClock()), score=2, area=1)
    (camera.folder / "run/events").write_bytes(encode(seen))
    wait_for("confirmation", lambda: camera.events("alarm.confirmed"))
    os.kill(victim, signal.SIGKILL)
    assert line.wait(30) == 137
    (confirmed,) = camera.events("alarm.confirmed")
    assert confirmed["alarm"] == alarm and set(camera.notes()) == {alarm, confirmed["id"]}
    camera.start_line()
    wait_for("end of the notes", lambda: not camera.notes())
    camera.do("heartbeat")
    messages = owner.until(lambda shown: texts(shown, "Heartbeat"))
    assert len(texts(messages, "Alarm: movement: ")) == 1
    assert len(texts(messages, "Confirmed: porch sees movement too\n")) == 1


# The pipe itself


@pytest.fixture
def line(tmp_path: Path) -> Iterator[Callable[..., "subprocess.Popen[str]"]]:
    """Starts a camera-line of a drawn camera; none is left at the end."""
    folders = "".join(f'{name} = "{tmp_path / name}"\n' for name in ("run", "spool", "state"))
    camera = '[[camera]]\nname = "front porch"\nsource = "pattern"\nwidth = 320\nheight = 240\n'
    (tmp_path / "camalert.toml").write_text(f"[paths]\n{folders}\n{camera}")
    started = []

    def start(*words: str) -> "subprocess.Popen[str]":
        started.append(
            subprocess.Popen(
                [SCRIPTS / "camera-line", *words, "--config", tmp_path / "camalert.toml"],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                start_new_session=True,
            )
        )
        return started[-1]

    yield start
    for process in started:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def halves(process: "subprocess.Popen[str]") -> dict[str, int]:
    """The two commands by name, once both run."""
    found: dict[str, int] = {}

    def both() -> bool:
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        found.update({Path(f"/proc/{pid}/comm").read_text().strip(): int(pid) for pid in children})
        return set(HALVES) <= set(found) or process.poll() is not None

    wait_for("both halves", both)
    return {name: found[name] for name in HALVES}


def frames(folder: Path) -> list[Path]:
    return list((folder / "run/ring/front_porch").glob("*.jpg"))


@pytest.mark.parametrize("victim", HALVES)
def test_a_half_that_is_killed_takes_the_other_down_and_is_named(
    line: Callable[..., "subprocess.Popen[str]"], victim: str, tmp_path: Path
) -> None:
    process = line("front porch")
    family = halves(process)
    wait_for("frames", lambda: frames(tmp_path))
    os.kill(family[victim], signal.SIGKILL)
    _, said = process.communicate(timeout=40)
    assert process.returncode == 137
    assert f"camera-line: {victim} ended with status 137, and the line with it" in said
    assert not [pid for pid in family.values() if Path(f"/proc/{pid}").exists()]


def test_on_sigterm_both_halves_end_well(
    line: Callable[..., "subprocess.Popen[str]"], tmp_path: Path
) -> None:
    process = line("front porch")
    halves(process)
    wait_for("frames", lambda: frames(tmp_path))
    process.terminate()
    said, _ = process.communicate(timeout=40)
    assert (process.returncode, said) == (0, "")


def test_a_camera_that_is_none_is_a_matter_of_the_config(
    line: Callable[..., "subprocess.Popen[str]"],
) -> None:
    process = line("cellar")
    _, said = process.communicate(timeout=40)
    assert process.returncode in (64, 78)
    assert "cellar" in said and "camera-line: capture-ring ended" in said


@pytest.mark.parametrize("option", ["-h", "--help"])
def test_help_ends_in_an_example(option: str) -> None:
    done = subprocess.run([SCRIPTS / "camera-line", option], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("Usage: camera-line CAMERA ")
    assert "camera-line porch" in done.stdout.rpartition("Example:\n")[2]


def test_version() -> None:
    done = subprocess.run([SCRIPTS / "camera-line", "--version"], capture_output=True, text=True)
    assert done.returncode == 0 and done.stdout.startswith("camera-line (camalert) ")


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ([], "no CAMERA is named"),
        ([""], "no CAMERA is named"),
        (["--nonsense"], "--nonsense: not understood"),
        (["porch", "yard"], "yard: not understood"),
        (["porch", "--config"], "--config: not understood"),
    ],
)
def test_what_it_does_not_know_is_refused(words: list[str], reason: str) -> None:
    done = subprocess.run([SCRIPTS / "camera-line", *words], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (64, "")
    assert done.stderr == f"camera-line: {reason}; try camalert camera-line --help\n"


def test_a_wrong_config_is_said_once_under_its_own_name(tmp_path: Path) -> None:
    config = tmp_path / "camalert.toml"
    config.write_text("[watch]\nminimun = 1\n")
    done = subprocess.run(
        [SCRIPTS / "camera-line", "porch", "--config", config], capture_output=True, text=True
    )
    assert done.returncode == 78
    assert done.stderr.startswith("camera-line: ") and "did you mean minimum?" in done.stderr
    assert done.stderr.count("\n") == 1
