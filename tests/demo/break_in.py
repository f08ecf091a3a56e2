"""The main job on one machine: simulated PIRs in, the owner's decrypted picture out.

Every process is the one that runs on a camera; only the pins, what the camera sees and the mail
server are stand-ins. Run by bin/demo.
"""

import argparse
import asyncio
import contextlib
import email.message
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NoReturn

import chat_view
import scene
from aiosmtpd.smtp import SMTP

from camalert import cli

BIN = Path(sys.executable).parent
NAME = "Porch camera"
CAMERA, OWNER = "camera@camalert.example", "owner@camalert.example"
PATIENCE = 60.0
ENDING = (signal.SIGHUP, signal.SIGINT, signal.SIGTERM)
TIED = ("setpriv", "--pdeathsig", "TERM")
"""Before a command: it ends even where the demo is killed."""


class Failed(Exception):
    """Something did not come out as it must."""


class Mailbox:
    """The owner's provider: takes mail by SMTP on loopback and notes when it came."""

    def __init__(self) -> None:
        self.mails: list[tuple[float, bytes]] = []
        self.loop = asyncio.new_event_loop()
        serve = self.loop.create_server(lambda: SMTP(self, loop=self.loop), "127.0.0.1", 0)
        server = self.loop.run_until_complete(serve)
        self.port = int(server.sockets[0].getsockname()[1])
        threading.Thread(target=self.loop.run_forever, daemon=True).start()

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        self.mails.append((time.monotonic(), envelope.content))
        return "250 kept"


class House:
    """The folder of the demo: configs, keys, spool, what the owner got; and its processes."""

    def __init__(self, port: int, footage: Path | None) -> None:
        ram = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
        self.folder = Path(tempfile.mkdtemp(prefix="camalert-demo-"))
        self.run = Path(tempfile.mkdtemp(prefix="camalert-demo-", dir=ram))
        self.received = self.folder / "received"
        self.received.mkdir()
        self.film = self.run / "film"
        self.processes: list[subprocess.Popen[bytes]] = []
        source = f'"file"\ndevice = {json.dumps(str(footage or self.film))}'
        self._config("camera", CAMERA, OWNER, port, source)
        self._config("owner", OWNER, CAMERA, port, '"pattern"')
        self.environment = dict(
            os.environ,
            CAMALERT_CONFIG=str(self.folder / "camera.toml"),
            CAMALERT_BOARD=str(self.run / "board"),
            GPIOZERO_PIN_FACTORY="simulated",
        )

    def _config(self, who: str, address: str, other: str, port: int, source: str) -> None:
        (self.folder / f"{who}.toml").write_text(
            f"""\
[paths]
run = "{self.run / who}"
spool = "{self.folder / who / "spool"}"
state = "{self.folder / who / "state"}"

[sensing]
settle = 0
window = 1

[panel]
cooldown = 5

[[pir]]
name = "hall"
pin = 16
led = 19

[[pir]]
name = "stairs"
pin = 20
led = 26

[[camera]]
name = "porch"
source = {source}

[mail]
address = "{address}"
name = "{NAME}"
recipients = ["{other}"]
smtp_host = "127.0.0.1"
smtp_port = {port}
smtp_security = "plain"
""",
            encoding="utf-8",
        )

    def do(self, who: str, *command: str, data: bytes = b"") -> bytes:
        """Run one of the commands to its end with the config of `who`; what it prints."""
        config = {"CAMALERT_CONFIG": str(self.folder / f"{who}.toml")}
        return subprocess.run(
            [str(BIN / command[0]), *command[1:]],
            input=data,
            capture_output=True,
            env=self.environment | config,
            check=command[0] != "list-events",  # which ends with 1 for none yet
            timeout=PATIENCE,
        ).stdout

    def start(self, *command: str) -> None:
        """Run one of the commands for as long as the demo lasts; what it says goes to a log."""
        with (self.folder / f"{command[0]}.log").open("wb") as log:
            self.processes.append(
                subprocess.Popen(
                    [*TIED, str(BIN / command[0]), *command[1:]],
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    env=self.environment,
                    start_new_session=True,
                )
            )

    def until(self, what: str, arrived: Callable[[], Any]) -> Any:
        """What `arrived` returns once that is true. Raises Failed when it will not be."""
        deadline = time.monotonic() + PATIENCE
        while not (answer := arrived()):
            for process in self.processes:
                if process.poll() is not None:
                    raise Failed(f"no {what}: {Path(process.args[3]).name} has ended")
            if time.monotonic() > deadline:
                raise Failed(f"no {what} within {PATIENCE:.0f} s")
            time.sleep(0.002)
        return answer

    def leave(self, keep: bool) -> None:
        """End all processes, sensors first, and remove all but, to `keep`, logs and received."""
        for process in reversed(self.processes):
            process.terminate()
        for process in self.processes:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(15)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
        # What a signal came upon while it was being started, nobody has heard of.
        for child in Path(f"/proc/self/task/{os.getpid()}/children").read_text().split():
            os.kill(int(child), signal.SIGKILL)
            os.waitpid(int(child), 0)
        shutil.rmtree(self.run)
        for folder in (self.folder / "camera", self.folder / "owner") if keep else (self.folder,):
            shutil.rmtree(folder, ignore_errors=True)


def exchange_keys(house: House) -> None:
    for who in ("camera", "owner"):
        house.do(who, "keyring", "make")
    for who, other in (("camera", "owner"), ("owner", "camera")):
        house.do(who, "keyring", "import", "-", data=house.do(other, "keyring", "export"))


def receive(house: House, mail: bytes) -> tuple[str, bytes | None]:
    """Text and picture of `mail`, as only the owner can read it; said, and the picture saved."""
    if NAME.encode() in mail:
        raise Failed("something of the message stands outside")
    message = email.message_from_bytes(house.do("owner", "decrypt-autocrypt", data=mail))
    text = (content(message, "text/plain") or b"").decode().strip()
    picture = content(message, "image/jpeg")
    print(f"demo: the owner reads: {' / '.join(text.splitlines())}")
    if picture:
        number = len(list(house.received.glob("*.jpg")))
        name = f"porch-{number + 1}.jpg" if number else "porch.jpg"
        (house.received / name).write_bytes(picture)
        same = ", SHA-256 as taken" if as_taken(house, picture) else ""
        print(f"demo: the owner opens {name}: {len(picture)} bytes{same}")
    return text, picture


def content(message: email.message.Message, kind: str) -> bytes | None:
    """The first part of `message` that is of this kind."""
    parts = (part for part in message.walk() if part.get_content_type() == kind)
    return next((bytes(part.get_payload(decode=True)) for part in parts), None)


def as_taken(house: House, picture: bytes) -> bool:
    """Whether a camera took just this picture, to the last bit."""
    frames = (house.run / "camera/frames").glob("*/*.jpg")
    wanted = hashlib.sha256(picture).digest()
    return any(hashlib.sha256(path.read_bytes()).digest() == wanted for path in frames)


def timeline(house: House, arrivals: list[tuple[float, str]]) -> Iterator[str]:
    """Each step with its milliseconds after the edge that completed the break-in."""
    kinds = ("--type", "pir.active", "--type", "pir.agreed", "--type", "alarm.raised")

    def stored() -> list[dict[str, Any]]:
        lines = house.do("camera", "list-events", "--json", *kinds).decode().splitlines()
        events = [json.loads(line) for line in lines]
        return events if any(event["type"] == "alarm.raised" for event in events) else []

    events = house.until("alarm in the event database", stored)
    steps = [(event["mono"], f"{event['type']:14} {event['source']}") for event in events]
    start = max(event["mono"] for event in events if event["type"] == "pir.active")
    for when, name in sorted(steps + arrivals):
        yield f"{(when - start) * 1000:+9.1f} ms  {name}"


def break_in(house: House, mailbox: Mailbox, footage: Path | None) -> int:
    """From the keys to the picture in the owner's hand; how many mails came on the way."""
    scene.film(house.film, None)
    if footage:
        house.do("camera", "snap", "porch", "-o", str(house.run / "first.jpg"))
    exchange_keys(house)
    house.start("alarm-line", "--with", "watch-button", "--with", "watch-pir")
    house.start("send-mail", "--flush", "--follow")
    house.until("line", lambda: cli.is_held(house.run / "camera/alarm-panel.lock"))
    print("demo: a heartbeat proves the line ...", flush=True)
    house.do("camera", "heartbeat", "--wait", "30")
    house.until("heartbeat", lambda: mailbox.mails)
    watching = house.folder / "alarm-line.log"
    house.until("watch", lambda: b"watch-pir: watching" in watching.read_bytes())
    before = len(mailbox.mails)
    print("demo: somebody walks past both PIRs (motion sensors) ...", flush=True)
    scene.film(house.film, 420, 860)
    house.do("camera", "simulate-board", "trip", "hall", "stairs", "--for", "1")
    house.until("text and picture", lambda: len(mailbox.mails) >= before + 2)

    arrivals, chat = [], []
    for when, mail in mailbox.mails[before:]:
        text, picture = receive(house, mail)
        arrivals.append((when, f"{'picture' if picture else 'text'} at the provider"))
        chat.append((time.strftime("%H:%M"), text, picture))
    if not any(picture and as_taken(house, picture) for _, _, picture in chat):
        raise Failed("the owner has no picture as it was taken")
    chat_view.draw(NAME, chat, house.received / "chat.png")
    print("\n".join(timeline(house, arrivals)), flush=True)
    return before + len(chat)


def play(house: House, mailbox: Mailbox, seen: int) -> NoReturn:
    """Show the owner's mail as it comes, until a signal ends it."""
    names = ("CAMALERT_CONFIG", "CAMALERT_BOARD", "GPIOZERO_PIN_FACTORY")
    exports = " ".join(f"{name}={house.environment[name]}" for name in names)
    print(f"""
demo: all still runs, until Ctrl-C. To play with it, in another terminal:

  export PATH={BIN}:$PATH {exports}
  simulate-board    # its keys trip the PIRs; both together raise an alarm, at most one in 5 s
  list-events       # what happened
  disarm            # from now on nobody is told, until: arm
  doctor            # what works and what does not
""")
    while True:
        for _, mail in mailbox.mails[seen:]:
            seen += 1
            receive(house, mail)
        sys.stdout.flush()
        time.sleep(0.1)


def main() -> None:
    parser = argparse.ArgumentParser(prog="demo")
    parser.add_argument("--footage", type=Path, metavar="CLIP", help="play this clip as the camera")
    parser.add_argument("--keep", action="store_true", help="leave all running to play with")
    parser.error = lambda message: parser.exit(64, f"demo: {message}; see --help\n")
    options = parser.parse_args()
    footage = options.footage and options.footage.resolve()
    if footage and not footage.exists():
        parser.error(f"{options.footage}: no such clip")
    for number in ENDING:
        signal.signal(number, lambda number, _: sys.exit(128 + number))
    mailbox = Mailbox()
    house = House(mailbox.port, footage)
    done = keep = False
    try:
        seen = break_in(house, mailbox, footage)
        done = keep = True
        if options.keep:
            play(house, mailbox, seen)
    except SystemExit:
        if not done:
            print("\ndemo: stopped; nothing is left of it", file=sys.stderr)
            raise
        print()
    except (subprocess.SubprocessError, Failed) as error:
        said = (getattr(error, "stderr", None) or str(error).encode()).decode().strip()
        print(f"demo: failed: {said}", file=sys.stderr)
        for log in sorted(house.folder.glob("*.log")):
            print(f"{log}:\n{log.read_text()[-600:]}", file=sys.stderr)
            keep = True
        sys.exit(error.returncode if isinstance(error, subprocess.CalledProcessError) else 70)
    finally:
        for number in ENDING:
            signal.signal(number, signal.SIG_IGN)
        house.leave(keep)
    print(f"demo: done; what the owner got lies in {house.received}, the logs beside it")


if __name__ == "__main__":
    main()
