"""Stages of a line, joined by pipes and forked from one parent that has loaded what they share.

Run by bin/alarm-line and bin/camera-line: `python -m camalert.pipeline alarm-line 'alarm-panel
--listen' log-event ...`; the first word is the line's name. A shell's pipe would start each stage
as a Python of its own, which costs about 3 MB more of memory a stage and, on a Pi Zero, ten seconds
of start-up; and it cannot say which stage died.

The first stage to end brings the others down: those before it lose their reader, those behind it
read on to the end. On SIGTERM only the first stage is told, and the rest drain.
"""

import gc
import importlib
import os
import shlex
import signal
import sys
import time
from pathlib import Path
from typing import NoReturn

from camalert import config_file
from camalert.errors import CamalertError

PATIENCE = 20.0
"""Seconds that stages have to end once one has ended or SIGTERM came; then they are killed."""

SIGNALS = (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT)
SHARED = (
    "camalert.cli",
    "camalert.codec",
    "camalert.config_file",
    "camalert.handover",
    "camalert.line",
    "camalert.records",
)
SHARED_BY = {
    "alarm-line": (
        "camalert.alarm.control_unit",
        "camalert.capture.rounds",
        "camalert.mail.alerts",
        "camalert.mail.intake",
        "email.parser",
        "sqlite3",
    )
}
"""What most stages of a line use, by its name. What only one does, it loads by itself."""


def main() -> NoReturn:
    """Run the stages that the arguments name behind the line's own name, each with its options."""
    name, *arguments = sys.argv[1:]
    sys.argv[0] = name
    stages = [shlex.split(argument) for argument in arguments]
    for module in (*SHARED, *SHARED_BY.get(name, ())):
        importlib.import_module(module)
    try:
        config_file.load(config_file.locate())  # here once: each stage would say what is wrong
    except CamalertError as error:
        _say(str(error))
        sys.exit(error.code)
    gc.collect()
    gc.freeze()
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    sys.exit(_watch(_start(stages, mask)))


def _start(stages: list[list[str]], mask: set[int | signal.Signals]) -> dict[int, str]:
    """The stages' names by process id, in order."""
    names = {}
    source = os.open(os.devnull, os.O_RDONLY)
    for stage in stages:
        last = stage is stages[-1]
        following, target = (-1, os.dup(1)) if last else os.pipe()
        if (child := os.fork()) == 0:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
            os.dup2(source, 0)
            os.dup2(target, 1)
            for descriptor in {source, target, following} - {-1}:
                os.close(descriptor)
            _become(stage)
        names[child] = stage[0]
        os.close(source)
        os.close(target)
        source = following
    return names


def _become(stage: list[str]) -> NoReturn:
    """Be the command from here on, by name too: `ps -o comm` shows it."""
    Path("/proc/self/comm").write_text(stage[0], encoding="ascii")
    sys.argv = [str(Path(sys.executable).with_name(stage[0])), *stage[1:]]
    module = importlib.import_module(f"camalert.commands.{stage[0].replace('-', '_')}")
    sys.exit(module.main())


def _watch(names: dict[int, str]) -> int:
    """Wait for the end of all stages; the exit status: that of the one behind it, 0 if asked."""
    running, ends, asked, deadline = dict(names), list[tuple[str, int]](), False, float("inf")
    while running:
        told = signal.sigtimedwait(SIGNALS, min(max(0.0, deadline - time.monotonic()), 3600))
        if told and told.si_signo != signal.SIGCHLD and not asked and not ends:
            asked = True
            os.kill(next(iter(names)), signal.SIGTERM)
        ends += _ended(running)
        if (asked or ends) and deadline == float("inf"):
            deadline = time.monotonic() + PATIENCE
        if time.monotonic() >= deadline:
            for child, name in running.items():
                _say(f"{name} does not end and is killed")
                os.kill(child, signal.SIGKILL)
            deadline = time.monotonic() + PATIENCE
    return 0 if asked else _told(ends)


def _ended(running: dict[int, str]) -> list[tuple[str, int]]:
    """The stages that have ended, with their status as a shell has it, taken out of `running`."""
    ended = []
    for child, name in list(running.items()):
        found, status = os.waitpid(child, os.WNOHANG)
        if found:
            code = os.waitstatus_to_exitcode(status)
            ended.append((name, code if code >= 0 else 128 - code))
            del running[child]
    return ended


def _told(ends: list[tuple[str, int]]) -> int:
    """Say which stage brought the line down; its status.

    A dying process closes its pipes before it can be waited for, so one that lost its reader
    (SIGPIPE) may be seen to end before the one that it lost.
    """
    behind = [end for end in ends if end[1] != 128 + signal.SIGPIPE] or ends
    name, status = behind[0]
    _say(f"{name} ended with status {status}, and the line with it")
    return status or 70


def _say(text: str) -> None:
    print(f"{sys.argv[0]}: {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
