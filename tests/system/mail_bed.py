"""A mail provider on loopback: Debian's dovecot for IMAP, aiosmtpd for submission; no systemd.

It runs as the user who starts it, and as `nobody` where that is root. An address is a mailbox as
soon as somebody asks for it; all have one password. The certificate is self-signed, for 127.0.0.1
and localhost.
"""

import asyncio
import contextlib
import dataclasses
import grp
import itertools
import os
import pwd
import re
import shutil
import signal
import smtplib
import socket
import ssl
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult

HOST = "127.0.0.1"
PASSWORD = "every-mailbox-has-this-one"
PATIENCE = 30.0
SEARCH = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"

COMMON = """\
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/dovecot.log
protocols = imap lmtp
listen = {host}
default_internal_user = {user}
default_internal_group = {group}
default_login_user = {user}
mail_uid = {user}
mail_gid = {group}
first_valid_uid = 1
first_valid_gid = 1
mail_fsync = never
postmaster_address = postmaster@example.org
ssl = yes
service anvil {{
  chroot =
}}
service stats {{
  chroot =
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = 0
  }}
  inet_listener imaps {{
    port = {port}
    ssl = yes
  }}
}}
service lmtp {{
  unix_listener lmtp {{
    mode = 0600
  }}
}}
"""
V23 = """\
mail_location = maildir:{folder}/mail/%u
mail_home = {folder}/mail/%u
ssl_cert = <{folder}/certificate.pem
ssl_key = <{folder}/key.pem
passdb {{
  driver = static
  args = password={password}
}}
userdb {{
  driver = static
  args = uid={user} gid={group}
}}
"""
V24 = """\
mail_driver = maildir
mail_path = {folder}/mail/%{{user}}
mail_home = {folder}/mail/%{{user}}
ssl_server_cert_file = {folder}/certificate.pem
ssl_server_key_file = {folder}/key.pem
passdb static {{
  password = {password}
}}
userdb static {{
}}
"""


@dataclasses.dataclass(frozen=True)
class Mail:
    """A message as it was handed in by SMTP, and when (seconds of the monotonic clock)."""

    time: float
    sender: str
    recipients: tuple[str, ...]
    content: bytes


class MailBed:
    """What a client needs to know of the provider, and what came in."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.host, self.password = folder, HOST, PASSWORD
        self.certificate = folder / "certificate.pem"
        self.imap_port = _reserved_port()
        self.smtp_port = self.plain_port = 0
        self.mails: list[Mail] = []
        self._numbers = itertools.count(1)

    def address(self, name: str) -> str:
        """An address that nobody has had yet, e.g. owner-3@example.org."""
        return f"{name}-{next(self._numbers)}@example.org"

    def deliver(self, recipient: str, content: bytes, sender: str = "") -> None:
        """Put a message into a mailbox. Raises what smtplib raises when dovecot refuses it."""
        with smtplib.LMTP(str(self.folder / "run/lmtp"), local_hostname="bed") as lmtp:
            lmtp.sendmail(sender, [recipient], content)


@dataclasses.dataclass(frozen=True)
class Door:
    """What a submission server does with its guests; `login`: only those who have logged in."""

    bed: MailBed
    login: bool

    async def handle_MAIL(
        self, server: SMTP, session: Any, envelope: Any, address: str, options: list[str]
    ) -> str:
        if self.login and not session.authenticated:
            return "530 5.7.0 Authentication required"
        envelope.mail_from = address
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Any, envelope: Any) -> str:
        recipients, sender = tuple(envelope.rcpt_tos), envelope.mail_from
        for recipient in recipients:
            try:
                await asyncio.to_thread(self.bed.deliver, recipient, envelope.content, sender)
            except (smtplib.SMTPException, OSError) as error:
                return f"451 {' '.join(str(error).split())}"
        self.bed.mails.append(Mail(time.monotonic(), sender, recipients, envelope.content))
        return "250 delivered"


def missing() -> str | None:
    """Why there can be no mail bed here; None where there can."""
    lacking = [tool for tool in ("dovecot", "openssl") if not shutil.which(tool, path=SEARCH)]
    if lacking:
        return f"no mail bed: not installed: {', '.join(lacking)}"
    try:
        pwd.getpwuid(os.geteuid())
    except KeyError:
        return "no mail bed: dovecot wants a user with a name"
    return None


@contextlib.contextmanager
def running() -> Iterator[MailBed]:
    """A mail bed, up; its processes and its folder are gone at the end."""
    folder = Path(tempfile.mkdtemp(prefix="bed"))  # short: it holds sockets
    try:
        bed = MailBed(folder)
        _make_certificate(folder)
        with _dovecot(bed), _submission(bed):
            yield bed
    finally:
        shutil.rmtree(folder)


def _make_certificate(folder: Path) -> None:
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-days", "3", "-nodes"),
            *("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"),
            *("-subj", "/CN=localhost", "-addext", f"subjectAltName=DNS:localhost,IP:{HOST}"),
            *("-keyout", str(folder / "key.pem"), "-out", str(folder / "certificate.pem")),
        ],
        check=True,
        capture_output=True,
        timeout=PATIENCE,
    )


@contextlib.contextmanager
def _dovecot(bed: MailBed) -> Iterator[None]:
    program = shutil.which("dovecot", path=SEARCH)
    assert program, missing()
    user = pwd.getpwuid(os.geteuid() or pwd.getpwnam("nobody").pw_uid)
    group = grp.getgrgid(user.pw_gid).gr_name
    config = bed.folder / "dovecot.conf"
    config.write_text(
        _config(program).format(
            folder=bed.folder,
            host=HOST,
            port=bed.imap_port,
            user=user.pw_name,
            group=group,
            password=PASSWORD,
        )
    )
    words = ["setpriv", "--pdeathsig", "TERM"]  # so it ends even where pytest is killed
    if os.geteuid() == 0:
        words += [f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]
        for path in (bed.folder, *bed.folder.iterdir()):
            os.chown(path, user.pw_uid, user.pw_gid)
    words += [program, "-F", "-c", str(config)]
    process = subprocess.Popen(words, start_new_session=True, cwd=bed.folder)
    try:
        _wait_for(bed, process)
        yield
    finally:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(5)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(5)


def _config(program: str) -> str:
    """The template for the installed version: 2.4 has new names for much of 2.3."""
    said = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=PATIENCE)
    if said.stdout.startswith("2.3."):
        return COMMON + V23
    version = re.match(r"[0-9.]+", said.stdout)
    assert version, said
    head = "".join(f"dovecot_{what}_version = {version[0]}\n" for what in ("config", "storage"))
    return head + COMMON + V24


def _wait_for(bed: MailBed, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + PATIENCE
    while process.poll() is None and time.monotonic() < deadline:
        with contextlib.suppress(OSError):
            smtplib.LMTP(str(bed.folder / "run/lmtp"), local_hostname="bed").close()
            socket.create_connection((HOST, bed.imap_port), PATIENCE).close()
            return
        time.sleep(0.02)
    log = bed.folder / "dovecot.log"
    raise RuntimeError(f"dovecot is not up: {log.read_text() if log.exists() else 'no log'}")


def _reserved_port() -> int:
    """A port that the kernel gives to nobody else for a minute: a connection rests in TIME_WAIT."""
    with socket.create_server((HOST, 0)) as server:
        client = socket.create_connection(server.getsockname())
        peer, _ = server.accept()
        port = int(server.getsockname()[1])
        peer.close()  # the server's side first: that is the side that rests
        client.recv(1)
        client.close()
    return port


@contextlib.contextmanager
def _submission(bed: MailBed) -> Iterator[None]:
    """SMTP with TLS and a login, and on another port with neither."""
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(bed.certificate, bed.folder / "key.pem")
    loop = asyncio.new_event_loop()

    def session(login: bool) -> SMTP:
        return SMTP(
            Door(bed, login),
            loop=loop,
            auth_require_tls=False,  # where it is wanted, it is there from the first byte
            authenticator=_authenticate,
            data_size_limit=64 * 1024 * 1024,
        )

    servers = [
        loop.run_until_complete(loop.create_server(lambda: session(True), HOST, 0, ssl=tls)),
        loop.run_until_complete(loop.create_server(lambda: session(False), HOST, 0)),
    ]
    bed.smtp_port, bed.plain_port = (server.sockets[0].getsockname()[1] for server in servers)
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(PATIENCE)
        for server in servers:
            server.close()
        for task in asyncio.all_tasks(loop):
            task.cancel()
        loop.run_until_complete(asyncio.sleep(0))
        loop.run_until_complete(loop.shutdown_default_executor())
        loop.close()


def _authenticate(
    server: SMTP, session: Any, envelope: Any, mechanism: str, data: Any
) -> AuthResult:
    return AuthResult(success=data.password == PASSWORD.encode(), handled=False)
