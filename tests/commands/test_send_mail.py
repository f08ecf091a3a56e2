"""send-mail by hand, as a stage of the line, and as the service that delivers."""

import base64
import contextlib
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
import uuid
from pathlib import Path

import pytest
from aiosmtpd.controller import Controller

from camalert.alarm.notes import Notes
from camalert.codec import decode, encode
from camalert.records import AlarmComplete, AlarmRaised, MessageEncrypted, SystemClock, envelope

HAND = ("send-mail", "--to", "owner@example.org")


def encrypted(message_id=None):
    armored = base64.encodebytes(b"\xc1" + bytes(300)).decode()
    return f"""\
From: <camera@example.org>
Date: Fri, 20 Nov 2026 17:30:00 +0000
Message-ID: {message_id or f"<{uuid.uuid4()}@localhost>"}
MIME-Version: 1.0
Content-Type: multipart/encrypted; protocol="application/pgp-encrypted"; boundary=b0

--b0
Content-Type: application/pgp-encrypted

Version: 1

--b0
Content-Type: application/octet-stream

-----BEGIN PGP MESSAGE-----

{armored}-----END PGP MESSAGE-----

--b0--
""".encode()


class Mailbox(Controller):
    """A real SMTP server on a loopback port of its own."""

    def __init__(self):
        self.got = []
        super().__init__(self, hostname="127.0.0.1")

    def _create_server(self):
        self.sock = socket.create_server(("127.0.0.1", 0))
        self.port = self.sock.getsockname()[1]
        return self.loop.create_server(self._factory_invoker, sock=self.sock)

    async def handle_DATA(self, server, session, letter):
        self.got.append((letter.rcpt_tos, letter.content.replace(b"\r\n", b"\n")))
        return "250 ok"


@pytest.fixture
def mailbox(config_file):
    box = Mailbox()
    box.start()
    config_file(mail(box.port))
    yield box
    box.stop()


def mail(port, security="plain", more=""):
    return (
        f'[mail]\naddress = "camera@example.org"\nsmtp_host = "127.0.0.1"\nsmtp_port = {port}\n'
        f'smtp_security = "{security}"\n{more}\n'
    )


@pytest.fixture
def nobody(config_file):
    """A port on which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    config_file(mail(port))
    return port


def items(tmp_path, state):
    folder = tmp_path / "spool" / "mail" / state
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


def wait_for(what):
    until = time.monotonic() + 20
    while not what() and time.monotonic() < until:
        time.sleep(0.01)
    assert what()


def test_by_hand_it_is_sent_at_once_and_once(run, mailbox, tmp_path):
    message = encrypted()
    for _ in range(2):
        done = run(*HAND, data=message)
        assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    assert mailbox.got == [(["owner@example.org"], message)]
    assert len(items(tmp_path, "sent")) == 1


def test_recipients_come_from_the_config_or_are_missed(run, mailbox, config_file, tmp_path):
    assert run("send-mail", data=encrypted()).returncode == 64
    config_file(mail(mailbox.port, more='recipients = ["a@b.de", "c@d.de"]'))
    assert run("send-mail", data=encrypted()).returncode == 0
    assert mailbox.got[0][0] == ["a@b.de", "c@d.de"]


def test_without_a_server_it_is_kept_and_flushed_later(
    run, on_terminal, nobody, config_file, tmp_path
):
    message = encrypted()
    done = run(*HAND, data=message)
    assert done.returncode == 75
    assert done.stderr.count(b"\n") == 1
    (name,) = items(tmp_path, "deferred")
    done = run("send-mail", "--queue")
    assert done.stdout.split(b"\t")[:3] == [b"deferred", b"picture", b"1"]
    titles, row = on_terminal("send-mail", "--queue").stdout.split(b"\r\n")[:2]
    assert titles.split() == [b"state", b"urgency", b"tries", b"wait/s", b"bytes", b"name"]
    assert row.split()[:3] == [b"deferred", b"picture", b"1"]
    assert row.index(b"picture") == titles.index(b"urgency")
    assert run("send-mail", "--flush", "-n").stderr == b"send-mail: nothing is due\n"
    done = run("send-mail", "--flush")
    assert (done.returncode, b"wait for their next try" in done.stderr) == (75, True)
    assert run(*HAND, data=message).returncode == 75
    for path in (f"deferred/{name}", "unreachable"):
        os.utime(tmp_path / "spool" / "mail" / path, (1000, 1000))
    box = Mailbox()
    box.start()
    try:
        config_file(mail(box.port))
        assert run("send-mail", "--flush", "-n").stdout.startswith(b"deferred\tpicture")
        assert box.got == []
        done = run("send-mail", "--flush")
        assert (done.returncode, done.stderr) == (0, b"")
    finally:
        box.stop()
    assert box.got == [(["owner@example.org"], message)]
    done = run("send-mail", "--queue")
    assert (done.stdout, done.stderr) == (b"", b"send-mail: nothing waits\n")


def test_wrong_tls_is_said_and_the_message_kept(run, mailbox, config_file, tmp_path):
    config_file(mail(mailbox.port, "starttls"))
    done = run(*HAND, data=encrypted())
    assert (done.returncode, b"no STARTTLS" in done.stderr) == (69, True)
    assert len(items(tmp_path, "deferred")) == 1
    assert mailbox.got == []


def test_what_is_not_encrypted_is_refused(run, mailbox, tmp_path):
    plain = b"From: a@b.de\nDate: x\nMessage-ID: <a@b>\nContent-Type: text/plain\n\nMotion\n"
    for words in (HAND, (*HAND, "-n")):
        done = run(*words, data=plain)
        assert (done.returncode, b"not encrypted" in done.stderr) == (65, True)
    assert run(*HAND, data=b"").returncode == 65
    assert items(tmp_path, "new") == []


def test_a_dry_run_says_what_would_go_and_keeps_nothing(run, mailbox, tmp_path):
    done = run(*HAND, "-n", data=encrypted("<a@b>"))
    assert done.stdout == b"<a@b> from camera@example.org to owner@example.org\n"
    assert not (tmp_path / "spool").exists()
    assert mailbox.got == []


def test_a_full_spool_is_73_with_numbers(run, nobody, config_file, tmp_path):
    config_file(mail(nobody, more="quota = 1"))
    big = encrypted().replace(b"AAAA\n", b"AAAA\n" + b"A" * 60 + b"\n", 1)
    filler = tmp_path / "spool" / "mail" / "new" / f"0-0000000001-{uuid.uuid4()}"
    assert run("send-mail", "--flush").returncode == 0
    filler.write_bytes(bytes(999_990))
    done = run(*HAND, data=big)
    assert (done.returncode, b"999990 bytes wait" in done.stderr) == (73, True)


def test_follow_goes_with_flush_only(run):
    assert run("send-mail", "--follow").returncode == 64


def encrypted_record(tmp_path, alarm, part):
    folder = tmp_path / "run" / "outgoing"
    folder.mkdir(parents=True, exist_ok=True)
    message_id = f"<{uuid.uuid4()}@localhost>"
    (folder / f"{part}.eml").write_bytes(encrypted(message_id))
    return MessageEncrypted(
        **envelope("encrypt-autocrypt", SystemClock()),
        alarm=alarm,
        part=part,
        message_id=message_id,
        file=str(folder / f"{part}.eml"),
        recipients=("owner@example.org",),
    )


def test_in_the_line_it_spools_ticks_off_and_never_loads_smtp(start, nobody, tmp_path):
    alarm = AlarmRaised(**envelope("alarm-panel", SystemClock()), cause="x", sensors=())
    notes = Notes(tmp_path / "spool" / "notes")
    notes.write(alarm)
    process = start("send-mail")
    process.stdin.write(encrypted_line := encode(encrypted_record(tmp_path, alarm.id, "text")))
    process.stdin.flush()
    assert select.select([process.stdout], [], [], 20)[0], "nothing came"
    spooled = decode(process.stdout.readline())
    assert (spooled.type, spooled.part) == ("message.spooled", "text")
    assert Path(spooled.file).exists()
    assert decode(encrypted_line).message_id == spooled.message_id
    assert "_ssl" not in Path(f"/proc/{process.pid}/maps").read_text()
    complete = AlarmComplete(
        **envelope("snap", SystemClock()), alarm=alarm.id, pictures=0, parts=("text",)
    )
    out, _ = process.communicate(encode(complete), timeout=20)
    assert out == encode(complete)
    assert list(notes.pending()) == []
    assert len(items(tmp_path, "new")) == 1


def test_a_record_that_cannot_be_spooled_goes_on_with_its_error(run, nobody, tmp_path):
    (tmp_path / "spool").write_bytes(b"in the way")
    record = encrypted_record(tmp_path, "", "text")
    done = run("send-mail", data=encode(record))
    assert done.returncode == 0
    assert decode(done.stdout).error
    assert (tmp_path / "run" / "outgoing" / "text.eml").exists()


def test_the_service_sends_what_comes_and_stops_when_told(run, start, mailbox, tmp_path):
    service = start("send-mail", "--flush", "--follow")
    wait_for((tmp_path / "spool" / "mail" / "wake").is_fifo)
    for n in range(2):
        assert run("send-mail", data=encode(encrypted_record(tmp_path, "", "text"))).returncode == 0
        wait_for(lambda n=n: len(mailbox.got) == n + 1)
    done = run("send-mail", "--flush")
    assert (done.returncode, b"another send-mail" in done.stderr) == (75, True)
    service.send_signal(signal.SIGTERM)
    assert service.wait(20) == 0
    assert items(tmp_path, "new") == []


@pytest.mark.parametrize("told", [signal.SIGTERM, signal.SIGINT])
def test_stopped_in_the_middle_of_a_message_it_is_kept(told, run, config_file, tmp_path):
    asked = threading.Event()

    def hang():
        with contextlib.suppress(OSError):
            connection, _ = listener.accept()
            connection.sendall(b"220 here\r\n")
            for line in connection.makefile("rb"):
                if line.lower().startswith(b"data"):
                    asked.set()
                else:
                    connection.sendall(b"250 ok\r\n")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        config_file(mail(listener.getsockname()[1], more="timeout = 300"))
        threading.Thread(target=hang, daemon=True).start()
        assert run("send-mail", data=encode(encrypted_record(tmp_path, "", "text"))).returncode == 0
        script = "import camalert.commands.send_mail as it; it.GRACE = 0.2; it.main()"
        service = subprocess.Popen(
            [sys.executable, "-c", script, "--flush", "--follow"], stderr=subprocess.PIPE
        )
        assert asked.wait(20)
        service.send_signal(told)
        assert service.wait(20) == 0
        service.stderr.close()
    assert len(items(tmp_path, "deferred")) == 1
