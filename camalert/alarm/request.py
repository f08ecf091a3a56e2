"""Ask a running panel for another mode, and see that it took it."""

import os
import time
from collections.abc import Callable

from camalert.alarm.state import mode_file, read_mode, write_mode
from camalert.config import Config
from camalert.errors import TryAgain
from camalert.records import Clock, ModeWanted, Record, envelope


def request_mode(
    config: Config,
    mode: str,
    post: Callable[[Record], bool],
    who: str,
    clock: Clock,
    sleep: Callable[[float], None] = time.sleep,
    patience: float = 5.0,
) -> str:
    """Bring the panel to `mode`; what to tell the person.

    `post` hands a record to the running line and is False where none runs: then the mode is kept
    for its next start. Raises TryAgain when the line has not taken it after `patience` seconds, and
    StorageFailed.
    """
    path = mode_file(config)
    was = read_mode(path) or config.panel.mode
    if was == mode:
        return f"mode: {mode}, as before"
    wanted = ModeWanted(**envelope("mode", clock), mode=mode, who=who)
    if not post(wanted):
        write_mode(path, mode)
        # A line that began just now may have read the old mode; one that begins later cannot.
        if not post(wanted):
            return f"mode: {mode} (was {was}), from the next start on: no alarm-line runs"
    deadline = clock.monotonic() + patience
    while read_mode(path) != mode:
        if clock.monotonic() >= deadline:
            raise TryAgain("alarm-line", f"has not taken the mode {mode} yet", "see its log")
        sleep(0.02)
    return f"mode: {mode} (was {was})"


def person() -> str:
    """Who asks, for the audit: the login name behind this process."""
    return os.environ.get("SUDO_USER") or os.environ.get("USER") or f"uid {os.getuid()}"
