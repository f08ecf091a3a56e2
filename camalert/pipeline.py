"""Stages of the line, joined by pipes and forked from one parent that has loaded what they share.

Run by bin/alarm-line: `python -m camalert.pipeline 'alarm-panel --listen' log-event ...`. A shell's
pipe would start each stage as a Python of its own, which costs about 3 MB more of memory a stage
and, on a Pi Zero, ten seconds of start-up; and it cannot say which stage died.

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

PATIENCE = 20.0
"""Seconds that stages have to end once one has ended or SIGTERM came; then they are killed."""

SIGNALS = (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT)
SHARED = (
    "camalert.cli",
    "camalert.config",
    "camalert.durable",
    "camalert.handover",
    "camalert.line",
    "camalert.records",
    "email.message",
    "email.parser",
)
"""What most stages use. What only one does, it loads by itself."""


def main() -> NoReturn:
    """Run the stages that the arguments name, one argument a stage with its options."""
    stages = [shlex.split(argument) for argument in sys.argv[1:]]
    for module in SHARED:
        importlib.import_module(module)
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
    """Wait for the end of all stages; the exit status: that of the first to end unasked, or 0."""
    code, asked, killed_at = 0, False, float("inf")
    running = dict(names)
    while running:
        wait = max(0.0, killed_at - time.monotonic())
        told = signal.sigtimedwait(SIGNALS, min(wait, 3600))
        if told and told.si_signo != signal.SIGCHLD and not asked:
            asked, killed_at = True, time.monotonic() + PATIENCE
            if (first := next(iter(names))) in running:
                os.kill(first, signal.SIGTERM)
        for child, status in _ended(running):
            name = running.pop(child)
            if not asked and killed_at == float("inf"):
                code, killed_at = status or 70, time.monotonic() + PATIENCE
                _say(f"{name} ended with status {status}; the line goes down")
        if time.monotonic() >= killed_at:
            for child, name in running.items():
                _say(f"{name} does not end and is killed")
                os.kill(child, signal.SIGKILL)
            killed_at = time.monotonic() + PATIENCE
    return code


def _ended(running: dict[int, str]) -> list[tuple[int, int]]:
    """The children that have ended, with their status as a shell has it (128 + signal).

    Those that lost their reader come last: somebody else's end was before theirs.
    """
    ended = []
    for child in running:
        found, status = os.waitpid(child, os.WNOHANG)
        if found:
            code = os.waitstatus_to_exitcode(status)
            ended.append((child, code if code >= 0 else 128 - code))
    return sorted(ended, key=lambda end: end[1] == 128 + signal.SIGPIPE)


def _say(text: str) -> None:
    print(f"alarm-line: {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
