"""Who is told, who is named, what the status is."""

import signal
import subprocess
import threading
from collections.abc import Iterator

import pytest

from camalert import supervisor


@pytest.fixture(autouse=True)
def blocked() -> Iterator[None]:
    """The signals as whoever starts the supervisor leaves them."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, supervisor.SIGNALS)
    yield
    while signal.sigtimedwait(supervisor.SIGNALS, 0):
        pass
    signal.pthread_sigmask(signal.SIG_SETMASK, before)


def started(script: str, deaf: bool) -> int:
    """A shell that runs `script`, `deaf` to SIGTERM from the start; the supervisor waits for it."""

    def prepare() -> None:
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
        if deaf:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)

    process = subprocess.Popen(["sh", "-c", script], preexec_fn=prepare)
    process.returncode = 0
    return process.pid


def watched(*commands: str, patience: str = "20") -> int:
    """The status for commands written as `name: script`."""
    parts = [command.split(": ") for command in commands]
    running = [f"{started(script, name == 'deaf')}={name}" for name, script in parts]
    return supervisor.main(["line", patience, *running])


def test_the_first_that_fails_is_named_and_those_told_end(
    capfd: pytest.CaptureFixture[str],
) -> None:
    assert watched("first!: exec sleep 60", "second: exit 3", "sensor!: exec sleep 60") == 3
    assert capfd.readouterr().err == "line: second ended with status 3, and the line with it\n"


def test_asked_to_end_all_is_well(capfd: pytest.CaptureFixture[str]) -> None:
    # To this thread: the test runner's others have not blocked it.
    signal.pthread_kill(threading.get_ident(), signal.SIGTERM)
    assert watched("first!: exec sleep 60", "second: exit 0") == 0
    assert capfd.readouterr().err == ""


def test_what_does_not_end_is_killed(capfd: pytest.CaptureFixture[str]) -> None:
    assert watched("first: exit 4", "deaf: exec sleep 60", patience="0.05") == 4
    said = capfd.readouterr().err.splitlines()
    assert said == [
        "line: deaf does not end and is killed",
        "line: first ended with status 4, and the line with it",
    ]


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
