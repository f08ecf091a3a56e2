"""What strangers send is read in a child process that can only hurt itself.

The child has a limit on memory and on processor time, writes to nothing but its answer's pipe, and
is killed from outside when the wall clock says so: nothing inside can swallow that.
"""

import json
import os
import resource
import select
import signal
import struct
import time
from collections.abc import Callable
from typing import NoReturn

from camalert import errors
from camalert.errors import BadData, CamalertError

MEMORY = 256 << 20
"""Bytes that the child may use beyond what its parent has."""

SECONDS = 20.0
"""The longest that the child may take by the wall clock."""

PROCESSOR = 10
"""The most processor time that it may take, in whole seconds."""

_HEADER = struct.Struct(">?Q")


def confined(
    function: Callable[[], bytes],
    thing: str,
    *,
    memory: int = MEMORY,
    seconds: float = SECONDS,
    processor: int = PROCESSOR,
    longest: int = 64 << 20,
) -> bytes:
    """What `function` returns, run in a forked child; at most `longest` bytes.

    Errors of camalert that it raises are raised here. Raises BadData about `thing` when the child
    fails otherwise or exceeds a limit.
    """
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        _child(function, writer, memory, processor)
    os.close(writer)
    try:
        good, answer = _answer(reader, thing, time.monotonic() + seconds, longest)
    finally:
        os.close(reader)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    if good:
        return answer
    kind, *words = json.loads(answer)
    raise getattr(errors, kind)(*words)


def _answer(reader: int, thing: str, deadline: float, longest: int) -> tuple[bool, bytes]:
    received = bytearray()
    poll = select.poll()
    poll.register(reader, select.POLLIN)
    while True:
        if not poll.poll(max(0.0, deadline - time.monotonic()) * 1000):
            raise BadData(thing, "takes too long to read")
        part = os.read(reader, 1 << 20)
        if not part:
            break
        received += part
        if len(received) > longest + _HEADER.size:
            raise BadData(thing, f"gives more than {longest} bytes")
    if len(received) < _HEADER.size:
        raise BadData(thing, "cannot be read, or takes too much memory or time")
    good, size = _HEADER.unpack_from(received)
    if len(received) != _HEADER.size + size:
        raise BadData(thing, "cannot be read to its end")
    return good, bytes(received[_HEADER.size :])


def _child(function: Callable[[], bytes], writer: int, memory: int, processor: int) -> NoReturn:
    status = 1
    try:
        os.setsid()
        null = os.open(os.devnull, os.O_RDWR)
        for descriptor in (0, 1, 2):
            os.dup2(null, descriptor)
        _limit(memory, processor)
        try:
            good, answer = True, function()
        except CamalertError as error:
            words = [type(error).__name__, error.thing, error.reason, error.next_step]
            good, answer = False, json.dumps(words).encode()
        view = memoryview(_HEADER.pack(good, len(answer)) + answer)
        while view:
            view = view[os.write(writer, view) :]
        status = 0
    finally:
        os._exit(status)


def _limit(memory: int, processor: int) -> None:
    with open("/proc/self/statm", encoding="ascii") as file:  # noqa: PTH123 (no more imports here)
        used = int(file.read().split()[0]) * resource.getpagesize()
    for limit, value in (
        (resource.RLIMIT_AS, used + memory),
        (resource.RLIMIT_CPU, processor),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        _, hard = resource.getrlimit(limit)
        value = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(limit, (value, value))
