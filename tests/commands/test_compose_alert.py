"""compose-alert by hand and as a stage of the line."""

import io
import os
import pty
import select
import stat
import subprocess
import sys
from email import message_from_bytes
from email.policy import default
from pathlib import Path

import pytest
from PIL import Image

from camalert.alarm.notes import Notes
from camalert.codec import decode, encode
from camalert.records import AlarmComplete, AlarmRaised, SystemClock, envelope

MAIL = (
    '[mail]\naddress = "camera@example.org"\nname = "Porch"\nrecipients = ["owner@example.org"]\n'
)


@pytest.fixture
def jpeg(tmp_path):
    def make(name, color="red"):
        stream = io.BytesIO()
        Image.new("RGB", (64, 48), color).save(stream, "JPEG")
        (tmp_path / name).write_bytes(stream.getvalue())
        return stream.getvalue()

    return make


def parsed(data):
    return message_from_bytes(data, policy=default)


def alarm(**more):
    values = {"cause": "movement: hall", "sensors": ("hall",)}
    return AlarmRaised(**envelope("alarm-panel", SystemClock()), **(values | more))


def next_record(process):
    """Byte by byte, so that select still sees the line behind it."""
    line = b""
    while not line.endswith(b"\n"):
        assert select.select([process.stdout], [], [], 20)[0], "nothing came"
        line += os.read(process.stdout.fileno(), 1)
    return decode(line)


def test_one_picture_is_one_message_on_standard_output(run, config_file, jpeg):
    config_file(MAIL)
    data = jpeg("hall.jpg")
    done = run("compose-alert", "--text", "Motion in the hall", "hall.jpg", "-o", "-")
    assert (done.returncode, done.stderr) == (0, b"")
    message = parsed(done.stdout)
    assert message["From"] == "Porch <camera@example.org>"
    assert message["To"] == "owner@example.org"
    text, picture = message.iter_parts()
    assert text.get_content() == "Motion in the hall\n"
    assert (picture.get_filename(), picture.get_content()) == ("hall.jpg", data)


def test_text_alone_and_addresses_from_the_options(run):
    done = run(
        "compose-alert", "--from", "c@b.de", "--to", "o@b.de", "--to", "p@b.de", "--text", "Hallö"
    )
    message = parsed(done.stdout)
    assert (message["From"], message["To"]) == ("camera <c@b.de>", "o@b.de, p@b.de")
    assert message.get_content() == "Hallö\n"


def test_several_pictures_are_one_mail_each(run, config_file, jpeg, tmp_path):
    config_file(MAIL)
    pictures = [jpeg("a.jpg"), jpeg("b c.jpg", "blue")]
    words = ("compose-alert", "--text", "Motion", "a.jpg", "b c.jpg")
    done = run(*words)
    assert done.returncode == 64
    assert b"name a folder" in done.stderr
    assert run(*words, "-o", "out").returncode == 0
    messages = [parsed(path.read_bytes()) for path in sorted((tmp_path / "out").iterdir())]
    assert [next(m.iter_attachments()).get_content() for m in messages] == pictures
    assert [m.get_body().get_content() for m in messages] == [
        "Motion (1 of 2)\n",
        "Motion (2 of 2)\n",
    ]
    assert next(messages[1].iter_attachments()).get_filename() == "b-c.jpg"
    assert messages[0]["Message-ID"] != messages[1]["Message-ID"]


def test_into_a_file_a_folder_a_device(run, config_file, tmp_path):
    config_file(MAIL)
    words = ("compose-alert", "--text", "Motion", "-o")
    assert run(*words, "a.eml").returncode == 0
    assert stat.S_IMODE((tmp_path / "a.eml").stat().st_mode) == 0o600
    assert parsed((tmp_path / "a.eml").read_bytes()).get_content() == "Motion\n"
    (tmp_path / "out").mkdir()
    assert run(*words, "out").returncode == 0
    assert len(list((tmp_path / "out").iterdir())) == 1
    assert run(*words, "/dev/null").returncode == 0
    assert stat.S_ISCHR(Path("/dev/null").stat().st_mode)
    done = run(*words, "none/a.eml")
    assert (done.returncode, done.stderr.count(b"\n")) == (73, 1)


def test_what_is_missing_or_no_picture_is_said(run, config_file, jpeg, tmp_path):
    jpeg("a.jpg")
    done = run("compose-alert", "--text", "x", "--to", "o@b.de")
    assert (done.returncode, b"mail.address" in done.stderr) == (78, True)
    done = run("compose-alert", "--text", "x", "--from", "o@b.de")
    assert (done.returncode, b"mail.recipients" in done.stderr) == (78, True)
    config_file(MAIL)
    assert run("compose-alert", "none.jpg").returncode == 69
    (tmp_path / "text.jpg").write_text("text")
    done = run("compose-alert", "text.jpg")
    assert (done.returncode, b"text.jpg: is no JPEG" in done.stderr) == (65, True)
    os.truncate(tmp_path / "a.jpg", 33 * 1024 * 1024)
    done = run("compose-alert", "a.jpg")
    assert (done.returncode, b"longer than" in done.stderr) == (65, True)
    assert run("compose-alert", "--text", "x", "--to", "nobody").returncode == 65


def test_on_a_terminal_it_says_what_it_waits_for(config_file):
    controller, terminal = pty.openpty()
    command = Path(sys.executable).with_name("compose-alert")
    done = subprocess.run([command], stdin=terminal, capture_output=True, check=False, timeout=60)
    os.close(controller)
    os.close(terminal)
    assert done.returncode == 64
    assert b"stream of records" in done.stderr


def test_in_the_line_the_text_comes_at_once_without_pillow(start, config_file, tmp_path):
    config_file(MAIL)
    process = start("compose-alert")
    raised = alarm()
    process.stdin.write(encode(raised))
    process.stdin.flush()
    assert next_record(process) == raised
    composed = next_record(process)
    assert (composed.type, composed.part) == ("message.composed", "text")
    assert "movement: hall" in parsed(Path(composed.file).read_bytes()).get_content()
    assert "_imaging" not in Path(f"/proc/{process.pid}/maps").read_text()
    ended = AlarmComplete(**envelope("snap", SystemClock()), alarm=raised.id, pictures=0)
    out, _ = process.communicate(encode(ended), timeout=20)
    assert decode(out).parts == ("text",)
    assert process.returncode == 0


def test_a_repeated_alarm_makes_only_what_is_not_safe_yet(run, config_file, tmp_path):
    config_file(MAIL)
    raised = alarm(attempt=2)
    notes = Notes(tmp_path / "spool" / "notes")
    notes.write(raised)
    notes.tick(raised.id, "text")
    done = run("compose-alert", data=encode(raised))
    assert done.stdout == encode(raised)


def test_a_start_sweeps_old_leftovers(run, config_file, tmp_path):
    config_file(MAIL)
    folder = tmp_path / "run" / "messages"
    folder.mkdir(parents=True)
    (folder / "old.eml").write_bytes(b"")
    os.utime(folder / "old.eml", (0, 0))
    assert run("compose-alert", data=encode(alarm())).returncode == 0
    assert [path.name for path in folder.glob("old*")] == []


def test_bad_records_do_not_stop_good_ones(run, config_file):
    config_file(MAIL)
    good = encode(alarm())
    done = run("compose-alert", data=b"no record\n" + good)
    assert done.returncode == 0
    assert len(done.stdout.splitlines()) == 2
    assert run("compose-alert", data=b"no record\n").returncode == 65
