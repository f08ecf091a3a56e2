"""bin/demo as somebody plays with it, stops it, or gives it the wrong clip."""

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from camera import wait_for

BREAK_IN = Path(__file__).parents[1] / "demo/break_in.py"


class Demo:
    """A running demo; all that it makes on disk is below `folder`, but for its run folder."""

    def __init__(self, folder: Path, *words: str | Path) -> None:
        self.folder, self.output, self.errors = folder / "tmp", folder / "out", folder / "err"
        self.folder.mkdir()
        with self.output.open("wb") as output, self.errors.open("wb") as errors:
            self.process = subprocess.Popen(
                [sys.executable, BREAK_IN, *words],
                cwd=folder,
                env=os.environ | {"TMPDIR": str(self.folder)},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=errors,
            )

    def says(self, words: str, times: int = 1) -> None:
        """Wait until it has said so."""

        def said() -> bool:
            assert self.process.poll() is None, self.errors.read_text()
            return self.output.read_text().count(words) >= times

        wait_for(words, said)

    def run_folder(self) -> Path:
        """The folder in RAM, which its config names."""
        (config,) = self.folder.glob("*/camera.toml")
        return Path(re.findall('run = "(.*)/camera"', config.read_text())[0])

    def left(self) -> list[str]:
        """The processes that were started by it and still run."""
        found = []
        for process in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                if str(self.folder).encode() in (process / "environ").read_bytes():
                    found.append((process / "cmdline").read_text().replace("\0", " "))
        return found


@pytest.fixture
def demo(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Demo]:
    demo = Demo(tmp_path, *getattr(request, "param", ()))
    try:
        yield demo
    finally:
        demo.process.terminate()
        demo.process.wait(90)


@pytest.mark.parametrize("demo", [["--keep"]], indirect=True)
def test_what_happens_afterwards_is_shown_to_whoever_plays(demo: Demo) -> None:
    demo.says("To play with it")
    run_folder = demo.run_folder()
    export = re.search("export (.*)", demo.output.read_text())
    assert export
    play = f"export {export[1]}; simulate-board trip --for 6"  # longer than the cooldown
    subprocess.run(["bash", "-c", play], check=True, capture_output=True, timeout=60)
    demo.says("the owner opens porch-2.jpg")
    assert demo.output.read_text().count("demo: the owner reads: Alarm: ") >= 2
    demo.process.send_signal(signal.SIGINT)
    assert demo.process.wait(60) == 0
    assert "demo: done" in demo.output.read_text().splitlines()[-1]
    assert demo.errors.read_text() == ""
    assert demo.left() == [] and not run_folder.exists()
    assert len(list(demo.folder.glob("*/received/porch*.jpg"))) >= 2
    assert not list(demo.folder.rglob("*.key")), "a secret key was left"


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGINT, signal.SIGTERM])
def test_stopped_early_it_says_so_and_leaves_nothing(demo: Demo, number: signal.Signals) -> None:
    demo.says("a heartbeat proves the line")
    run_folder = demo.run_folder()
    demo.process.send_signal(number)
    assert demo.process.wait(60) == 128 + number
    assert "demo: stopped; nothing is left of it" in demo.errors.read_text()
    assert "Traceback" not in demo.errors.read_text()
    assert demo.left() == [] and not run_folder.exists()
    assert list(demo.folder.iterdir()) == []


@pytest.mark.skipif(not shutil.which("ffmpeg"), reason="needs ffmpeg")
@pytest.mark.parametrize("demo", [["--footage", __file__]], indirect=True)
def test_a_clip_that_is_none_fails_before_anything_is_sent(demo: Demo) -> None:
    assert demo.process.wait(60) == 69
    assert demo.output.read_text() == ""
    assert re.fullmatch("demo: failed: snap: porch: .*\n", demo.errors.read_text())
    assert demo.left() == [] and list(demo.folder.iterdir()) == []


@pytest.mark.parametrize("demo", [["--footage"], ["--footage", "none.mp4"]], indirect=True)
def test_wrong_use_is_64(demo: Demo) -> None:
    assert demo.process.wait(60) == 64
    assert demo.errors.read_text().count("\n") == 1
