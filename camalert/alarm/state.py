"""What the panel must remember over a restart: the mode. One small file, replaced whole."""

import json
from pathlib import Path

from camalert import durable
from camalert.alarm.panel import MODES
from camalert.config import Config
from camalert.errors import StorageFailed


def mode_file(config: Config) -> Path:
    """Where the mode is kept."""
    return config.folder("state", "mode.json")


def read_mode(path: Path) -> str | None:
    """The mode in the file `path`; None where there is none, or none that makes sense."""
    try:
        mode = json.loads(path.read_text(encoding="utf-8"))["mode"]
    except (OSError, ValueError, LookupError, TypeError):
        return None
    return mode if mode in MODES else None


def write_mode(path: Path, mode: str) -> None:
    """Make `mode` durable in the file `path`. Raises StorageFailed."""
    try:
        durable.replace(path, json.dumps({"mode": mode}).encode())
    except OSError as error:
        raise StorageFailed(str(path), f"the mode is not kept: {error.strerror}") from None


class ModeInForce:
    """The mode, for who asks often: its file is read again when it has changed."""

    def __init__(self) -> None:
        self._stamp: tuple[int, int, int] | None = None
        self._mode: str | None = None

    def read(self, config: Config) -> str:
        """The mode in force."""
        path = mode_file(config)
        try:
            status = path.stat()
            stamp = (status.st_ino, status.st_mtime_ns, status.st_size)
        except OSError:
            stamp = None
        if stamp is None or stamp != self._stamp:
            self._stamp, self._mode = stamp, read_mode(path)
        return self._mode or config.panel.mode
