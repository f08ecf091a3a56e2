"""Footage that the project makes itself: labelled JPEGs of 640 x 480, the same each time.

`python tests/footage/scenes.py FOLDER [SCENE]...` writes them: a folder a scene, with `labels.csv`
(frame, label, event): 1 something moves, 0 nothing does, -1 not scored (the edges of an event, what
stands still); the event's number, or -1.
"""

import csv
import io
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

WIDTH, HEIGHT = 640, 480
RATE = 10.0
"""Pictures a second."""

View = NDArray[np.float32]
COLUMNS, ROWS = np.meshgrid(np.arange(WIDTH, dtype=np.float32), np.arange(HEIGHT, dtype=np.float32))
ROOM = 48
"""Pixels of a wide view beyond each edge of the picture, for what sways and shakes."""


class Shot(NamedTuple):
    """What the sensor sees (luma, 0 to 255), and what it is to be held for."""

    view: View
    label: int = 0
    event: int = -1


# What is there


def cloud(seed: int, grain: int, width: int = WIDTH, height: int = HEIGHT) -> View:
    """Smooth randomness between 0 and 1, in lumps of `grain` pixels."""
    values = np.random.default_rng(seed).random((height // grain + 2, width // grain + 2))
    small = Image.fromarray((255 * values).astype(np.uint8))
    box = (0, 0, width / grain, height / grain)
    large = small.resize((width, height), Image.Resampling.BICUBIC, box=box)
    return np.asarray(large, np.float32) / 255


def garden(margin: int = 0) -> View:
    """Leaves and grass: texture of every size."""
    size = WIDTH + 2 * margin, HEIGHT + 2 * margin
    grains = ((60, 128), (50, 32), (25, 16), (20, 5))
    parts = (depth * cloud(grain, grain, *size) for depth, grain in grains)
    return 40 + np.sum(list(parts), axis=0, dtype=np.float32)


def facade() -> View:
    """A wall with windows over a lawn: wide plain parts, hard edges."""
    wall = 115 + 30 * cloud(1, 160) + 6 * cloud(2, 4)
    for top in range(40, 330, 96):
        wall[top + 60 : top + 66] *= 0.7
        for left in range(30, WIDTH - 50, 90):
            wall[top : top + 48, left : left + 40] = 45 + 10 * cloud(3, 8)[:48, :40]
    wall[380:] = garden()[380:]
    return wall


def with_figure(
    view: View, left: float, height: int = 180, feet: int = 430, shade: int = 30
) -> View:
    """A person: legs, body and head, a third as wide as high, in clothes of some texture."""
    view, width = view.copy(), height // 3
    top, at = feet - height, round(left)
    across, down = np.meshgrid(np.linspace(-1, 1, width), np.linspace(0, 1, height))
    body = (down > 0.17) & (down < 0.6) & (np.abs(across) < 0.9)
    legs = (down >= 0.6) & (np.abs(np.abs(across) - 0.42) < 0.3)
    head = (across / 0.5) ** 2 + ((down - 0.09) / 0.09) ** 2 < 1
    clothes = shade + 35 * cloud(7, 12, width, height) + 90 * head
    start, end = max(0, at), min(WIDTH, at + width)
    if start < end:
        shape = (body | legs | head)[:, start - at : end - at]
        part = view[top:feet, start:end]
        part[shape] = clothes[:, start - at : end - at][shape]
    return view


def walk(
    views: Iterator[View],
    first: int,
    pace: float,
    height: int = 180,
    feet: int = 430,
    shade: int = 30,
) -> Iterator[Shot]:
    """`views` with a figure: in from the left at picture `first`, `pace` pixels a picture."""
    width = height // 3
    for n, view in enumerate(views):
        left = (n - first) * pace - width
        if not -width < left < WIDTH:
            # After it has left, the view is unsettled for a moment.
            settled = n <= first or left > WIDTH + 8 * pace
            yield Shot(view, 0 if settled else -1)
            continue
        whole = 0 <= left <= WIDTH - width
        yield Shot(with_figure(view, left, height, feet, shade), 1 if whole else -1, 0)


def still(view: View, count: int) -> Iterator[View]:
    return (view for _ in range(count))


# The scenes: nothing moves


def slow_light() -> Iterator[Shot]:
    """Dusk and dawn: to a third of the light and back, by 1.5 percent a picture."""
    view = garden()
    for n in range(150):
        yield Shot(view * 0.985 ** min(n, 150 - n))


def sudden_light() -> Iterator[Shot]:
    """A lamp at the wall goes on, then off; then the ceiling's light goes on for all."""
    view = facade()
    lamp = 1 + 1.2 * np.exp(-((COLUMNS - 420) ** 2 + (ROWS - 200) ** 2) / 2 / 130**2)
    for n in range(150):
        light = lamp if 40 <= n < 75 else 1.7 if n >= 110 else 1.0
        yield Shot(0.7 * view * light)


def cloud_shadow() -> Iterator[Shot]:
    """The soft edge of a cloud crosses, 14 pixels a picture, and takes 45 percent of the light."""
    view = garden()
    for n in range(150):
        edge = COLUMNS + 0.3 * ROWS - 14.0 * (n - 30)
        shade = 1 / (1 + np.exp(edge / 30)) - 1 / (1 + np.exp((edge + 500) / 30))
        yield Shot(view * (1 - 0.45 * shade))


def swaying_texture() -> Iterator[Shot]:
    """Trees in gusts of wind: all above the lawn sways by up to 9 pixels, each part in its time."""
    wide, reach = garden(ROOM), np.clip((330 - ROWS) / 330, 0, 1)
    for n in range(150):
        gust = 4 + 5 * np.sin(0.13 * n) ** 2
        x = COLUMNS + ROOM + gust * reach * np.sin(0.8 * n + ROWS / 70 + 2 * np.sin(COLUMNS / 200))
        y = (ROWS + ROOM + 0.3 * gust * reach * np.sin(0.5 * n + COLUMNS / 60)).astype(np.intp)
        left = x.astype(np.intp)
        part = x - left
        yield Shot(wide[y, left] * (1 - part) + wide[y, left + 1] * part)


def shake() -> Iterator[Shot]:
    """A pole in the wind: the whole picture jumps by up to 7 pixels either way."""
    wide, chance = garden(ROOM), np.random.default_rng(5)
    for _ in range(120):
        x, y = ROOM + chance.integers(-7, 8, 2)
        yield Shot(wide[y : y + HEIGHT, x : x + WIDTH])


def streaks(view: View, chance: np.random.Generator, count: int) -> View:
    """Rain before the lens: bright, slanted lines of 1 x 14 to 2 x 30 pixels."""
    view = view.copy()
    for _ in range(count):
        x, y, length = chance.integers(WIDTH), chance.integers(HEIGHT), chance.integers(14, 30)
        wide = 1 + (length > 24)
        for step in range(min(length, HEIGHT - y)):
            at = x + step // 6
            view[y + step, at : at + wide] += 45
    return view


def rain() -> Iterator[Shot]:
    """Heavy rain: 250 drops in each picture, nowhere twice."""
    view, chance = garden(), np.random.default_rng(6)
    for _ in range(100):
        yield Shot(streaks(view, chance, 250))


def grainy(view: View, n: int, sigma: float) -> View:
    """`view` with the coarse noise of a sensor at its highest gain."""
    chance = np.random.default_rng(n)
    coarse = chance.normal(0, sigma, (HEIGHT // 2, WIDTH // 2)).astype(np.float32)
    return view + np.repeat(np.repeat(coarse, 2, 0), 2, 1)


def night_noise() -> Iterator[Shot]:
    """A tenth of the light, and coarse noise as strong as what there is to see."""
    view = 0.1 * garden()
    for n in range(120):
        yield Shot(grainy(view, n, 5))


def exposure_jump() -> Iterator[Shot]:
    """The camera's exposure jumps, at one picture, then creeps back; its gamma goes along."""
    view, gain = facade(), 1.0
    for n in range(150):
        gain = {30: 1.6, 70: 0.55, 110: 1.4}.get(n, gain + 0.04 * (1 - gain))
        yield Shot(255 * (np.clip(view * gain, 0, 255) / 255) ** (1 / (0.7 + 0.3 * gain)))


# The scenes: something moves


def figure() -> Iterator[Shot]:
    """Somebody walks through, by day."""
    return walk(still(facade(), 150), 40, 9)


def small_far_figure() -> Iterator[Shot]:
    """Somebody far away: 20 x 60 pixels, a quarter of a percent of the picture."""
    return walk(still(garden(), 190), 40, 5, height=60, feet=250, shade=10)


def figure_at_night() -> Iterator[Shot]:
    """Somebody lit by a street lamp, in the noise of the night."""
    views = (grainy(0.15 * facade(), n, 3) for n in range(150))
    return walk(views, 40, 9, shade=70)


def figure_in_rain() -> Iterator[Shot]:
    """Somebody walks through the rain."""
    view, chance = garden(), np.random.default_rng(8)
    return walk((streaks(view, chance, 150) for _ in range(140)), 40, 9, shade=5)


def figure_under_clouds() -> Iterator[Shot]:
    """Somebody walks through while the shadow of a cloud crosses the other way."""
    views = (shot.view[:, ::-1] for shot in cloud_shadow())
    return walk(views, 40, 9, shade=5)


def ghost() -> Iterator[Shot]:
    """Somebody who has stood there since before the first picture leaves: he is no longer there."""
    view = facade()
    for n in range(150):
        left = 300 + 10.0 * max(0, n - 50)
        inside = left < WIDTH
        # Until he is off his place there is little to see; when he has left, the place is new.
        label = 0 if n <= 50 else 1 if n >= 56 and left <= WIDTH - 60 else -1 if n < 100 else 0
        yield Shot(with_figure(view, left) if inside else view, label, 0 if 50 < n < 100 else -1)


def figure_that_stops() -> Iterator[Shot]:
    """Somebody comes, stands still for six seconds, and goes on."""
    view = facade()
    for n in range(180):
        left = 9.0 * (n - 30) - 60
        left = min(left, 250) if n < 125 else 250 + 9.0 * (n - 125)
        if left <= -60 or left > WIDTH:
            yield Shot(view, 0 if n <= 30 or n > 175 else -1)
            continue
        moving = left < 250 or n > 125
        whole = 0 <= left <= WIDTH - 60 and moving and not 125 < n < 130
        event = 0 if n < 80 else 1 if n > 125 else -1
        yield Shot(with_figure(view, left), 1 if whole else -1, event)


SCENES: dict[str, Callable[[], Iterator[Shot]]] = {
    scene.__name__: scene
    for scene in (
        slow_light,
        sudden_light,
        cloud_shadow,
        swaying_texture,
        shake,
        rain,
        night_noise,
        exposure_jump,
        figure,
        small_far_figure,
        figure_at_night,
        figure_in_rain,
        figure_under_clouds,
        ghost,
        figure_that_stops,
    )
}


# The camera


GRAIN = np.random.default_rng(9).normal(0, 1.5, (HEIGHT, 2 * WIDTH)).astype(np.float32)


def develop(view: View, n: int) -> bytes:
    """Picture `n` as the camera sends it: with the sensor's noise, a little warm, as a JPEG."""
    start = n * 97 % WIDTH
    grain = np.roll(GRAIN, n * 61, axis=0)[:, start : start + WIDTH]
    gray = Image.fromarray(np.clip(view + grain, 0, 255).astype(np.uint8))
    warm = gray.point([round(value * 0.92) for value in range(256)])
    out = io.BytesIO()
    Image.merge("RGB", (gray, gray, warm)).save(out, "JPEG", quality=85)
    return out.getvalue()


def write(name: str, folder: Path) -> Path:
    """The scene `name` as JPEGs and labels in `folder`, which is made; the path of the labels."""
    folder.mkdir(parents=True)
    labels = folder / "labels.csv"
    with labels.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(("frame", "label", "event"))
        for n, shot in enumerate(SCENES[name]()):
            (folder / f"{n:06}.jpg").write_bytes(develop(shot.view, n))
            rows.writerow((n, shot.label, shot.event))
    return labels


if __name__ == "__main__":
    for scene in sys.argv[2:] or SCENES:
        print(write(scene, Path(sys.argv[1], scene)))
