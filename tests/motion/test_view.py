"""Views in order and in trouble: drawn ones, and real clips, in which nothing is wrong."""

import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from camalert.capture import jpeg
from camalert.motion import decoding
from camalert.motion.view import Good, Limits, Trouble, View

Picture = NDArray[np.float64]
ROWS, COLUMNS = 60, 80
LIMITS = Limits(hold=8, back=10, frozen=60, dark="sudden")
FOOTAGE = Path(__file__).parents[3] / "shared" / "footage"


def scene(seed: int) -> Picture:
    """A place with walls, doors and things of all sizes, as a luma picture of cells."""
    random = np.random.default_rng(seed)
    picture = np.linspace(110, 150, COLUMNS)[None, :] * np.ones((ROWS, 1))
    for _ in range(40):
        top, left = random.integers(0, ROWS - 6), random.integers(0, COLUMNS - 6)
        height, width = random.integers(3, 25), random.integers(3, 25)
        picture[top : top + height, left : left + width] = random.integers(40, 220)
    return picture


class Camera:
    """A view and its pictures, one a second, with the noise of a sensor."""

    def __init__(self, sketch: bytes = b"", limits: Limits = LIMITS) -> None:
        self.view, self.now = View(limits, sketch), 1000.0
        self.random = np.random.default_rng(1)

    def see(self, picture: Picture, noise: float = 0.6) -> Trouble | Good | None:
        noisy = picture + self.random.normal(0, noise, picture.shape)
        self.now += 1
        return self.view.update(np.clip(np.rint(noisy), 0, 255).astype(np.uint8), self.now)

    def watch(self, pictures: Iterable[Picture], noise: float = 0.6) -> list[Trouble | Good]:
        return [told for picture in pictures if (told := self.see(picture, noise))]

    def stay(self, picture: Picture, seconds: int = 30, noise: float = 0.6) -> list[Trouble | Good]:
        return self.watch([picture] * seconds, noise)


def torch(place: Picture) -> Picture:
    """A strong lamp in the middle of the view; the camera's exposure goes down."""
    rows, columns = np.mgrid[:ROWS, :COLUMNS]
    return 0.3 * place + 600 * np.exp(-((columns - 40) ** 2 + (rows - 30) ** 2) / 800)


def hand(place: Picture) -> Picture:
    rows, columns = np.mgrid[: place.shape[0], : place.shape[1]]
    return 60 + columns / 2 + rows / 3


def parked(place: Picture) -> Picture:
    """A van where the lower half was, with a window."""
    picture = place.copy()
    picture[30:, 10:60] = 90
    picture[35:45, 15:30] = 30
    return picture


TROUBLES = {
    "a hand": (hand, "covered"),
    "a bag": (lambda place: 0 * place + 100, "covered"),
    "a lens cap": (lambda place: 0 * place + 2, "black"),
    "nothing from the sensor": (lambda place: 0 * place, "black"),
    "a torch": (torch, "blinded"),
    "white": (lambda place: 0 * place + 255, "blinded"),
    "turned aside": (lambda place: np.roll(place, 12, 1), "turned"),
    "turned a little": (lambda place: np.roll(place, 5, 1), "turned"),
    "turned up": (lambda place: np.roll(place, -8, 0), "turned"),
    "turned away": (lambda place: scene(99), "turned"),
}
GOOD = {
    "less light": lambda place: place / 2,
    "much less light": lambda place: place / 8,
    "a lamp goes on": lambda place: np.minimum(1.4 * place, 240),
    "fog": lambda place: 0.5 * place + 90,
    "shade": lambda place: np.concatenate([0.4 * place[:, :40], place[:, 40:]], 1),
    "a shake": lambda place: np.roll(place, 1, 1),
    "a nudge": lambda place: np.roll(place, 2, 1),
    "infrared light, in which what was dark is light": lambda place: 220 - 0.8 * place,
    "a parked van": parked,
}


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("case", TROUBLES)
def test_trouble_is_told_once_and_then_that_it_is_over(case: str, seed: int) -> None:
    happens, reason = TROUBLES[case]
    camera, place = Camera(), scene(seed)
    assert camera.stay(place) == []
    assert camera.stay(happens(place), 60) == [Trouble(reason)]
    (good,) = camera.stay(place)
    assert isinstance(good, Good) and 50 < good.lasted <= 65


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("case", GOOD)
def test_light_weather_and_things_are_no_trouble(case: str, seed: int) -> None:
    camera, place = Camera(), scene(seed)
    assert camera.stay(place) + camera.stay(GOOD[case](place), 300) + camera.stay(place) == []


def test_trouble_that_passes_is_not_told() -> None:
    camera, place = Camera(), scene(1)
    camera.stay(place)
    assert camera.stay(hand(place), 7) + camera.stay(place) == []


def test_good_is_told_only_when_it_has_lasted() -> None:
    camera, place = Camera(), scene(1)
    camera.stay(place)
    assert camera.stay(hand(place)) == [Trouble("covered")]
    assert camera.stay(place, 7) + camera.stay(hand(place), 20) == []
    assert len(camera.stay(place)) == 1


@pytest.mark.parametrize("minutes", [2, 30])
def test_nightfall_and_dawn_are_no_trouble(minutes: int) -> None:
    camera, place = Camera(), scene(2)
    camera.stay(place)
    steps = 60 * minutes
    evening = [place * 0.01 ** (step / steps) for step in range(steps)]
    night = [place / 100] * 600
    assert camera.watch([*evening, *night, *reversed(evening)], noise=1.0) == []
    assert camera.stay(hand(place)) == [Trouble("covered")]  # and by day it is seen again


def test_what_is_dark_at_once_is_told_as_the_config_says() -> None:
    for dark, told in (
        ("never", []),
        ("sudden", [Trouble("black")]),
        ("always", [Trouble("black")]),
    ):
        camera, place = Camera(limits=LIMITS._replace(dark=dark)), scene(1)
        camera.stay(place)
        assert camera.stay(0 * place + 2, 60, noise=1.0) == told
    camera = Camera(limits=LIMITS._replace(dark="always"))
    assert camera.stay(0 * scene(1)) == [Trouble("black")], "dark from the start"


def test_pictures_that_never_change_are_frozen_if_a_sensor_makes_them() -> None:
    place = scene(1).astype(np.uint8)
    for live, told in ((True, [Trouble("frozen")]), (False, [])):
        view, found = View(LIMITS), []
        for second in range(100):
            found += [view.update(place, second, live)]
        assert [outcome for outcome in found if outcome] == told
        assert found[60] == (told or [None])[0]
    never = View(LIMITS._replace(frozen=0))
    assert not any(never.update(place, second) for second in range(100))


def test_frozen_ends_with_the_next_new_pictures() -> None:
    camera, place = Camera(), scene(1)
    assert camera.stay(place, 70, noise=0) == [Trouble("frozen")]
    (good,) = camera.stay(place)
    assert isinstance(good, Good) and good.lasted == pytest.approx(70, abs=2)


def test_what_is_to_be_ignored_is_not_said() -> None:
    camera, place = Camera(limits=LIMITS._replace(ignore=frozenset({"turned"}))), scene(1)
    camera.stay(place)
    assert camera.stay(scene(99)) + camera.stay(place) == []
    assert camera.stay(hand(place)) == [Trouble("covered")]


def test_a_view_without_edges_is_not_judged_by_them() -> None:
    camera, wall = Camera(), np.full((ROWS, COLUMNS), 120.0)
    assert camera.stay(wall) + camera.stay(wall + 30) + camera.stay(hand(wall)) == []
    assert camera.stay(0 * wall) == [Trouble("black")]


def test_a_view_turned_while_nobody_watched_is_seen_by_its_sketch() -> None:
    before, place = Camera(), scene(1)
    before.stay(place)
    sketch = before.view.sketch
    assert len(sketch) == 160
    same, turned, covered = (Camera(sketch) for _ in range(3))
    assert same.stay(place) + same.stay(place / 3) == []
    assert turned.stay(scene(99), 100) == [Trouble("turned")]
    assert turned.view.sketch == sketch, "what it is turned to must not become the right view"
    assert [type(told) for told in turned.stay(place)] == [Good]
    assert covered.stay(hand(place)) == [Trouble("covered")]


@pytest.mark.parametrize("sketch", [b"", b"short", bytes(161)])
def test_without_a_sketch_the_first_view_is_the_right_one(sketch: bytes) -> None:
    camera = Camera(sketch)
    assert camera.stay(scene(99)) == []
    assert camera.stay(scene(1)) == [Trouble("turned")]


def test_another_size_begins_anew() -> None:
    camera, place = Camera(), scene(1)
    camera.stay(place)
    assert camera.stay(place[:45], 30) == []
    assert camera.stay(hand(place[:45])) == [Trouble("covered")]


def test_only_one_look_a_second() -> None:
    camera, place = Camera(), scene(1)
    camera.stay(place)
    black = np.zeros((ROWS, COLUMNS), np.uint8)
    steps = [camera.view.update(black, camera.now + n / 100) for n in range(1, 90)]
    assert not any(steps)


def test_another_boot_begins_its_waits_anew() -> None:
    camera, place = Camera(), scene(1)
    camera.stay(place)
    camera.stay(hand(place), 7)
    camera.now = 5.0
    assert camera.stay(hand(place), 7) == []
    assert camera.stay(hand(place), 7) == [Trouble("covered")]


def test_another_boot_does_not_end_what_was_told() -> None:
    camera, place = Camera(), scene(1)
    camera.stay(place)
    assert camera.stay(hand(place)) == [Trouble("covered")]
    camera.now = 5.0
    assert camera.stay(hand(place)) == []
    (good,) = camera.stay(place)
    assert isinstance(good, Good) and good.lasted == pytest.approx(31, abs=3)


@pytest.mark.parametrize("dark", ["never", "sudden"])
def test_the_night_does_not_end_what_was_told_by_day(dark: str) -> None:
    camera, place = Camera(limits=LIMITS._replace(dark=dark)), scene(1)
    camera.stay(place)
    assert camera.stay(hand(place)) == [Trouble("covered")]
    evening = [hand(place) * 0.01 ** (step / 300) for step in range(300)]
    assert camera.watch([*evening, *[0 * place] * 100, *reversed(evening)]) == []
    assert [type(told) for told in camera.stay(place)] == [Good]


@settings(max_examples=10)
@given(st.lists(st.sampled_from([*TROUBLES, *GOOD, "place"]), max_size=12), st.integers(1, 9))
def test_trouble_and_good_take_turns(story: list[str], seed: int) -> None:
    camera, place, told = Camera(), scene(seed), []
    for case in story:
        happens = TROUBLES[case][0] if case in TROUBLES else GOOD.get(case, lambda here: here)
        told += camera.stay(happens(place), 20)
    assert [type(outcome) for outcome in told] == ([Trouble, Good] * len(told))[: len(told)]


def lumas(clip: Path) -> Iterator[NDArray[np.uint8]]:
    scale = ["-vf", "scale=640:480:flags=bicubic", "-fps_mode", "passthrough", "-q:v", "2"]
    command = ["ffmpeg", "-v", "error", "-i", str(clip), *scale, "-f", "mjpeg", "-"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as ffmpeg:
        assert ffmpeg.stdout
        chunks = iter(lambda: ffmpeg.stdout.read1(65536), b"")
        yield from (decoding.luma(data) for data in jpeg.frames(chunks))
    assert ffmpeg.returncode == 0


@pytest.mark.skipif(not FOOTAGE.is_dir(), reason="no footage in ../shared")
@pytest.mark.parametrize("clip", ["bottle-detection", "one-by-one-person-detection"])
def test_nothing_is_wrong_with_a_real_view(clip: str) -> None:
    quick, slow, told = View(LIMITS), View(LIMITS), []
    for n, luma in enumerate(lumas(FOOTAGE / f"{clip}.mp4")):
        told += [quick.update(luma, n), slow.update(luma, n / 10)]
    assert not any(told)
