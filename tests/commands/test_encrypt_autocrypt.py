"""encrypt-autocrypt as a process: a message by hand, and as a stage of the line."""

import json
import select
import signal
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from subprocess import CompletedProcess, Popen
from typing import Any

import pytest

from camalert.codec import encode
from camalert.records import AlarmComplete, AlarmRaised, MessageComposed, SystemClock, envelope
from camalert.trust import autocrypt
from camalert.trust.keyring import Keyring, inspect

Run = Callable[..., CompletedProcess[bytes]]
Start = Callable[..., Popen[bytes]]
PLAIN = b"""\
From: Porch <camera@example.org>
To: owner@example.org
Date: Fri, 20 Nov 2026 11:00:00 +0000
Message-ID: <m1@localhost>
Subject: Motion
Content-Type: text/plain; charset=utf-8

Motion in the hall
"""


@pytest.fixture
def camera(tmp_path: Path) -> Keyring:
    keyring = Keyring(tmp_path / "state/keys")
    keyring.make("camera@example.org", datetime.now(UTC))
    return keyring


@pytest.fixture
def owner(tmp_path: Path, camera: Keyring) -> Keyring:
    return acquainted(tmp_path / "owner", camera, "owner@example.org")


def acquainted(folder: Path, camera: Keyring, address: str) -> Keyring:
    now = datetime.now(UTC)
    keyring = Keyring(folder)
    camera.add(inspect(keyring.make(address, now).public, now))
    keyring.add(inspect(camera.own().public, now))
    return keyring


def opened(message: bytes, keyring: Keyring) -> bytes:
    result = autocrypt.decrypt(message, keyring, datetime.now(UTC))
    assert result.problem is None
    return result.entity


def test_a_message_by_hand(run: Run, owner: Keyring) -> None:
    done = run("encrypt-autocrypt", data=PLAIN)
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"Motion" not in done.stdout
    assert b"Subject: Motion\r\n" in opened(done.stdout, owner)


def test_to_overrides_the_message(
    run: Run, owner: Keyring, camera: Keyring, tmp_path: Path
) -> None:
    second = acquainted(tmp_path / "second", camera, "second@example.org")
    third = acquainted(tmp_path / "third", camera, "third@example.org")
    to = ("--to", "second@example.org", "--to", "third@example.org")
    done = run("encrypt-autocrypt", *to, data=PLAIN)
    for keyring in (second, third):
        assert b"Motion in the hall" in opened(done.stdout, keyring)
    assert run("encrypt-autocrypt", data=PLAIN).stdout
    with pytest.raises(Exception, match="not encrypted for the key"):
        opened(done.stdout, owner)


@pytest.mark.parametrize("to", ["stranger@example.org", "owner@example.org"])
def test_without_a_key_not_one_byte_comes_out(
    run: Run, camera: Keyring, owner: Keyring, to: str
) -> None:
    if to == "owner@example.org":
        (camera.folder / "own.key").unlink()
    done = run("encrypt-autocrypt", "--to", "owner@example.org", "--to", to, data=PLAIN)
    assert (done.returncode, done.stdout) == (78, b"")
    assert len(done.stderr.splitlines()) == 1 and b"keyring " in done.stderr


@pytest.mark.parametrize(
    ("data", "to"), [(b"no message\n", ()), (b"", ("--to", "owner@example.org"))]
)
def test_what_is_no_message(run: Run, owner: Keyring, data: bytes, to: tuple[str, ...]) -> None:
    done = run("encrypt-autocrypt", *to, data=data)
    assert (done.returncode, done.stdout) == (65, b"")


def test_no_input_is_a_line_that_has_ended(run: Run) -> None:
    assert run("encrypt-autocrypt").returncode == 0


class Line:
    """encrypt-autocrypt as a stage, fed with records."""

    def __init__(self, process: Popen[bytes], run_folder: Path) -> None:
        self.process, self.folder = process, run_folder / "messages"
        self.folder.mkdir(parents=True, exist_ok=True)

    def composed(self, n: int, part: str = "text", alarm: str = "a1", **more: Any) -> bytes:
        path = self.folder / f"{n}.eml"
        if "file" not in more:
            path.write_bytes(PLAIN.replace(b"<m1@", b"<m%d@" % n))
        fields = {
            "file": str(path),
            "message_id": f"<m{n}@localhost>",
            "recipients": ("owner@example.org",),
        }
        stamp = envelope("compose-alert", SystemClock())
        return encode(MessageComposed(**stamp, alarm=alarm, part=part, **(fields | more)))

    def give(self, *lines: bytes) -> None:
        assert self.process.stdin
        self.process.stdin.write(b"".join(lines))
        self.process.stdin.flush()

    def take(self, count: int = 1) -> list[dict[str, Any]]:
        assert self.process.stdout
        records = []
        for _ in range(count):
            assert select.select([self.process.stdout], [], [], 30)[0], "nothing came"
            records.append(json.loads(self.process.stdout.readline()))
        return records

    def end(self) -> tuple[list[dict[str, Any]], str]:
        out, err = self.process.communicate(timeout=60)
        return [json.loads(line) for line in out.splitlines()], err.decode()


@pytest.fixture
def line(start: Start, camera: Keyring, tmp_path: Path) -> Line:
    return Line(start("encrypt-autocrypt"), tmp_path / "run")


def complete(alarm: str) -> bytes:
    return encode(AlarmComplete(**envelope("snap", SystemClock()), alarm=alarm, pictures=1))


def test_a_composed_message_becomes_an_encrypted_one(
    line: Line, owner: Keyring, tmp_path: Path
) -> None:
    line.give(line.composed(7))
    (record,) = line.take()
    assert record["type"] == "message.encrypted" and record["source"] == "encrypt-autocrypt"
    assert (record["alarm"], record["part"]) == ("a1", "text")
    assert (record["message_id"], record["recipients"]) == ("<m7@localhost>", ["owner@example.org"])
    path = tmp_path / "run/outgoing/m7.eml"
    assert record["file"] == str(path) and path.stat().st_mode & 0o777 == 0o600
    assert b"Message-ID: <m7@localhost>\r\n" in path.read_bytes()
    assert b"Motion in the hall" in opened(path.read_bytes(), owner)
    assert list(line.folder.iterdir()) == []
    assert line.end() == ([], "")


def test_other_records_pass_unchanged(line: Line, owner: Keyring) -> None:
    raised = encode(
        AlarmRaised(
            **envelope("alarm-panel", SystemClock()),
            cause="hall",
            sensors=("pir-1",),
            extra={"unknown": [1]},
        )
    )
    strange = raised.replace(b"alarm.raised", b"what.ever")
    line.give(raised, strange, b"no record\n", complete("a1"))
    out, err = line.end()
    assert out == [json.loads(raw) for raw in (raised, strange)] + out[2:]
    assert out[2]["type"] == "alarm.complete" and "not JSON" in err


def test_texts_overtake_pictures_and_nothing_overtakes_what_closes_its_alarm(
    line: Line, owner: Keyring
) -> None:
    line.give(
        line.composed(1, "porch-1"),
        line.composed(2, "hall-1"),
        complete("a1"),
        line.composed(3, "text", "a2"),
        line.composed(4, "porch-1", "a2"),
        complete("a2"),
        line.composed(5, "text", "a3"),
        line.composed(6, "confirmed", "c3"),
        line.composed(7, "over", "o3"),
    )
    out, _ = line.end()
    order = [record.get("message_id", record["alarm"]) for record in out]
    assert order == [
        "<m3@localhost>",
        "<m5@localhost>",
        "<m6@localhost>",
        "<m7@localhost>",
        "<m1@localhost>",
        "<m2@localhost>",
        "a1",
        "<m4@localhost>",
        "a2",
    ]


def test_one_of_two_recipients_lacks_a_key(line: Line, owner: Keyring, tmp_path: Path) -> None:
    line.give(line.composed(1, recipients=("owner@example.org", "new@example.org")))
    (record,) = line.take()
    assert record["recipients"] == ["owner@example.org"]
    assert opened(Path(record["file"]).read_bytes(), owner)
    _, err = line.end()
    assert "sent without this recipient: new@example.org: no key; import it" in err


def test_no_recipient_has_a_key(line: Line, tmp_path: Path) -> None:
    line.give(line.composed(1))
    (record,) = line.take()
    assert record["type"] == "message.composed"
    assert "owner@example.org: no key; import it: camalert keyring import FILE" in record["error"]
    assert list(line.folder.iterdir()) == []
    assert not (tmp_path / "run/outgoing").exists()
    assert len([text for text in line.end()[1].splitlines() if "owner@" in text]) == 1


def test_no_own_key_and_then_one(line: Line, owner: Keyring, camera: Keyring) -> None:
    key = camera.folder / "own.key"
    secret = key.read_bytes()
    line.give(line.composed(1))
    assert line.take()[0]["type"] == "message.encrypted"
    key.unlink()
    line.give(line.composed(2))
    assert "make one: camalert keyring make" in line.take()[0]["error"]
    camera.restore(secret)
    line.give(line.composed(3))
    assert line.take()[0]["type"] == "message.encrypted"
    assert list(line.folder.iterdir()) == []


def test_a_key_that_comes_later_is_seen(line: Line, camera: Keyring, tmp_path: Path) -> None:
    line.give(line.composed(1))
    assert "error" in line.take()[0]
    owner = acquainted(tmp_path / "owner", camera, "owner@example.org")
    line.give(line.composed(2))
    (record,) = line.take()
    assert opened(Path(record["file"]).read_bytes(), owner)


def test_what_is_missing_is_said_at_the_start(
    start: Start, config_file: Callable[[str], Path]
) -> None:
    config_file('[mail]\nrecipients = ["owner@example.org"]\n')
    process = start("encrypt-autocrypt")
    _, err = process.communicate(timeout=60)
    assert b"own key: there is none" in err and b"owner@example.org: no key" in err


@pytest.mark.parametrize("where", ["outside", "link", "above", "missing", "folder"])
def test_files_elsewhere_are_left_alone(
    line: Line, owner: Keyring, tmp_path: Path, where: str
) -> None:
    other = tmp_path / "other.eml"
    other.write_bytes(PLAIN)
    (line.folder / "folder").mkdir()
    (line.folder / "link").symlink_to(other)
    named = {"outside": str(other), "above": f"{line.folder}/../../other.eml"}
    line.give(line.composed(1, file=named.get(where, str(line.folder / where))))
    (record,) = line.take()
    assert record["type"] == "message.composed" and record["error"]
    assert other.read_bytes() == PLAIN and not (tmp_path / "run/outgoing").exists()


@pytest.mark.parametrize("name", ["<../../evil@localhost>", "<.hidden@localhost>", "", "<a/b@c>"])
def test_a_message_id_that_makes_no_file_name(line: Line, owner: Keyring, name: str) -> None:
    line.give(line.composed(1, message_id=name))
    assert "makes no file name" in line.take()[0]["error"]


def test_a_malformed_message_stops_nothing(line: Line, owner: Keyring) -> None:
    line.give(line.composed(1))
    line.take()
    bad = line.composed(2)
    (line.folder / "2.eml").write_bytes(b"\xff\xfe no message")
    line.give(bad, line.composed(3))
    first, second = line.take(2)
    assert "no blank line" in first["error"] and second["type"] == "message.encrypted"
    assert list(line.folder.iterdir()) == []


def test_a_full_disk_is_said_and_leaves_nothing_plain(
    line: Line, owner: Keyring, tmp_path: Path
) -> None:
    (tmp_path / "run/outgoing").write_bytes(b"in the way")
    line.give(line.composed(1))
    (record,) = line.take()
    assert "outgoing" in record["error"] and list(line.folder.iterdir()) == []


def test_sigterm_lets_it_finish_what_is_in_the_pipe(line: Line, owner: Keyring) -> None:
    line.give(line.composed(1))
    line.take()
    line.process.send_signal(signal.SIGTERM)
    line.give(line.composed(2, "porch-1"), line.composed(3))
    out, _ = line.end()
    assert [record["message_id"] for record in out] == ["<m3@localhost>", "<m2@localhost>"]
    assert line.process.returncode == 0
