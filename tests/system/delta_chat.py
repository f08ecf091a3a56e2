"""Real Delta Chat core as the people who read what a camera sends: accounts on the mail bed."""

import contextlib
import queue
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from deltachat_rpc_client import Rpc
from mail_bed import MailBed

PATIENCE = 60.0
SELF = 1
SPECIAL = 9
"""The last contact that is no person: the account itself, its device, its notices."""


class Core:
    """One core, which holds any number of accounts."""

    def __init__(self, rpc: Rpc) -> None:
        self.rpc = rpc

    @contextlib.contextmanager
    def account(self, bed: MailBed, name: str) -> Iterator["Owner"]:
        """An account of its own on the bed, online; it is removed at the end."""
        number = self.rpc.add_account()
        owner = Owner(self.rpc, number, bed.address(name.lower()))
        try:
            self.rpc.set_config(number, "displayname", name)
            self.rpc.add_or_update_transport(
                number,
                {
                    "addr": owner.address,
                    "password": bed.password,
                    "imapServer": bed.host,
                    "imapPort": bed.imap_port,
                    "imapSecurity": "ssl",
                    "smtpServer": bed.host,
                    "smtpPort": bed.smtp_port,
                    "smtpSecurity": "ssl",
                    "certificateChecks": "acceptInvalidCertificates",
                },
            )
            self.rpc.start_io(number)
            owner.expect("ImapInboxIdle")  # mail that comes before it would be passed over
            yield owner
        finally:
            self.rpc.remove_account(number)


class Owner:
    """An account: who it is, and what it shows. Messages are as the core's JSON API has them."""

    def __init__(self, rpc: Rpc, number: int, address: str) -> None:
        self.rpc, self.number, self.address = rpc, number, address

    def vcard(self) -> bytes:
        """The own contact with its key, as the app shares it."""
        return bytes(self.rpc.make_vcard(self.number, [SELF]), "utf-8")

    def key(self, folder: Path) -> bytes:
        """The own public key, armored, as the app exports it into a folder."""
        self.rpc.export_self_keys(self.number, str(folder), None)
        (file,) = folder.glob("public-key-*.asc")
        return file.read_bytes()

    def expect(self, kind: str) -> dict[str, Any]:
        """The next event of this kind. Raises TimeoutError when it does not come."""
        deadline = time.monotonic() + PATIENCE
        while (event := self._event(deadline))["kind"] != kind:
            pass
        return event

    def messages(self) -> list[dict[str, Any]]:
        """All that people have sent to this account, in the order in which it came."""
        found = []
        for chat in self.rpc.get_chatlist_entries(self.number, 0, None, None):
            for number in self.rpc.get_message_ids(self.number, chat, False, False):
                message = self.rpc.get_message(self.number, number)
                if message["fromId"] > SPECIAL and not message["isInfo"]:
                    found.append(message)
        return sorted(found, key=lambda message: int(message["id"]))

    def until(self, wanted: Callable[[list[dict[str, Any]]], object]) -> list[dict[str, Any]]:
        """The messages, once `wanted` says yes to them. Raises TimeoutError when it never does."""
        deadline = time.monotonic() + PATIENCE
        while not wanted(messages := self.messages()):
            try:
                self._event(deadline)
            except TimeoutError:
                raise TimeoutError(f"shown is only {list(map(told, messages))}") from None
        return messages

    def chat(self, message: dict[str, Any]) -> dict[str, Any]:
        """The chat that a message is in."""
        chat: dict[str, Any] = self.rpc.get_basic_chat_info(self.number, message["chatId"])
        return chat

    def _event(self, deadline: float) -> dict[str, Any]:
        try:
            patience = max(0.0, deadline - time.monotonic())
            event: dict[str, Any] = self.rpc.get_queue(self.number).get(timeout=patience)
        except queue.Empty:
            raise TimeoutError(f"{self.address}: nothing more happens") from None
        return event


@contextlib.contextmanager
def running(folder: Path) -> Iterator[Core]:
    """A core that keeps its accounts in `folder`."""
    program = Path(sys.executable).with_name("deltachat-rpc-server")
    with (
        (folder / "core.log").open("wb") as log,
        Rpc(str(folder / "accounts"), str(program), stderr=log) as rpc,
    ):
        yield Core(rpc)


def told(message: dict[str, Any]) -> str:
    """A message in a few words, for the one who reads a failed test."""
    return f"{message['viewType']} {message['text']!r}"
