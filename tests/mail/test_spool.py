import os
import stat
import threading
from pathlib import Path

import pytest

from camalert.errors import BadData, CannotCreate, StorageFailed, TryAgain
from camalert.mail import spool as module
from camalert.mail.item import Envelope, Urgency
from camalert.mail.outer import canonical
from camalert.mail.spool import Spool

TO = ("owner@example.org",)


@pytest.fixture
def spool(config):
    spool = Spool(config())
    spool.prepare()
    return spool


def names(spool, state):
    return sorted(path.name for path in (spool.folder / state).iterdir())


def test_what_is_added_waits_whole_for_its_owner_only(spool, message):
    item = spool.add(message("<a@b>"), TO, Urgency.TEXT)
    assert spool.waiting() == [item]
    assert spool.read(item) == (Envelope("camera@example.org", TO), canonical(message("<a@b>")))
    assert stat.S_IMODE(item.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(spool.folder.stat().st_mode) == 0o700
    assert names(spool, "tmp") == []


def test_texts_overtake_pictures_and_heartbeats_come_last(spool, message):
    order = [Urgency.HEARTBEAT, Urgency.PICTURE, Urgency.TEXT, Urgency.PREVIEW, Urgency.TEXT]
    for urgency in order:
        spool.add(message(), TO, urgency)
    assert [(item.urgency, item.sequence) for item in spool.waiting()] == [
        (0, 3),
        (0, 5),
        (1, 4),
        (2, 2),
        (3, 1),
    ]


def test_the_same_message_is_kept_once_wherever_it_is(spool, message, clock):
    item = spool.add(message("<a@b>"), TO, Urgency.TEXT)
    assert spool.add(message("<a@b>", 500), TO, Urgency.TEXT) == item
    spool.defer(item, clock.wall)
    assert spool.add(message("<a@b>"), TO, Urgency.TEXT).tries == 1
    spool.sent(spool.waiting()[0])
    assert spool.add(message("<a@b>"), TO, Urgency.TEXT).path.parent.name == "sent"
    assert spool.waiting() == []
    assert spool.knows("<a@b>") and not spool.knows("<c@d>")


def test_the_sequence_goes_on_over_what_was_sent_and_a_restart(spool, message, config):
    spool.sent(spool.add(message(), TO, Urgency.TEXT))
    assert Spool(config()).add(message(), TO, Urgency.TEXT).sequence == 2


def test_a_mark_is_empty_and_only_the_newest_are_kept(spool, message, monkeypatch):
    monkeypatch.setattr(module, "MARKS", 3)
    for _ in range(5):
        spool.sent(spool.add(message(), TO, Urgency.PICTURE))
    marks = names(spool, "sent")
    assert [int(name.split("-")[1]) for name in marks] == [3, 4, 5]
    assert all((spool.folder / "sent" / name).stat().st_size == 0 for name in marks)


def test_a_start_sweeps_what_a_killed_process_left(spool, message):
    spool.sent(spool.add(message("<a@b>"), TO, Urgency.TEXT))
    mark = spool.folder / "sent" / names(spool, "sent")[0]
    mark.write_bytes(b"renamed, and killed before it was emptied")
    (spool.folder / "tmp" / "half").write_bytes(b"half")
    spool.prepare()
    assert names(spool, "tmp") == []
    assert mark.stat().st_size == 0


@pytest.mark.parametrize("to", [(), ("no address",), ("a@b.de", "<c@d.de>")])
def test_bad_recipients_are_refused(spool, message, to):
    with pytest.raises(BadData):
        spool.add(message(), to, Urgency.TEXT)
    assert spool.waiting() == []


def test_plain_mail_is_refused(spool):
    with pytest.raises(BadData, match="not encrypted"):
        spool.add(
            b"From: a@b.de\nDate: x\nMessage-ID: <a@b>\nContent-Type: text/plain\n\nMotion\n",
            TO,
            Urgency.TEXT,
        )
    assert spool.waiting() == []


def test_at_the_quota_pictures_are_refused_with_numbers_and_texts_have_a_reserve(config, message):
    spool = Spool(config(quota=1))
    for _ in range(2):
        spool.add(message(size=350_000), TO, Urgency.PICTURE)
    with pytest.raises(CannotCreate, match=r"\d+ bytes wait, \d+ more"):
        spool.add(message(size=350_000), TO, Urgency.PICTURE)
    spool.add(message(size=20_000), TO, Urgency.PICTURE)
    with pytest.raises(CannotCreate):
        spool.add(message(size=20_000), TO, Urgency.PICTURE)
    spool.add(message(size=30_000), TO, Urgency.TEXT)
    assert len(spool.waiting()) == 4


def test_at_the_quota_what_failed_goes_then_heartbeats_never_an_alarm(config, message, caplog):
    spool = Spool(config(quota=1))
    alarm = spool.add(message(size=200_000), TO, Urgency.PICTURE)
    spool.add(message(size=200_000), TO, Urgency.HEARTBEAT)
    spool.fail(spool.add(message(size=200_000), TO, Urgency.PICTURE).path, "5xx")
    spool.add(message(size=200_000), TO, Urgency.PICTURE)
    assert spool.failed() == []
    with pytest.raises(CannotCreate):
        spool.add(message(size=200_000), TO, Urgency.HEARTBEAT)
    spool.add(message(size=200_000), TO, Urgency.PICTURE)
    assert [item.urgency for item in spool.waiting()] == [2, 2, 2]
    assert alarm in spool.waiting()
    assert "removed from the spool" in caplog.text


def test_what_fails_is_kept_with_its_reason(spool, message, caplog):
    item = spool.add(message(), TO, Urgency.TEXT)
    spool.fail(item.path, "550 no such mailbox")
    assert (spool.folder / "failed" / f"{item.name}.reason").read_text() == "550 no such mailbox\n"
    assert spool.waiting() == []
    assert "will not be sent" in caplog.text
    assert spool.add(message(), TO, Urgency.TEXT).path.parent.name == "new"


def test_what_is_foreign_is_set_aside(spool, message):
    (spool.folder / "new" / "letter.eml").write_bytes(b"?")
    (spool.folder / "deferred" / "folder").mkdir()
    spool.add(message(), TO, Urgency.TEXT)
    spool.set_foreign_aside()
    assert len(names(spool, "new")) == 1
    assert names(spool, "failed") == ["folder", "folder.reason", "letter.eml", "letter.eml.reason"]


def test_a_link_in_place_of_an_item_is_not_read(spool, message, tmp_path):
    item = spool.add(message(), TO, Urgency.TEXT)
    item.path.rename(tmp_path / "elsewhere")
    item.path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(BadData, match="cannot be read"):
        spool.read(item)
    item.path.unlink()
    with pytest.raises(FileNotFoundError):
        spool.read(item)


def test_waits_follow_the_wall_clock_and_survive_its_steps(spool, message, clock):
    spool.defer(spool.add(message(), TO, Urgency.TEXT), clock.wall)
    (item,) = spool.waiting()
    assert (item.tries, item.path.parent.name) == (1, "deferred")
    assert spool.due_in(item, clock.wall) == 5
    assert spool.due_in(item, clock.wall + 5) == 0
    for step in (400 * 86400, -400 * 86400):
        assert spool.due_in(item, clock.wall + step) == 0
    item.path.unlink()
    assert spool.due_in(item, clock.wall) == 0


def test_the_unreachable_server_is_remembered_with_its_waits(spool, clock):
    assert spool.server_due_in(clock.wall) == 0
    for wait in (5, 10, 20):
        spool.note_unreachable(clock.wall)
        assert spool.server_due_in(clock.wall) == wait
    spool.note_unreachable(clock.wall, 8)
    assert spool.server_due_in(clock.wall) == 300
    (spool.folder / "unreachable").write_text("torn")
    assert spool.server_due_in(clock.wall) == 0
    spool.note_reachable()
    assert not (spool.folder / "unreachable").exists()


def test_those_who_got_it_are_not_asked_again(spool, message):
    item = spool.add(message("<a@b>"), ("a@b.de", "c@d.de"), Urgency.TEXT)
    _, whole = spool.read(item)
    spool.narrow(item, Envelope("camera@example.org", ("c@d.de",)), whole)
    assert spool.read(item) == (Envelope("camera@example.org", ("c@d.de",)), whole)


def test_one_flushes_at_a_time(spool, config):
    other = Spool(config())
    with spool.flushing(), pytest.raises(TryAgain, match="another send-mail"), other.flushing():
        pytest.fail("two at once")
    with other.flushing():
        pass


def test_adding_waits_for_the_lock_only_so_long(spool, message, monkeypatch):
    monkeypatch.setattr(module, "LOCK", 0.05)
    with spool._locked("add.lock", 0), pytest.raises(TryAgain):
        spool.add(message(), TO, Urgency.TEXT)


def test_many_add_at_once_and_the_same_message_is_there_once(config, message):
    texts = [message(f"<{n % 10}@localhost>") for n in range(40)]
    threads = [
        threading.Thread(target=Spool(config()).add, args=(text, TO, Urgency.TEXT))
        for text in texts
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    waiting = Spool(config()).waiting()
    assert len({item.key for item in waiting}) == len(waiting) == 10
    assert len({item.sequence for item in waiting}) == 10


def test_the_bell_wakes_a_reader_and_rings_for_nobody(spool):
    spool.ring()
    os.mkfifo(spool.bell)
    spool.ring()
    reader = os.open(spool.bell, os.O_RDWR | os.O_NONBLOCK)
    spool.ring()
    assert os.read(reader, 10) == b"\n"
    os.close(reader)
    spool.bell.unlink()
    spool.bell.write_bytes(b"")
    spool.ring()
    assert spool.bell.read_bytes() == b""


@pytest.mark.parametrize("function", ["fsync", "write"])
@pytest.mark.parametrize(
    ("error", "kind"), [(5, StorageFailed), (30, StorageFailed), (28, CannotCreate)]
)
def test_a_failing_disk_is_said_and_nothing_kept(
    spool, message, monkeypatch, function, error, kind
):
    def fail(*_):
        raise OSError(error, os.strerror(error))

    if function == "write":
        monkeypatch.setattr(module, "_write_durably", fail)
    else:
        monkeypatch.setattr(module.os, "fsync", fail)
    with pytest.raises(kind):
        spool.add(message(), TO, Urgency.PICTURE)
    monkeypatch.undo()
    assert spool.waiting() == []
    assert names(spool, "tmp") == []


def test_a_text_spends_the_reserve_of_a_full_disk_and_it_is_filled_again(
    spool, message, monkeypatch
):
    reserve = spool.folder / "reserve"
    assert reserve.stat().st_size == module.RESERVE
    durably = module._write_durably

    def full_while_reserved(path, data):
        if reserve.exists():
            raise OSError(28, "No space left on device")
        durably(path, data)

    monkeypatch.setattr(module, "_write_durably", full_while_reserved)
    with pytest.raises(CannotCreate):
        spool.add(message(), TO, Urgency.PICTURE)
    item = spool.add(message(), TO, Urgency.TEXT)
    assert not reserve.exists()
    spool.sent(item)
    assert reserve.stat().st_size == module.RESERVE
    monkeypatch.setattr(module.os, "posix_fallocate", lambda *_: (_ for _ in ()).throw(OSError(28)))
    reserve.unlink()
    spool.prepare()
    assert not reserve.exists()


def test_the_file_is_synced_before_it_is_renamed_and_the_folder_behind_it(
    spool, message, monkeypatch
):
    happened = []
    fsync, rename = os.fsync, Path.rename

    def seen_fsync(descriptor):
        happened.append(("fsync", Path(f"/proc/self/fd/{descriptor}").readlink()))
        fsync(descriptor)

    def seen_rename(path, to):
        happened.append(("rename", path))
        return rename(path, to)

    monkeypatch.setattr(os, "fsync", seen_fsync)
    monkeypatch.setattr(Path, "rename", seen_rename)
    item = spool.add(message(), TO, Urgency.TEXT)
    temporary = spool.folder / "tmp" / item.name
    assert happened == [
        ("fsync", temporary),
        ("rename", temporary),
        ("fsync", spool.folder / "new"),
    ]
