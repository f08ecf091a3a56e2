"""What the mail room's tests share: dummy encrypted mail, a clock, certificates, SMTP servers."""

import base64
import contextlib
import datetime
import socket
import ssl
import subprocess
import threading
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from camalert.config import Config, Mail, Paths


def encrypted(message_id: str | None = None, size: int = 300) -> bytes:
    """Looks encrypted from outside: the first packet is a session key for a public key."""
    armored = base64.encodebytes(b"\xc1" + bytes(size)).decode()
    return f"""\
From: <camera@example.org>
Date: Fri, 20 Nov 2026 17:30:00 +0000
Message-ID: {message_id or f"<{uuid.uuid4()}@localhost>"}
MIME-Version: 1.0
To: "hidden-recipients": ;
Subject: [...]
Content-Type: multipart/encrypted; protocol="application/pgp-encrypted";
 boundary="b0"

--b0
Content-Type: application/pgp-encrypted
Content-Description: PGP/MIME version identification

Version: 1

--b0
Content-Type: application/octet-stream; name="encrypted.asc"
Content-Disposition: inline; filename="encrypted.asc"

-----BEGIN PGP MESSAGE-----

{armored}-----END PGP MESSAGE-----

--b0--
""".encode()


class FakeClock:
    def __init__(self) -> None:
        self.wall, self.mono = 1_800_000_000.0, 0.0

    def now(self) -> datetime.datetime:
        return datetime.datetime.fromtimestamp(self.wall, datetime.UTC)

    def monotonic(self) -> float:
        return self.mono

    def pass_(self, seconds: float) -> None:
        self.wall += seconds
        self.mono += seconds


class Server:
    """SMTP on loopback that keeps what it gets. `replies` overrides its answer to a command (DOT:
    the end of a message): bytes, or None to hang up, or a function of the connection.
    """

    def __init__(
        self,
        replies: dict[str, Any] | None = None,
        tls: ssl.SSLContext | None = None,
        starttls: ssl.SSLContext | bool = False,
    ) -> None:
        self.replies, self.tls, self.starttls = replies or {}, tls, starttls
        self.messages: list[tuple[list[str], bytes]] = []
        self.lines: list[bytes] = []
        self.connections = 0
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self._open: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._socket.accept()
                self.connections += 1
                self._open.append(connection)
                thread = threading.Thread(target=self._serve, args=(connection,), daemon=True)
                self._threads.append(thread)
                thread.start()

    def _serve(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError, ValueError), connection:
            if self.tls:
                connection = self.tls.wrap_socket(connection, server_side=True)
                self._open.append(connection)
            with connection:
                self._talk(connection)

    def _talk(self, connection: socket.socket) -> None:
        recipients: list[str] = []
        stream = connection.makefile("rb")
        if not self._answer("CONNECT", b"220 here\r\n", connection):
            return
        while line := stream.readline():
            self.lines.append(line)
            verb = line.split()[0].upper().decode()
            if verb == "EHLO":
                recipients = []
                more = b"250-STARTTLS\r\n" if self.starttls else b"250-SIZE 100000000\r\n"
                normal = b"250-here\r\n" + more + b"250 AUTH PLAIN LOGIN\r\n"
            elif verb == "RCPT":
                recipients.append(line.decode().split("<")[1].split(">")[0])
                verb = (
                    f"RCPT {recipients[-1]}" if f"RCPT {recipients[-1]}" in self.replies else verb
                )
                normal = b"250 ok\r\n"
            else:
                normal = {
                    "DATA": b"354 go\r\n",
                    "AUTH": b"235 in\r\n",
                    "QUIT": b"221 bye\r\n",
                    "STARTTLS": b"220 go\r\n",
                }.get(verb, b"250 ok\r\n")
            if not self._answer(verb, normal, connection):
                return
            if verb == "STARTTLS" and isinstance(self.starttls, ssl.SSLContext):
                connection = self.starttls.wrap_socket(connection, server_side=True)
                self._open.append(connection)
                stream = connection.makefile("rb")
            if verb == "DATA" and verb not in self.replies:
                body = b"".join(iter(stream.readline, b".\r\n"))
                if "DOT" not in self.replies or self.replies.get("stores"):
                    self.messages.append((recipients, body))
                recipients = []
                if not self._answer("DOT", b"250 taken\r\n", connection):
                    return
            if verb == "QUIT":
                return

    def _answer(self, verb: str, normal: bytes, connection: socket.socket) -> bool:
        reply = self.replies.get(verb, normal)
        if callable(reply):
            reply = reply(connection)
        if reply is None:
            return False
        connection.sendall(reply)
        return True

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        for connection in self._open:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(5)


@pytest.fixture
def message() -> Callable[..., bytes]:
    return encrypted


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def server() -> Iterator[Callable[..., Server]]:
    servers: list[Server] = []

    def serve(*args: Any, **more: Any) -> Server:
        servers.append(Server(*args, **more))
        return servers[-1]

    yield serve
    for one in servers:
        one.close()


@pytest.fixture
def config(tmp_path: Path) -> Callable[..., Config]:
    def make(**mail: Any) -> Config:
        values = {
            "address": "camera@example.org",
            "name": "Porch",
            "recipients": ("owner@example.org",),
            "smtp_host": "127.0.0.1",
            "smtp_security": "plain",
            "timeout": 5.0,
        }
        folders = {name: str(tmp_path / name) for name in ("run", "spool", "state")}
        return Config(paths=Paths(**folders), mail=Mail(**(values | mail)))

    return make


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., tuple[Path, Path]]:
    """Self-signed certificate and key: `certificates("127.0.0.1")`, `(..., expired=True)`."""
    folder = tmp_path_factory.mktemp("certificates")

    def make(name: str, expired: bool = False) -> tuple[Path, Path]:
        certificate, key = folder / f"{name}-{expired}.pem", folder / f"{name}-{expired}.key"
        if not certificate.exists():
            request = folder / f"{name}-{expired}.csr"
            kind = "IP" if name[0].isdigit() else "DNS"
            subject = ("-subj", f"/CN={name}", "-addext", f"subjectAltName={kind}:{name}")
            new_key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
            dates = ("-not_before", "20200101000000Z", "-not_after", "20200201000000Z")
            _openssl("req", "-new", *new_key, "-keyout", key, "-out", request, *subject)
            if expired:
                authority = folder / "ca"
                authority.mkdir(exist_ok=True)
                (authority / "index").write_text("")
                (authority / "serial").write_text("01\n")
                (authority / "cnf").write_text(
                    f"[ca]\ndefault_ca=d\n[d]\ndatabase={authority}/index\nserial={authority}/serial\n"
                    f"new_certs_dir={authority}\ndefault_md=sha256\npolicy=p\ncopy_extensions=copy\n"
                    "[p]\ncommonName=supplied\n"
                )
                days = ("-startdate", dates[1], "-enddate", dates[3])
                sign = ("-selfsign", "-keyfile", key, "-in", request, "-out", certificate)
                _openssl("ca", "-batch", "-notext", "-config", authority / "cnf", *days, *sign)
            else:
                extra = ("-copy_extensions", "copy")
                _openssl(
                    "x509", "-req", "-in", request, "-signkey", key, "-days", "3", *extra,
                    "-out", certificate,
                )  # fmt: skip
        return certificate, key

    return make


def _openssl(*words: object) -> None:
    subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True, timeout=60)


@pytest.fixture(scope="session")
def tls(certificates: Callable[..., tuple[Path, Path]]) -> Callable[..., ssl.SSLContext]:
    def make(name: str, expired: bool = False) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certificates(name, expired))
        return context

    return make
