"""The stages as one: who brings whom down, who is told, who is killed."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from camalert.codec import encode
from camalert.records import PirAgreed, SystemClock, envelope
from camalert.sensing.board import Board

RUN = "from camalert import pipeline; pipeline.PATIENCE = {patience}; pipeline.main()"
STAGES = ("alarm-panel --listen", "log-event", "snap", "diff-frames")


def children(parent: int) -> dict[str, int]:
    """The processes below `parent`, by the name that ps shows."""
    found = {}
    for task in Path(f"/proc/{parent}/task").iterdir():
        for child in (task / "children").read_text().split():
            found[Path(f"/proc/{child}/comm").read_text().strip()] = int(child)
    return found


def until(arrived: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not arrived():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.fixture
def start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., "Line"]]:
    config = tmp_path / "camalert.toml"
    folders = "".join(f'{name} = "{tmp_path / name}"\n' for name in ("run", "spool", "state"))
    config.write_text(f"[paths]\n{folders}")
    monkeypatch.setenv("CAMALERT_CONFIG", str(config))
    lines = []

    def start(*stages: str, patience: float = 20.0) -> Line:
        lines.append(Line(stages or STAGES, tmp_path, patience))
        return lines[-1]

    yield start
    for line in lines:
        line.kill()


class Line:
    """A pipeline of real stages, with its output to read."""

    def __init__(self, stages: tuple[str, ...], folder: Path, patience: float) -> None:
        self.folder = folder
        self.process = subprocess.Popen(
            [sys.executable, "-c", RUN.format(patience=patience), "alarm-line", *stages],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        wanted = {stage.split()[0] for stage in stages} - {"--with"}
        until(lambda: self.process.poll() is not None or wanted == set(children(self.process.pid)))

    def trip(self) -> bytes:
        """Put a trigger into the FIFO; the first line that comes out at the other end."""
        fifo = self.folder / "run/events"
        until(fifo.exists)
        trigger = PirAgreed(**envelope("pirs", SystemClock()), sensors=("hall", "stairs"))
        with fifo.open("wb") as events:
            events.write(encode(trigger))
        assert self.process.stdout
        return self.process.stdout.readline()

    def end(self) -> tuple[int, str]:
        """The exit status and what was said, once all have ended."""
        _, said = self.process.communicate(timeout=40)
        return self.process.returncode, said.decode()

    def kill(self) -> None:
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.communicate()


def test_a_record_passes_through_every_stage(start: Callable[..., Line]) -> None:
    assert b'"type":"alarm.raised"' in start().trip()


@pytest.mark.parametrize("victim", [stage.split()[0] for stage in STAGES])
def test_a_stage_that_is_killed_takes_all_down_and_is_named(
    start: Callable[..., Line], victim: str
) -> None:
    line = start()
    line.trip()
    family = children(line.process.pid)
    os.kill(family[victim], signal.SIGKILL)
    status, said = line.end()
    assert status == 137
    assert f"alarm-line: {victim} ended with status 137, and the line with it" in said
    assert not [pid for pid in family.values() if Path(f"/proc/{pid}").exists()]


def test_on_sigterm_the_line_ends_well(start: Callable[..., Line]) -> None:
    line = start()
    line.trip()
    line.process.terminate()
    assert line.end() == (0, "")


def test_a_stage_that_cannot_start_is_named(start: Callable[..., Line]) -> None:
    line = start("alarm-panel --listen", "log-event --nonsense")
    status, said = line.end()
    assert status == 64
    assert "log-event: No such option" in said
    assert "alarm-line: log-event ended with status 64" in said


def test_a_wrong_config_is_said_once(tmp_path: Path, start: Callable[..., Line]) -> None:
    (tmp_path / "camalert.toml").write_text("colour = 3\n")
    status, said = start().end()
    assert status == 78
    assert said.count("\n") == 1
    assert said.startswith("alarm-line: ") and "colour: unknown key" in said


def test_a_stage_that_ends_of_itself_is_a_failure(start: Callable[..., Line]) -> None:
    status, said = start("log-event", "snap").end()  # their input is empty
    assert status == 70
    assert "log-event ended with status 0" in said


def test_a_stage_that_does_not_end_is_killed(start: Callable[..., Line]) -> None:
    line = start(patience=0.3)
    line.trip()
    os.kill(children(line.process.pid)["log-event"], signal.SIGSTOP)
    line.process.terminate()
    status, said = line.end()
    assert status == 0
    assert "alarm-line: log-event does not end and is killed" in said


WITH_SENSOR = ("--with", "watch-pir --to-line", *STAGES)


@pytest.fixture
def board(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Board:
    monkeypatch.setenv("GPIOZERO_PIN_FACTORY", "simulated")
    monkeypatch.setenv("CAMALERT_BOARD", str(tmp_path / "board"))
    with (tmp_path / "camalert.toml").open("a") as config:
        config.write("[sensing]\nsettle = 0\n")
    return Board(tmp_path / "board")


def test_a_sensor_beside_the_line_writes_into_it(
    start: Callable[..., Line], tmp_path: Path, board: Board
) -> None:
    line = start(*WITH_SENSOR)
    held = tmp_path / "board/20.line"
    until(lambda: held.exists() and bool(held.read_bytes()))
    until((tmp_path / "run/events").exists)
    for pin in (16, 20):
        board.drive(pin, 1)
    assert line.process.stdout
    assert any(b'"type":"alarm.raised"' in row for row in iter(line.process.stdout.readline, b""))
    line.process.terminate()
    status, said = line.end()
    assert status == 0
    assert "ended with status" not in said


def test_a_sensor_that_dies_takes_the_line_down_and_is_named(
    start: Callable[..., Line], board: Board
) -> None:
    line = start(*WITH_SENSOR)
    family = children(line.process.pid)
    os.kill(family["watch-pir"], signal.SIGKILL)
    status, said = line.end()
    assert status == 137
    assert "alarm-line: watch-pir ended with status 137, and the line with it" in said
    assert not [pid for pid in family.values() if Path(f"/proc/{pid}").exists()]


def test_when_who_waits_is_killed_all_end(start: Callable[..., Line], board: Board) -> None:
    line = start(*WITH_SENSOR)
    family = children(line.process.pid)
    line.process.kill()
    line.end()
    until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in family.values()))


def test_who_waits_is_small(start: Callable[..., Line]) -> None:
    """It has left behind what the stages share, which it had loaded for them."""
    line = start()
    line.trip()
    mapped = Path(f"/proc/{line.process.pid}/maps").read_text()
    assert "numpy" not in mapped and "PIL" not in mapped
    assert "numpy" in Path(f"/proc/{children(line.process.pid)['snap']}/maps").read_text()
