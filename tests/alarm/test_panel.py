"""The panel's decisions, with a clock made of numbers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from camalert.alarm.panel import ChangedMode, Outcome, Panel, Raised, Suppressed
from camalert.records import (
    ButtonPressed,
    ButtonReleased,
    ModeWanted,
    PirActive,
    PirAgreed,
    PirParted,
    Record,
)

STAMP = {"id": "a-1", "time": "t", "clock": "set", "boot": "b", "mono": 0.0}
AGREED = PirAgreed(**STAMP, source="pirs", sensors=("hall", "stairs"))
PARTED = PirParted(**STAMP, source="pirs", sensors=())
PRESSED = ButtonPressed(**STAMP, source="button", pin=4)
RELEASED = ButtonReleased(**STAMP, source="button", pin=4)


def wanted(mode: str) -> ModeWanted:
    return ModeWanted(**STAMP, source="mode", mode=mode, who="anna")


def raised(outcome: Outcome | None) -> bool:
    return isinstance(outcome, Raised)


def test_pirs_that_agree_raise_an_alarm_that_names_them() -> None:
    outcome = Panel("alert", 60).handle(AGREED, 0)
    assert outcome == Raised("movement: hall and stairs", ("hall", "stairs"))


def test_one_pir_alone_raises_nothing() -> None:
    alone = PirActive(**STAMP, source="hall", pin=16)
    assert Panel("alert", 60).handle(alone, 0) is None


def test_agreement_that_the_wire_passes_on_is_for_the_log() -> None:
    wired = PirAgreed(**STAMP, source="pirs", sensors=("hall", "stairs"), wired=True)
    panel = Panel("alert", 60)
    assert panel.handle(wired, 0) is None
    assert raised(panel.handle(PRESSED, 0.01))


def test_within_the_cooldown_a_second_trigger_is_suppressed_and_said() -> None:
    panel = Panel("alert", 60)
    assert raised(panel.handle(AGREED, 100))
    assert panel.handle(PRESSED, 159.9) == Suppressed("button pressed", "cooldown")


def test_after_the_cooldown_the_next_trigger_raises_again() -> None:
    panel = Panel("alert", 60)
    panel.handle(AGREED, 0)
    panel.handle(PARTED, 1)
    assert raised(panel.handle(AGREED, 60))


def test_a_trigger_that_holds_raises_one_alarm_a_cooldown() -> None:
    panel, alarms = Panel("alert", 60), 0
    alarms += raised(panel.handle(AGREED, 0))
    for second in range(1, 200):
        alarms += raised(panel.remind(second))
    assert alarms == 4  # at 0, 60, 120, 180


def test_without_a_cooldown_a_trigger_that_holds_raises_at_its_edge_only() -> None:
    panel = Panel("alert", 0)
    assert raised(panel.handle(AGREED, 0))
    assert panel.deadline() is None and panel.remind(0) is None
    panel.handle(PARTED, 1)
    assert raised(panel.handle(AGREED, 1))


def test_a_trigger_let_go_raises_no_second_alarm() -> None:
    for down, up in ((AGREED, PARTED), (PRESSED, RELEASED)):
        panel = Panel("alert", 60)
        panel.handle(down, 0)
        assert panel.deadline() == 60
        panel.handle(up, 1)
        assert panel.deadline() is None
        assert panel.remind(61) is None


def test_monitor_records_and_tells_nobody() -> None:
    panel = Panel("monitor", 60)
    assert panel.handle(AGREED, 0) == Suppressed("movement: hall and stairs", "mode")
    assert panel.remind(1000) is None
    assert panel.recording


def test_off_records_nothing_but_the_change_of_mode() -> None:
    panel = Panel("alert", 60)
    assert panel.handle(wanted("off"), 0) == ChangedMode("off", "alert", "anna")
    assert not panel.recording
    assert panel.handle(AGREED, 1) is None
    assert panel.remind(1000) is None


def test_arming_needs_a_new_edge() -> None:
    panel = Panel("monitor", 60)
    panel.handle(AGREED, 0)
    panel.handle(wanted("alert"), 1)
    assert panel.remind(2) is None
    assert raised(panel.handle(AGREED, 3))


@pytest.mark.parametrize("mode", ["alert", "nonsense", ""])
def test_the_same_or_an_unknown_mode_changes_nothing(mode: str) -> None:
    panel = Panel("alert", 60)
    assert panel.handle(wanted(mode), 0) is None
    assert panel.mode == "alert"


def test_an_alarm_passed_on_again_begins_a_cooldown() -> None:
    panel = Panel("alert", 60)
    panel.resume(10)
    assert panel.handle(AGREED, 20) == Suppressed("movement: hall and stairs", "cooldown")


EVENTS = st.sampled_from([AGREED, PARTED, PRESSED, RELEASED, None])


@given(st.lists(st.tuples(EVENTS, st.floats(0, 30)), max_size=60))
def test_never_two_alarms_within_a_cooldown(story: list[tuple[Record | None, float]]) -> None:
    panel, now, last = Panel("alert", 60), 0.0, None
    for record, pause in story:
        now += pause
        outcome = panel.handle(record, now) if record else panel.remind(now)
        if raised(outcome):
            assert last is None or now - last >= 60
            last = now
