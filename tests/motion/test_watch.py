"""From frames to records: one camera or many, with a clock that the test sets."""

import dataclasses
import io
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from PIL import Image

from camalert import config as configs
from camalert.config import Camera, Config
from camalert.errors import BadConfig, Unavailable
from camalert.motion import watch as watches
from camalert.motion.judges import Judges
from camalert.motion.sketches import Sketches
from camalert.motion.watch import Watch, current
from camalert.records import (
    CameraTrouble,
    FrameCaptured,
    MotionStart,
    MotionStop,
    Record,
    ViewGood,
    ViewTrouble,
    envelope,
)

BERLIN = ZoneInfo("Europe/Berlin")


class FakeClock:
    def __init__(self) -> None:
        self.seconds, self.start = 5000.0, datetime(2026, 12, 1, 20, tzinfo=UTC)

    def now(self) -> datetime:
        return self.start + timedelta(seconds=self.seconds - 5000)

    def monotonic(self) -> float:
        return self.seconds


def place(figure: int | None = None, seed: int = 1) -> bytes:
    """A JPEG of a place with things in it, and of a figure so many cells from the left."""
    random = np.random.default_rng(seed)
    cells = np.full((60, 80), 120, np.uint8)
    for _ in range(25):
        top, left = random.integers(0, 50), random.integers(0, 70)
        cells[top : top + 9, left : left + 9] = random.integers(40, 220)
    if figure is not None:
        cells[20:50, figure : figure + 8] = 250
        cells[20:50:4, figure : figure + 8] = 5
    return jpeg(cells)


def jpeg(cells: "np.ndarray[tuple[int, int], np.dtype[np.uint8]]") -> bytes:
    stream = io.BytesIO()
    Image.fromarray(cells).resize((640, 480), Image.Resampling.NEAREST).save(stream, "JPEG")
    return stream.getvalue()


class House:
    """A watch whose frames come two a second, as soon as they are taken."""

    def __init__(self, folder: Path, **parts: object) -> None:
        self.clock, self.config = FakeClock(), Config(**parts)  # type: ignore[arg-type]
        self.folder = folder
        self.start()

    def start(self) -> None:
        judges, sketches = Judges(lambda: self.config, {}), Sketches(self.folder)
        self.watch = Watch(lambda: self.config, judges, self.clock, sketches, BERLIN)

    def see(self, data: bytes, camera: str = "porch", late: float = 0.0) -> list[Record]:
        self.clock.seconds += 0.5
        moment = self.clock.seconds - late
        return list(self.watch.frame(camera, f"{moment:.1f}.jpg", lambda: data, moment))

    def quiet(self, frames: int = 20, camera: str = "porch") -> list[Record]:
        return [record for _ in range(frames) for record in self.see(place(), camera)]

    def walk(self, frames: int = 6, camera: str = "porch") -> list[Record]:
        steps = range(10, 10 + 8 * frames, 8)
        return [record for step in steps for record in self.see(place(step % 70), camera)]


@pytest.fixture
def make(tmp_path: Path) -> Callable[..., House]:
    return lambda **parts: House(tmp_path / "view", **parts)


def types(records: list[Record]) -> list[str]:
    return [record.type for record in records]


def test_somebody_who_walks_past_is_one_event(make: Callable[..., House]) -> None:
    house = make()
    assert house.quiet() == []
    (start,) = house.walk()
    assert isinstance(start, MotionStart) and start.source == "porch"
    assert start.score > 1 and start.area > 1 and start.box is not None
    assert start.file.endswith(".jpg")
    (stop,) = house.quiet(40)
    assert isinstance(stop, MotionStop)
    assert 2 <= stop.duration <= 6 and stop.score >= start.score


def test_cameras_are_told_apart(make: Callable[..., House]) -> None:
    house = make()
    for camera in ("porch", "yard"):
        house.quiet(camera=camera)
    assert [record.source for record in house.walk(camera="yard")] == ["yard"]
    assert house.quiet(5, "porch") == []


def test_silence_ends_an_event_by_the_clock_of_its_frames(make: Callable[..., House]) -> None:
    house = make()
    for _ in range(20):
        house.see(place(), late=300)
    for step in range(10, 60, 8):
        told = house.see(place(step), late=300)
    assert house.watch.patience() == pytest.approx(10)
    house.clock.seconds += 9.9
    assert list(house.watch.idle()) == []
    house.clock.seconds += 0.1
    (stop,) = house.watch.idle()
    assert stop.type == "motion.stop" and told == []
    assert house.watch.patience() is None


def test_no_more_frames_end_the_event(make: Callable[..., House]) -> None:
    house = make()
    house.quiet()
    house.walk()
    assert types(list(house.watch.end())) == ["motion.stop"]
    assert list(house.watch.end()) == []


def test_movement_counts_in_the_hours_of_the_schedule_only(make: Callable[..., House]) -> None:
    house = make(watch=configs.Watch(active=("22:00-06:00",)))
    house.quiet()  # it is 21:00 in Berlin
    assert house.walk() == []
    house.clock.start += timedelta(hours=1)
    house.quiet(30)
    assert types(house.walk(3)) == ["motion.start"]
    house.clock.start += timedelta(hours=8)
    assert types(house.walk(1)) == ["motion.stop"]
    assert house.walk() == []


def test_while_the_clock_is_not_set_movement_always_counts(make: Callable[..., House]) -> None:
    house = make(watch=configs.Watch(active=("22:00-06:00",)))
    house.clock.start = datetime(1970, 1, 1, 12, tzinfo=UTC)
    house.quiet()
    assert types(house.walk()) == ["motion.start"]


def test_frames_that_cannot_be_used_are_counted_and_said_once(
    make: Callable[..., House], caplog: pytest.LogCaptureFixture
) -> None:
    house = make()
    house.quiet()

    def gone() -> bytes:
        raise Unavailable("7.jpg", "No such file or directory")

    for n in range(60):
        house.see(b"no picture") if n % 2 else list(house.watch.frame("porch", "", gone, 5000 + n))
    said = [record.getMessage() for record in caplog.records]
    assert len(said) == 2
    assert said[0].startswith("porch: frame skipped, 1 so far: 7.jpg: No such file")
    assert "10 so far: picture: not a JPEG" in said[1]
    assert types(house.walk()) == ["motion.start"], "and what is whole is watched as before"


def test_masks_are_heeded_and_a_change_of_the_config_too(make: Callable[..., House]) -> None:
    right = Camera("porch", "pattern", masks=("0,0 50,100",))
    house = make(camera=(right,))
    house.quiet()
    assert house.walk(2) == []  # it is all on the left
    nothing = dataclasses.replace(right, privacy_masks=("50,0 100,100",))
    house.config = dataclasses.replace(house.config, camera=(nothing,))
    with pytest.raises(BadConfig, match="camera porch: zones and masks leave nothing"):
        house.quiet()
    house.config = dataclasses.replace(house.config, camera=())
    house.quiet()
    assert types(house.walk()) == ["motion.start"]
    house.config = dataclasses.replace(house.config, watch=configs.Watch(clear=1))
    assert types(house.quiet(4)) == ["motion.stop"]


def test_a_view_that_is_covered_is_told_with_its_picture(make: Callable[..., House]) -> None:
    house = make()
    house.quiet(40)
    covered = [
        record for _ in range(60) for record in house.see(jpeg(np.full((60, 80), 90, np.uint8)))
    ]
    (trouble,) = (record for record in covered if isinstance(record, ViewTrouble))
    assert trouble.reason == "covered" and trouble.file.endswith(".jpg")
    (good,) = (record for record in house.quiet(60) if isinstance(record, ViewGood))
    assert 20 < good.lasted < 40


def test_views_that_nobody_wants_looked_after_are_not(make: Callable[..., House]) -> None:
    house = make(view=configs.View(enabled=False))
    house.quiet(40)
    black = [record for _ in range(60) for record in house.see(jpeg(np.zeros((60, 80), np.uint8)))]
    assert not any(isinstance(record, ViewTrouble) for record in black)


@pytest.mark.parametrize(
    ("source", "device", "live"),
    [
        ("rpicam", "", True),
        ("fswebcam", "/dev/video0", True),
        ("fswebcam", "TEST", False),
        ("ffmpeg", "rtsp://x", True),
        ("file", "a.jpg", False),
        ("pattern", "", False),
    ],
)
def test_only_what_a_sensor_sees_can_be_frozen_and_is_known_again(
    make: Callable[..., House], source: str, device: str, live: bool
) -> None:
    house = make(camera=(Camera("front porch", source, device),))
    told = house.quiet(150, "front porch")
    assert types(told) == (["view.trouble"] if live else [])
    assert [path.name for path in house.folder.glob("*")] == ["front_porch.sketch"] * live


def test_a_camera_turned_while_the_watch_was_down_is_told(make: Callable[..., House]) -> None:
    house = make(camera=(Camera("porch", "rpicam"),), view=configs.View(frozen=0))
    house.quiet(40)
    (sketch,) = house.folder.iterdir()
    before = sketch.read_bytes()
    assert sketch.stat().st_mode & 0o777 == 0o600 and len(before) == 160
    house.start()
    told = [record for _ in range(60) for record in house.see(place(seed=99))]
    assert [getattr(record, "reason", "") for record in told] == ["turned"]
    assert sketch.read_bytes() == before


def test_a_sketch_that_cannot_be_kept_is_said_and_all_goes_on(
    make: Callable[..., House], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "view").write_text("in the way")
    house = make(camera=(Camera("porch", "rpicam"),))
    house.quiet(40)
    assert "not kept" in caplog.text
    assert types(house.walk()) == ["motion.start"]


def test_a_camera_whose_name_is_none_reads_no_file(
    make: Callable[..., House], tmp_path: Path
) -> None:
    (tmp_path / "view").mkdir()
    (tmp_path / "secret.sketch").write_bytes(bytes(160))
    house = make()
    house.see(place(), "../secret")
    assert house.watch._eyes["../secret"].kept == b""


def test_no_more_cameras_are_known_than_is_sensible(
    make: Callable[..., House], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watches, "MOST", 3)
    house = make()
    for n in range(10):
        house.see(place(), f"camera {n}")
    assert list(house.watch._eyes) == ["camera 7", "camera 8", "camera 9"]


def test_a_backlog_is_left_out_but_for_the_newest_frame_of_each_camera() -> None:
    clock = FakeClock()

    def frame(camera: str, mono: float, **more: str) -> FrameCaptured:
        stamp = envelope(camera, clock) | {"mono": mono} | more
        return FrameCaptured(**stamp, file=f"{mono}.jpg")

    trouble = CameraTrouble(**envelope("porch", clock), reason="x")
    late = [frame("porch", 90), frame("yard", 91), trouble, frame("porch", 95), frame("porch", 99)]
    assert list(current(late, 100)) == [late[1], trouble, late[4]]
    recorded = [frame("porch", 1, boot="other"), frame("porch", 2, boot="other")]
    assert list(current(recorded, 100)) == recorded
    old = [frame("porch", 1), frame("porch", 2)]
    assert list(current(old, 5000)) == old
