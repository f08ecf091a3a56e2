"""camalert: runs what lies beside it, and lists it."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import entry_points
from pathlib import Path
from subprocess import CompletedProcess

import pytest

Run = Callable[..., CompletedProcess[bytes]]
POINTS = entry_points(group="console_scripts")
OURS = [point for point in POINTS if point.value.startswith("camalert.")]


@pytest.mark.parametrize("words", [[], ["-h"], ["--help"], ["help"]])
def test_it_lists_every_command_with_its_purpose(run: Run, words: list[str]) -> None:
    done = run("camalert", *words)
    assert done.returncode == 0
    lines = done.stdout.decode().splitlines()
    assert max(map(len, lines)) <= 80
    rows = "\n".join(lines[2:-3]).replace("\n" + " " * 21, " ").splitlines()
    listed = [row.split(maxsplit=1) for row in rows]
    assert [name for name, _ in listed] == sorted(name for name, _ in listed)
    names = {point.name for point in OURS}
    assert {name for name, _ in listed} == names | {"alarm-line", "camera-line"}
    assert all(purpose.endswith(".") and ". " not in purpose for _, purpose in listed)


@pytest.mark.parametrize("command", sorted({p.name for p in OURS} | {"alarm-line", "camera-line"}))
def test_help_fits_into_80_columns(run: Run, command: str) -> None:
    done = run(command, "--help")
    assert done.returncode == 0
    assert [line for line in done.stdout.decode().splitlines() if len(line) > 80] == []


def test_help_with_a_command_is_its_help(run: Run) -> None:
    done = run("camalert", "help", "snap")
    assert done.returncode == 0 and done.stdout.startswith(b"Usage: snap ")
    assert run("camalert", "help", "nonsense").returncode == 64


@pytest.mark.parametrize("words", [["camalert"], ["camalert", "--version"], ["alarm-line", "-h"]])
def test_a_full_disk_under_stdout_is_74(words: list[str]) -> None:
    with Path("/dev/full").open("wb") as full:
        command = [Path(sys.executable).parent / words[0], *words[1:]]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, check=False)
    assert done.returncode == 74
    assert done.stderr.count(b"\n") == 1 and b"No space left" in done.stderr


def test_the_version_of_the_line_is_that_of_all(run: Run) -> None:
    ours = run("camalert", "--version").stdout.decode().split()[1]
    assert run("alarm-line", "--version").stdout.decode() == f"alarm-line (camalert) {ours}\n"


def test_it_passes_on_arguments_and_the_exit_status(run: Run) -> None:
    assert run("camalert", "mode", "off").returncode == 0
    assert run("camalert", "mode").stdout == b"off\n"
    assert run("camalert", "mode", "party").returncode == 64
    assert run("camalert", "--version").stdout.startswith(b"camalert 0.")


def test_a_reader_that_left_is_no_trouble() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    command = [Path(sys.executable).parent / "camalert"]
    done = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, check=False)
    os.close(writer)
    assert (done.returncode, done.stderr) == (-signal.SIGPIPE, b"")


@pytest.mark.parametrize("word", ["nonsense", "python3", "pip", "../bin/mode", "mode off", "-x"])
def test_what_is_no_command_of_camalert_is_refused(run: Run, word: str) -> None:
    done = run("camalert", word)
    assert done.returncode == 64
    assert done.stdout == b"" and b"no such command" in done.stderr
    assert done.stderr.count(b"\n") == 1


def test_it_may_be_called_by_a_link_from_elsewhere(tmp_path: Path) -> None:
    (tmp_path / "camalert").symlink_to(Path(sys.executable).parent / "camalert")
    done = subprocess.run([tmp_path / "camalert", "mode", "-h"], capture_output=True, check=True)
    assert done.stdout.startswith(b"Usage: mode")


def test_without_a_python_of_its_own_it_takes_the_systems(tmp_path: Path) -> None:
    shutil.copy(Path(sys.executable).parent / "camalert", tmp_path)
    python = tmp_path / "path/python3"
    python.parent.mkdir()
    python.write_text('#!/bin/sh\necho "$@"\n')
    python.chmod(0o755)
    path = {"PATH": f"{python.parent}:/usr/bin:/bin"}
    shell = [tmp_path / "camalert", "--help"]
    done = subprocess.run(shell, env=path, capture_output=True, check=True)
    assert done.stdout == b"-m camalert --help\n"


def test_another_program_beside_it_is_no_command_of_camalert(tmp_path: Path) -> None:
    shutil.copy(Path(sys.executable).parent / "camalert", tmp_path)
    (tmp_path / "pip").write_text("#!/home/pi/camalert/.venv/bin/python3\n")
    done = subprocess.run([tmp_path / "camalert", "pip"], capture_output=True, check=False)
    assert done.returncode == 64
