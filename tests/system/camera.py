"""One camera as it is installed: its config, folders and keys, and the processes that run on it."""

import contextlib
import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mail_bed import MailBed

if TYPE_CHECKING:
    from delta_chat import Owner

SCRIPTS = Path(sys.executable).parent
PATIENCE = 60.0
STAGES = (
    "alarm-panel",
    "log-event",
    "snap",
    "diff-frames",
    "compose-alert",
    "encrypt-autocrypt",
    "send-mail",
)
PATTERN = '[[camera]]\nname = "porch"\nsource = "pattern"\nwidth = 320\nheight = 240\n'


class Camera:
    """A camera in `folder`; `name` sets its config apart from another one in the same place."""

    def __init__(self, folder: Path, bed: MailBed, address: str, name: str = "camera") -> None:
        self.folder, self.bed, self.address, self.name = folder / name, bed, address, name
        self.config = folder / f"{name}.toml"
        self.recipients: list[str] = []
        self.scripts = SCRIPTS
        self.processes: list[subprocess.Popen[bytes]] = []
        self.environment = dict(
            os.environ,
            CAMALERT_CONFIG=str(self.config),
            CAMALERT_BOARD=str(folder / "board"),
            GPIOZERO_PIN_FACTORY="simulated",
        )
        self.folder.mkdir()
        password = self.folder / "password"
        password.touch(0o600)
        password.write_text(bed.password)

    def configure(self, more: str = PATTERN) -> None:
        """Write the config: the bed's account, own folders, and `more`."""
        folders = "".join(
            f'{which} = "{self.folder / which}"\n' for which in ("run", "spool", "state")
        )
        self.config.write_text(
            f"""\
[paths]
{folders}
[mail]
address = "{self.address}"
name = "Porch camera"
recipients = {json.dumps(self.recipients)}
smtp_host = "{self.bed.host}"
smtp_port = {self.bed.smtp_port}
password_file = "{self.folder / "password"}"
ca_file = "{self.bed.certificate}"

{more}
"""
        )

    def meet(self, *owners: "Owner") -> None:
        """Take the owners' keys, and write to them from now on."""
        self.recipients += [owner.address for owner in owners]
        self.configure()
        if not (self.folder / "state/keys/own.key").exists():
            self.do("keyring", "make")
        for owner in owners:
            self.do("keyring", "import", "-", data=owner.vcard())

    def do(self, *command: str, data: bytes = b"", status: int = 0) -> bytes:
        """Run a command to its end; what it prints. Its exit status must be `status`."""
        done = subprocess.run(
            [str(self.scripts / command[0]), *command[1:]],
            input=data,
            capture_output=True,
            env=self.environment,
            timeout=PATIENCE,
        )
        assert done.returncode == status, f"{command}: {done.returncode}: {done.stderr.decode()}"
        return done.stdout

    def start(self, *command: str) -> "subprocess.Popen[bytes]":
        """Run a command for as long as the test lasts; what it says goes to `log`."""
        with self.log(command[0]).open("ab") as log:
            process = subprocess.Popen(
                [str(self.scripts / command[0]), *command[1:]],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self.environment,
                start_new_session=True,
            )
        self.processes.append(process)
        return process

    def log(self, command: str) -> Path:
        return self.folder / f"{command}.log"

    def start_line(self) -> "subprocess.Popen[bytes]":
        """The alarm line, once every stage of it is there and the panel listens."""
        line = self.start("alarm-line")
        wait_for("the line", lambda: set(stages(line)) == set(STAGES) or line.poll() is not None)
        wait_for("the panel", lambda: self.line_is_up() or line.poll() is not None)
        return line

    def line_is_up(self) -> bool:
        lock = self.folder / "run/alarm-panel.lock"
        return lock.exists() and _is_locked(lock)

    def start_sensors(self, command: str = "watch-pir") -> None:
        """A sensor's watch, once it does watch."""
        self.start(command, "--to-line")
        if command == "watch-pir":
            wait_for("the PIRs", lambda: b"watching" in self.log(command).read_bytes())

    def trip(self, *sensors: str) -> None:
        self.do("simulate-board", "trip", *sensors, "--for", "0.3")

    def events(self, *types: str) -> list[dict[str, Any]]:
        """The event database, oldest first."""
        words = [word for kind in types for word in ("--type", kind)]
        lines = self.do("list-events", "--json", *words).splitlines()
        return sorted(map(json.loads, lines), key=lambda event: float(event["mono"]))

    def notes(self) -> list[str]:
        """The ids of the alarms that are noted and not finished."""
        return sorted(path.stem for path in (self.folder / "spool/notes").glob("*.note"))

    def taken(self) -> set[str]:
        """The SHA-256 of every picture that is still in RAM."""
        frames = (self.folder / "run/frames").glob("*/*.jpg")
        return {hashlib.sha256(path.read_bytes()).hexdigest() for path in frames}

    def stop(self) -> None:
        """End all processes, by group; none may hang."""
        for process in reversed(self.processes):
            process.terminate()
        for process in self.processes:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(15)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait(15)


def stages(line: "subprocess.Popen[bytes]") -> dict[str, int]:
    """The processes of an alarm line that run, by the command's name."""
    found = {}
    children = Path(f"/proc/{line.pid}/task/{line.pid}/children")
    with contextlib.suppress(OSError):
        for pid in children.read_text().split():
            words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
            names = {Path(os.fsdecode(word)).name for word in words[:2]}
            found.update({name: int(pid) for name in names.intersection(STAGES)})
    return found


def wait_for(what: str, arrived: Callable[[], object]) -> None:
    """Wait until `arrived` is true. Raises TimeoutError when it never is."""
    deadline = time.monotonic() + PATIENCE
    while not arrived():
        if time.monotonic() > deadline:
            raise TimeoutError(f"no {what} after {PATIENCE:.0f} s")
        time.sleep(0.01)


def _is_locked(path: Path) -> bool:
    """Whether a process holds the lock; without taking it, even for a moment."""
    inode = path.stat().st_ino
    locks = Path("/proc/locks").read_text().splitlines()
    return any(f":{inode} " in lock for lock in locks)


@contextlib.contextmanager
def installed(folder: Path, bed: MailBed, name: str = "camera") -> Iterator[Camera]:
    """A camera; at the end none of its processes is left."""
    camera = Camera(folder, bed, bed.address(name), name)
    try:
        yield camera
    finally:
        camera.stop()


def picture(message: dict[str, Any]) -> str | None:
    """The SHA-256 of the picture in a message that an owner is shown; None where there is none."""
    if message["viewType"] != "Image":
        return None
    return hashlib.sha256(Path(message["file"]).read_bytes()).hexdigest()
