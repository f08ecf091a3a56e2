"""The panel's decisions, with a clock made of numbers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from camalert.alarm.agreement import LOST
from camalert.alarm.panel import (
    ChangedMode,
    Confirmed,
    Outcome,
    Over,
    Panel,
    Raised,
    Suppressed,
)
from camalert.records import (
    ButtonPressed,
    ButtonReleased,
    CameraGood,
    CameraTrouble,
    ModeWanted,
    MotionStart,
    MotionStop,
    PirActive,
    PirAgreed,
    PirParted,
    Record,
    ViewGood,
    ViewTrouble,
)

STAMP = {"id": "a-1", "time": "t", "clock": "set", "boot": "b", "mono": 0.0}
AGREED = PirAgreed(**STAMP, source="pirs", sensors=("hall", "stairs"))
PARTED = PirParted(**STAMP, source="pirs", sensors=())
PRESSED = ButtonPressed(**STAMP, source="button", pin=4)
RELEASED = ButtonReleased(**STAMP, source="button", pin=4)
MOTION = {"score": 2.0, "area": 1.0}
COVERED = ViewTrouble(**STAMP, source="porch", reason="covered")
UNCOVERED = ViewGood(**STAMP, source="porch", lasted=60.0)
DEAD = CameraTrouble(**STAMP, source="porch", reason="no frame for 10 s")
ALIVE = CameraGood(**STAMP, source="porch", lasted=60.0)


def seen(camera: str = "porch") -> MotionStart:
    return MotionStart(**STAMP, source=camera, **MOTION)


def gone(camera: str = "porch") -> MotionStop:
    return MotionStop(**STAMP, source=camera, **MOTION, duration=3.0)


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


# Cameras


def test_movement_that_a_camera_sees_is_an_alarm_as_a_pirs() -> None:
    panel, alarms = Panel("alert", 60), 0
    assert panel.handle(seen(), 0) == Raised("movement seen by porch", ("porch",))
    for second in range(1, 130):
        alarms += raised(panel.remind(second))
    assert alarms == 2, "while it goes on, one a cooldown"
    panel.handle(gone(), 130)
    assert panel.deadline() is None and panel.remind(1000) is None


def test_two_cameras_are_two_triggers_in_one_cooldown() -> None:
    panel = Panel("alert", 60)
    assert raised(panel.handle(seen("porch"), 0))
    assert panel.handle(seen("yard"), 1) == Suppressed("movement seen by yard", "cooldown")
    panel.handle(gone("porch"), 2)
    outcome = panel.remind(60)
    assert isinstance(outcome, Raised) and outcome.cause == "movement seen by yard, not over yet"


def test_a_movement_whose_end_is_lost_is_let_go() -> None:
    panel = Panel("alert", 60)
    panel.handle(seen(), 0)
    assert raised(panel.remind(LOST - 1))
    assert panel.remind(LOST + 60) is None and panel.deadline() is None


def test_what_a_cameras_movement_is_for_is_a_matter_of_its_role() -> None:
    panel = Panel("alert", 60)
    panel.role = {"porch": "log", "yard": "confirm"}.__getitem__
    assert panel.handle(seen("porch"), 0) is None
    assert panel.handle(seen("yard"), 1) is None
    assert panel.deadline() is None
    outcome = panel.handle(AGREED, 2)
    assert isinstance(outcome, Raised) and outcome.confirmed


def test_what_is_for_the_log_confirms_nothing() -> None:
    panel = Panel("alert", 60)
    panel.role = lambda camera: "log"
    panel.handle(seen(), 0)
    outcome = panel.handle(AGREED, 1)
    assert isinstance(outcome, Raised) and not outcome.confirmed
    assert panel.handle(seen("yard"), 2) is None


@pytest.mark.parametrize(
    ("first", "second", "words"),
    [
        (AGREED, seen(), "Confirmed: porch sees movement too"),
        (PRESSED, seen(), "Confirmed: porch sees movement too"),
        (seen(), AGREED, "Confirmed: hall and stairs see movement too"),
        (seen(), PRESSED, "Confirmed: button pressed too"),
    ],
)
def test_the_other_kind_confirms_an_alarm_once(first: Record, second: Record, words: str) -> None:
    panel = Panel("alert", 60)
    outcome = panel.handle(first, 0)
    assert isinstance(outcome, Raised) and not outcome.confirmed
    confirmed = panel.handle(second, 30)
    assert isinstance(confirmed, Confirmed) and confirmed.cause == words
    assert panel.handle(gone(), 31) is None
    assert not isinstance(panel.handle(second, 32), Confirmed)


def test_what_comes_after_the_window_confirms_nothing() -> None:
    panel = Panel("alert", 60)
    panel.handle(AGREED, 0)
    assert panel.handle(seen(), 31) == Suppressed("movement seen by porch", "cooldown")


def test_after_the_cooldown_what_confirms_is_an_alarm_of_its_own() -> None:
    panel = Panel("alert", 10)
    panel.handle(AGREED, 0)
    panel.handle(PARTED, 1)
    assert panel.handle(seen(), 10) == Raised("movement seen by porch", ("porch",), confirmed=True)


def test_agreement_on_the_wire_confirms_what_a_camera_saw() -> None:
    wired = PirAgreed(**STAMP, source="pirs", sensors=("hall",), wired=True)
    panel = Panel("alert", 60)
    panel.handle(seen(), 0)
    assert panel.handle(wired, 1) == Confirmed("Confirmed: hall sees movement too", ("hall",))


def test_in_monitor_and_off_nothing_is_confirmed() -> None:
    for mode in ("monitor", "off"):
        panel = Panel(mode, 60)
        for record in (AGREED, seen(), PARTED, gone()):
            assert not isinstance(panel.handle(record, 0), Raised | Confirmed)
        panel.handle(wanted("alert"), 1)
        outcome = panel.handle(AGREED, 2)
        assert isinstance(outcome, Raised) and not outcome.confirmed


# Troubles of cameras


@pytest.mark.parametrize(
    ("trouble", "good", "cause", "over"),
    [
        (COVERED, UNCOVERED, "porch: view covered", "porch: view in order again"),
        (DEAD, ALIVE, "porch: no pictures: no frame for 10 s", "porch: pictures again"),
    ],
)
def test_a_trouble_is_one_alarm_and_its_end_is_told(
    trouble: Record, good: Record, cause: str, over: str
) -> None:
    panel = Panel("alert", 60)
    outcome = panel.handle(trouble, 0)
    assert isinstance(outcome, Raised)
    assert (outcome.cause, outcome.sensors) == (cause, ("porch",))
    assert panel.deadline() is None
    assert not any(panel.remind(second) for second in range(2000))
    assert panel.handle(good, 2000) == Over(over, ("porch",), outcome.subject)
    assert panel.handle(good, 2001) is None


def test_movement_and_trouble_do_not_swallow_each_other() -> None:
    for first, second in ((AGREED, COVERED), (COVERED, AGREED), (seen(), COVERED)):
        panel = Panel("alert", 60)
        assert raised(panel.handle(first, 0)) and raised(panel.handle(second, 1))


def test_a_trouble_confirms_no_movement() -> None:
    panel = Panel("alert", 60)
    panel.handle(COVERED, 0)
    outcome = panel.handle(AGREED, 1)
    assert isinstance(outcome, Raised) and not outcome.confirmed


def test_a_camera_that_comes_and_goes_is_told_once_a_cooldown() -> None:
    panel, alarms = Panel("alert", 60), 0
    for second in range(0, 1201, 20):
        outcome = panel.handle(DEAD, second)
        alarms += raised(outcome) or raised(panel.remind(second))
        if not raised(outcome):
            assert outcome == Suppressed("porch: no pictures: no frame for 10 s", "cooldown")
        panel.handle(ALIVE, second + 10)
    assert alarms == 3  # at 0, 600, 1200


def test_a_trouble_that_came_in_the_cooldown_and_holds_is_told_at_its_end() -> None:
    panel = Panel("alert", 60)
    panel.handle(COVERED, 0)
    panel.handle(UNCOVERED, 10)
    assert panel.handle(COVERED, 20) == Suppressed("porch: view covered", "cooldown")
    assert panel.deadline() == 600
    assert panel.remind(599) is None and raised(panel.remind(600))


def test_in_monitor_a_trouble_is_recorded_and_told_when_the_panel_is_armed() -> None:
    panel = Panel("monitor", 60)
    assert panel.handle(COVERED, 0) == Suppressed("porch: view covered", "mode")
    assert panel.deadline() is None and panel.remind(1) is None
    panel.handle(wanted("alert"), 10)
    assert raised(panel.remind(10)) and panel.remind(11) is None


def test_in_off_a_trouble_is_dropped_and_its_end_tells_nothing() -> None:
    panel = Panel("off", 60)
    assert panel.handle(COVERED, 0) is None and panel.remind(1) is None
    assert panel.handle(UNCOVERED, 2) is None
    panel.handle(wanted("alert"), 3)
    assert panel.remind(4) is None


def test_an_end_is_told_only_in_alert() -> None:
    panel = Panel("alert", 60)
    panel.handle(COVERED, 0)
    panel.handle(wanted("monitor"), 1)
    assert panel.handle(UNCOVERED, 2) is None


EVENTS = st.sampled_from([AGREED, PARTED, PRESSED, RELEASED, seen(), gone(), seen("yard"), None])


@given(st.lists(st.tuples(EVENTS, st.floats(0, 30)), max_size=60))
def test_never_two_alarms_within_a_cooldown(story: list[tuple[Record | None, float]]) -> None:
    panel, now, last = Panel("alert", 60), 0.0, None
    for record, pause in story:
        now += pause
        outcome = panel.handle(record, now) if record else panel.remind(now)
        assert not isinstance(outcome, Confirmed) or (last is not None and now - last <= 30)
        if raised(outcome):
            assert last is None or now - last >= 60
            last = now
