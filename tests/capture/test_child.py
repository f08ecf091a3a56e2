"""capture/child.py: a child ends by its deadline, and nothing of it stays."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from camalert.capture import child
from camalert.errors import BadData, TryAgain, Unavailable


def run(script: str, seconds: float = 20.0, **how) -> bytes:
    command = ["sh", "-c", script]
    return child.run("cam", command, time.monotonic() + seconds, **({"limit": 10**6} | how))


def alive(number: int) -> bool:
    try:
        state = Path(f"/proc/{number}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    except FileNotFoundError:
        return False
    return state[0] not in "ZX"


def eventually(condition, seconds: float = 10.0) -> bool:
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.01)
    return True


@pytest.fixture
def numbers(tmp_path: Path) -> Iterator[Path]:
    """A file in which a child notes process ids; what lives of them is killed after the test."""
    path = tmp_path / "numbers"
    yield path
    for number in path.read_text(encoding="ascii").split() if path.exists() else ():
        with contextlib.suppress(ProcessLookupError):
            os.kill(int(number), signal.SIGKILL)


def pids(path: Path) -> list[int]:
    return [int(number) for number in path.read_text(encoding="ascii").split()]


def test_output_of_any_size_comes_whole_with_a_silent_standard_error():
    assert run("head -c 900000 /dev/zero; yes x | head -c 500000 >&2") == bytes(900000)
    assert run("cat", feed=b"fed") == b"fed"
    assert run("cat") == b""
    assert run("exit 0", feed=b"nobody reads it") == b""


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        (r"printf '\033[31mError\033[0m opening it\n\n' >&2; exit 3", "sh: Error opening it"),
        ("echo at rtsp://user:pass@host/x: no >&2; exit 1", "sh: at rtsp://host/x: no"),
        ("exit 3", "sh: exit status 3"),
        ("kill -SEGV $$", "sh: killed by signal 11"),
        ("printf half; echo unplugged >&2; exit 1", "sh: unplugged"),
    ],
)
def test_a_failure_is_told_with_its_last_words(script, reason):
    with pytest.raises(child.Failed) as caught:
        run(script)
    assert str(caught.value) == f"cam: {reason}"
    assert caught.value.code == 69


def test_at_the_deadline_the_whole_group_is_gone(numbers):
    with pytest.raises(Unavailable, match="cam: not done by its deadline; killed"):
        run(f"sleep 1000 & echo $! $$ >{numbers}; wait", 0.5)
    assert len(pids(numbers)) == 2
    assert eventually(lambda: not any(map(alive, pids(numbers))))


def test_one_that_ignores_term_is_killed(numbers, monkeypatch):
    monkeypatch.setattr(child, "PATIENCE", 0.2)
    with pytest.raises(Unavailable, match="killed"):
        run(f"trap '' TERM; echo $$ >{numbers}; while :; do sleep 0.05; done", 0.3)
    assert not alive(*pids(numbers))


def test_a_grandchild_that_holds_the_pipe_is_neither_waited_for_nor_left(numbers):
    assert run(f"sleep 1000 & echo $! >{numbers}; printf done") == b"done"
    assert eventually(lambda: not alive(*pids(numbers)))


def test_too_much_output_ends_it():
    with pytest.raises(BadData, match="cam: picture of more than 5000 bytes"):
        run("cat /dev/zero", limit=5000)


def test_a_missing_command_is_told():
    with pytest.raises(Unavailable, match="cam: no-such-command: "):
        child.run("cam", ["no-such-command"], time.monotonic() + 20, limit=1)
    with pytest.raises(Unavailable, match="cannot be started"):
        child.run("cam", ["sh", "x" * 10**7], time.monotonic() + 20, limit=1)


def test_it_can_be_cancelled(numbers):
    cancel = os.eventfd(1)
    try:
        with pytest.raises(TryAgain, match="cam: stopped"):
            run(f"echo $$ >{numbers}; exec sleep 1000", cancel=cancel)
    finally:
        os.close(cancel)
    # Killed before its shell wrote anything, there is no number.
    assert not numbers.exists() or not any(map(alive, pids(numbers)))


def test_without_setpriv_it_works_too(monkeypatch):
    monkeypatch.setattr(child, "_guard", lambda: ())
    assert run("printf x") == b"x"


def test_one_that_outlives_kill_is_left_behind_and_said(numbers, monkeypatch):
    """State D cannot be had without a broken device: here the signals are lost instead."""
    monkeypatch.setattr(child, "PATIENCE", 0.05)
    monkeypatch.setattr(child, "_signal_group", lambda *_: None)
    with pytest.raises(Unavailable, match=r"state D.*left behind"):
        run(f"echo $$ >{numbers}; exec sleep 1000", 0.3)
    (number,) = pids(numbers)
    os.kill(number, signal.SIGKILL)
    os.waitpid(number, 0)


def test_a_killed_parent_takes_the_child_with_it(numbers):
    script = (
        "import time; from camalert.capture import child;"
        f"child.run('c', ['sh', '-c', 'echo $$ >{numbers}; exec sleep 1000'],"
        " time.monotonic() + 100, limit=1)"
    )
    with subprocess.Popen([sys.executable, "-c", script]) as parent:
        assert eventually(lambda: numbers.exists() and pids(numbers), 30)
        assert alive(*pids(numbers))
        parent.kill()
    assert eventually(lambda: not alive(*pids(numbers)))


# As it comes


def test_a_stream_comes_as_it_is_written():
    with contextlib.closing(child.stream("cam", ["sh", "-c", "printf a; exec sleep 99"])) as it:
        assert next(it) == b"a"
    chunks = child.stream("cam", ["sh", "-c", "cat; head -c 900000 /dev/zero"], feed=b"fed")
    assert b"".join(chunks) == b"fed" + bytes(900000)


def test_a_stream_that_fails_says_why_after_its_last_bytes():
    chunks = child.stream("cam", ["sh", "-c", "printf last; yes x | head -c 90000 >&2; exit 3"])
    assert next(chunks) == b"last"
    with pytest.raises(child.Failed, match="cam: sh: x"):
        next(chunks)


def test_a_stream_can_be_cancelled_while_nothing_comes(numbers):
    cancel = os.eventfd(1)
    chunks = child.stream("cam", ["sh", "-c", f"echo $$ >{numbers}; exec sleep 1000"])
    with pytest.raises(TryAgain, match="stopped"):
        next(child.stream("cam", ["sh", "-c", "exec sleep 1000"], cancel=cancel))
    os.close(cancel)
    chunks.close()


def test_whoever_stops_to_read_a_stream_ends_it_with_all_its_children(numbers):
    script = f"trap '' TERM; sleep 1000 & echo $$ $! >{numbers}; while :; do echo x; done"
    chunks = child.stream("cam", ["sh", "-c", script])
    next(chunks)
    assert eventually(lambda: numbers.exists() and len(pids(numbers)) == 2)
    assert all(map(alive, pids(numbers)))
    chunks.close()
    assert eventually(lambda: not any(map(alive, pids(numbers))))


def test_a_stream_ends_with_its_child_though_a_grandchild_goes_on_writing(numbers):
    script = f"(exec setsid sh -c 'echo $$ >{numbers}; exec cat /dev/zero') & sleep 0.3"
    end = time.monotonic() + 10
    for chunk in child.stream("cam", ["sh", "-c", script]):
        assert chunk
        time.sleep(0.002)  # so slowly that the pipe is never empty
        assert time.monotonic() < end
    assert eventually(lambda: not alive(pids(numbers)[0]))  # of SIGPIPE


def test_a_stream_whose_output_is_closed_early_ends_quietly():
    script = "printf x; exec >&-; exec 2>&-; sleep 0.3"
    before = time.process_time()
    assert b"".join(child.stream("cam", ["sh", "-c", script])) == b"x"
    assert time.process_time() - before < 0.2


def test_a_stream_that_cannot_be_started_is_told(monkeypatch):
    monkeypatch.setattr(child, "_guard", lambda: ())
    with pytest.raises(Unavailable, match="cannot be started"):
        next(child.stream("cam", ["/nowhere/at/all"]))
