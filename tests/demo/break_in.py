"""The main job on one machine: simulated PIRs in, the owner's decrypted picture out.

Every process is the one that runs on a camera; only the pins, the camera and the mail server are
stand-ins. Run by bin/demo.
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
from typing import Any

import chat_view
from aiosmtpd.smtp import SMTP

from camalert import cli

BIN = Path(sys.executable).parent
CAMERA, OWNER = "camera@camalert.example", "owner@camalert.example"
PATIENCE = 60.0


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
        ram = Path("/dev/shm")
        self.folder = Path(tempfile.mkdtemp(prefix="camalert-demo-"))
        self.run = Path(
            tempfile.mkdtemp(prefix="camalert-demo-", dir=ram if ram.is_dir() else None)
        )
        self.received = self.folder / "received"
        self.received.mkdir()
        self.processes: list[subprocess.Popen[bytes]] = []
        source = f'"file"\ndevice = {json.dumps(str(footage))}' if footage else '"pattern"'
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
name = "Porch camera"
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
                    [str(BIN / command[0]), *command[1:]],
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    env=self.environment,
                    start_new_session=True,
                )
            )

    def leave(self, keep_files: bool) -> None:
        """End all processes, sensors first, and remove what is not the owner's."""
        for process in reversed(self.processes):
            process.terminate()
        for process in self.processes:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(15)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
        shutil.rmtree(self.run)
        if not keep_files:
            shutil.rmtree(self.folder)


def until(what: str, arrived: Callable[[], Any]) -> Any:
    """What `arrived` returns once that is true. Ends the demo after `PATIENCE` seconds."""
    deadline = time.monotonic() + PATIENCE
    while not (answer := arrived()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"no {what} within {PATIENCE:.0f} s")
        time.sleep(0.002)
    return answer


def exchange_keys(house: House) -> None:
    for who in ("camera", "owner"):
        house.do(who, "keyring", "make")
    for who, other in (("camera", "owner"), ("owner", "camera")):
        house.do(who, "keyring", "import", "-", data=house.do(other, "keyring", "export"))


def opened(house: House, mail: bytes) -> email.message.Message:
    """The message inside `mail`, as only the owner can read it; the signature is checked."""
    assert b"Porch" not in mail, "something of the message stands outside"
    return email.message_from_bytes(house.do("owner", "decrypt-autocrypt", data=mail))


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

    events = until("alarm in the event database", stored)
    steps = [(event["mono"], f"{event['type']:14} {event['source']}") for event in events]
    start = max(event["mono"] for event in events if event["type"] == "pir.active")
    for when, name in sorted(steps + arrivals):
        yield f"{(when - start) * 1000:+9.1f} ms  {name}"


def break_in(house: House, mailbox: Mailbox) -> None:
    exchange_keys(house)
    house.start("alarm-line")
    house.start("send-mail", "--flush", "--follow")
    house.start("watch-button", "--to-line")
    house.start("watch-pir", "--to-line")
    until("line", lambda: cli.is_held(house.run / "camera/alarm-panel.lock"))
    print("demo: a heartbeat proves the line ...", flush=True)
    house.do("camera", "heartbeat", "--wait", "30")
    until("heartbeat", lambda: mailbox.mails)
    watching = house.folder / "watch-pir.log"
    until("watch", lambda: b"watching" in watching.read_bytes())
    before = len(mailbox.mails)
    print("demo: somebody walks past both PIRs ...", flush=True)
    house.do("camera", "simulate-board", "trip", "hall", "stairs", "--for", "1")
    until("text and picture", lambda: len(mailbox.mails) >= before + 2)

    arrivals, chat = [], []
    for when, mail in mailbox.mails[before:]:
        message = opened(house, mail)
        text = (content(message, "text/plain") or b"").decode().strip()
        picture = content(message, "image/jpeg")
        arrivals.append((when, f"{'picture' if picture else 'text'} at the provider"))
        chat.append((time.strftime("%H:%M"), text, picture))
        if picture:
            assert as_taken(house, picture), "the picture received is not the picture taken"
            (house.received / "porch.jpg").write_bytes(picture)
            print(f"demo: the owner opens a picture: {len(picture)} bytes, SHA-256 as taken")
        else:
            print(f"demo: the owner reads: {' / '.join(text.splitlines())}")
    chat_view.draw("Porch camera", chat, house.received / "chat.png")
    print("\n".join(timeline(house, arrivals)))


def main() -> None:
    parser = argparse.ArgumentParser(prog="demo")
    parser.add_argument("--footage", type=Path, metavar="CLIP", help="play this clip as the camera")
    parser.add_argument("--keep", action="store_true", help="leave all running to play with")
    options = parser.parse_args()
    if options.footage and not options.footage.exists():
        parser.error(f"{options.footage}: no such clip")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    mailbox = Mailbox()
    footage = options.footage and options.footage.resolve()
    house = House(mailbox.port, footage)
    done = False
    try:
        break_in(house, mailbox)
        done = True
        if options.keep:
            names = ("CAMALERT_CONFIG", "CAMALERT_BOARD", "GPIOZERO_PIN_FACTORY")
            exports = " ".join(f"{name}={house.environment[name]}" for name in names)
            print("\ndemo: all still runs. In another terminal, to play with it:\n")
            print(f"  export PATH={BIN}:$PATH {exports}\n  simulate-board\n")
            input("demo: Enter ends it. ")
    except (KeyboardInterrupt, EOFError):
        print()
    except (subprocess.SubprocessError, TimeoutError) as error:
        said = (getattr(error, "stderr", None) or str(error).encode()).decode().strip()
        print(f"demo: failed: {said}", file=sys.stderr)
        for log in sorted(house.folder.glob("*.log")):
            print(f"{log}:\n{log.read_text()[-600:]}", file=sys.stderr)
        sys.exit(70)
    finally:
        house.leave(keep_files=True)
    if done:
        print(f"demo: done; what the owner got lies in {house.received}, the logs beside it")


if __name__ == "__main__":
    main()
