"""Stages of the line, joined by pipes and forked from one parent that has loaded what they use.

Run by bin/alarm-line and bin/camera-line: `python -m camalert.pipeline NAME [--with SENSOR]...
STAGE...`, a command with its options in each argument. A shell's pipe would start each as a Python
of its own: several MB of memory more for each and, on a Pi Zero, ten seconds of start-up; and it
cannot say which died.

The first to end brings the others down: those before it lose their reader, those behind it read on
to the end. On SIGTERM only the sensors and the first stage are told, and the rest drain. Once all
are started, camalert.supervisor takes this process's place and waits.
"""

import ctypes
import gc
import importlib
import os
import shlex
import signal
import sys
from typing import NoReturn

import click

from camalert import cli, diagnostics, supervisor
from camalert.errors import CamalertError

PATIENCE = 20.0
"""Seconds that all have to end once one has ended or SIGTERM came; then they are killed."""

PR_SET_PDEATHSIG = 1
"""prctl(2): the signal that a process gets when its parent ends."""

USED_BY_ALL = ("camalert.codec", "camalert.handover", "camalert.line", "camalert.records")
USED = {
    "alarm-panel": ("camalert.alarm.control_unit",),
    "capture-ring": ("camalert.capture.recorder",),
    "compose-alert": ("camalert.mail.alerts", "camalert.mail.compose", "email.generator"),
    "diff-frames": ("PIL.ImageFile", "camalert.motion.judges", "camalert.motion.pictures"),
    "encrypt-autocrypt": ("camalert.trust.autocrypt", "camalert.trust.keyring"),
    "log-event": ("camalert.store.events", "camalert.store.recorder", "camalert.store.sqlite"),
    "send-mail": ("camalert.mail.intake",),
    "snap": ("camalert.capture.rounds",),
    "watch-button": ("camalert.sensing.button", "camalert.sensing.pins", "gpiozero.pins.local"),
    "watch-frames": ("camalert.motion.sketches", "camalert.motion.watch"),
    "watch-pir": ("camalert.sensing.pins", "camalert.sensing.pirs", "gpiozero.pins.local"),
}
"""What a command loads when it starts to work. It costs memory twice where each does it by itself:
what two of them need, and what the import as such touches. A module's `rehearse` does once, with
nothing of this camera's, what its command does for each alarm: pages that are written to then are
shared, and the first alarm takes no longer than others."""


def main() -> NoReturn:
    """Run the commands that the arguments name, one argument a command with its options."""
    gc.disable()  # it would leave holes in pages that are shared, for the children to write into
    name, *words = sys.argv[1:]
    sensors = [words[n + 1] for n, word in enumerate(words) if word == "--with"]
    stages = words[2 * len(sensors) :]
    settings = cli.Settings(None, debug=False)
    try:
        _ = settings.config  # here once: each command would say what is wrong
    except CamalertError as error:
        supervisor.say(name, str(error))
        sys.exit(error.code)
    commands = [_ready(name, words, settings) for words in (*stages, *sensors)]
    diagnostics.to_stderr(name, debug=False)
    gc.freeze()
    signal.pthread_sigmask(signal.SIG_BLOCK, supervisor.SIGNALS)
    processes = _start(commands, len(stages))
    waiting = [sys.executable, "-I", supervisor.__file__, name, str(PATIENCE), *processes]
    os.execv(sys.executable, waiting)  # noqa: S606 (no shell wanted)


def _ready(name: str, words: str, settings: cli.Settings) -> click.Context:
    """A command with its options and the config read, and what it uses loaded."""
    command, *options = shlex.split(words)
    module = importlib.import_module(f"camalert.commands.{command.replace('-', '_')}")
    for used in (*USED_BY_ALL, *USED.get(command, ())):
        getattr(importlib.import_module(used), "rehearse", _nothing)()
    try:
        return module.main.ready(command, options, obj=settings)  # type: ignore[no-any-return]
    except SystemExit as end:
        sys.exit(supervisor.verdict(name, [(command, int(end.code or 0))]))


def _nothing() -> None:
    """The rehearsal of a module that has none."""


def _start(commands: list[click.Context], stages: int) -> list[str]:
    """Fork them, the first `stages` joined by pipes; what the supervisor is told of each."""
    processes, parent = [], os.getpid()
    source = nothing = os.open(os.devnull, os.O_RDWR)
    for number, command in enumerate(commands, 1):
        following, target = os.pipe() if number < stages else (nothing, os.dup(1))
        told = number == 1 or number > stages
        if (child := os.fork()) == 0:
            os.dup2(source, 0)
            os.dup2(target, 1)
            os.closerange(3, max(source, target, following) + 1)
            _become(command, parent if told else None)
        processes.append(f"{child}={command.info_name}{'!' * told}")
        for descriptor in {source, target} - {nothing}:
            os.close(descriptor)
        source = following
    return processes


def _become(command: click.Context, parent: int | None) -> NoReturn:
    """Be the command from here on, by name too: `ps -o comm` shows it.

    With `parent` it is told to end when that one does, even by kill -9: then nobody else tells it.
    """
    name = command.info_name or ""
    if parent:
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
        if os.getppid() != parent:
            sys.exit(128 + signal.SIGKILL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, supervisor.SIGNALS)
    gc.enable()
    comm = os.open("/proc/self/comm", os.O_WRONLY)
    os.write(comm, name.encode())
    os.close(comm)
    sys.argv = [f"{os.path.dirname(sys.executable)}/{name}"]  # noqa: PTH120 (no page of pathlib)
    diagnostics.to_stderr(name, debug=False)
    cli.run(command)


if __name__ == "__main__":
    main()
