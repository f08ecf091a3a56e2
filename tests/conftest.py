"""What every test gets: an environment that holds nothing of the person who runs it."""

import sys
from collections.abc import Callable
from pathlib import Path

import hypothesis
import pytest

hypothesis.settings.register_profile("camalert", deadline=None)  # a busy machine is no failure
hypothesis.settings.load_profile("camalert")

HEAD = """
import os, signal, sys
import click
from camalert import cli, errors, line as lines
"""
COMMAND = '''
@cli.command(example="tool --never")
def main(settings):
    """Do a thing."""
    '''


@pytest.fixture(autouse=True)
def own_environment(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in (
        "CAMALERT_CONFIG",
        "GPIOZERO_PIN_FACTORY",
        "JOURNAL_STREAM",
        "PYTHONUNBUFFERED",  # hides a missing flush
        "XDG_CONFIG_HOME",
        "XDG_RUNTIME_DIR",
        "XDG_STATE_HOME",
    ):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path_factory.mktemp("home")))


@pytest.fixture
def tool(tmp_path: Path) -> Callable[..., list[str]]:
    """Writes a command whose function has the given body; the words that run it."""

    def write(body: str, head: str = COMMAND) -> list[str]:
        script = tmp_path / "tool"
        script.write_text(f"{HEAD}{head}{body}\nmain()\n", encoding="utf-8")
        return [sys.executable, str(script)]

    return write
