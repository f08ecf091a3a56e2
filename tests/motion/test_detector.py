"""The detector on made scenes: what must be seen, and what must not.

A scene is 80 x 60 cells of numbers: walls, leaves, light, figures. All is seeded, so repeatable.
"""

import numpy as np
import pytest

from camalert.motion.detector import Detector
from camalert.motion.verdict import Verdict

HEIGHT, WIDTH = 60, 80
ROWS, COLUMNS = np.mgrid[:HEIGHT, :WIDTH]


def cloud(seed, grain, width=WIDTH):
    """Smooth randomness between 0 and 1, in lumps of `grain` cells."""
    values = np.random.default_rng(seed).random((HEIGHT // grain + 3, width // grain + 3))
    y, x = np.arange(HEIGHT) / grain, np.arange(width) / grain
    i, j = y.astype(int), x.astype(int)
    v, u = (3 * t**2 - 2 * t**3 for t in ((y - i)[:, None], x - j))
    upper = values[i][:, j] * (1 - u) + values[i][:, j + 1] * u
    lower = values[i + 1][:, j] * (1 - u) + values[i + 1][:, j + 1] * u
    return upper * (1 - v) + lower * v


def garden(width=WIDTH):
    return 50 + sum(depth * cloud(1, grain, width) for depth, grain in ((60, 16), (50, 4), (25, 2)))


def facade():
    wall = 110 + 30 * cloud(1, 20)
    wall[6:-10:12] *= 0.6
    for top in range(8, HEIGHT - 10, 12):
        for left in range(4, WIDTH - 6, 10):
            wall[top : top + 6, left : left + 5] = 45
    return wall


def room():
    """Almost nothing but plain wall."""
    return 120 + 20 * cloud(1, 30)


def with_figure(scene, left, top=30, height=22, width=7, shade=35):
    scene = scene.copy()
    clothes = shade + 30 * np.random.default_rng(3).random((height, width))
    start, end = max(0, round(left)), min(WIDTH, round(left) + width)
    if start < end:
        piece = clothes[:, start - round(left) : end - round(left)]
        scene[top : top + height, start:end] = piece
    return scene


def seen(scene, n=0, noise=1.2):
    """What the sensor makes of `scene` in its picture number `n`."""
    grain = np.random.default_rng(n).normal(0, noise, scene.shape)
    return np.clip(scene + grain, 0, 255).astype(np.uint8)


def judge(pictures, **settings):
    detector = Detector(**settings)
    return [detector.update(picture) for picture in pictures]


def moved(scene, count=200, start=0, **sensor):
    """The numbers of the pictures in which something moved; `scene(n)` is what there is to see."""
    verdicts = judge(seen(scene(n), n, **sensor) for n in range(start + count))
    return [n for n, verdict in enumerate(verdicts) if verdict.moved and n >= start]


ALL = pytest.mark.parametrize("background", [garden, facade, room])


@ALL
@pytest.mark.parametrize("noise", [0, 1, 3])
def test_nothing_but_noise(background, noise):
    scene = background()
    assert moved(lambda n: scene, noise=noise) == []


@ALL
def test_noise_in_the_dark(background):
    scene = background() * 0.12
    assert moved(lambda n: scene, noise=1.5) == []


LIGHTS = {
    "darker": lambda scene: scene * 0.6,
    "brighter": lambda scene: scene * 1.4,
    "offset": lambda scene: scene + 40,
    "gamma": lambda scene: 255 * (np.clip(scene, 0, 255) / 255) ** 0.7,
    "from one side": lambda scene: scene * (1 - COLUMNS / WIDTH / 2),
    "lamp": lambda scene: (
        scene * (1 + 0.9 * np.exp(-((ROWS - 30) ** 2 + (COLUMNS - 40) ** 2) / 300))
    ),
}


@ALL
@pytest.mark.parametrize("light", LIGHTS)
def test_light_that_changes_at_once(background, light):
    before = background()
    after = LIGHTS[light](before)
    assert moved(lambda n: before if n < 60 else after, 150) == []
    assert moved(lambda n: after if n < 60 else before, 150) == []


@ALL
@pytest.mark.parametrize("speed", [0.5, 2])
def test_clouds_that_pass(background, speed):
    scene, sky = background(), 0.5 + 0.7 * cloud(5, 25, WIDTH + 400)
    assert moved(lambda n: scene * sky[:, int(n * speed) :][:, :WIDTH]) == []


@ALL
def test_light_that_flickers(background):
    scene = background()
    assert moved(lambda n: scene * (1 + 0.12 * np.sin(2.1 * n))) == []


def test_leaves_that_sway_by_a_cell():
    wide = garden(WIDTH + 4)

    def swayed(n):
        x = COLUMNS + 2 + np.sin(0.9 * n + ROWS / 9)
        left = x.astype(int)
        return wide[ROWS, left] * (left + 1 - x) + wide[ROWS, left + 1] * (x - left)

    assert moved(swayed) == []


def test_leaves_that_change_their_shade_are_learnt():
    scene, shades = garden(), [60 * cloud(seed, 3) - 30 for seed in range(12)]
    part = (ROWS < 35) & (COLUMNS < 40)

    def rustled(n):
        whole, rest = divmod(0.6 * n, 1)
        shade = shades[int(whole) % 12] * (1 - rest) + shades[(int(whole) + 1) % 12] * rest
        return scene + shade * part

    assert moved(rustled, start=40) == []


@ALL
@pytest.mark.parametrize("pace", [0.4, 1.0, 2.0])
@pytest.mark.parametrize("shade", [10, 190])
def test_a_figure_that_walks_through(background, pace, shade):
    scene = background()
    found = moved(lambda n: with_figure(scene, (n - 60) * pace - 7, shade=shade))
    inside = [n for n in range(200) if 0 <= (n - 60) * pace - 7 <= WIDTH - 7]
    assert len(set(inside) & set(found)) >= 0.95 * len(inside)
    gone = 60 + (WIDTH + 7) / pace
    assert all(60 <= n <= gone + 6 for n in found)


@ALL
def test_a_figure_under_clouds(background):
    scene, sky = background(), 0.6 + 0.5 * cloud(5, 25, WIDTH + 400)
    found = moved(lambda n: with_figure(scene, n - 67) * sky[:, n : n + WIDTH], 150)
    assert len(set(range(67, 140)) & set(found)) >= 60
    assert min(found) >= 60


@ALL
def test_what_is_left_behind_or_taken_away_is_no_motion_for_long(background):
    scene = background()
    found = moved(lambda n: with_figure(scene, 40) if 60 <= n < 360 else scene, 500)
    assert {60, 360} <= set(found)
    assert set(found) <= set(range(60, 70)) | set(range(360, 370))


@ALL
def test_two_stills_minutes_apart(background):
    scene = background()
    first = seen(scene, 1)
    assert judge([first, seen(with_figure(scene, 30), 2)])[1].moved
    assert judge([first, seen(0.85 * with_figure(scene, 30), 2)])[1].moved
    assert judge([first, seen(with_figure(scene, 30, height=10, width=4), 2)])[1].moved
    assert not judge([first, seen(scene, 2)])[1].moved
    assert not judge([first, seen(1.2 * LIGHTS["from one side"](scene), 2)])[1].moved


def test_the_first_picture_is_the_background():
    assert judge([seen(with_figure(garden(), 30))]) == [Verdict(False, 0.0, 0.0, None)]


def test_the_figure_is_where_the_box_is_and_as_large_as_the_area():
    scene = room()
    verdict = judge([seen(scene, 1), seen(with_figure(scene, 40, 30, 20, 8), 2)])[1]
    assert np.allclose(verdict.box, (50, 50, 60, 83.3), atol=2.6)
    assert verdict.area == pytest.approx(100 * 20 * 8 / 4800, rel=0.25)
    assert {type(number) for number in (verdict.area, verdict.score, *verdict.box)} == {float}
    assert verdict.score == pytest.approx(verdict.area / 0.1, rel=0.05)


def with_light(light):
    scene = garden()
    after = LIGHTS[light](with_figure(scene, 10, 30, 20, 8, shade=10))
    return judge([seen(scene, 1), seen(after, 2)])[1]


def test_light_all_over_is_no_part_of_a_figure_that_comes_with_it():
    verdict = with_light("darker")
    assert np.allclose(verdict.box, (12.5, 50, 22.5, 83.3), atol=2.6)
    assert verdict.area == pytest.approx(100 * 20 * 8 / 4800, rel=0.25)


def test_light_on_a_part_is_mostly_no_part_of_a_figure_that_comes_with_it():
    lit = 100 * np.mean((ROWS - 30) ** 2 + (COLUMNS - 40) ** 2 < 500)
    assert with_light("lamp").area < 100 * 20 * 8 / 4800 + lit / 5


def test_less_than_the_least_area_is_nothing():
    scene = room()
    pictures = [seen(scene, 1), seen(with_figure(scene, 40, 30, 10, 8), 2)]
    area = judge(pictures)[1].area
    assert judge(pictures, area=area)[1].score == pytest.approx(1, abs=0.01)
    assert not judge(pictures, area=area * 1.02)[1].moved


def test_less_than_the_least_change_is_nothing():
    scene = np.full((HEIGHT, WIDTH), 100.0)
    lit = with_figure(scene, 40, 30, 20, 8, shade=40)  # at least 16 steps darker
    assert judge([seen(scene, 1), seen(lit, 2)], threshold=15)[1].moved
    assert not judge([seen(scene, 1), seen(lit, 2)], threshold=45)[1].moved


def test_a_picture_of_another_shape_starts_anew():
    first, other = np.zeros((60, 80), np.uint8), np.full((45, 80), 200, np.uint8)
    assert [verdict.moved for verdict in judge([first, other, first])] == [False] * 3


@pytest.mark.parametrize("shape", [(1, 1), (1, 80), (3, 4), (4, 80), (7, 13), (61, 83)])
def test_every_shape_is_taken(shape):
    random = np.random.default_rng(4)
    pictures = [random.integers(0, 256, shape, np.uint8) for _ in range(8)]
    for verdict in judge(pictures):
        assert 0 <= verdict.area <= 100
        assert verdict.box is None or all(0 <= side <= 100 for side in verdict.box)


def test_what_it_is_given_stays_as_it_was():
    pictures = [seen(with_figure(garden(), 10 * n), n) for n in range(6)]
    for picture in pictures:
        picture.flags.writeable = False
    judge(pictures)


def shifted(scene, across, down):
    """The scene as a camera sees it that has turned by so many cells."""
    y = np.clip(ROWS + down, 0, HEIGHT - 1.001)
    x = np.clip(COLUMNS + across, 0, WIDTH - 1.001)
    i, j = y.astype(int), x.astype(int)
    v, u = y - i, x - j
    upper = scene[i, j] * (1 - u) + scene[i, j + 1] * u
    return upper * (1 - v) + (scene[i + 1, j] * (1 - u) + scene[i + 1, j + 1] * u) * v


@ALL
@pytest.mark.parametrize("reach", [0.3, 1.0])
def test_a_camera_that_shakes_by_up_to_a_cell(background, reach):
    scene, rng = background(), np.random.default_rng(7)
    jolts = rng.normal(0, reach / 2, (200, 2)).clip(-reach, reach)
    assert moved(lambda n: shifted(scene, *jolts[n])) == []


@ALL
def test_snow_and_single_bright_cells(background):
    scene = background()
    flakes = np.random.default_rng(8).random((200, HEIGHT, WIDTH)) < 0.02
    assert moved(lambda n: scene + 60 * flakes[n]) == []


@ALL
def test_rain(background):
    """Forty streaks a picture, three cells long."""
    scene = background()

    def rained(n):
        wet, rng = scene.copy(), np.random.default_rng(n)
        for top, left in rng.integers(0, (HEIGHT - 3, WIDTH), (40, 2)):
            wet[top : top + 3, left] += 15
        return wet

    assert moved(rained) == []


@ALL
@pytest.mark.parametrize("how", ["gain", "gamma"])
def test_an_exposure_that_hunts(background, how):
    scene, rng = background(), np.random.default_rng(9)
    steps = np.where(rng.random(200) < 0.05, rng.choice([0.7, 1.4], 200), 1)
    gains = np.cumprod(steps).clip(0.4, 2.2)
    if how == "gain":
        assert moved(lambda n: scene * gains[n]) == []
    else:
        assert moved(lambda n: 255 * np.clip(scene / 255, 0, 1) ** (gains[n] ** 0.5)) == []


@ALL
def test_a_small_far_figure(background):
    scene = background()
    found = moved(lambda n: with_figure(scene, (n - 60) * 0.5 - 3, 40, 5, 3, shade=15))
    inside = [n for n in range(200) if 0 <= (n - 60) * 0.5 - 3 <= WIDTH - 3]
    assert len(set(inside) & set(found)) >= 0.95 * len(inside)
    assert min(found) >= 60


@ALL
def test_a_figure_at_night(background):
    scene = background() * 0.1
    found = moved(lambda n: with_figure(scene, n - 67, shade=25), noise=2)
    assert len(set(range(67, 130)) & set(found)) >= 60
    assert set(found) <= set(range(60, 150))


@ALL
def test_a_figure_that_stops_is_still_seen_when_it_goes_on(background):
    scene = background()

    def left(n):
        return n - 47 if n < 80 else 33 if n < 160 else 33 + (n - 160) / 2

    found = moved(lambda n: with_figure(scene, left(n)), 240)
    assert set(range(50, 80)) <= set(found)
    assert not set(found) & set(range(86, 160)), "it stands"
    assert set(range(161, 230)) <= set(found), "it was learnt while it stood"


@ALL
def test_light_on_what_stands_is_no_motion(background):
    scene = background()

    def flickering(n):
        light = 1 + 0.12 * np.sin(2.1 * n)
        return light * (with_figure(scene, 40) if n >= 60 else scene)

    assert set(moved(flickering, 300)) <= set(range(60, 70))


@ALL
def test_nothing_is_seen_where_a_figure_has_left(background):
    scene = background()
    found = moved(lambda n: with_figure(scene, 40) if 60 <= n < 100 else scene, 300)
    assert 60 in found
    assert not set(found) & set(range(110, 300))


REGION = ((50.0, 0.0), (100.0, 0.0), (100.0, 100.0), (50.0, 100.0))


def test_zones_and_masks():
    scene = room()
    left_half = [seen(scene, 1), seen(with_figure(scene, 10, 30, 20, 8), 2)]
    right_half = [seen(scene, 1), seen(with_figure(scene, 60, 30, 20, 8), 2)]
    assert judge(right_half, zones=[REGION])[1].moved
    assert not judge(left_half, zones=[REGION])[1].moved
    assert judge(left_half, masks=[REGION])[1].moved
    assert not judge(right_half, masks=[REGION])[1].moved


def test_percent_is_of_what_is_watched():
    scene = room()
    pictures = [seen(scene, 1), seen(with_figure(scene, 60, 30, 20, 8), 2)]
    whole, zoned = judge(pictures)[1], judge(pictures, zones=[REGION])[1]
    assert zoned.area == pytest.approx(2 * whole.area, rel=0.05)
    assert zoned.box == whole.box, "the box is of the picture, always"


def test_light_is_that_of_what_is_watched():
    """A mask that is black in the picture, too, does not hide that the rest has become darker."""
    scene = garden()
    masked = scene.copy()
    masked[:, 20:] = 0
    mask = ((25.0, 0.0), (100.0, 0.0), (100.0, 100.0), (25.0, 100.0))
    darker = masked * 0.6
    assert not any(
        v.moved for v in judge([seen(masked), *[seen(darker, n) for n in range(9)]], masks=[mask])
    )


def test_what_is_not_watched_at_all_never_moved():
    everything = ((0.0, 0.0), (100.0, 0.0), (100.0, 100.0), (0.0, 100.0))
    pictures = [seen(room(), 1), seen(with_figure(room(), 40), 2)]
    assert not any(verdict.moved for verdict in judge(pictures, masks=[everything]))


@pytest.mark.parametrize("background", [garden, facade])
def test_a_jump_of_light_that_clips_the_lightest_cells(background):
    scene = background()
    assert moved(lambda n: scene if n < 60 else np.minimum(scene * 2, 255), 150) == []


@ALL
def test_a_figure_that_comes_with_a_jump_of_gamma_is_seen_and_little_else(background):
    scene = background()
    after = 255 * (with_figure(scene, 40, shade=5) / 255) ** 1.5
    found = judge([*(seen(scene, n) for n in range(20)), seen(after, 20)])[-1]
    assert found.area == pytest.approx(100 * 22 * 7 / 4800, rel=0.35)
