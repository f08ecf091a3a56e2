"""heartbeat: through the line where one runs, past it where none does."""

import email
import signal
from collections.abc import Callable
from email.message import Message
from pathlib import Path
from subprocess import CompletedProcess, Popen

import pytest

from camalert import cli

Run = Callable[..., CompletedProcess[bytes]]
Start = Callable[..., Popen[bytes]]

CONFIG = """
[[camera]]
name = "porch"
source = "pattern"
[[camera]]
name = "gate"
source = "{gate}"
device = "/nowhere"
[mail]
address = "camera@camalert.example"
recipients = ["camera@camalert.example"]
smtp_host = "127.0.0.1"
smtp_port = 1
smtp_security = "plain"
"""


@pytest.fixture
def spool(run: Run, config_file: Callable[[str], Path], tmp_path: Path) -> Path:
    """Two cameras, a key, and the folder where messages come to lie; who sends also reads."""
    config_file(CONFIG.format(gate="pattern"))
    run("keyring", "make")
    run("keyring", "import", "-", data=run("keyring", "export").stdout)
    return tmp_path / "spool/mail"


def opened(run: Run, spool: Path) -> Message:
    """The one message in the spool, decrypted."""
    (item,) = [path for state in ("new", "deferred") for path in (spool / state).iterdir()]
    _, _, mail = item.read_bytes().partition(b"\n")
    return email.message_from_bytes(run("decrypt-autocrypt", data=mail).stdout)


def text(message: Message) -> str:
    return next(
        bytes(part.get_payload(decode=True)).decode()
        for part in message.walk()
        if part.get_content_type() == "text/plain"
    )


def pictures(message: Message) -> int:
    return sum(part.get_content_type() == "image/jpeg" for part in message.walk())


def test_it_goes_through_the_line_and_sees_its_message(
    run: Run, start: Start, spool: Path, tmp_path: Path
) -> None:
    line = start("alarm-line")
    while not cli.is_held(tmp_path / "run/alarm-panel.lock"):
        assert line.poll() is None
    done = run("heartbeat")
    assert (done.returncode, done.stderr) == (0, b"")
    message = opened(run, spool)
    assert "Heartbeat: " in text(message)
    assert "mode alert" in text(message)
    assert "LINE IS DOWN" not in text(message)
    assert pictures(message) == 1, "two cameras, tiled into one picture"
    line.send_signal(signal.SIGTERM)
    assert line.wait(20) == 0


def test_without_a_line_it_goes_by_itself_and_says_so(run: Run, spool: Path) -> None:
    done = run("heartbeat")
    assert done.returncode == 69
    assert b"heartbeat: alarm-line: is down; the heartbeat went past it" in done.stderr
    message = opened(run, spool)
    assert "THE ALARM LINE IS DOWN." in text(message)
    assert pictures(message) == 1


def test_a_line_that_swallows_it_is_down_too(run: Run, start: Start, spool: Path) -> None:
    panel = start("alarm-panel", "--listen")
    assert panel.stdout
    while not cli.is_held(spool.parent.parent / "run/alarm-panel.lock"):
        assert panel.poll() is None
    done = run("heartbeat", "--wait", "0.2")
    assert done.returncode == 69
    assert b"no message after 0.2 s" in done.stderr
    assert "THE ALARM LINE IS DOWN." in text(opened(run, spool))
    assert b"heartbeat.due" in panel.stdout.readline()


def test_a_camera_without_a_picture_is_named_with_the_reason(
    run: Run, config_file: Callable[[str], Path], spool: Path
) -> None:
    config_file(CONFIG.format(gate="file"))
    run("heartbeat")
    message = opened(run, spool)
    assert "technical difficulties: gate: " in text(message)
    assert pictures(message) == 1


def test_in_mode_off_it_is_text_only(run: Run, spool: Path) -> None:
    run("mode", "off")
    run("heartbeat")
    message = opened(run, spool)
    assert "mode off" in text(message)
    assert pictures(message) == 0


def test_without_a_key_nothing_goes_and_that_is_said(run: Run, spool: Path) -> None:
    run("keyring", "forget", "camera@camalert.example")
    done = run("heartbeat")
    assert done.returncode == 69
    assert b"heartbeat: message: not even sent past the line" in done.stderr
    assert not any((spool / "new").iterdir())


def test_a_dry_run_prints_the_health_and_sends_nothing(run: Run, tmp_path: Path) -> None:
    done = run("heartbeat", "--dry-run")
    assert done.returncode == 0
    assert b"mode alert, last event: none yet" in done.stdout
    assert not (tmp_path / "spool").exists()


def test_the_last_event_is_told(run: Run) -> None:
    trigger = (
        b'{"v":1,"type":"pir.active","id":"a-1","time":"2026-11-20T18:30:00Z","clock":"set",'
        b'"boot":"b","mono":1.5,"source":"hall","pin":16}\n'
    )
    run("log-event", data=trigger)
    assert b"last event: pir.active hall, " in run("heartbeat", "--dry-run").stdout
