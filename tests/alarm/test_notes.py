"""The notes on disk: whole after any crash, gone only when all parts are safe."""

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from camalert.alarm.notes import Notes, next_attempt
from camalert.codec import encode
from camalert.errors import BadData, CannotCreate
from camalert.records import AlarmRaised, envelope


class FakeClock:
    def now(self) -> datetime:
        return datetime(2026, 12, 1, tzinfo=UTC)

    def monotonic(self) -> float:
        return 1000.0


def alarm(cause: str = "hall", **fields: Any) -> AlarmRaised:
    return AlarmRaised(**envelope("panel", FakeClock()), cause=cause, sensors=("hall",), **fields)


@pytest.fixture
def notes(tmp_path: Path) -> Notes:
    return Notes(tmp_path / "spool/notes")


def names(notes: Notes) -> list[str]:
    return sorted(path.name for path in notes.folder.iterdir())


def test_a_note_is_kept_for_its_owner_only(notes: Notes) -> None:
    first = alarm()
    notes.write(first)
    assert list(Notes(notes.folder).pending()) == [first]
    assert notes.folder.stat().st_mode & 0o777 == 0o700
    assert (notes.folder / f"{first.id}.note").stat().st_mode & 0o777 == 0o600
    assert names(notes) == [f"{first.id}.note"]


def test_no_folder_is_no_note(notes: Notes) -> None:
    assert list(notes.pending()) == []
    assert notes.ticked("abc-1") == frozenset()
    notes.close("abc-1")
    assert not notes.folder.exists()


def test_pending_are_oldest_first_by_when_they_were_noted(notes: Notes) -> None:
    alarms = [alarm(str(n)) for n in range(3)]
    for age, each in zip((5, 9, 7), alarms, strict=True):
        notes.write(each)
        os.utime(notes.folder / f"{each.id}.note", (100 - age, 100 - age))
    assert [each.cause for each in notes.pending()] == ["1", "2", "0"]


def test_parts_are_ticked_off_and_go_with_the_note(notes: Notes) -> None:
    first, other = alarm(), alarm()
    for each in (first, other):
        notes.write(each)
    notes.tick(first.id, "text")
    notes.tick(first.id, "porch-1")
    notes.tick(first.id, "text")
    assert Notes(notes.folder).ticked(first.id) == {"text", "porch-1"}
    assert notes.ticked(other.id) == frozenset()
    notes.close(first.id)
    assert names(notes) == [f"{other.id}.note"]
    notes.tick(first.id, "late")
    assert names(notes) == [f"{other.id}.note"]


def test_a_tick_that_a_power_cut_tore_does_not_count(notes: Notes) -> None:
    first = alarm()
    notes.write(first)
    notes.tick(first.id, "text")
    with (notes.folder / f"{first.id}.parts").open("ab") as file:
        file.write(b"porch-1")  # of porch-1-preview
    assert notes.ticked(first.id) == {"text"}


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"\xff\xfe", encode(alarm())[:-20], encode(alarm()), b"x" * 5000],
    ids=["empty", "torn", "binary", "half", "another", "long"],
)
def test_what_is_not_the_alarms_note_is_set_aside_and_holds_up_no_other(
    notes: Notes, caplog: pytest.LogCaptureFixture, content: bytes
) -> None:
    good = alarm()
    notes.write(good)
    (notes.folder / "abc-1.note").write_bytes(content)
    assert list(notes.pending()) == [good]
    assert names(notes) == sorted([f"{good.id}.note", "failed"])
    assert (notes.folder / "failed/abc-1.note").read_bytes() == content
    assert len(caplog.records) == 1 and "abc-1.note" in caplog.text
    assert list(notes.pending()) == [good]
    assert len(caplog.records) == 1


def test_odd_names_hold_up_no_other(notes: Notes) -> None:
    good = alarm()
    notes.write(good)
    (notes.folder / "two words.note").write_bytes(b"x")
    (notes.folder / "folder.note").mkdir()
    (notes.folder / "gone.note").symlink_to(notes.folder / "nowhere")
    assert list(notes.pending()) == [good]


def test_a_note_that_cannot_be_set_aside_holds_up_no_other(notes: Notes) -> None:
    good = alarm()
    notes.write(good)
    (notes.folder / "abc-1.note").write_bytes(b"x")
    (notes.folder / "failed").write_bytes(b"a file, where the folder should be")
    assert list(notes.pending()) == [good]


def test_a_note_may_be_set_aside_with_its_parts(notes: Notes) -> None:
    first = alarm()
    notes.write(first)
    notes.tick(first.id, "text")
    notes.set_aside(first.id)
    assert names(notes) == ["failed"]
    assert len(list((notes.folder / "failed").iterdir())) == 2
    notes.set_aside(first.id)


@pytest.mark.parametrize("wrong", ["", "../x", "a/b", ".hidden", "a" * 65, "-x", "a\n"])
def test_an_id_is_never_a_way_out_of_the_folder(notes: Notes, wrong: str) -> None:
    for use in (notes.ticked, notes.close, lambda name: notes.tick(name, "text"), notes.set_aside):
        with pytest.raises(BadData, match="alarm id"):
            use(wrong)


class Crash(BaseException):
    """The power goes."""


def crash_at(monkeypatch: pytest.MonkeyPatch, call: int) -> list[str]:
    """The `call`th of the system calls that write does not come back; the names of all so far."""
    seen: list[str] = []

    def counted(name: str, real: Any) -> Any:
        def run(*args: Any, **options: Any) -> Any:
            seen.append(name)
            if len(seen) == call:
                raise Crash
            return real(*args, **options)

        return run

    for module, name in ((os, "write"), (os, "fsync"), (Path, "rename")):
        monkeypatch.setattr(module, name, counted(name, getattr(module, name)))
    return seen


@pytest.mark.parametrize("call", [1, 2, 3, 4])
def test_a_crash_leaves_the_old_note_or_the_new(
    notes: Notes, monkeypatch: pytest.MonkeyPatch, call: int
) -> None:
    old = alarm()
    notes.write(old)
    new = next_attempt(old)
    assert new
    with monkeypatch.context() as patch:
        crash_at(patch, call)
        with pytest.raises(Crash):
            notes.write(new)
    assert list(notes.pending()) == [old if call < 4 else new]
    assert names(notes) == [f"{old.id}.note"], "what the crash left was not swept"


def test_a_note_is_synced_before_and_after_it_gets_its_name(
    notes: Notes, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = crash_at(monkeypatch, 0)
    notes.write(alarm())
    assert seen == ["write", "fsync", "rename", "fsync"]


@pytest.mark.parametrize("name", ["write", "fsync"])
def test_a_disk_that_fails_is_said_and_nothing_is_left(
    notes: Notes, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    def fail(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, name, fail)
    with pytest.raises(CannotCreate, match="No space left"):
        notes.write(alarm())
    assert names(notes) == []


def test_attempts_are_counted_to_the_fourth() -> None:
    tries = [alarm()]
    while following := next_attempt(tries[-1]):
        tries.append(following)
    assert [(each.attempt, each.text_only) for each in tries] == [
        (1, False),
        (2, False),
        (3, True),
        (4, True),
    ]
    assert {each.id for each in tries} == {tries[0].id}
