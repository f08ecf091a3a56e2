"""capture/timelapse.py: the interval is kept, whatever a picture takes."""

import pytest

from camalert.capture.timelapse import Slots, run


class World:
    """A clock that only waiting and shooting move; each shot takes the next of `costs` seconds."""

    def __init__(self, *costs):
        self.time, self.costs = 1000.0, list(costs)
        self.shots, self.missed = [], []

    def now(self):
        return self.time

    def wait(self, seconds):
        assert seconds >= 0
        self.time += seconds

    def shoot(self):
        self.shots.append(self.time - 1000)
        self.time += self.costs.pop(0)


def lapse(interval, *costs):
    world = World(*costs)
    run(interval, len(costs), world.now, world.wait, world.shoot, world.missed.append)
    return world


def test_what_a_picture_takes_does_not_add_up():
    world = lapse(10, *[3.7] * 50)
    assert world.shots == [10 * n for n in range(50)]
    assert world.missed == []


def test_a_slot_that_is_missed_is_left_out_and_the_next_ones_are_kept():
    world = lapse(10, 1, 35, 1, 9.99, 1)
    assert world.shots == [0, 10, 50, 60, 70]
    assert world.missed == [3]


def test_a_picture_that_takes_just_the_interval_misses_nothing():
    world = lapse(10, 10, 20, 1)
    assert world.shots == [0, 10, 30]
    assert world.missed == [1]


def test_after_the_last_picture_nothing_is_waited_for():
    world = lapse(10, 1, 1)
    assert world.time == 1011


def test_without_a_number_it_goes_on():
    world = World(*[1] * 100)
    with pytest.raises(IndexError):
        run(5, None, world.now, world.wait, world.shoot, world.missed.append)
    assert len(world.shots) == 101


@pytest.mark.parametrize("interval", [0.1, 1 / 3, 7.3])
def test_slots_do_not_drift_over_a_year(interval):
    slots = Slots(5.0, interval)
    number = round(365 * 86400 / interval)
    assert slots.passed(5.0 + (number - 0.5) * interval) == number - 1
    assert slots.due == pytest.approx(5.0 + number * interval)
    assert slots.passed(slots.due) <= 1
