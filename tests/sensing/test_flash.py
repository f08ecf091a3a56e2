"""sensing/flash.py on the simulated board: polarity, order, and off whatever happens."""

import pytest

from camalert.config import Flash as Settings
from camalert.errors import BadConfig, TryAgain
from camalert.sensing.board import Board
from camalert.sensing.flash import Flash
from camalert.sensing.pins import Pins

ALL = pytest.mark.parametrize("active_high", [True, False])


@ALL
def test_it_is_on_first_then_settles_then_the_picture_is_taken(board: Board, tmp_path, active_high):
    order = []

    def level():
        return board.line(23).level == active_high

    def settle(seconds):
        order.append(("settle", seconds, level()))

    with Pins(tmp_path) as pins:
        flash = Flash(Settings(23, active_high, settle=1.5), pins, settle)
        order.append(("taken", level()))
        for _ in range(2):
            with flash.lit():
                order.append(("picture", level()))
            order.append(("after", level()))
    once = [("settle", 1.5, True), ("picture", True), ("after", False)]
    assert order == [("taken", False), *once, *once]


@ALL
@pytest.mark.parametrize("failure", [RuntimeError, SystemExit, KeyboardInterrupt, BrokenPipeError])
def test_it_is_off_after_any_failure(board: Board, tmp_path, active_high, failure):
    with Pins(tmp_path) as pins:
        flash = Flash(Settings(23, active_high), pins, lambda _: None)
        with pytest.raises(failure), flash.lit():
            raise failure
        assert board.line(23).level == (not active_high)


@ALL
def test_it_is_off_when_settling_is_interrupted(board: Board, tmp_path, active_high):
    def interrupted(_):
        raise SystemExit(143)

    with Pins(tmp_path) as pins:
        flash = Flash(Settings(23, active_high), pins, interrupted)
        with pytest.raises(SystemExit), flash.lit():
            pytest.fail("no picture without light")
        assert board.line(23).level == (not active_high)


@ALL
def test_what_was_left_on_is_off_when_it_is_taken(board: Board, tmp_path, active_high):
    board.output(23, int(active_high))  # as a process leaves it that was killed
    with Pins(tmp_path) as pins:
        Flash(Settings(23, active_high), pins, lambda _: None)
        assert board.line(23).level == (not active_high)


def test_no_pin_is_an_error_of_the_config_and_a_taken_one_can_be_tried_again(board, tmp_path):
    with Pins(tmp_path) as pins:
        with pytest.raises(BadConfig, match=r"flash\.pin: is not set"):
            Flash(Settings(), pins, lambda _: None)
        pins.output("lamp", 23)
        with pytest.raises(TryAgain):
            Flash(Settings(23), pins, lambda _: None)
