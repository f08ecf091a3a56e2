"""A camera to measure at: its config and keys, its processes, a simulated board, a mail server."""

import asyncio
import contextlib
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP

from camalert.sensing.board import Board

BIN = Path(sys.executable).parent
PATIENCE = 60.0
COOLDOWN = 1.0
STAGES = ("alarm-panel", "log-event", "snap", "diff-frames")
STAGES += ("compose-alert", "encrypt-autocrypt", "send-mail")

CONFIG = """\
[paths]
run = "{run}"
spool = "{folder}/spool"
state = "{folder}/state"
[sensing]
settle = 0
debounce = 0
window = 0.2
[panel]
cooldown = {cooldown}
[[pir]]
name = "hall"
pin = 16
[[pir]]
name = "stairs"
pin = 20
[mail]
address = "camera@camalert.example"
recipients = ["owner@camalert.example"]
smtp_host = "127.0.0.1"
smtp_port = {port}
smtp_security = "plain"
"""
CAMERA = '[[camera]]\nname = "{name}"\nsource = "file"\ndevice = "{file}"\n'


class Mailbox:
    """An SMTP server on loopback that notes when it had accepted which mail, and its bytes."""

    def __init__(self) -> None:
        self.accepted: list[tuple[float, int]] = []
        loop = asyncio.new_event_loop()
        serve = loop.create_server(lambda: SMTP(self, loop=loop), "127.0.0.1", 0)
        self.port = int(loop.run_until_complete(serve).sockets[0].getsockname()[1])
        threading.Thread(target=loop.run_forever, daemon=True).start()

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        self.accepted.append((time.monotonic(), len(envelope.content)))
        return "250 kept"


class Stand:
    """The folder of one camera, and what runs on it. Leaves nothing behind when it is closed."""

    def __init__(self, port: int = 25, pictures: tuple[Path, ...] = ()) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="camalert-bench-"))
        ram = Path("/dev/shm")
        self.run = Path(tempfile.mkdtemp(dir=ram if ram.is_dir() else None))
        config = CONFIG.format(run=self.run, folder=self.folder, cooldown=COOLDOWN, port=port)
        for number, file in enumerate(pictures, 1):
            config += CAMERA.format(name=f"cam-{number}", file=file)
        self.config = self.folder / "camalert.toml"
        self.config.write_text(config, encoding="utf-8")
        self.environment = dict(
            os.environ,
            CAMALERT_CONFIG=str(self.config),
            CAMALERT_BOARD=str(self.run / "board"),
            GPIOZERO_PIN_FACTORY="simulated",
            PATH=f"{BIN}:{os.environ['PATH']}",
        )
        self.environment.pop("PYTHONUNBUFFERED", None)
        self.board = Board(self.run / "board")
        self.processes: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> "Stand":
        return self

    def __exit__(self, *_: object) -> None:
        for process in reversed(self.processes):
            self.end(process)
        shutil.rmtree(self.run)
        shutil.rmtree(self.folder)

    def do(self, *command: str, data: bytes = b"") -> bytes:
        """Run a command to its end; what it prints."""
        done = subprocess.run(
            command, input=data, capture_output=True, env=self.environment, timeout=PATIENCE
        )
        if done.returncode:
            sys.exit(f"bench: {command[0]} ended with {done.returncode}: {done.stderr.decode()}")
        return done.stdout

    def start(self, *command: str) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=(self.folder / "log").open("ab"),
            env=self.environment,
            start_new_session=True,
            bufsize=0,
        )
        self.processes.append(process)
        return process

    def end(self, process: subprocess.Popen[bytes]) -> None:
        """SIGTERM to all of it, SIGKILL to what is left."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError, subprocess.TimeoutExpired):
                os.killpg(process.pid, number)
                process.wait(5)
        if process.stdout:
            process.stdout.close()

    def meet_owner(self) -> None:
        """Make the camera's key and, in a stand of his own, the owner's; the camera learns his."""
        self.do("keyring", "make")
        with Stand() as owner:
            theirs = owner.config.read_text(encoding="utf-8").replace("camera@", "owner@", 1)
            owner.config.write_text(theirs, encoding="utf-8")
            owner.do("keyring", "make")
            self.do("keyring", "import", "-", data=owner.do("keyring", "export"))

    def trip(self) -> float:
        """Both PIRs see movement; the time of the edge that completes it."""
        self.board.drive(16, 1)
        edge = time.monotonic()
        self.board.drive(20, 1)
        return edge

    def release(self) -> None:
        for pin in (16, 20):
            self.board.drive(pin, 0)

    @contextlib.contextmanager
    def line(self) -> Iterator["Output"]:
        """The line and its sensors, warm: one alarm has gone through. Yields what comes out."""
        line = Output(self.start("alarm-line", "--with", "watch-pir"), self.folder / "log")
        deadline = time.monotonic() + PATIENCE
        while b"watching" not in (self.folder / "log").read_bytes():
            if time.monotonic() > deadline:
                sys.exit(f"bench: no watch: {(self.folder / 'log').read_text()}")
            time.sleep(0.05)
        for _ in range(2):
            self.alarm(line)
        yield line

    def alarm(self, line: "Output") -> tuple[float, float]:
        """The edge, and when its text was in the spool; back when the line may raise the next."""
        line.forget()
        edge = self.trip()
        spooled = line.until("message.spooled", part="text")
        self.release()
        line.until("alarm.complete")
        time.sleep(max(0.0, edge + COOLDOWN + 0.1 - time.monotonic()))
        return edge, spooled


class Output:
    """The records that a line writes, each with the moment it was read."""

    def __init__(self, process: subprocess.Popen[bytes], log: Path) -> None:
        self._process, self._log = process, log
        self._buffer, self._seen = b"", list[tuple[float, dict[str, Any]]]()

    def forget(self) -> None:
        """What came out until now does not count."""
        while select.select([self._process.stdout], [], [], 0)[0]:
            self._read(0, "rest")
        self._seen.clear()

    def until(self, kind: str, **fields: Any) -> float:
        """The moment when the next record of this type, with these fields, came out."""
        wanted = {"type": kind} | fields
        deadline = time.monotonic() + PATIENCE
        while True:
            for n, (moment, record) in enumerate(self._seen):
                if wanted.items() <= record.items():
                    del self._seen[n]
                    return moment
            self._read(deadline - time.monotonic(), kind)

    def _read(self, patience: float, kind: str) -> None:
        assert self._process.stdout
        ready, _, _ = select.select([self._process.stdout], [], [], max(0.0, patience))
        chunk = os.read(self._process.stdout.fileno(), 65536) if ready else b""
        if not chunk:
            sys.exit(f"bench: no {kind}: {self._log.read_text()[-2000:]}")
        moment = time.monotonic()
        *lines, self._buffer = (self._buffer + chunk).split(b"\n")
        self._seen += [(moment, json.loads(line)) for line in lines]


def cpu_seconds(process: subprocess.Popen[bytes]) -> float:
    """CPU time of all processes of this session, children that ended included."""
    total = 0.0
    for pid in session(process.pid):
        with contextlib.suppress(OSError):
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            ended = (int(fields[13]) + int(fields[14])) / os.sysconf("SC_CLK_TCK")
            total += time.clock_gettime((~pid << 3) | 2) + ended  # the clock of another process
    return total


def pss_megabytes(process: subprocess.Popen[bytes]) -> float:
    """Memory of all processes of this session, what they share counted once."""
    total = 0
    for pid in session(process.pid):
        with contextlib.suppress(OSError):
            for row in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
                total += int(row.split()[1]) if row.startswith("Pss:") else 0
    return total / 1024


def session(leader: int) -> Iterator[int]:
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError, ValueError):
            if os.getsid(int(entry.name)) == leader:
                yield int(entry.name)
