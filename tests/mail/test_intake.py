import dataclasses

import pytest

from camalert import handover
from camalert.alarm.notes import Notes
from camalert.errors import BadData, StorageFailed, Unavailable
from camalert.mail.intake import Intake
from camalert.mail.spool import Spool
from camalert.records import (
    AlarmComplete,
    AlarmRaised,
    MessageEncrypted,
    MessageSpooled,
    PirActive,
    envelope,
)


@pytest.fixture
def house(config, clock, message):
    class House:
        settings = config()
        notes = Notes(settings.folder("spool", "notes"))
        spool = Spool(settings)
        intake = Intake(lambda: config(), notes, clock)
        alarm = AlarmRaised(**envelope("alarm-panel", clock), cause="x", sensors=())

        def encrypted(self, part, alarm=None):
            folder = self.settings.folder("run", "outgoing")
            path = handover.write(folder, f"{part}.eml", message(f"<{part}@localhost>"))
            return MessageEncrypted(
                **envelope("encrypt-autocrypt", clock),
                alarm=self.alarm.id if alarm is None else alarm,
                part=part,
                message_id=f"<{part}@localhost>",
                file=str(path),
                recipients=("owner@example.org",),
            )

        def complete(self, *parts):
            return AlarmComplete(
                **envelope("snap", clock), alarm=self.alarm.id, pictures=0, parts=parts
            )

        def handle(self, record):
            return list(self.intake.handle(record))

    return House()


def test_a_message_is_spooled_ticked_off_and_gone_from_ram(house):
    house.notes.write(house.alarm)
    record = house.encrypted("text")
    (spooled,) = house.handle(record)
    assert isinstance(spooled, MessageSpooled)
    (item,) = house.spool.waiting()
    assert (spooled.file, item.urgency) == (str(item.path), 0)
    assert (spooled.alarm, spooled.part, spooled.message_id) == (
        record.alarm,
        "text",
        "<text@localhost>",
    )
    assert house.notes.ticked(house.alarm.id) == {"text"}
    assert not list(house.settings.folder("run", "outgoing").iterdir())


def test_the_note_goes_when_every_part_is_safe(house):
    house.notes.write(house.alarm)
    house.handle(house.encrypted("text"))
    house.handle(house.encrypted("porch-1"))
    complete = house.complete("text", "porch-1")
    assert house.handle(complete) == [complete]
    assert list(house.notes.pending()) == []


@pytest.mark.parametrize("part", ["confirmed", "over"])
def test_a_sequels_note_goes_with_its_one_part(house, part):
    house.notes.write(house.alarm)
    house.handle(house.encrypted(part))
    assert list(house.notes.pending()) == []
    assert house.notes.ticked(house.alarm.id) == frozenset()
    assert house.spool.waiting()[0].urgency == 0


def test_a_sequels_note_stays_where_the_spool_fails(house, monkeypatch):
    house.notes.write(house.alarm)
    monkeypatch.setattr(Spool, "_write", lambda *_: (_ for _ in ()).throw(OSError(5, "I/O error")))
    with pytest.raises(StorageFailed):
        house.handle(house.encrypted("confirmed"))
    assert len(list(house.notes.pending())) == 1


def test_the_note_stays_while_a_part_is_missing(house, caplog):
    house.notes.write(house.alarm)
    house.handle(house.encrypted("text"))
    house.handle(house.complete("text", "porch-1"))
    assert len(list(house.notes.pending())) == 1
    assert "not in the spool: porch-1" in caplog.text


def test_the_note_stays_when_the_parts_are_not_known(house):
    house.notes.write(house.alarm)
    house.handle(dataclasses.replace(house.complete(), parts=None))
    assert len(list(house.notes.pending())) == 1


def test_an_alarm_without_a_note_raises_no_false_alarm(house, caplog):
    house.handle(house.encrypted("text"))
    house.handle(house.complete("text"))
    assert caplog.text == ""


def test_a_message_of_no_alarm_is_only_spooled(house):
    house.handle(house.encrypted("reply", alarm=""))
    assert len(house.spool.waiting()) == 1


def test_a_note_that_cannot_be_ticked_does_not_unspool_it(house, caplog, monkeypatch):
    monkeypatch.setattr(Notes, "tick", lambda *_: (_ for _ in ()).throw(OSError(5, "I/O error")))
    assert isinstance(house.handle(house.encrypted("text"))[0], MessageSpooled)
    assert "not ticked off: I/O error" in caplog.text


def test_where_the_disk_fails_the_message_stays_in_ram_and_unticked(house, monkeypatch):
    house.notes.write(house.alarm)
    monkeypatch.setattr(Spool, "_write", lambda *_: (_ for _ in ()).throw(OSError(5, "I/O error")))
    with pytest.raises(StorageFailed):
        house.handle(house.encrypted("text"))
    assert len(list(house.settings.folder("run", "outgoing").iterdir())) == 1
    assert house.notes.ticked(house.alarm.id) == frozenset()


def test_only_what_lies_in_the_outgoing_folder_is_taken(house, tmp_path, message):
    (tmp_path / "other.eml").write_bytes(message())
    record = dataclasses.replace(house.encrypted("text"), file=str(tmp_path / "other.eml"))
    with pytest.raises(BadData, match="not below"):
        house.handle(record)
    gone = dataclasses.replace(record, file=str(tmp_path / "run/outgoing/gone.eml"))
    with pytest.raises(Unavailable):
        house.handle(gone)


def test_other_records_pass(house, clock):
    record = PirActive(**envelope("hall", clock), pin=16)
    assert house.handle(record) == [record]
