"""Who is told, who is named, what the status is."""

import subprocess
import sys

import pytest

from camalert import supervisor

STARTER = """
import os, signal, subprocess, sys
from camalert import supervisor

def prepare(name):
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    if name == "deaf":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)

signal.pthread_sigmask(signal.SIG_BLOCK, supervisor.SIGNALS)
running = []
for word in sys.argv[3:]:
    name, script = word.split(": ")
    process = subprocess.Popen(["sh", "-c", script], preexec_fn=lambda: prepare(name))
    process.returncode = 0  # the supervisor waits for it
    running.append(f"{process.pid}={name}")
if sys.argv[1] == "asked":
    os.kill(os.getpid(), signal.SIGTERM)
sys.exit(supervisor.main(["line", sys.argv[2], *running]))
"""
"""Whoever starts the supervisor: a process of its own, for signals go to a whole process."""


def watched(*commands: str, patience: str = "20", asked: str = "") -> tuple[int, list[str]]:
    """Status and what is said, for commands written as `name: script`."""
    done = subprocess.run(
        [sys.executable, "-c", STARTER, asked, patience, *commands],
        capture_output=True,
        text=True,
        timeout=50,
    )
    return done.returncode, done.stderr.splitlines()


def test_the_first_that_fails_is_named_and_those_told_end() -> None:
    commands = ("first!: exec sleep 60", "second: exit 3", "sensor!: exec sleep 60")
    said = ["line: second ended with status 3, and the line with it"]
    assert watched(*commands) == (3, said)


def test_asked_to_end_all_is_well() -> None:
    assert watched("first!: exec sleep 60", "second: exit 0", asked="asked") == (0, [])


def test_what_does_not_end_is_killed() -> None:
    said = [
        "line: deaf does not end and is killed",
        "line: first ended with status 4, and the line with it",
    ]
    assert watched("first: exit 4", "deaf: exec sleep 60", patience="0.05") == (4, said)


@pytest.mark.parametrize(
    ("ends", "named", "status"),
    [
        ([("snap", 141), ("first", 0), ("mail", 137)], "mail", 137),
        ([("snap", 141), ("first", 0)], "first", 70),
        ([("snap", 141)], "snap", 141),
        ([("one", 3), ("two", 4)], "one", 3),
    ],
)
def test_who_lost_his_reader_or_was_told_to_end_is_not_to_blame(
    ends: list[tuple[str, int]], named: str, status: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert supervisor.verdict("line", ends) == status
    assert f"line: {named} ended with status" in capsys.readouterr().err
