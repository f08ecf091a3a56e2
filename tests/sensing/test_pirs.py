"""The sensor side with noted pins and a clock in the test's hand."""

import dataclasses
import logging
from typing import Any

import pytest

from camalert.config import Config, Link, Pir, Sensing
from camalert.errors import BadConfig
from camalert.records import Record
from camalert.sensing.pirs import Pirs

TWO = Config()


def types(news: list[Record]) -> list[str]:
    return [f"{record.type} {record.source}" for record in news]


class Side:
    """Pirs, and time that passes: `after` asks when `patience` says so, as the command does."""

    def __init__(self, pins: Any, clock: Any, config: Config = TWO, settle: float = 0) -> None:
        self.pins, self.clock = pins, clock
        self.pirs = Pirs(config, pins, clock, settle)

    def after(self, seconds: float) -> list[str]:
        end, told = self.clock.time + seconds, types(self.pirs.news())
        while (patience := self.pirs.patience()) is not None and self.clock.time + patience <= end:
            self.clock.time += patience
            told += types(self.pirs.news())
        self.clock.time = end
        return told


@pytest.mark.parametrize(
    ("first", "second"), [(True, True), (True, False), (False, True), (False, False)]
)
def test_truth_table(pins: Any, clock: Any, first: bool, second: bool) -> None:
    side = Side(pins, clock)
    side.after(1)
    pins.change("pir-1", first)
    pins.change("pir-2", second)
    told = side.after(100)
    expected = ["pir.active pir-1"] * first + ["pir.active pir-2"] * second
    assert told == expected + ["pir.agreed pirs"] * (first and second)
    assert pins.is_on("pir-1-led") == first
    assert pins.is_on("pir-2-led") == second
    assert pins.is_on("link") == (first and second)


def test_the_link_is_on_for_as_long_as_they_agree(pins: Any, clock: Any) -> None:
    side = Side(pins, clock)
    side.after(1)
    pins.change("pir-1", True)
    assert side.after(2) == ["pir.active pir-1"]
    pins.change("pir-1", False)
    assert side.after(2) == ["pir.idle pir-1"]
    pins.change("pir-2", True)
    assert side.after(0.5) == ["pir.active pir-2", "pir.agreed pirs"]
    assert pins.is_on("link")
    assert side.after(5) == ["pir.parted pirs"], "the first one's vote has run out"
    assert not pins.is_on("link")


def test_what_the_records_hold(pins: Any, clock: Any) -> None:
    config = dataclasses.replace(TWO, link=Link(wired=True))
    pins.at_start = {"pir-1", "pir-2"}
    pirs = Pirs(config, pins, clock, 0)
    one, two, agreed = (vars(record) for record in pirs.news())
    assert (one["pin"], one["source"], one["at_start"]) == (16, "pir-1", True)
    assert (two["pin"], two["source"], two["at_start"]) == (20, "pir-2", True)
    assert (agreed["sensors"], agreed["wired"]) == (("pir-1", "pir-2"), True)


def test_settling(pins: Any, clock: Any, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    pins.at_start = {"pir-2"}
    side = Side(pins, clock, settle=30)
    assert pins.is_on("pir-2-led"), "the LEDs follow from the first moment"
    assert caplog.messages == ["settling for 30 s"]
    for _ in range(10):
        pins.change("pir-1", True)
        assert side.after(1) == []
        assert pins.is_on("pir-1-led")
        pins.change("pir-1", False)
        assert side.after(1) == []
    assert not pins.is_on("link")
    assert side.after(15) == ["pir.active pir-2"]
    assert caplog.messages[1:] == ["watching pir-1 (GPIO16), pir-2 (GPIO20)"]
    pins.change("pir-1", True)
    assert side.after(1) == ["pir.active pir-1", "pir.agreed pirs"]


def test_a_glitch_and_a_storm(pins: Any, clock: Any) -> None:
    side = Side(pins, clock)
    side.after(1)
    pins.change("pir-1", True)
    assert side.after(0.02) == []
    pins.change("pir-1", False)
    assert side.after(1) == []
    for n in range(1000):
        pins.change("pir-1", n % 2 == 0)
        assert side.after(0.005) == []
    pins.change("pir-1", True)
    assert side.after(1) == ["pir.active pir-1"]
    assert pins.lines["pir-1-led"].switched == 1


def test_an_edge_that_was_lost_is_made_up_for(pins: Any, clock: Any) -> None:
    side = Side(pins, clock)
    side.after(1)
    pins.change("pir-1", True)
    pins.edges()
    side.after(0)
    assert side.after(1) == ["pir.active pir-1"]


def test_a_disabled_pir_is_never_touched(pins: Any, clock: Any) -> None:
    config = dataclasses.replace(TWO, pir=(*TWO.pir, Pir("yard", 12, led=13, enabled=False)))
    side = Side(pins, clock, config)
    assert set(pins.lines) == {"pir-1", "pir-2", "pir-1-led", "pir-2-led", "link"}
    side.after(1)


def test_of_two_of_which_one_is_disabled_the_other_agrees_alone(pins: Any, clock: Any) -> None:
    second = dataclasses.replace(TWO.pir[1], enabled=False)
    side = Side(pins, clock, dataclasses.replace(TWO, pir=(TWO.pir[0], second)))
    side.after(1)
    pins.change("pir-1", True)
    assert side.after(1) == ["pir.active pir-1", "pir.agreed pirs"]


def test_two_of_three(pins: Any, clock: Any) -> None:
    config = dataclasses.replace(
        TWO, pir=(*TWO.pir, Pir("yard", 12, active_high=False, pull="up")), sensing=Sensing(agree=2)
    )
    side = Side(pins, clock, config)
    assert pins.lines["yard"] == dataclasses.replace(
        pins.lines["yard"], pull="up", active_high=False
    )
    side.after(1)
    pins.change("yard", True)
    pins.change("pir-2", True)
    assert side.after(1)[-1] == "pir.agreed pirs"


def test_without_link_and_leds(pins: Any, clock: Any) -> None:
    config = dataclasses.replace(TWO, link=Link(pin=-1), pir=(Pir("hall", 16),))
    side = Side(pins, clock, config)
    side.after(1)
    pins.change("hall", True)
    assert side.after(1) == ["pir.active hall", "pir.agreed pirs"]
    assert set(pins.lines) == {"hall"}


def test_no_pir_at_all(pins: Any, clock: Any) -> None:
    with pytest.raises(BadConfig, match="none is enabled"):
        Pirs(dataclasses.replace(TWO, pir=()), pins, clock, 0)
