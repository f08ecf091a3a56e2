"""A child process: its output, whole by a deadline or as it comes, or why there is none.

The child leads a session and a process group of its own, which ends as a whole: TERM at the
deadline, KILL a second later. What outlives even KILL (state D: the kernel waits for a device) is
left behind and said; nothing here waits without bound.
"""

import contextlib
import functools
import os
import re
import select
import shutil
import signal
import subprocess
import time
from collections.abc import Generator, Iterator, Sequence

from camalert.errors import BadData, TryAgain, Unavailable

PATIENCE = 1.0
"""Seconds between TERM and KILL, and those that KILL may take."""

CHUNK = 65536
PIPE = 1 << 20
"""The most bytes that may be left in a pipe whose writer has ended."""
LAST_WORDS = 4096
"""Bytes kept of standard error, the last ones."""

_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_LOGIN = re.compile(r"://[^/\s]*@")


class Overdue(Unavailable):
    """The child had not ended at its deadline."""


class Failed(Unavailable):
    """The child ended with an error of its own; the reason is its last line on standard error."""


def run(
    camera: str,
    command: Sequence[str],
    end: float,
    *,
    limit: int,
    feed: bytes = b"",
    cancel: int | None = None,
    inherit: Sequence[int] = (),
) -> bytes:
    """What `command` writes to standard output until `end` (time.monotonic), at most `limit` bytes.

    `feed` (at most a pipe's 64 kB) is its standard input; `cancel` is a descriptor that ends it
    once it is readable; the child keeps those of `inherit` open. Raises Failed for a failure of its
    own, Overdue at the deadline, Unavailable where it cannot be started or ended, BadData for more
    than `limit` bytes, TryAgain when cancelled, each about `camera`.
    """
    with _running(camera, command, feed, inherit) as (process, watch):
        output, words = _listen(process, watch, camera, end, limit, cancel)
    _judge(camera, command, process, words)
    return output


def stream(
    camera: str,
    command: Sequence[str],
    *,
    feed: bytes = b"",
    cancel: int | None = None,
    inherit: Sequence[int] = (),
) -> Generator[bytes, None, None]:
    """What `command` writes to standard output, as it comes, until it ends.

    The arguments are those of `run`. Raises Failed for a failure of its own, TryAgain when
    cancelled, Unavailable where it cannot be started or ended. Whoever stops to read closes the
    generator, and so ends the child.
    """
    with _running(camera, command, feed, inherit) as (process, watch):
        words = yield from _relay(process, watch, camera, cancel)
    _judge(camera, command, process, words)


@contextlib.contextmanager
def _running(
    camera: str, command: Sequence[str], feed: bytes, inherit: Sequence[int]
) -> "Iterator[tuple[subprocess.Popen[bytes], int]]":
    """The child, and a descriptor that is readable once it has ended; at the end it is gone."""
    try:
        process = subprocess.Popen(
            [*_guard(), *command],
            stdin=subprocess.PIPE if feed else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
            pass_fds=inherit,
            env={**os.environ, "LC_ALL": "C"},
        )
    except OSError as error:
        raise Unavailable(camera, f"{command[0]} cannot be started: {error.strerror}") from None
    watch = os.pidfd_open(process.pid)
    try:
        if process.stdin:
            _feed(process.stdin.fileno(), feed)
            process.stdin.close()
        yield process, watch
    finally:
        gone = _finish(process, watch)
        os.close(watch)
        for pipe in (process.stdin, process.stdout, process.stderr):
            if pipe:
                pipe.close()
        if not gone:
            process.returncode = -signal.SIGKILL
            raise Unavailable(camera, f"{command[0]} hangs in the kernel (state D); left behind")


def _judge(
    camera: str, command: Sequence[str], process: "subprocess.Popen[bytes]", words: bytes
) -> None:
    if process.returncode:
        raise Failed(camera, f"{command[0]}: {_reason(words, process.returncode)}")


@functools.cache
def _guard() -> tuple[str, ...]:
    """What kills the child when its parent is killed and can no longer see to it."""
    setpriv = shutil.which("setpriv")
    return (setpriv, "--pdeathsig", "KILL", "--") if setpriv else ()


def _feed(descriptor: int, data: bytes) -> None:
    os.set_blocking(descriptor, False)
    with contextlib.suppress(BrokenPipeError):
        os.write(descriptor, data)


def _listen(
    process: "subprocess.Popen[bytes]",
    watch: int,
    camera: str,
    end: float,
    limit: int,
    cancel: int | None,
) -> tuple[bytes, bytes]:
    """Standard output and the last of standard error, until the child itself has ended.

    The end of the pipes is not waited for: a grandchild may hold them open.
    """
    assert process.stdout and process.stderr
    output, words = process.stdout.fileno(), process.stderr.fileno()
    heard = {output: bytearray(), words: bytearray()}
    still = set(heard)
    poll = select.poll()
    for descriptor in (output, words, watch, cancel):
        if descriptor is not None:
            poll.register(descriptor, select.POLLIN)
    for descriptor in heard:
        os.set_blocking(descriptor, False)
    ended = False
    while not ended:
        left = end - time.monotonic()
        if left <= 0:
            raise Overdue(camera, "not done by its deadline; killed")
        ready = dict(poll.poll(left * 1000))
        if cancel in ready:
            raise TryAgain(camera, "stopped before the picture was taken")
        ended = watch in ready
        for descriptor in still & (heard.keys() if ended else ready.keys()):
            if not _read(descriptor, heard[descriptor], until_dry=ended):
                still.remove(descriptor)
                poll.unregister(descriptor)
        del heard[words][:-LAST_WORDS]
        if len(heard[output]) > limit:
            raise BadData(camera, f"picture of more than {limit} bytes")
    return bytes(heard[output]), bytes(heard[words])


def _relay(
    process: "subprocess.Popen[bytes]", watch: int, camera: str, cancel: int | None
) -> Generator[bytes, None, bytes]:
    """Hand on standard output as it comes until the child itself has ended; its last words."""
    assert process.stdout and process.stderr
    output, words = process.stdout.fileno(), process.stderr.fileno()
    poll = select.poll()
    for descriptor in (output, words, watch, cancel):
        if descriptor is not None:
            poll.register(descriptor, select.POLLIN)
    for descriptor in (output, words):
        os.set_blocking(descriptor, False)
    said, ended = bytearray(), False
    while not ended:
        ready = dict(poll.poll())
        if cancel in ready:
            raise TryAgain(camera, "stopped")
        ended = watch in ready
        if (words in ready or ended) and not _read(words, said, until_dry=ended) and not ended:
            poll.unregister(words)
        del said[:-LAST_WORDS]
        most = PIPE // CHUNK if ended else int(output in ready)
        for _ in range(most):
            if not (chunk := _chunk(output)):
                if chunk == b"" and not ended:
                    poll.unregister(output)
                break
            yield chunk
    return bytes(said)


def _chunk(descriptor: int) -> bytes | None:
    """What is there; b"" at the end, None where nothing is there yet."""
    try:
        return os.read(descriptor, CHUNK)
    except BlockingIOError:
        return None


def _read(descriptor: int, into: bytearray, *, until_dry: bool) -> bool:
    """Read what is there; False at the end, or where no more is there yet."""
    while True:
        try:
            chunk = os.read(descriptor, CHUNK)
        except BlockingIOError:
            return not until_dry
        into += chunk
        if not chunk or not until_dry:
            return bool(chunk)


def _finish(process: "subprocess.Popen[bytes]", watch: int) -> bool:
    """End the whole group and reap the child; False where it outlives KILL.

    Until it is reaped its number cannot be given to others, so the signals hit only its group.
    """
    if not _ended(watch, 0):
        _signal_group(process.pid, signal.SIGTERM)
        _ended(watch, PATIENCE)
    _signal_group(process.pid, signal.SIGKILL)
    if not _ended(watch, PATIENCE):
        return False
    process.wait()
    return True


def _signal_group(group: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)


def _ended(watch: int, seconds: float) -> bool:
    return bool(select.select([watch], [], [], seconds)[0])


def _reason(words: bytes, status: int) -> str:
    """The last line of `words` without colours and logins, else how the child ended."""
    text = _LOGIN.sub("://", _COLOUR.sub("", words.decode("utf-8", "replace")))
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if lines:
        return lines[-1][:200]
    return f"killed by signal {-status}" if status < 0 else f"exit status {status}"
