import os
import socket
import time

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

from camalert.errors import BadConfig, BadData, NotPermitted, TryAgain, Unavailable
from camalert.mail import submission
from camalert.mail.item import Envelope
from camalert.mail.outer import canonical
from camalert.mail.submission import Rejected, connect

TO = Envelope("camera@example.org", ("owner@example.org",))


@pytest.fixture
def letter(message):
    return canonical(message())


@pytest.fixture
def password(tmp_path):
    path = tmp_path / "password"
    path.write_text("geheim\n")
    path.chmod(0o600)
    return path


@pytest.fixture
def mail(config):
    return lambda server, **more: config(smtp_port=server.port, **more).mail


def test_one_connection_carries_many_messages(server, mail, message):
    here = server()
    letters = [canonical(message()) for _ in range(3)]
    session = connect(mail(here))
    for letter in letters:
        assert session.send(TO, letter) == ()
    session.close()
    assert here.messages == [(["owner@example.org"], letter) for letter in letters]
    assert here.connections == 1
    assert here.lines[-1] == b"quit\r\n"
    assert here.lines[0] == b"ehlo [127.0.0.1]\r\n"


def test_the_outer_to_plays_no_part(server, mail, letter):
    here = server()
    connect(mail(here)).send(Envelope("camera@example.org", ("a@b.de", "c@d.de")), letter)
    assert here.messages[0][0] == ["a@b.de", "c@d.de"]


class Aiosmtpd(Controller):
    def _create_server(self):
        self.sock = socket.create_server(("127.0.0.1", 0))
        self.port = self.sock.getsockname()[1]
        return self.loop.create_server(self._factory_invoker, sock=self.sock, ssl=self.ssl_context)


@pytest.mark.filterwarnings("ignore:Requiring AUTH")
@pytest.mark.parametrize("security", ["tls", "starttls"])
def test_other_software_takes_it_over_tls_with_a_login(
    security, tls, certificates, mail, letter, password
):
    got, logins = [], []

    class Handler:
        async def handle_DATA(self, server, session, envelope):
            got.append(envelope.content)
            return "250 ok"

    def authenticate(server, session, envelope, mechanism, data):
        logins.append((data.login, data.password))
        return AuthResult(success=True)

    context = tls("127.0.0.1")
    options = {"ssl_context": context} if security == "tls" else {"tls_context": context}
    server = Aiosmtpd(
        Handler(),
        hostname="127.0.0.1",
        authenticator=authenticate,
        auth_required=True,
        auth_require_tls=security == "starttls",
        require_starttls=security == "starttls",
        **options,
    )
    server.start()
    try:
        authority = str(certificates("127.0.0.1")[0])
        session = connect(
            mail(
                server,
                smtp_host="127.0.0.1",
                smtp_security=security,
                ca_file=authority,
                password_file=str(password),
            )
        )
        session.send(TO, letter)
        session.close()
    finally:
        server.stop()
    assert got == [letter]
    assert logins == [(b"camera@example.org", b"geheim")]


@pytest.mark.parametrize("security", ["tls", "starttls"])
@pytest.mark.parametrize("wrong", ["expired", "name", "authority"])
def test_a_wrong_certificate_stops_it_before_the_password(
    security, wrong, server, tls, certificates, mail, password
):
    name = "example.org" if wrong == "name" else "127.0.0.1"
    context = tls(name, wrong == "expired")
    authority = certificates(name, wrong == "expired")[0]
    if wrong == "authority":
        authority = certificates("example.org")[0]
    here = server(**{security: context})
    with pytest.raises(Unavailable, match="certificate") as error:
        connect(
            mail(
                here,
                smtp_host="127.0.0.1",
                smtp_security=security,
                ca_file=str(authority),
                password_file=str(password),
            )
        )
    assert error.value.code == 69
    assert not any(line.startswith((b"AUTH", b"MAIL")) for line in here.lines)


def test_starttls_stripped_or_refused_ends_it(server, mail, password):
    stripped = server()
    with pytest.raises(Unavailable, match="no STARTTLS"):
        connect(mail(stripped, smtp_security="starttls", password_file=str(password)))
    assert stripped.lines == [b"ehlo [127.0.0.1]\r\n"]
    refused = server({"STARTTLS": b"454 not now\r\n"}, starttls=True)
    with pytest.raises(Unavailable, match="refuses STARTTLS"):
        connect(mail(refused, smtp_security="starttls"))


def test_what_a_server_says_before_tls_is_forgotten(server, tls, certificates, mail, letter):
    here = server(starttls=tls("127.0.0.1"))
    authority = str(certificates("127.0.0.1")[0])
    session = connect(
        mail(here, smtp_host="127.0.0.1", smtp_security="starttls", ca_file=authority)
    )
    session.send(TO, letter)
    assert [line for line in here.lines if line.lower().startswith(b"ehlo")] == [
        b"ehlo [127.0.0.1]\r\n"
    ] * 2


def test_a_server_without_tls_on_the_port_is_said(server, mail):
    with pytest.raises(Unavailable, match="TLS"):
        connect(mail(server(), smtp_security="tls"))


def test_plain_goes_to_loopback_only_and_without_a_password(server, mail, password, monkeypatch):
    answer = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("192.0.2.1", 25))]
    monkeypatch.setattr(submission.socket, "getaddrinfo", lambda *_, **__: answer)
    here = server()
    with pytest.raises(BadConfig, match="loopback"):
        connect(mail(here))
    with pytest.raises(BadConfig, match="password"):
        connect(mail(here, password_file=str(password)))
    assert here.connections == 0


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (b"535 5.7.8 no\r\n", NotPermitted),
        (b"454 4.7.0 later\r\n", TryAgain),
        (b"504 not this way\r\n", TryAgain),
    ],
)
def test_a_refused_login(reply, kind, server, tls, certificates, mail, password):
    here = server({"AUTH": reply}, tls=tls("127.0.0.1"))
    more = {"smtp_host": "127.0.0.1", "ca_file": str(certificates("127.0.0.1")[0])}
    with pytest.raises(kind):
        connect(mail(here, smtp_security="tls", password_file=str(password), **more))


def test_passwords_that_cannot_be_used(server, tls, certificates, mail, tmp_path, password):
    here = server(tls=tls("127.0.0.1"))
    more = {"smtp_host": "127.0.0.1", "ca_file": str(certificates("127.0.0.1")[0])}

    def refused(why):
        with pytest.raises(BadConfig, match=why):
            connect(mail(here, smtp_security="tls", password_file=str(password), **more))

    password.chmod(0o640)
    refused("others may read")
    password.chmod(0o600)
    password.write_text("\n")
    refused("is empty; write the password into it")
    password.write_text("gehäim")
    refused("ASCII")
    password.write_bytes(b"\xff")
    refused("password is not text in UTF-8")
    password.unlink()
    refused("password: No such file or directory; write the password there, mode 0600")
    with pytest.raises(BadConfig, match=r"ca_file: .*none: No such file or directory$"):
        connect(mail(here, smtp_security="tls", ca_file=str(tmp_path / "none")))
    password.write_text("no certificate")
    with pytest.raises(BadConfig, match=r"password: holds no certificate$"):
        connect(mail(here, smtp_security="tls", ca_file=str(password)))
    with pytest.raises(BadConfig, match="smtp_host"):
        connect(mail(here, smtp_host=""))


def test_a_password_of_somebody_else_is_refused(server, mail, password):
    if os.geteuid():
        pytest.skip("only root can give files away")
    os.chown(password, 12345, 12345)
    with pytest.raises(BadConfig, match="somebody else"):
        connect(mail(server(), smtp_security="tls", password_file=str(password)))


def test_a_systemd_credential_is_named_bare(
    server, tls, certificates, mail, tmp_path, password, monkeypatch
):
    password.chmod(0o640)
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    here = server(tls=tls("127.0.0.1"))
    more = {"smtp_host": "127.0.0.1", "ca_file": str(certificates("127.0.0.1")[0])}
    connect(mail(here, smtp_security="tls", password_file="password", **more)).close()
    assert b"AUTH" in b"".join(here.lines).upper()


@pytest.mark.parametrize(
    ("replies", "kind", "words"),
    [
        ({"MAIL": b"451 later\r\n"}, TryAgain, "451 later"),
        ({"MAIL": b"530 5.7.0 login first\r\n"}, NotPermitted, "530"),
        ({"MAIL": b"552 5.3.4 too big\r\n"}, Rejected, "too large"),
        ({"RCPT": b"450 greylisted\r\n"}, TryAgain, "greylisted"),
        ({"RCPT": b"550 nobody\r\n"}, Rejected, "nobody"),
        ({"RCPT": b"552 5.2.2 mailbox full\r\n"}, Rejected, "127.0.0.1: 552 5.2.2"),
        ({"DATA": b"554 no\r\n"}, Rejected, "554 no"),
        ({"DOT": b"554 5.2.3 long\r\n"}, Rejected, "too large"),
        ({"DOT": b"451 later\r\n"}, TryAgain, "451"),
        ({"MAIL": b"hello\r\n"}, TryAgain, "127.0.0.1: -1"),
        ({"MAIL": None}, TryAgain, "127.0.0.1"),
        ({"DATA": None}, TryAgain, "127.0.0.1"),
        ({"DOT": None}, TryAgain, "127.0.0.1"),
        ({"MAIL": b"421 going down\r\n"}, TryAgain, "421"),
    ],
)
def test_what_each_answer_means(replies, kind, words, server, mail, letter):
    session = connect(mail(server(replies)))
    with pytest.raises(kind, match=words) as error:
        session.send(TO, letter)
    assert isinstance(error.value, Rejected) == (kind is Rejected)
    assert session.alive == (None not in replies.values() and b"421" not in str(replies).encode())
    assert session.began == ("DOT" in replies)
    session.close()


def test_a_connection_goes_on_after_a_refusal(server, mail, letter):
    here = server({"RCPT bad@example.org": b"550 nobody\r\n"})
    session = connect(mail(here))
    with pytest.raises(Rejected):
        session.send(Envelope("camera@example.org", ("bad@example.org",)), letter)
    session.send(TO, letter)
    session.close()
    assert len(here.messages) == 1
    assert here.connections == 1


def test_a_connection_that_breaks_at_the_reset_is_dead(server, mail, letter):
    session = connect(mail(server({"MAIL": b"550 no\r\n", "RSET": None})))
    with pytest.raises(Rejected):
        session.send(TO, letter)
    assert not session.alive


def test_some_recipients_now_some_later_some_never(server, mail, letter, caplog):
    here = server({"RCPT b@b.de": b"450 later\r\n", "RCPT c@b.de": b"550 never\r\n"})
    later = connect(mail(here)).send(Envelope("x@y.de", ("a@b.de", "b@b.de", "c@b.de")), letter)
    assert later == ("b@b.de",)
    assert "c@b.de: refused by the server: never" in caplog.text
    assert len(here.messages) == 1


def test_the_servers_limit_is_read_before_anything_is_sent(server, mail, letter):
    here = server({"EHLO": b"250-here\r\n250 SIZE 100\r\n"})
    with pytest.raises(Rejected, match="too large") as error:
        connect(mail(here)).send(TO, letter)
    assert error.value.too_large
    assert here.lines[1:] == [b"rset\r\n"]


def test_plain_mail_is_refused_here_too(server, mail):
    here = server()
    with pytest.raises(BadData):
        connect(mail(here)).send(TO, b"Subject: Motion\r\n\r\nMotion\r\n")
    assert len(here.lines) == 1


def one_byte_at_a_time(connection):
    while True:
        connection.sendall(b"2")
        time.sleep(0.02)


@pytest.mark.parametrize("at", ["CONNECT", "EHLO"])
def test_a_server_that_dribbles_is_given_up_at_the_greeting(at, server, mail):
    with pytest.raises(TryAgain):
        connect(mail(server({at: one_byte_at_a_time}), timeout=0.3))


@pytest.mark.parametrize("at", ["MAIL", "DATA", "DOT"])
def test_a_server_that_dribbles_is_given_up_in_a_message(at, server, mail, letter):
    session = connect(mail(server({at: one_byte_at_a_time}), timeout=0.3))
    with pytest.raises(TryAgain):
        session.send(TO, letter)
    assert not session.alive


def test_a_handshake_that_dribbles_is_given_up(server, mail):
    def dribble(connection):
        connection.sendall(b"\x16\x03\x03\x40\x00")
        while True:
            connection.sendall(b"x")
            time.sleep(0.02)

    with pytest.raises(TryAgain):
        connect(mail(server({"CONNECT": dribble}), smtp_security="tls", timeout=0.3))


def test_a_hang_up_in_the_handshake_is_no_wrong_tls(server, mail):
    with pytest.raises(TryAgain):
        connect(mail(server({"CONNECT": None}), smtp_security="tls"))


@pytest.mark.parametrize("reply", [b"2" * 100_000, b"250-more\r\n" * 20_000])
def test_a_reply_without_end_is_cut(reply, server, mail, letter):
    session = connect(mail(server({"MAIL": reply})))
    with pytest.raises(Unavailable, match="does not end"):
        session.send(TO, letter)
    assert not session.alive


def test_a_refusal_at_the_greeting_is_for_now(server, mail):
    with pytest.raises(TryAgain, match="554"):
        connect(mail(server({"CONNECT": b"554 go away\r\n"})))


def test_nobody_listens(config):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(TryAgain, match="refused"):
        connect(config(smtp_port=port).mail)


def test_a_connect_that_hangs_ends(config):
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        port = full.getsockname()[1]
        waiting = [socket.socket() for _ in range(4)]
        for one in waiting:
            one.setblocking(False)
            one.connect_ex(("127.0.0.1", port))
        with pytest.raises(TryAgain, match="timed out"):
            connect(config(smtp_port=port, timeout=0.5).mail)
        for one in waiting:
            one.close()


def test_dns_that_fails_or_hangs(config, monkeypatch):
    def unknown(*_, **__):
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(submission.socket, "getaddrinfo", unknown)
    with pytest.raises(TryAgain, match=r": DNS: Name or service not known$"):
        connect(config().mail)
    monkeypatch.setattr(submission.socket, "getaddrinfo", lambda *_, **__: time.sleep(3))
    with pytest.raises(TryAgain, match="does not answer"):
        connect(config(timeout=0.1).mail)
