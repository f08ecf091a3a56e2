"""Commands as a user meets them: real processes, with a config and folders of their own."""

import contextlib
import os
import pty
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

SCRIPTS = Path(sys.executable).parent
Run = Callable[..., subprocess.CompletedProcess[bytes]]
Start = Callable[..., subprocess.Popen[bytes]]


@pytest.fixture
def config_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """Write a config with folders of its own, put it in force; call again to change it."""
    path = tmp_path / "camalert.toml"

    def write(more: str = "") -> Path:
        folders = "".join(f'{name} = "{tmp_path / name}"\n' for name in ("run", "spool", "state"))
        path.write_text(f"[paths]\n{folders}\n{more}", encoding="utf-8")
        return path

    write()
    monkeypatch.setenv("CAMALERT_CONFIG", str(path))
    return write


@pytest.fixture
def on_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], None]:
    """Put a shell script on PATH: `on_path("rpicam-still", "cat photo.jpeg")`."""
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:{os.environ['PATH']}")

    def put(name: str, script: str) -> None:
        path = tmp_path / "bin" / name
        path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        path.chmod(0o755)

    return put


@pytest.fixture
def run(config_file: Callable[[str], Path], tmp_path: Path) -> Run:
    """Run a command to its end: `run("mode", "off", data=b"")`, in an empty folder."""

    def run(*command: str, data: bytes = b"", **more: str) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            [str(SCRIPTS / command[0]), *command[1:]],
            input=data,
            capture_output=True,
            cwd=tmp_path,
            env=dict(os.environ, **more),
            timeout=60,
            check=False,
        )

    return run


@pytest.fixture
def on_terminal(config_file: Callable[[str], Path], tmp_path: Path) -> Run:
    """Run a command whose standard input and output are a terminal; `stdout` is what it shows."""

    def run(*command: str) -> subprocess.CompletedProcess[bytes]:
        ours, theirs = pty.openpty()
        try:
            done = subprocess.run(
                [str(SCRIPTS / command[0]), *command[1:]],
                stdin=theirs,
                stdout=theirs,
                stderr=subprocess.PIPE,
                cwd=tmp_path,
                timeout=60,
                check=False,
            )
            os.close(theirs)
            done.stdout = b""
            with contextlib.suppress(OSError):  # EIO: its end
                while chunk := os.read(ours, 65536):
                    done.stdout += chunk
        finally:
            os.close(ours)
        return done

    return run


@pytest.fixture
def start(config_file: Callable[[str], Path], tmp_path: Path) -> Iterator[Start]:
    """Start a command with pipes at both ends; what still runs at the end of the test is killed."""
    started: list[subprocess.Popen[bytes]] = []

    def start(*command: str, **more: str) -> subprocess.Popen[bytes]:
        started.append(
            subprocess.Popen(
                [str(SCRIPTS / command[0]), *command[1:]],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                bufsize=0,  # select knows nothing of what a buffer holds
                cwd=tmp_path,
                env=dict(os.environ, **more),
            )
        )
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate()
