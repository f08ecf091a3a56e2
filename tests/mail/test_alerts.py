import dataclasses
import datetime
import io
from email import message_from_bytes
from email.policy import default
from pathlib import Path

import pytest
from PIL import Image

from camalert import handover
from camalert.mail import alerts
from camalert.mail.alerts import Composer
from camalert.mail.compose import message_id
from camalert.records import (
    AlarmComplete,
    AlarmConfirmed,
    AlarmOver,
    AlarmRaised,
    HeartbeatComplete,
    MessageComposed,
    PictureFailed,
    PictureTaken,
    PirActive,
    envelope,
)


def jpeg(color="red", size=(640, 480)):
    stream = io.BytesIO()
    Image.new("RGB", size, color).save(stream, "JPEG")
    return stream.getvalue()


class House:
    def __init__(self, config, clock, **mail):
        self.mail, self.clock = mail, clock
        self.config = config
        self.safe = {}
        self.composer = Composer(
            lambda: config(**self.mail), clock, lambda a: self.safe[a], datetime.UTC
        )

    def alarm(self, **more):
        values = {"cause": "movement: hall", "sensors": ("hall",)}
        return AlarmRaised(**envelope("alarm-panel", self.clock), **(values | more))

    def picture(self, alarm, camera="porch", data=None, kind="alarm", **more):
        folder = self.config().folder("run", "ring")
        path = handover.write(folder, f"{camera}.jpg", data or jpeg())
        values = {"part": f"{camera}-1", "file": str(path), "kind": kind}
        return PictureTaken(**envelope(camera, self.clock), alarm=alarm.id, **(values | more))

    def failed(self, alarm, camera, reason, kind="alarm"):
        return PictureFailed(
            **envelope(camera, self.clock), alarm=alarm.id, kind=kind, reason=reason
        )

    def complete(self, alarm, *failed):
        return AlarmComplete(
            **envelope("snap", self.clock), alarm=alarm.id, pictures=1, failed=failed
        )

    def beat(self, alarm, *failed, mode="alert"):
        return HeartbeatComplete(
            **envelope("snap", self.clock),
            alarm=alarm.id,
            pictures=1,
            failed=failed,
            health="up 3 days",
            mode=mode,
        )

    def handle(self, record):
        return list(self.composer.handle(record))


@pytest.fixture
def house(config, clock):
    return House(config, clock)


def read(record):
    assert isinstance(record, MessageComposed)
    return message_from_bytes(Path(record.file).read_bytes(), policy=default)


def picture_of(message):
    return next(message.iter_attachments()).get_content()


def test_the_text_follows_its_alarm_at_once(house, tmp_path):
    alarm = house.alarm()
    passed, made = house.handle(alarm)
    assert passed is alarm
    assert (made.alarm, made.part) == (alarm.id, "text")
    assert made.message_id == message_id(alarm.id, "text")
    assert made.file == str(tmp_path / "run/messages" / f"{made.message_id[1:37]}.eml")
    assert made.recipients == ("owner@example.org",)
    message = read(made)
    assert message["Message-ID"] == made.message_id
    assert message["From"] == "Porch <camera@example.org>"
    assert "movement: hall" in message.get_content()


def test_a_picture_is_one_mail_and_its_preview_goes_before_it(house):
    alarm = house.alarm()
    house.handle(alarm)
    record = house.picture(alarm, moved=True)
    passed, made = house.handle(record)
    assert passed is record
    assert made.part == "porch-1"
    assert picture_of(read(made)) == jpeg()
    house.mail["preview"] = True
    _, preview, full = house.handle(house.picture(alarm, part="porch-2"))
    assert (preview.part, full.part) == ("porch-2-preview", "porch-2")
    assert Image.open(io.BytesIO(picture_of(read(preview)))).size == (320, 240)
    (ended,) = house.handle(house.complete(alarm))
    assert ended.parts == ("text", "porch-1", "porch-2-preview", "porch-2")


def test_a_damaged_picture_goes_without_a_preview(house, caplog):
    house.mail["preview"] = True
    _, made = house.handle(house.picture(house.alarm(), data=b"\xff\xd8?", damaged="cut off"))
    assert picture_of(read(made)) == b"\xff\xd8?"
    assert "Damaged picture: cut off" in read(made).get_body().get_content()
    assert "no preview" in caplog.text


def test_cameras_that_failed_are_named_before_the_end(house):
    alarm = house.alarm()
    house.handle(alarm)
    assert len(house.handle(house.failed(alarm, "porch", "no such device"))) == 1
    trouble, ended = house.handle(house.complete(alarm, "porch", "hall"))
    text = read(trouble).get_content()
    assert "No picture from porch: no such device" in text
    assert "No picture from hall: no picture" in text
    assert ended.parts == ("text", "trouble")


def test_without_its_beginning_the_parts_of_an_alarm_are_not_told(house):
    alarm = house.alarm()
    house.handle(house.picture(alarm))
    (ended,) = house.handle(house.complete(alarm))
    assert ended.parts is None


def test_what_is_safe_in_the_spool_is_not_made_again_but_counted(house):
    alarm = house.alarm(attempt=2)
    house.safe[alarm.id] = frozenset({"text", "porch-1"})
    assert house.handle(alarm) == [alarm]
    assert len(house.handle(house.picture(alarm))) == 1
    assert len(house.handle(house.picture(alarm, "hall"))) == 2
    assert house.handle(house.complete(alarm))[0].parts == ("text", "porch-1", "hall-1")


@pytest.mark.parametrize("key", ["address", "recipients"])
def test_a_missing_key_is_named_and_the_alarm_stays_open(house, key, caplog):
    house.mail[key] = "" if key == "address" else ()
    alarm = house.alarm()
    (passed,) = house.handle(alarm)
    assert passed.error.startswith(f"mail.{key}: not set")
    assert dataclasses.replace(passed, error=None) == alarm
    assert house.handle(house.complete(alarm))[0].parts == ("text",)
    assert f"mail.{key}" in caplog.text


def test_a_full_folder_is_said_and_the_part_counted(house, tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "messages").write_bytes(b"in the way")
    alarm = house.alarm()
    (passed,) = house.handle(alarm)
    assert "messages" in passed.error
    assert house.handle(house.complete(alarm))[0].parts == ("text",)


def test_a_picture_outside_the_run_folder_is_not_sent_but_told(house, tmp_path):
    alarm = house.alarm()
    house.handle(alarm)
    (tmp_path / "secret").write_bytes(b"secret")
    (passed,) = house.handle(house.picture(alarm, file=str(tmp_path / "secret")))
    assert "not below" in passed.error
    trouble, ended = house.handle(house.complete(alarm))
    assert "No picture from porch: is not below" in read(trouble).get_content()
    assert ended.parts == ("text", "trouble")


def test_a_time_that_is_none_is_an_error_of_that_record(house):
    (passed,) = house.handle(dataclasses.replace(house.alarm(), time="soon"))
    assert "soon" in passed.error


def test_a_heartbeat_is_one_message_with_all_pictures_in_one(house):
    beat = house.alarm()
    for camera in ("porch", "hall"):
        assert len(house.handle(house.picture(beat, camera, kind="heartbeat"))) == 1
    house.handle(house.failed(beat, "cellar", "timed out", "heartbeat"))
    made, ended = house.handle(house.beat(beat, "cellar"))
    message = read(made)
    text = message.get_body().get_content()
    assert "up 3 days" in text
    assert "technical difficulties: cellar: timed out" in text
    assert Image.open(io.BytesIO(picture_of(message))).size == (1280, 480)
    assert next(message.iter_attachments()).get_filename().startswith("heartbeat-20")
    assert (made.part, ended.parts) == ("heartbeat", ("heartbeat",))


def test_a_heartbeats_single_picture_is_sent_as_it_is(house):
    beat = house.alarm()
    house.handle(house.picture(beat, kind="heartbeat"))
    assert picture_of(read(house.handle(house.beat(beat))[0])) == jpeg()


def test_a_heartbeat_without_pictures_or_in_mode_off_is_text(house):
    none, off = house.alarm(), house.alarm()
    made, _ = house.handle(house.beat(none, "porch"))
    assert read(made).get_content_type() == "text/plain"
    assert "technical difficulties: porch" in read(made).get_content()
    house.handle(house.picture(off, kind="heartbeat"))
    made, _ = house.handle(house.beat(off, mode="off"))
    assert read(made).get_content_type() == "text/plain"


def test_a_heartbeats_lost_picture_is_a_technical_difficulty(house, caplog):
    beat = house.alarm()
    house.handle(house.picture(beat, file="/nowhere/a.jpg", kind="heartbeat"))
    made, _ = house.handle(house.beat(beat))
    assert "technical difficulties: porch: is not below" in read(made).get_content()
    assert "not below" in caplog.text


def test_old_alarms_are_forgotten(house, monkeypatch):
    monkeypatch.setattr(alerts, "KEPT", 3)
    alarms = [house.alarm() for _ in range(5)]
    for alarm in alarms:
        house.handle(alarm)
    parts = [house.handle(house.complete(alarm))[0].parts for alarm in alarms]
    assert parts == [None, None, ("text",), ("text",), ("text",)]


@pytest.mark.parametrize(
    ("kind", "part", "cause"),
    [
        (AlarmConfirmed, "confirmed", "Confirmed: porch sees movement too"),
        (AlarmOver, "over", "porch: view in order again"),
    ],
)
@pytest.mark.parametrize("late", [False, True])
def test_what_is_told_later_is_a_text_of_its_own(house, clock, kind, part, cause, late):
    alarm = house.alarm()
    house.handle(alarm)
    if late:
        house.handle(house.complete(alarm))
    told = kind(**envelope("porch", clock), cause=cause, sensors=("porch",), alarm=alarm.id)
    passed, made = house.handle(told)
    assert passed is told
    assert (made.alarm, made.part) == (told.id, part)
    assert made.message_id == message_id(told.id, part)
    assert read(made).get_content().startswith(f"{cause}\n20")
    (again,) = house.handle(dataclasses.replace(told, attempt=2))[1:]
    assert again.message_id == made.message_id
    assert "attempt 2" in read(again).get_content()
    if not late:
        assert house.handle(house.complete(alarm))[0].parts == ("text",)


def test_a_sequel_pushes_no_open_alarm_out(house, clock, monkeypatch):
    monkeypatch.setattr(alerts, "KEPT", 2)
    alarm = house.alarm()
    house.handle(alarm)
    for _ in range(5):
        house.handle(AlarmOver(**envelope("porch", clock), cause="x", sensors=(), alarm="a-1"))
    assert house.handle(house.complete(alarm))[0].parts == ("text",)


def test_the_text_of_a_confirmed_alarm_says_so(house):
    _, made = house.handle(house.alarm(confirmed=True))
    assert "Confirmed: a sensor and a camera agree." in read(made).get_content()
    _, made = house.handle(house.alarm())
    assert "onfirmed" not in read(made).get_content()


def test_other_records_pass(house, clock):
    record = PirActive(**envelope("hall", clock), pin=16)
    assert house.handle(record) == [record]
