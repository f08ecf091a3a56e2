"""replay-frames as a process: tables, JSON, labels, the sheet, and what bad input gets."""

import csv
import json
import os
import pty
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest
import scenes
from PIL import Image

Run = Callable[..., CompletedProcess[bytes]]
FOOTAGE = Path(__file__).parents[3] / "shared" / "footage"
SCRIPTS = Path(sys.executable).parent


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two scenes: one in which somebody walks, one in which nothing moves."""
    folder = tmp_path_factory.mktemp("scenes")
    for name in ("figure", "slow_light"):
        scenes.write(name, folder / name)
    return folder


def test_what_alarmed_is_told_before_and_after(run: Run, made: Path) -> None:
    done = run("replay-frames", str(made / "figure"), "--rate", "10", "--area", "30")
    assert (done.returncode, done.stderr) == (1, b"")
    lines = done.stdout.decode().splitlines()
    assert lines[0] == f"{made}/figure: 150 pictures, 10 a second, 0:15.00 long"
    assert lines[2].split() == ["START", "SECONDS", "BEFORE", "AFTER", "AREA", "%", "BOX", "%"]
    start, seconds, *verdicts = lines[3].split()
    assert start in ("0:04.10", "0:04.20", "0:04.30")
    assert 7 <= float(seconds) <= 8
    assert verdicts[0] == "alarm," and verdicts[2] == "-"
    assert lines[5].startswith("before: 1 alarm, ")
    assert lines[6] == "after: 0 alarms, 0 pictures moved"
    assert lines[7] == f"differ: {lines[5].split()[3]} pictures"


def test_nothing_given_is_the_config_alone(
    run: Run, made: Path, config_file: Callable[..., Path]
) -> None:
    done = run("replay-frames", str(made / "figure"))
    assert done.returncode == 0
    assert done.stdout.splitlines()[-1] == b"after: the same, for no other setting is given"
    config_file("[motion]\narea = 30")
    assert run("replay-frames", str(made / "figure")).returncode == 1
    assert run("replay-frames", str(made / "figure"), "--area", "0.1").returncode == 0


def test_json_holds_the_numbers(run: Run, made: Path) -> None:
    options = ("--json", "--rate", "10", "--zone", "0,0 100,20", "--threshold", "6")
    done = run("replay-frames", *options, str(made / "figure"), str(made / "slow_light"))
    assert done.returncode == 1
    figure, light = map(json.loads, done.stdout.splitlines())
    assert (figure["pictures"], figure["rate"], figure["unreadable"]) == (150, 10, 0)
    (alarm,) = figure["before"]["alarms"]
    assert alarm["start"] == pytest.approx(alarm["first"] / 10)
    assert alarm["seconds"] == pytest.approx((alarm["last"] - alarm["first"]) / 10)
    assert alarm["first"] <= alarm["peak"] <= alarm["last"]
    assert alarm["score"] > 10 and alarm["area"] > 1 and len(alarm["box"]) == 4
    assert figure["after"]["alarms"] == []
    assert figure["differ"] == figure["before"]["moved"] >= 65
    assert figure["before"]["settings"]["threshold"] == 4.5
    assert figure["after"]["settings"]["threshold"] == 6
    assert figure["after"]["settings"]["zones"] == ["0,0 100,20"]
    assert light["before"]["alarms"] == light["after"]["alarms"] == []


def stuttering(folder: Path, made: Path, pattern: str) -> str:
    """A folder where, after 30 quiet pictures, somebody walks (m) or nothing is there (.)."""
    walking = iter(range(60, 100))
    folder.mkdir()
    for n, char in enumerate("." * 30 + pattern):
        source = next(walking) if char == "m" else n % 30
        (folder / f"{n:03}.jpg").symlink_to(made / "figure" / f"{source:06}.jpg")
    return str(folder)


def test_alarms_begin_and_end_as_with_watch_frames(
    run: Run, made: Path, tmp_path: Path, config_file: Callable[..., Path]
) -> None:
    folder = stuttering(
        tmp_path / "a", made, "mmmmm" + 20 * "." + "mmmmm" + 50 * "." + "m" + 9 * "."
    )

    def alarms(*options: str) -> list[tuple[int, int]]:
        done = run("replay-frames", "--json", "--rate", "10", *options, folder)
        told = json.loads(done.stdout)
        assert done.returncode == (0 if told["after"]["alarms"] else 1)
        return [(each["first"], each["last"]) for each in told["after"]["alarms"]]

    assert alarms("--minimum", "0", "--clear", "1", "--cooldown", "0") == [
        (30, 34),
        (55, 59),
        (110, 110),
    ]
    assert alarms("--minimum", "0.35", "--clear", "1", "--cooldown", "0") == [(30, 34), (55, 59)]
    assert alarms("--minimum", "0.35", "--clear", "3", "--cooldown", "0") == [(30, 59)]
    assert alarms("--minimum", "0.35", "--clear", "1", "--cooldown", "5") == [(30, 34)]
    assert alarms("--minimum", "0.5") == []
    config_file("[watch]\nminimum = 0.35\nclear = 1\ncooldown = 0")
    assert alarms() == [(30, 34), (55, 59)]


def test_presets_and_methods_are_those_of_diff_frames(
    run: Run, made: Path, config_file: Callable[..., Path]
) -> None:
    config_file('[motion]\narea = 40\n[[camera]]\nname = "a"\nsource = "pattern"\npreset = "low"')

    def told(*options: str) -> dict[str, dict[str, object]]:
        done = run("replay-frames", "--json", "--camera", "a", *options, str(made / "figure"))
        return {side: json.loads(done.stdout)[side] for side in ("before", "after")}

    high = told("--preset", "high")
    before, after = high["before"]["settings"], high["after"]["settings"]
    assert isinstance(before, dict) and isinstance(after, dict)
    assert (before["preset"], before["area"], before["threshold"]) == ("low", 40, 7)
    assert (after["preset"], after["area"], after["threshold"]) == ("high", 0.05, 3)
    assert (high["before"]["moved"], bool(high["after"]["moved"])) == (0, True)
    classic = told("--method", "area", "--area", "0.2", "--threshold", "20", "--thumbnail", "never")
    settings = classic["after"]["settings"]
    assert isinstance(settings, dict)
    assert (settings["method"], settings["area"], settings["threshold"]) == ("area", 0.2, 20)
    assert classic["after"]["moved"]


def test_labels_make_scores(run: Run, made: Path) -> None:
    labels = str(made / "figure" / "labels.csv")
    done = run("replay-frames", str(made / "figure"), "--labels", labels, "--area", "30")
    text = done.stdout.decode()
    assert "LABEL" in text and "event 0" in text
    assert "1 of 1 event found, 0 false-alarm runs" in text
    assert "recall 0.000, F1 0.000, 0 of 1 event found" in text
    done = run("replay-frames", "--json", str(made / "figure"), "--labels", labels)
    held = json.loads(done.stdout)["before"]["labels"]
    assert held["precision"] == 1 and held["recall"] >= 0.95
    assert held["right"] + held["missed"] == 65


def test_a_mask_over_all_of_the_picture_leaves_nothing_to_watch(
    run: Run, made: Path, config_file: Callable[..., Path]
) -> None:
    by_option = run("replay-frames", str(made / "figure"), "--mask", "0,0 100,100")
    assert (by_option.returncode, by_option.stdout) == (64, b"")
    said = b"replay-frames: zones, masks: zones and masks leave nothing of the picture to watch\n"
    assert by_option.stderr == said
    config_file('[[camera]]\nname = "a"\nsource = "pattern"\nmasks = ["0,0 100,100"]')
    by_config = run("replay-frames", str(made / "figure"), "--camera", "a")
    assert (by_config.returncode, by_config.stdout) == (78, b"")
    assert b"camera[0].masks" in by_config.stderr and by_config.stderr.count(b"\n") == 1


def test_the_zones_of_a_camera_hold(run: Run, made: Path, config_file: Callable[..., Path]) -> None:
    config_file('[[camera]]\nname = "porch"\nsource = "pattern"\nzones = ["0,0 100,20"]')
    figure = str(made / "figure")
    assert run("replay-frames", figure).returncode == 0
    assert run("replay-frames", "--camera", "porch", figure).returncode == 1
    wide = ("--zone", "0,0 100,100")
    assert run("replay-frames", "--camera", "porch", *wide, figure).returncode == 0
    unknown = run("replay-frames", "--camera", "yard", figure)
    assert unknown.returncode == 64
    assert unknown.stderr == b"replay-frames: yard: no such camera; known here: porch\n"


def test_the_sheet_shows_what_differs(run: Run, made: Path, tmp_path: Path) -> None:
    options = ("--area", "2.5", "--sheet", "sheet.png", "--mask", "0,0 10,10")
    assert run("replay-frames", str(made / "figure"), *options).returncode in (0, 1)
    with Image.open(tmp_path / "sheet.png") as image:
        assert image.format == "PNG"
        assert image.width > 1000
    assert (tmp_path / "sheet.png").stat().st_mode & 0o777 == 0o600


def test_the_sheet_shows_nothing_of_what_the_camera_may_not_see(
    run: Run, made: Path, tmp_path: Path, config_file: Callable[..., Path]
) -> None:
    config_file('[[camera]]\nname = "a"\nsource = "pattern"\nprivacy_masks = ["0,0 100,10"]')
    shown = {}
    for options in ((), ("--camera", "a")):
        done = run("replay-frames", str(made / "figure"), *options, "--sheet", "sheet.png")
        assert done.returncode == 0
        with Image.open(tmp_path / "sheet.png") as image:
            colours = {colour: number for number, colour in image.getcolors(1 << 24)}
        shown[options] = colours.get((0, 0, 0), 0)
    assert shown["--camera", "a"] - shown[()] > 340 * 25


@pytest.mark.skipif(not shutil.which("ffmpeg"), reason="ffmpeg is not installed")
def test_a_clip_and_its_folder_get_the_same_answer(run: Run, made: Path, tmp_path: Path) -> None:
    pictures = ["-framerate", "10", "-i", str(made / "figure" / "%06d.jpg"), "-qscale:v", "2"]
    subprocess.run(["ffmpeg", "-v", "error", *pictures, tmp_path / "clip.mp4"], check=True)
    paths = ("clip.mp4", str(made / "figure"))
    done = run("replay-frames", "--json", "--rate", "10", *paths)
    clip, folder = map(json.loads, done.stdout.splitlines())
    assert clip["rate"] == 10
    assert clip["pictures"] == 150
    (first,), (second,) = clip["before"]["alarms"], folder["before"]["alarms"]
    assert first["first"] == pytest.approx(second["first"], abs=2)
    assert first["last"] == pytest.approx(second["last"], abs=2)
    assert first["box"] == pytest.approx(second["box"], abs=10)


def test_pictures_that_cannot_be_read_are_counted(run: Run, made: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(made / "figure", tmp_path / "copy")
    (copy / "000010.jpg").write_bytes(b"no JPEG")
    (copy / "000020.jpg").write_bytes((copy / "000021.jpg").read_bytes()[:4000])
    done = run("replay-frames", "copy", "--labels", "copy/labels.csv")
    assert done.returncode == 0
    assert done.stdout.splitlines()[-1] == b"unreadable: 2 pictures, left out"
    for path in copy.glob("*.jpg"):
        path.write_bytes(b"no JPEG")
    done = run("replay-frames", "copy")
    assert done.returncode == 65
    assert done.stderr == b"replay-frames: copy: no picture in it could be read\n"


def test_footage_that_breaks_off_is_told_as_far_as_it_goes(
    run: Run, made: Path, tmp_path: Path
) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "clip").touch()
    (tmp_path / "bin/ffprobe").write_text("#!/bin/sh\necho '{\"streams\":[{}]}'\n")
    script = f"#!/bin/sh\ncat {made}/figure/*.jpg\necho the card is gone >&2\nexit 1\n"
    (tmp_path / "bin/ffmpeg").write_text(script)
    for name in ("ffmpeg", "ffprobe"):
        (tmp_path / "bin" / name).chmod(0o755)
    done = run("replay-frames", "clip", PATH=f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    assert done.returncode == 69
    assert done.stderr == b"replay-frames: clip: ffmpeg: the card is gone\n"
    assert b"clip: 150 pictures, 25 a second" in done.stdout
    assert b"before: 1 alarm, " in done.stdout


@pytest.mark.skipif(not shutil.which("ffmpeg"), reason="ffmpeg is not installed")
def test_a_clip_that_is_cut_off_is_judged_until_there_and_the_reason_said(
    run: Run, made: Path, tmp_path: Path
) -> None:
    pictures = ["-framerate", "10", "-i", str(made / "figure" / "%06d.jpg")]
    subprocess.run(["ffmpeg", "-v", "error", *pictures, tmp_path / "walk.mkv"], check=True)
    whole = (tmp_path / "walk.mkv").read_bytes()
    (tmp_path / "cut.mkv").write_bytes(whole[: len(whole) * 3 // 4])
    done = run("replay-frames", "cut.mkv", "--area", "30", "--sheet", "sheet.png")
    assert done.returncode == 65
    said = b"replay-frames: cut.mkv: breaks off or is damaged: File ended prematurely\n"
    assert done.stderr == said
    assert b"before: 1 alarm, " in done.stdout
    assert Image.open(tmp_path / "sheet.png").format == "PNG"


@pytest.mark.parametrize(
    ("options", "code", "reason"),
    [
        ((), 64, b"Missing argument"),
        (("nowhere",), 64, b"nowhere: No such file or directory"),
        (("empty",), 65, b"empty: no JPEG in the folder"),
        (("figure", "--area", "0"), 64, b"'--area'"),
        (("figure", "--zone", "0,0 200,10"), 64, b"'200,10' lies outside the picture"),
        (("figure", "--mask", "x"), 64, b"'x' is no"),
        (("figure", "--rate", "0"), 64, b"'--rate'"),
        (("figure", "--labels", "nowhere.csv"), 64, b"nowhere.csv: No such file"),
        (("figure", "--labels", "bad.csv"), 65, b"bad.csv: line 2: label 7 is none of"),
        (("figure", "--labels", "binary.csv"), 65, b"binary.csv: "),
        (("figure", "--labels", "short.csv"), 65, b"figure: 1 labels for 150 pictures"),
        (("figure", "figure", "--labels", "short.csv"), 64, b"--labels: is for one footage"),
        (("figure", "figure", "--sheet", "a.png"), 64, b"--sheet: is for one footage"),
        (("figure", "--sheet", "/proc/none/a.png"), 73, b"/proc/none/a.png: "),
        (("figure", "--sheet", "/proc/a.png"), 73, b"/proc/a.png: "),
        (("figure", "--sheet", "none/a.png"), 73, b"none/a.png: No such file or directory"),
        (("figure", "--sheet", "folder.png"), 73, b"folder.png: is a folder"),
        (("figure", "--sheet", "a.jpg"), 64, b"a.jpg: the sheet is a PNG; name it so: sheet.png"),
    ],
)
def test_bad_input_is_named(
    run: Run, made: Path, tmp_path: Path, options: tuple[str, ...], code: int, reason: bytes
) -> None:
    (tmp_path / "figure").symlink_to(made / "figure")
    (tmp_path / "empty").mkdir()
    (tmp_path / "folder.png").mkdir()
    (tmp_path / "bad.csv").write_text("frame,label,event\n0,7,-1\n")
    (tmp_path / "binary.csv").write_bytes(b"\xff\xfe\0")
    (tmp_path / "short.csv").write_text("frame,label,event\n0,1,-1\n")
    done = run("replay-frames", *options)
    assert done.returncode == code, done.stderr
    assert done.stdout == b""
    assert done.stderr.startswith(b"replay-frames: ") and done.stderr.count(b"\n") == 1
    assert reason in done.stderr


def test_a_bar_on_a_terminal(run: Run, made: Path, tmp_path: Path) -> None:
    controller, terminal = pty.openpty()
    folder = tmp_path / "long"
    folder.mkdir()
    for n in range(200):
        (folder / f"{n:03}.jpg").symlink_to(made / "figure" / "000000.jpg")
    command = [str(SCRIPTS / "replay-frames"), "long"]
    env = dict(os.environ, TERM="xterm")
    done = subprocess.run(
        command, stdout=subprocess.PIPE, stderr=terminal, cwd=tmp_path, env=env, timeout=60
    )
    os.close(terminal)
    shown = os.read(controller, 65536)
    os.close(controller)
    assert done.returncode == 1
    assert b"100%" in shown


@pytest.mark.skipif(not FOOTAGE.is_dir(), reason="no labelled footage in ../shared")
@pytest.mark.parametrize("clip", ["bottle-detection", "one-by-one-person-detection"])
def test_labelled_footage_of_real_cameras(run: Run, clip: str) -> None:
    labels = FOOTAGE / f"{clip}.labels.csv"
    with labels.open() as file:
        events = {row["event"] for row in csv.DictReader(file)} - {"-1"}
    done = run("replay-frames", "--json", "--labels", str(labels), str(FOOTAGE / f"{clip}.mp4"))
    assert (done.returncode, done.stderr) == (0, b"")
    held = json.loads(done.stdout)["before"]["labels"]
    assert held["found"] == held["events"] == len(events)
    assert held["false_runs"] == 0
    assert held["f1"] >= 0.92
