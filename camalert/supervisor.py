"""Waits for the processes of a pipeline, in its place: a script with only the standard library.

`supervisor.py NAME PATIENCE PID=COMMAND...`: NAME is who says what there is to say; PATIENCE is how
many seconds all have to end once one has ended or SIGTERM came, then they are killed. Only those
whose COMMAND ends in `!` are told: the sensors and the first stage; the others drain.

What camalert.pipeline has loaded for those that it forked would stay in memory for as long as it
waited for them itself. For the same reason typing is not loaded here.
"""

import os
import signal
import sys
import time

SIGNALS = (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT)
"""The caller blocks them, so that none is lost between it and here."""


def main(arguments: list[str]) -> int:
    """Wait; the status of the one that brought all down, 0 where that was asked for."""
    name, patience, *processes = arguments
    pairs = [process.split("=", 1) for process in processes]
    commands = {int(process): command.removesuffix("!") for process, command in pairs}
    told = {int(process) for process, command in pairs if command.endswith("!")}
    return _watch(name, float(patience), commands, told)


def _watch(name: str, patience: float, commands: dict[int, str], told: set[int]) -> int:
    running, ends, asked, deadline = dict(commands), list[tuple[str, int]](), False, float("inf")
    while running:
        left = min(max(0.0, deadline - time.monotonic()), 3600)
        caught = signal.sigtimedwait(SIGNALS, left)
        asked = asked or bool(caught and caught.si_signo != signal.SIGCHLD and not ends)
        ends += _ended(running)
        if (asked or ends) and deadline == float("inf"):
            deadline = time.monotonic() + patience
            for process in running.keys() & told:
                os.kill(process, signal.SIGTERM)
        if time.monotonic() >= deadline:
            for process, command in running.items():
                say(name, f"{command} does not end and is killed")
                os.kill(process, signal.SIGKILL)
            deadline = time.monotonic() + patience
    return 0 if asked else verdict(name, ends)


def _ended(running: dict[int, str]) -> list[tuple[str, int]]:
    """The commands that have ended, with their status as a shell has it, taken out of `running`."""
    ended = []
    for process, command in list(running.items()):
        found, status = os.waitpid(process, os.WNOHANG)
        if found:
            code = os.waitstatus_to_exitcode(status)
            ended.append((command, code if code >= 0 else 128 - code))
            del running[process]
    return ended


def verdict(name: str, ends: list[tuple[str, int]]) -> int:
    """Say which command brought all down; its status.

    A dying process closes its pipes before it can be waited for, so one that lost its reader
    (SIGPIPE), and one that was told to end then, may be seen before the one that it lost.
    """
    command, status = min(ends, key=lambda end: (end[1] == 128 + signal.SIGPIPE, end[1] == 0))
    say(name, f"{command} ended with status {status}, and the line with it")
    return status or 70


def say(name: str, text: str) -> None:
    """One line on standard error."""
    print(f"{name}: {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
