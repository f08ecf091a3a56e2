"""What is on which line, and that docs/wiring.md says the same."""

import dataclasses
import re
from pathlib import Path

import gpiozero
import pytest

from camalert.config import Button, Config, Flash, Link, Pir
from camalert.errors import BadUsage
from camalert.sensing.wiring import find, wiring

GUIDE = Path(__file__).parents[2] / "docs" / "wiring.md"
PI_4B = 0xC03111


def test_all_that_is_wired_by_default() -> None:
    assert {wired.name: wired.pin for wired in wiring(Config())} == {
        "pir-1": 16,
        "pir-2": 20,
        "button": 4,
        "pir-1-led": 19,
        "pir-2-led": 26,
        "link": 21,
        "action-led": 17,
    }


def test_the_link_trips_the_button_as_they_are_shipped() -> None:
    link, button = find(Config(), "link"), find(Config(), "button")
    assert link.level(True) == button.level(True) == 0
    assert button.pull == "up"


def test_what_is_not_there_is_not_listed() -> None:
    config = Config(
        pir=(Pir("hall", 16), Pir("yard", 20, led=26, enabled=False)),
        link=Link(pin=-1),
        button=Button(led=-1, active_high=True),
    )
    assert [(wired.name, wired.pull) for wired in wiring(config)] == [
        ("hall", "none"),
        ("button", "down"),
    ]


def test_find() -> None:
    config = dataclasses.replace(Config(), pir=(Pir("Front door", 16, active_high=False),))
    assert find(config, "front DOOR").pin == 16
    assert find(config, "16").name == "Front door"
    assert find(config, "16").level(True) == 0
    assert find(config, "5").name == "GPIO5"
    for word in ("54", "-1", "nothing", "²", ""):
        with pytest.raises(BadUsage, match="Front door"):
            find(config, word)


def test_the_guide_shows_the_shipped_defaults() -> None:
    rows = re.findall(
        r"^\| ([\w -]+?) *\| GPIO(\d+) *\| (\d+) *\|", GUIDE.read_text("utf-8"), re.MULTILINE
    )
    assert {name: int(pin) for name, pin, _ in rows} == {
        wired.name: wired.pin for wired in wiring(Config())
    }
    header = gpiozero.pi_info(PI_4B).headers["J8"].pins
    for _, pin, place in rows:
        assert header[int(place)].name == f"GPIO{pin}"


def test_the_guides_drawing_shows_the_same_places() -> None:
    text = GUIDE.read_text("utf-8")
    header = gpiozero.pi_info(PI_4B).headers["J8"].pins
    drawn = re.findall(r"\((\d+)\) (GPIO\d+|3V3|5V|GND)\b", text)
    assert len(drawn) >= 10
    for place, name in drawn:
        assert header[int(place)].name == name


def test_a_flash_is_an_output_of_its_polarity() -> None:
    config = dataclasses.replace(Config(), flash=Flash(23, active_high=False))
    flash = find(config, "flash")
    assert (flash.pin, flash.output, flash.level(True)) == (23, True, 0)
