"""The one door to SMTP: verified TLS, a login, and deadlines that hold against any server."""

import contextlib
import ipaddress
import logging
import os
import queue
import re
import smtplib
import socket
import ssl
import stat
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from camalert.config import Mail
from camalert.errors import BadConfig, CamalertError, NotPermitted, TryAgain, Unavailable
from camalert.mail import outer
from camalert.mail.item import Envelope

SLOWEST = 8000
"""Bytes a second; a message that goes slower is given up for now."""

REPLY = 65536
"""Bytes of one reply of the server at most."""

REPLY_LINE = 4096
CHUNK = 65536
CALLED = "[127.0.0.1]"
"""What the camera calls itself: the machine's own name is nobody's business."""

log = logging.getLogger("camalert")

_LOGIN_WANTED = (530, 534, 535, 538)


class Rejected(Unavailable):
    """The server will never take this message; `too_large` where its size is why."""

    def __init__(self, thing: str, reason: str, too_large: bool = False) -> None:
        super().__init__(thing, f"{'too large: ' * too_large}{reason}")
        self.too_large = too_large


class Connection:
    """A session with the server, logged in. `alive` is false once it has broken; `began` is true
    where the server may have got the whole of the last message.
    """

    def __init__(self, smtp: "_Session", timeout: float) -> None:
        self._smtp, self._timeout = smtp, timeout
        self.alive, self.began = True, False

    def send(self, envelope: Envelope, message: bytes) -> tuple[str, ...]:
        """Send one message; the recipients that the server will take it for only later.

        Raises TryAgain; Rejected when the server refuses for good; NotPermitted when it wants
        another login; BadData when the message is not encrypted.
        """
        outer.check(message)
        self.began = False
        with _errors(self._smtp.host), self._smtp.deadline(self._timeout + len(message) / SLOWEST):
            try:
                return self._transact(envelope, message)
            except smtplib.SMTPResponseException as error:
                self._reset(error.smtp_code)
                raise
            except Rejected:
                self._reset(0)
                raise
            except BaseException:
                self.alive = False
                raise

    def _transact(self, envelope: Envelope, message: bytes) -> tuple[str, ...]:
        limit = self._smtp.esmtp_features.get("size", "")
        if limit.isdigit() and 0 < int(limit) < len(message):
            raise Rejected(self._smtp.host, f"takes {limit} bytes, not {len(message)}", True)
        sized = [f"SIZE={len(message)}"] if self._smtp.has_extn("size") else []
        _expect(250, self._smtp.mail(envelope.sender, sized))
        later = self._recipients(envelope.recipients)
        _expect(354, self._smtp.docmd("DATA"))
        view = memoryview(message)
        for at in range(0, len(view), CHUNK):
            self._smtp.send(view[at : at + CHUNK])
        self.began = True
        end = b".\r\n" if message.endswith(b"\r\n") else b"\r\n.\r\n"
        self._smtp.send(end)
        _expect(250, self._smtp.getreply())
        return later

    def _recipients(self, recipients: tuple[str, ...]) -> tuple[str, ...]:
        answers = {recipient: self._smtp.rcpt(recipient) for recipient in recipients}
        later = [
            name for name, (code, _) in answers.items() if not 200 <= code < 300 and code < 500
        ]
        never = [name for name, (code, _) in answers.items() if code >= 500]
        if len(later) + len(never) == len(recipients):
            raise smtplib.SMTPResponseException(*answers[(later or never)[0]])
        if never:
            reason = _words(answers[never[0]][1])
            log.error("%s: refused by the server: %s", ", ".join(never), reason)
        return tuple(later)

    def _reset(self, code: int) -> None:
        if code == 421:
            self.alive = False
            return
        try:
            self._smtp.rset()
        except (smtplib.SMTPException, OSError, Unavailable):
            self.alive = False

    def close(self) -> None:
        """Say goodbye, without waiting long for the answer."""
        self.alive = False
        harmless = contextlib.suppress(smtplib.SMTPException, OSError, CamalertError)
        with harmless, self._smtp.deadline(2.0):
            self._smtp.quit()
        self._smtp.close()


def connect(mail: Mail) -> Connection:
    """A session with the server of `mail`, within `mail.timeout` seconds.

    Raises TryAgain when it cannot be reached, Unavailable when its TLS or its protocol is wrong,
    NotPermitted when it refuses the login, BadConfig when it must not be asked at all.
    """
    host, until = mail.smtp_host, time.monotonic() + mail.timeout
    if not host:
        raise BadConfig("mail.smtp_host", "not set")
    context = None if mail.smtp_security == "plain" else _context(mail)
    password = _password(mail.password_file) if mail.password_file else ""
    if password and not context:
        raise BadConfig("mail.password_file", "no password goes over a plain connection")
    addresses = _resolve(host, mail.smtp_port, mail.timeout)
    if not context and not all(ipaddress.ip_address(to[0]).is_loopback for _, to in addresses):
        raise BadConfig("mail.smtp_security", f"plain is for loopback only, which {host} is not")
    session = _Session(host, _dial(host, addresses, until), mail.timeout)
    try:
        with _errors(host), session.deadline(until - time.monotonic()):
            if context and mail.smtp_security == "tls":
                session.encrypt(context)
            session.greet()
            if context and mail.smtp_security == "starttls":
                session.start_tls(context)
            if password:
                session.login(mail.smtp_user or mail.address, password)
    except Rejected as error:
        session.close()
        raise TryAgain(host, error.reason) from None
    except BaseException:
        session.close()
        raise
    return Connection(session, mail.timeout)


class _Session(smtplib.SMTP):
    """smtplib's session over a given socket, with limits."""

    sock: socket.socket

    def __init__(self, host: str, sock: socket.socket, timeout: float) -> None:
        super().__init__(local_hostname=CALLED, timeout=timeout)
        self.host, self.sock = host, sock
        sock.settimeout(timeout)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def greet(self) -> None:
        _expect(220, self.getreply())
        self.ehlo_or_helo_if_needed()

    def start_tls(self, context: ssl.SSLContext) -> None:
        if not self.has_extn("starttls"):
            raise Unavailable(self.host, "offers no STARTTLS; nothing goes in clear")
        code, answer = self.docmd("STARTTLS")
        if code != 220:
            raise Unavailable(self.host, f"refuses STARTTLS: {_words(answer)}")
        self.encrypt(context)
        self.ehlo_or_helo_if_needed()

    def encrypt(self, context: ssl.SSLContext) -> None:
        """From here on all is under TLS; whatever was said before is forgotten."""
        self.file = self.ehlo_resp = self.helo_resp = None
        self.esmtp_features = {}
        encrypted = context.wrap_socket(
            self.sock, server_hostname=self.host, do_handshake_on_connect=False
        )
        self.sock = encrypted
        encrypted.do_handshake()

    def getreply(self) -> tuple[int, bytes]:
        if self.file is None:
            self.file = _Replies(self.host, self.sock)
        self.file.left = REPLY
        return super().getreply()

    @contextlib.contextmanager
    def deadline(self, seconds: float) -> Iterator[None]:
        """Cut the connection when what is done inside takes longer, however busy it looks."""
        timer = threading.Timer(max(0.0, seconds), self._cut)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()

    def _cut(self) -> None:
        with contextlib.suppress(OSError):
            # Not SSLSocket.shutdown: it takes TLS away first, and what is then written is plain.
            socket.socket.shutdown(self.sock, socket.SHUT_RDWR)


class _Replies:
    """The server's replies, each of bounded length."""

    def __init__(self, host: str, sock: socket.socket) -> None:
        self._host, self._file, self.left = host, sock.makefile("rb"), 0

    def readline(self, _limit: int) -> bytes:
        line = self._file.readline(REPLY_LINE + 1)
        self.left -= len(line)
        if len(line) > REPLY_LINE or self.left < 0:
            raise Unavailable(self._host, "its reply does not end")
        # Cut off in the middle of a line: smtplib would take the half of it for an answer.
        return line if line.endswith(b"\n") else b""

    def close(self) -> None:
        self._file.close()


@contextlib.contextmanager
def _errors(host: str) -> Iterator[None]:
    """What smtplib, ssl and socket raise, as what it means for the message."""
    try:
        yield
    except smtplib.SMTPResponseException as error:
        raise _meaning(host, error.smtp_code, _words(error.smtp_error)) from None
    except smtplib.SMTPNotSupportedError as error:
        raise Unavailable(host, str(error)) from None
    except UnicodeError:
        raise BadConfig("mail.password_file", "only ASCII can be sent to the server") from None
    except (ssl.SSLEOFError, ssl.SSLZeroReturnError):
        raise TryAgain(host, "has closed the connection") from None
    except ssl.SSLCertVerificationError as error:
        raise Unavailable(host, f"its certificate is not valid: {error.verify_message}") from None
    except ssl.SSLError as error:
        raise Unavailable(host, f"TLS fails: {error.reason or error}") from None
    except (OSError, smtplib.SMTPException) as error:
        raise TryAgain(host, str(error) or "has closed the connection") from None


def _meaning(host: str, code: int, words: str) -> CamalertError:
    reason = f"{code} {words}"
    if code in _LOGIN_WANTED:
        return NotPermitted(host, f"refuses the login: {reason}")
    if code < 500:
        return TryAgain(host, reason)
    # 552 is also said of a mailbox that is full: 5.2.2 (RFC 3463).
    too_large = code == 552 and not words.startswith("5.2.2")
    return Rejected(host, reason, too_large or words.startswith(("5.2.3", "5.3.4")))


def _expect(wanted: int, reply: tuple[int, bytes]) -> None:
    code, words = reply
    if code != wanted:
        raise smtplib.SMTPResponseException(code, words)


def _words(answer: bytes | str) -> str:
    text = answer.decode("utf-8", "replace") if isinstance(answer, bytes) else answer
    return re.sub(r"[\s\x00-\x1f\x7f]+", " ", text).strip()[:200]


def _context(mail: Mail) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=mail.ca_file or None)
    except (OSError, ssl.SSLError) as error:
        reason = "holds no certificate" if isinstance(error, ssl.SSLError) else error.strerror
        raise BadConfig("mail.ca_file", f"{mail.ca_file}: {reason}") from None


def _password(name: str) -> str:
    """What the file `name` holds: a path, or the bare name of a systemd credential."""
    folder = os.environ.get("CREDENTIALS_DIRECTORY")
    credential = folder is not None and "/" not in name
    path = Path(folder or "", name) if credential else Path(name)
    try:
        with path.open("rb") as stream:
            status = os.fstat(stream.fileno())
            password = stream.read(4096).decode("utf-8").strip()
    except UnicodeDecodeError:
        raise BadConfig("mail.password_file", f"{path} is not text in UTF-8") from None
    except OSError as error:
        step = f"write the password there, mode 0600, owned by the user {os.geteuid()}"
        raise BadConfig("mail.password_file", f"{path}: {error.strerror}", step) from None
    # systemd guards its credentials itself, with a mode that shows the group of an ACL.
    if not credential and stat.S_IMODE(status.st_mode) & 0o077:
        raise BadConfig("mail.password_file", f"others may read {path}", f"chmod 600 {path}")
    if not credential and status.st_uid not in (0, os.geteuid()):
        raise BadConfig(
            "mail.password_file",
            f"{path} belongs to somebody else",
            f"sudo chown {os.geteuid()} {path}",
        )
    if not password:
        raise BadConfig("mail.password_file", f"{path} is empty", "write the password into it")
    return password


def _resolve(host: str, port: int, patience: float) -> list[tuple[socket.AddressFamily, Any]]:
    """The server's addresses. In a thread of its own, because DNS knows no deadline."""
    answers: queue.SimpleQueue[Any] = queue.SimpleQueue()

    def ask() -> None:
        try:
            answers.put(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        except (OSError, UnicodeError) as error:
            answers.put(error)

    threading.Thread(target=ask, daemon=True).start()
    try:
        found = answers.get(timeout=patience)
    except queue.Empty:
        raise TryAgain(host, "DNS does not answer") from None
    if isinstance(found, Exception):
        raise TryAgain(host, f"DNS: {getattr(found, 'strerror', None) or found}")
    return [(family, address) for family, _, _, _, address in found]


def _dial(
    host: str, addresses: list[tuple[socket.AddressFamily, Any]], until: float
) -> socket.socket:
    """A connection to the first of `addresses` that answers."""
    reason = "no address"
    for n, (family, address) in enumerate(addresses):
        sock = socket.socket(family, socket.SOCK_STREAM)
        try:
            share = (until - time.monotonic()) / (len(addresses) - n)
            sock.settimeout(max(0.1, share))
            sock.connect(address)
        except OSError as error:
            sock.close()
            reason = f"{address[0]}: {error.strerror or error}"
            continue
        return sock
    raise TryAgain(host, reason)
