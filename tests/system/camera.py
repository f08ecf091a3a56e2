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
WATCH, MAIL = STAGES[:4], STAGES[4:]
"""The two halves of the line."""

PORCH = '[[camera]]\nname = "porch"\nsource = "pattern"\nwidth = 320\nheight = 240\n'
QUICK = "[sensing]\nsettle = 0\nwindow = 0.2\n\n[panel]\ncooldown = 0\n\n"
"""Sensors and a panel that are ready for the next break-in at once: each is just one alarm."""


class Camera:
    """A camera in `folder`; `name` sets its config apart from another one in the same place."""

    def __init__(self, folder: Path, bed: MailBed, address: str, name: str = "camera") -> None:
        self.folder, self.bed, self.address, self.name = folder / name, bed, address, name
        self.config = folder / f"{name}.toml"
        self.recipients: list[str] = []
        self.more = QUICK + PORCH
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

    def configure(self, more: str | None = None) -> None:
        """Write the config: the bed's account, own folders, and `more`, which is remembered."""
        self.more = more or self.more
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

{self.more}
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

    def do(self, *command: str, data: bytes = b"", good: tuple[int, ...] = (0,)) -> bytes:
        """Run a command to its end; what it prints. Its exit status must be one of `good`."""
        done = subprocess.run(
            [str(SCRIPTS / command[0]), *command[1:]],
            input=data,
            capture_output=True,
            env=self.environment,
            timeout=PATIENCE,
        )
        assert done.returncode in good, f"{command}: {done.returncode}: {done.stderr.decode()}"
        return done.stdout

    def start(self, *command: str) -> "subprocess.Popen[bytes]":
        """Run a command for as long as the test lasts; what it says goes to `log`."""
        tied = ("setpriv", "--pdeathsig", "TERM")  # so it ends even where pytest is killed
        with self.log(command[0]).open("ab") as log:
            process = subprocess.Popen(
                [*tied, str(SCRIPTS / command[0]), *command[1:]],
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

    def start_line(self, *command: str, of: tuple[str, ...] = STAGES) -> "subprocess.Popen[bytes]":
        """`command` (alarm-line), once all its stages run and the panel among them listens."""
        line = self.start(*command or ("alarm-line",))

        def runs() -> bool:
            return set(stages(line)) == set(of) and (WATCH[0] not in of or self.line_is_up())

        wait_for("line", lambda: runs() or line.poll() is not None)
        return line

    def start_all(self, *line: str) -> "subprocess.Popen[bytes]":
        """The line, the delivery of mail, and the PIRs' watch."""
        process = self.start_line(*line)
        self.start("send-mail", "--flush", "--follow")
        self.start_sensors()
        return process

    def line_is_up(self) -> bool:
        lock = self.folder / "run/alarm-panel.lock"
        return lock.exists() and _is_locked(lock)

    def start_sensors(self, command: str = "watch-pir") -> None:
        """A sensor's watch, once it holds its pins."""
        self.start(command, "--to-line")
        wait_for(command, lambda: command.encode() in self.do("simulate-board", "show"))

    def trip(self) -> None:
        """Somebody walks past all PIRs."""
        self.do("simulate-board", "trip", "--for", "0.3")

    def break_in(self) -> str:
        """Trip the PIRs; the id of the alarm that the panel raises."""
        before = self.raised()
        self.trip()
        wait_for("alarm", lambda: self.raised() - before)
        (alarm,) = self.raised() - before
        return alarm

    def raised(self) -> set[str]:
        """The ids of all alarms: some may be noted and not logged, some no longer noted."""
        noted = set(self.notes())  # first: what goes meanwhile has been logged
        return noted | {event["id"] for event in self.events("alarm.raised")}

    def events(self, *types: str) -> list[dict[str, Any]]:
        """The event database, oldest first."""
        words = [word for kind in types for word in ("--type", kind)]
        lines = self.do("list-events", "--json", *words, good=(0, 1)).splitlines()
        return sorted(map(json.loads, lines), key=lambda event: float(event["mono"]))

    def notes(self) -> list[str]:
        """The ids of the alarms that are noted and not finished."""
        return sorted(path.stem for path in (self.folder / "spool/notes").glob("*.note"))

    def ticked(self) -> list[str]:
        """The ids of the alarms of which something is safe in the spool, but not all."""
        return sorted(path.stem for path in (self.folder / "spool/notes").glob("*.parts"))

    def taken(self) -> set[str]:
        """The SHA-256 of every picture that is still in RAM."""
        frames = (self.folder / "run/frames").glob("*/*.jpg")
        return {hashlib.sha256(path.read_bytes()).hexdigest() for path in frames}

    def stop(self) -> None:
        """End all processes, by group; none may hang."""
        for process in reversed(self.processes):
            process.terminate()
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGCONT)  # a test may have stopped one
        for process in self.processes:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(15)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait(15)


def stages(line: "subprocess.Popen[bytes]") -> dict[str, int]:
    """The processes of an alarm line that run, by the command's name."""
    names = {stage[:15]: stage for stage in STAGES}  # the kernel keeps no more of a name
    found = {}
    with contextlib.suppress(OSError):
        for pid in Path(f"/proc/{line.pid}/task/{line.pid}/children").read_text().split():
            name = Path(f"/proc/{pid}/comm").read_text().strip()
            if name in names:
                found[names[name]] = int(pid)
    return found


def wait_for(what: str, arrived: Callable[[], object], patience: float = PATIENCE) -> None:
    """Wait until `arrived` is true. Raises TimeoutError when it is not after `patience` seconds."""
    deadline = time.monotonic() + patience
    while not arrived():
        if time.monotonic() > deadline:
            raise TimeoutError(f"no {what} after {patience:.0f} s")
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
