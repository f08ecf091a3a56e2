"""The camera side with noted pins and a clock in the test's hand."""

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from camalert.config import Button as ButtonConfig
from camalert.config import Config, Paths
from camalert.sensing.button import AFTER_PRESS, LATER, SOON, Button


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return Config(paths=Paths(spool=str(tmp_path)))


def told(button: Button) -> list[tuple[str, bool]]:
    return [(record.type, vars(record)["at_start"]) for record in button.news()]


def test_press_and_release(config: Config, pins: Any, clock: Any) -> None:
    button = Button(config, pins, clock)
    assert button.patience() == 0
    assert told(button) == []
    for on, name in ((True, "button.pressed"), (False, "button.released")):
        pins.change("button", on)
        assert told(button) == []
        assert button.patience() == pytest.approx(0.05)
        clock.time += 0.05
        assert told(button) == [(name, False)]
        clock.time += 1


def test_bouncing_is_one_press(config: Config, pins: Any, clock: Any) -> None:
    button = Button(config, pins, clock)
    button.news()
    for on in (True, False, True, False, True):
        pins.change("button", on)
        clock.time += 0.01
        assert told(button) == []
    clock.time += 0.05
    assert told(button) == [("button.pressed", False)]


def test_pressed_at_start(config: Config, pins: Any, clock: Any) -> None:
    pins.at_start = {"button"}
    button = Button(config, pins, clock)
    assert told(button) == [("button.pressed", True)]


def test_what_the_record_holds(config: Config, pins: Any, clock: Any) -> None:
    pins.at_start = {"gate"}
    config = dataclasses.replace(config, button=ButtonConfig(name="gate", pin=5, active_high=True))
    record = vars(Button(config, pins, clock).news()[0])
    assert (record["source"], record["pin"]) == ("gate", 5)
    assert (pins.lines["gate"].active_high, pins.lines["gate"].pull) == (True, "down")


def test_the_button_pulls_its_pin_low_by_default(config: Config, pins: Any, clock: Any) -> None:
    Button(config, pins, clock)
    assert (pins.lines["button"].active_high, pins.lines["button"].pull) == (False, "up")


def test_the_led_is_lit_while_an_alarm_is_noted(config: Config, pins: Any, clock: Any) -> None:
    button = Button(config, pins, clock)
    notes = config.folder("spool", "notes")
    button.news()
    assert not pins.is_on("action-led")
    assert button.patience() == pytest.approx(LATER)
    notes.mkdir()
    (notes / "a-1.note").touch()
    button.news()
    assert not pins.is_on("action-led"), "it looks when it is time to"
    clock.time += LATER
    button.news()
    assert pins.is_on("action-led")
    assert button.patience() == pytest.approx(SOON)
    (notes / "a-1.note").unlink()
    clock.time += SOON
    button.news()
    assert not pins.is_on("action-led")
    assert button.patience() == pytest.approx(LATER)


def test_after_a_press_it_looks_often(config: Config, pins: Any, clock: Any) -> None:
    button = Button(config, pins, clock)
    button.news()
    pins.change("button", True)
    button.news()
    clock.time += 0.05
    button.news()
    assert button.patience() == pytest.approx(SOON)
    clock.time += AFTER_PRESS
    button.news()
    assert button.patience() == pytest.approx(LATER)


def test_without_an_led_it_waits_for_the_button_alone(
    config: Config, pins: Any, clock: Any
) -> None:
    config = dataclasses.replace(config, button=ButtonConfig(led=-1))
    button = Button(config, pins, clock)
    button.news()
    assert button.patience() is None
    assert set(pins.lines) == {"button"}
