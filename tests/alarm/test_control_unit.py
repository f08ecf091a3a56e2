"""The panel at work: what is durable when, what comes back after a crash."""

import dataclasses
import logging
from datetime import UTC, datetime
from pathlib import Path

import pytest

from camalert.alarm.control_unit import ControlUnit
from camalert.alarm.notes import Notes, Reminders
from camalert.codec import encode
from camalert.config import Camera, Config, Panel, Paths
from camalert.records import (
    AlarmConfirmed,
    AlarmOver,
    AlarmRaised,
    AlarmSuppressed,
    HeartbeatDue,
    ModeWanted,
    MotionStart,
    Noted,
    PirActive,
    PirAgreed,
    PirParted,
    Record,
    ViewGood,
    ViewTrouble,
    envelope,
)


class FakeClock:
    def __init__(self) -> None:
        self.seconds = 1000.0

    def now(self) -> datetime:
        return datetime(2026, 12, 1, tzinfo=UTC)

    def monotonic(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def config(tmp_path: Path) -> Config:
    paths = Paths(*(str(tmp_path / name) for name in ("run", "spool", "state")))
    return Config(paths=paths, panel=Panel(cooldown=60))


def unit(config: Config, clock: FakeClock, only_entries: bool = False) -> ControlUnit:
    return ControlUnit(lambda: config, clock, only_entries)


def agreed(clock: FakeClock) -> PirAgreed:
    return PirAgreed(**envelope("pirs", clock), sensors=("hall", "stairs"))


def seen(clock: FakeClock, camera: str = "porch") -> MotionStart:
    return MotionStart(**envelope(camera, clock), score=2, area=1)


def notes(config: Config) -> Notes:
    return Notes(config.folder("spool", "notes"))


def types(records: list[Record]) -> list[str]:
    return [record.type for record in records]


def test_an_alarm_is_on_disk_before_anything_is_passed_on(config: Config, clock: FakeClock) -> None:
    passed = unit(config, clock).decide([agreed(clock)])
    assert types(passed) == ["alarm.raised", "pir.agreed"]
    assert [alarm.id for alarm in notes(config).pending()] == [passed[0].id]
    (note,) = config.folder("spool", "notes").glob("*.note")
    assert note.stat().st_mode & 0o777 == 0o600


def test_a_whole_batch_is_noted_before_its_first_record_goes(
    config: Config, clock: FakeClock
) -> None:
    config = dataclasses.replace(config, panel=Panel(cooldown=0))
    unit(config, clock).decide([agreed(clock), agreed(clock)])
    assert len(list(notes(config).pending())) == 2


def test_an_alarm_that_cannot_be_noted_goes_all_the_same(
    config: Config, clock: FakeClock, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "spool").write_text("in the way")
    (alarm, _) = unit(config, clock).decide([agreed(clock)])
    assert isinstance(alarm, AlarmRaised)
    assert alarm.noted is False
    assert "passed on all the same" in caplog.text


def test_after_a_crash_attempts_count_then_text_only_then_set_aside(
    config: Config, clock: FakeClock
) -> None:
    (alarm, _) = unit(config, clock).decide([agreed(clock)])
    story = []
    for _ in range(3):
        (again,) = unit(config, clock).unfinished()
        assert isinstance(again, AlarmRaised)
        assert again.id == alarm.id
        story.append((again.attempt, again.text_only))
    assert story == [(2, False), (3, True), (4, True)]
    (told,) = unit(config, clock).unfinished()
    assert isinstance(told, AlarmRaised)
    assert told.id != alarm.id
    assert told.text_only
    assert "set aside after 4 tries" in told.cause
    assert "hall and stairs" in told.cause
    aside = config.folder("spool", "notes", "failed")
    assert [path.stem for path in aside.iterdir()] == [alarm.id]


def test_an_alarm_passed_on_again_is_not_followed_by_a_second_one(
    config: Config, clock: FakeClock
) -> None:
    unit(config, clock).decide([agreed(clock)])
    restarted = unit(config, clock)
    list(restarted.unfinished())
    (_, outcome) = restarted.decide([agreed(clock)])
    assert isinstance(outcome, AlarmSuppressed)


def test_a_torn_note_is_set_aside_and_the_others_flow(config: Config, clock: FakeClock) -> None:
    unit(config, clock).decide([agreed(clock)])
    (config.folder("spool", "notes") / "torn-1.note").write_text('{"v":1,"type":"alarm.rai')
    assert len(list(unit(config, clock).unfinished())) == 1
    assert (config.folder("spool", "notes", "failed") / "torn-1.note").exists()


def test_a_note_that_stays_is_passed_on_again_later_and_later(
    config: Config, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    desk = unit(config, clock)
    (alarm, _, _) = desk.decide([agreed(clock), PirParted(**envelope("pirs", clock), sensors=())])
    assert desk.patience() == Reminders.FIRST
    clock.seconds += Reminders.FIRST
    (again,) = desk.look_after()
    assert again.id == alarm.id
    assert desk.patience() == 2 * Reminders.FIRST
    clock.seconds += 2 * Reminders.FIRST
    notes(config).close(alarm.id)
    assert desk.look_after() == []
    assert desk.patience() is None


def test_a_held_trigger_is_looked_after(config: Config, clock: FakeClock) -> None:
    desk = unit(config, clock)
    desk.decide([agreed(clock)])
    assert desk.patience() == 60
    clock.seconds += 60
    assert types(desk.look_after()) == ["alarm.raised"]


def test_the_mode_outlives_the_panel(config: Config, clock: FakeClock) -> None:
    wanted = ModeWanted(**envelope("mode", clock), mode="monitor", who="anna")
    assert types(unit(config, clock).decide([wanted])) == ["mode.wanted", "mode.changed"]
    assert unit(config, clock).panel.mode == "monitor"


def test_a_mode_file_that_cannot_be_written_is_said_and_the_mode_holds(
    config: Config, clock: FakeClock, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "state").write_text("in the way")
    desk = unit(config, clock)
    wanted = ModeWanted(**envelope("mode", clock), mode="off", who="anna")
    desk.decide([wanted])
    assert desk.panel.mode == "off"
    assert "the mode is not kept" in caplog.text


def test_off_lets_only_modes_and_heartbeats_through(config: Config, clock: FakeClock) -> None:
    desk = unit(config, clock)
    wanted = ModeWanted(**envelope("mode", clock), mode="off", who="anna")
    assert types(desk.decide([wanted])) == ["mode.changed"]
    due = HeartbeatDue(**envelope("heartbeat", clock), health="up 1 h")
    (passed,) = desk.decide([agreed(clock), due])
    assert isinstance(passed, HeartbeatDue)
    assert passed.mode == "off"


def test_at_the_fifo_only_entries_come_in_and_without_foreign_fields(
    config: Config, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    desk = unit(config, clock, only_entries=True)
    forged = AlarmRaised(**envelope("x", clock), cause="forged", sensors=())
    outside = dataclasses.replace(
        HeartbeatDue(**envelope("heartbeat", clock), health=""), id="../../etc"
    )
    edge = PirActive(**envelope("hall", clock), pin=16, error="x", extra={"file": "/etc/shadow"})
    (passed,) = desk.decide([forged, outside, edge])
    assert passed == dataclasses.replace(edge, error=None, extra={})
    assert caplog.text.count("dropped") == 2


def test_unknown_records_pass_when_piped_in(config: Config, clock: FakeClock) -> None:
    strange = Record(type="cat.purred", **envelope("cat", clock))
    assert unit(config, clock).decide([strange]) == [strange]


def test_a_confirmation_has_a_note_of_its_own_and_names_its_alarm(
    config: Config, clock: FakeClock
) -> None:
    desk = unit(config, clock)
    (alarm, _) = desk.decide([agreed(clock)])
    assert isinstance(alarm, AlarmRaised) and not alarm.confirmed
    notes(config).close(alarm.id)  # all of it is in the spool by now
    (confirmed, start) = desk.decide([seen(clock)])
    assert isinstance(confirmed, AlarmConfirmed) and start.type == "motion.start"
    assert (confirmed.alarm, confirmed.sensors) == (alarm.id, ("porch",))
    assert confirmed.cause == "Confirmed: porch sees movement too"
    assert [noted.id for noted in notes(config).pending()] == [confirmed.id]


def test_what_confirms_in_the_same_read_follows_its_alarm(config: Config, clock: FakeClock) -> None:
    passed = unit(config, clock).decide([seen(clock), agreed(clock)])
    assert types(passed) == ["alarm.raised", "alarm.confirmed", "motion.start", "pir.agreed"]


def test_a_confirmation_comes_again_after_a_crash_until_it_is_set_aside(
    config: Config, clock: FakeClock
) -> None:
    desk = unit(config, clock)
    (alarm, confirmed, _, _) = desk.decide([agreed(clock), seen(clock)])
    notes(config).close(alarm.id)
    for attempt in (2, 3, 4):
        (again,) = unit(config, clock).unfinished()
        assert again == dataclasses.replace(confirmed, attempt=attempt)  # type: ignore[call-arg]
    (told,) = unit(config, clock).unfinished()
    assert isinstance(told, AlarmRaised) and "Confirmed: porch sees movement too" in told.cause


def test_a_confirmation_from_before_a_crash_begins_no_cooldown(
    config: Config, clock: FakeClock
) -> None:
    told = {"cause": "Confirmed: porch sees movement too", "sensors": ("porch",)}
    notes(config).write(AlarmConfirmed(**envelope("porch", clock), **told, alarm="a-1"))
    desk = unit(config, clock)
    assert types(list(desk.unfinished())) == ["alarm.confirmed"]
    assert "alarm.raised" in types(desk.decide([agreed(clock)]))


def test_a_confirmation_that_stays_noted_is_passed_on_again(
    config: Config, clock: FakeClock
) -> None:
    desk = unit(config, clock)
    (alarm, confirmed, _, _) = desk.decide([agreed(clock), seen(clock)])
    notes(config).close(alarm.id)
    clock.seconds += Reminders.FIRST
    assert confirmed in desk.look_after()


def test_a_trouble_is_an_alarm_and_its_end_refers_to_it(config: Config, clock: FakeClock) -> None:
    desk = unit(config, clock)
    trouble = ViewTrouble(**envelope("porch", clock), reason="covered")
    (alarm, _) = desk.decide([trouble])
    assert isinstance(alarm, AlarmRaised) and alarm.cause == "porch: view covered"
    assert types(desk.decide([agreed(clock)]))[0] == "alarm.raised"
    (over, good) = desk.decide([ViewGood(**envelope("porch", clock), lasted=5)])
    assert isinstance(over, AlarmOver) and over.alarm == alarm.id
    assert over.cause == "porch: view in order again" and good.type == "view.good"


def test_what_movement_is_for_comes_from_the_config(config: Config, clock: FakeClock) -> None:
    cameras = (Camera("porch", "pattern"), Camera("yard", "pattern", motion="alarm"))
    panel = Panel(cooldown=60, motion="confirm")
    config = dataclasses.replace(config, camera=cameras, panel=panel)
    desk = unit(config, clock)
    assert types(desk.decide([seen(clock, "porch")])) == ["motion.start"]
    (alarm, _) = desk.decide([seen(clock, "yard")])
    assert isinstance(alarm, AlarmRaised)
    clock.seconds += 60
    (alarm, _) = desk.decide([agreed(clock)])
    assert isinstance(alarm, AlarmRaised) and alarm.confirmed


def test_window_and_cooldown_of_troubles_come_from_the_config(
    config: Config, clock: FakeClock
) -> None:
    panel = Panel(cooldown=60, confirm_window=5, trouble_cooldown=7)
    desk = unit(dataclasses.replace(config, panel=panel), clock)
    desk.decide([agreed(clock)])
    clock.seconds += 6
    assert types(desk.decide([seen(clock)])) == ["motion.start", "alarm.suppressed"]
    trouble = ViewTrouble(**envelope("porch", clock), reason="covered")
    desk.decide([trouble, ViewGood(**envelope("porch", clock), lasted=1), trouble])
    assert desk.patience() == 7


def test_what_anybody_writes_makes_no_alarm_that_is_too_long(
    config: Config, clock: FakeClock
) -> None:
    desk = unit(config, clock)
    stamp = envelope("\u0001" * 500, clock)
    many = PirAgreed(**envelope("pirs", clock), sensors=("\u0001" * 60,) * 10)
    for record in (ViewTrouble(**stamp, reason="\u0001" * 100), many):
        (alarm, _) = desk.decide([record])
        assert isinstance(alarm, Noted) and alarm.noted
        encode(dataclasses.replace(alarm, attempt=1000))
