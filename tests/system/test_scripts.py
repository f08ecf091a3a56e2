"""The scripts in bin/ that people run, as they run them. bin/bootstrap has tests of its own."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
VENV = Path(sys.executable).parents[1]


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """A house with all installed, so that bootstrap has nothing to do but to say what for."""
    house = tmp_path / "house"
    (house / "bin").mkdir(parents=True)
    for name in ("bench", "demo"):
        shutil.copy(ROOT / "bin" / name, house / "bin")
    (house / "bin/bootstrap").write_text('#!/bin/sh\necho "$1" >"$(dirname "$0")/asked"\n')
    (house / "bin/bootstrap").chmod(0o755)
    (house / "tests").symlink_to(ROOT / "tests")
    (house / ".venv").symlink_to(VENV)
    return house


def run(*command: str | Path, cwd: Path, **surroundings: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        cwd=cwd,
        env=os.environ | surroundings,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )


def processes_in(folder: Path) -> list[str]:
    """The command lines of all processes whose environment names `folder`."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if str(folder).encode() in (process / "environ").read_bytes():
                found.append((process / "cmdline").read_text().replace("\0", " "))
        except OSError:
            continue
    return found


def test_bench_refuses_a_part_that_is_none(house: Path, tmp_path: Path) -> None:
    done = run(house / "bin/bench", "nonsense", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert "no such part; there are line, mail, help, openpgp" in done.stderr
    assert (house / "bin/asked").read_text() == "test\n"


@pytest.mark.skipif(not shutil.which("gpg"), reason="needs gpg")
def test_bench_prints_a_row_a_measurement_and_leaves_nothing(house: Path, tmp_path: Path) -> None:
    (tmp_path / "tmp").mkdir()
    done = run(house / "bin/bench", "openpgp", cwd=tmp_path, TMPDIR=str(tmp_path / "tmp"))
    assert done.returncode == 0, done.stderr
    rows = done.stdout.splitlines()
    assert "median" in rows[0] and len(rows) == 3
    assert all("sign and encrypt" in row and "gpg: " in row for row in rows[1:])
    assert list((tmp_path / "tmp").iterdir()) == []


def test_demo_ends_with_a_picture_that_the_owner_opened(house: Path, tmp_path: Path) -> None:
    (tmp_path / "tmp").mkdir()
    done = run(house / "bin/demo", cwd=tmp_path, TMPDIR=str(tmp_path / "tmp"))
    assert done.returncode == 0, done.stderr
    assert (house / "bin/asked").read_text() == "demo\n"
    assert "SHA-256 as taken" in done.stdout and " ms  text at the provider" in done.stdout
    (picture,) = (tmp_path / "tmp").glob("camalert-demo-*/received/porch.jpg")
    assert str(picture.parent) in done.stdout
    assert picture.read_bytes().startswith(b"\xff\xd8")
    assert processes_in(picture.parents[1]) == []


@pytest.mark.skipif(not shutil.which("ffmpeg"), reason="needs ffmpeg")
def test_demo_takes_a_clip_from_where_it_is_called(house: Path, tmp_path: Path) -> None:
    (tmp_path / "tmp").mkdir()
    clip = ("ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc=d=2:s=320x240", "clip.mp4")
    subprocess.run(clip, cwd=tmp_path, check=True)
    words = ("--footage", "clip.mp4")
    done = run(house / "bin/demo", *words, cwd=tmp_path, TMPDIR=str(tmp_path / "tmp"))
    assert done.returncode == 0, done.stderr
    missing = run(house / "bin/demo", "--footage", "other.mp4", cwd=tmp_path)
    assert missing.returncode != 0 and "other.mp4: no such clip" in missing.stderr


def test_demo_says_when_ffmpeg_is_missing(house: Path, tmp_path: Path) -> None:
    (tmp_path / "path").mkdir()
    for tool in ("bash", "dirname", "readlink"):
        (tmp_path / "path" / tool).symlink_to(shutil.which(tool) or "")
    done = run(house / "bin/demo", "--footage=x", cwd=tmp_path, PATH=str(tmp_path / "path"))
    assert (done.returncode, done.stderr) == (69, "demo: --footage needs ffmpeg\n")


@pytest.mark.parametrize("option", ["-h", "--help"])
def test_alarm_line_tells_what_it_does(option: str, tmp_path: Path) -> None:
    done = run(VENV / "bin/alarm-line", option, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("Usage: alarm-line ") and "Example:\n" in done.stdout


@pytest.mark.parametrize(
    "words", [["out"], ["watch", "mail"], ["--config"], ["--confg", "x"], ["--with", "snap"]]
)
def test_alarm_line_refuses_what_it_does_not_know(words: list[str], tmp_path: Path) -> None:
    done = run(VENV / "bin/alarm-line", *words, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (64, "")
    assert "alarm-line --help" in done.stderr and done.stderr.count("\n") == 1


@pytest.mark.parametrize("half", [[], ["watch"], ["mail"]])
def test_alarm_line_takes_a_config_for_all_its_stages(half: list[str], tmp_path: Path) -> None:
    config = tmp_path / "camalert.toml"
    config.write_text("[panel]\ncooldwn = 1\n", encoding="utf-8")
    done = run(VENV / "bin/alarm-line", *half, "--config", str(config), cwd=tmp_path)
    assert done.returncode == 78
    assert "did you mean cooldown?" in done.stderr
