"""capture/recorder.py with a clock and sources of its own: what is kept, told, and when."""

import errno
import io
import logging
import os
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from PIL import Image

from camalert.capture import ring
from camalert.capture.feed import Arrival
from camalert.capture.recorder import Recorder
from camalert.config import Camera, Config, Paths, Place
from camalert.config import Ring as Limits
from camalert.errors import CamalertError, Unavailable
from camalert.records import CameraGood, CameraTrouble, FrameCaptured, Record

LIMITS, NOWHERE = Limits(), Place()
NOON = datetime(2027, 6, 21, 12, tzinfo=UTC)


class FakeClock:
    def __init__(self) -> None:
        self.time = 1000.0
        self.wall = NOON

    def monotonic(self) -> float:
        return self.time

    def now(self) -> datetime:
        return self.wall + timedelta(seconds=self.time - 1000)


class FakeFeed:
    """A source that gives what the test gives it."""

    def __init__(self, camera: Camera) -> None:
        self.camera, self.ended, self.running = camera, None, True
        self.ended: CamalertError | None
        self._arrived: list[Arrival] = []

    def take(self) -> list[Arrival]:
        arrived, self._arrived = self._arrived, []
        return arrived

    def stop(self) -> bool:
        self.running = False
        return True

    def give(self, data: bytes, moment: float, turn: int = 0) -> None:
        self._arrived.append(Arrival(data, turn, moment))


class Stand:
    """A recorder and all that it knows of the world."""

    def __init__(self, run: Path, camera: Camera, limits: Limits, place: Place) -> None:
        self.clock, self.feeds, self.mode, self.free = FakeClock(), [], "alert", 10**9
        self.feeds: list[FakeFeed]
        self.run = run
        self.config = Config(Paths(run=str(run)), camera=(camera,), ring=limits, place=place)
        self.recorder = Recorder(
            camera.name,
            self.config,
            self.clock,
            mode=lambda: self.mode,
            start=self._start,  # type: ignore[arg-type]
            free=lambda _: self.free,
        )

    def _start(self, camera: Camera, *_: object) -> FakeFeed:
        self.feeds.append(FakeFeed(camera))
        return self.feeds[-1]

    @property
    def feed(self) -> FakeFeed:
        return self.feeds[-1]

    def news(self) -> list[Record]:
        return list(self.recorder.news(self.config))

    def frame(self, data: bytes, turn: int = 0) -> list[Record]:
        self.feed.give(data, self.clock.time, turn)
        return self.news()

    def wait(self, seconds: float) -> list[Record]:
        """Let time pass as the command does: news whenever they are due."""
        end, told = self.clock.time + seconds, []
        while self.clock.time < end:
            self.clock.time += min(max(self.recorder.patience(), 0.01), end - self.clock.time)
            told += self.news()
        return told

    def flow(self, data: bytes, seconds: float, every: float = 1.0) -> list[Record]:
        end, told = self.clock.time + seconds, []
        while self.clock.time < end:
            told += self.wait(every)
            if self.feed.running:
                told += self.frame(data)
        return told


@pytest.fixture
def run() -> Iterator[Path]:
    """A run folder in RAM, where there is some: it is quicker."""
    ram = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=ram if ram.is_dir() else None) as folder:
        yield Path(folder, "run")


@pytest.fixture
def stand(run: Path):
    made: list[Stand] = []

    def make(limits: Limits = LIMITS, place: Place = NOWHERE, **keys: object) -> Stand:
        camera = Camera(**({"name": "back yard", "source": "pattern", "rate": 1.0} | keys))  # type: ignore[arg-type]
        made.append(Stand(run, camera, limits, place))
        made[-1].news()
        return made[-1]

    yield make
    for one in made:
        one.recorder.close()


def picture(luma: int = 120, size: tuple[int, int] = (64, 48)) -> bytes:
    out = io.BytesIO()
    Image.effect_noise(size, 30).point(lambda v: v * luma // 128).save(out, "JPEG", quality=95)
    return out.getvalue()


def without_frames(records: list[Record]) -> list[Record]:
    return [record for record in records if not isinstance(record, FrameCaptured)]


def warnings(caplog) -> list[str]:
    return [r.getMessage() for r in caplog.records if r.levelno >= logging.WARNING]


def test_a_frame_is_in_the_ring_and_told(stand):
    yard = stand()
    (captured,) = yard.frame(picture())
    assert isinstance(captured, FrameCaptured)
    assert (captured.source, captured.mono) == ("back yard", 1000)
    assert Path(captured.file).is_relative_to(yard.run / "ring/back_yard")
    assert Image.open(captured.file).size == (64, 48)


def test_tags_are_stripped_and_the_rotation_kept(stand):
    tags = Image.Exif()
    tags[0x010F] = "SecretMaker"
    out = io.BytesIO()
    Image.effect_noise((64, 48), 90).save(out, "JPEG", exif=tags)
    (captured,) = stand().frame(out.getvalue(), turn=90)
    kept = Path(captured.file).read_bytes()
    assert b"Secret" not in kept
    assert Image.open(io.BytesIO(kept)).getexif()[0x0112] == 6


def test_a_trouble_is_one_record_and_one_line_and_then_it_is_good(stand, caplog):
    yard = stand()
    told = []
    for _ in range(30):
        yard.feed.ended = Unavailable("back yard", "unplugged")
        told += yard.wait(60)
    (trouble,) = told
    assert isinstance(trouble, CameraTrouble)
    assert (trouble.source, trouble.reason) == ("back yard", "unplugged")
    assert warnings(caplog) == ["back yard: no frames: unplugged; tried again until there are some"]
    assert 20 <= len(yard.feeds) <= 36
    assert ring.trouble(yard.run, "back yard") == "unplugged"
    good = without_frames(yard.flow(picture(), 200))
    assert [type(record) for record in good] == [CameraGood]
    assert 1790 < good[0].lasted < 1900
    assert ring.trouble(yard.run, "back yard") is None
    assert len(warnings(caplog)) == 1


def test_a_source_that_hangs_is_stopped_and_told(stand, caplog):
    yard = stand(deadline=10.0)
    first = yard.feed
    assert yard.wait(10.9) == []
    (trouble,) = yard.wait(0.2)
    assert trouble.reason == "no frame for 11 s"
    assert not first.running
    assert yard.wait(1) == [] and len(yard.feeds) == 2
    assert yard.wait(100) == []
    assert len(warnings(caplog)) == 1


def test_it_is_not_told_before_the_last_frame_is_taken(stand):
    yard = stand()
    yard.feed.give(picture(), yard.clock.time)
    yard.feed.ended = Unavailable("back yard", "died")
    assert [record.type for record in yard.news()] == ["frame.captured", "camera.trouble"]


def test_corrupt_frames_are_skipped_and_counted(stand, caplog):
    yard, whole = stand(), picture()
    assert yard.frame(whole[:-200]) == yard.frame(b"") == yard.frame(b"\xff\xd8\xffnothing") == []
    assert yard.recorder.skipped == 3
    assert len(yard.frame(whole)) == 1
    assert [text for text in warnings(caplog) if "skipped" in text] == [
        "back yard: frame skipped: cut off: no end marker (frames skipped: 1)"
    ]


def test_nothing_but_corrupt_frames_is_a_trouble_that_says_so(stand, caplog):
    yard = stand()
    told = yard.flow(picture()[:-200], 40)
    assert [record.type for record in told] == ["camera.trouble"]
    assert told[0].reason.startswith("no frame for 16 s; cut off: no end marker (frames skipped: ")
    assert len(warnings(caplog)) == 3  # the first, the tenth, and the trouble


def test_a_black_frame_is_a_frame(stand):
    out = io.BytesIO()
    Image.new("L", (640, 480)).save(out, "JPEG")
    assert len(stand().frame(out.getvalue())) == 1


def test_another_size_is_said(stand, caplog):
    caplog.set_level(logging.INFO)
    yard = stand()
    for size in [(64, 48), (32, 24), (32, 24)]:
        assert len(yard.frame(picture(size=size))) == 1
    assert [r.getMessage() for r in caplog.records if "are" in r.getMessage()] == [
        "back yard: frames are 32x24 now"
    ]


def test_on_schedule_it_is_started_anew_and_that_is_said(stand, caplog):
    caplog.set_level(logging.INFO)
    yard = stand(restart=1.0)
    assert without_frames(yard.flow(picture(), 3700)) == []
    assert len(yard.feeds) == 2
    assert "back yard: started anew, as every hour" in caplog.text


def test_a_program_that_cannot_be_ended_is_said_and_another_is_tried(stand, caplog):
    yard = stand(deadline=10.0)
    yard.feed.stop = lambda: False  # type: ignore[method-assign]
    yard.wait(12.1)
    assert len(yard.feeds) == 2
    assert "back yard: its program hangs in the kernel (state D); left behind" in warnings(caplog)


# Day and night


def test_by_hours_the_source_is_started_with_the_nights_settings(stand, caplog):
    caplog.set_level(logging.INFO)
    local = NOON.astimezone()
    begin, end = (f"{local + timedelta(minutes=m):%H:%M}" for m in (10, 30))
    yard = stand(
        night="hours", night_from=begin, night_to=end, night_rate=0.5, night_options=("--ev", "1")
    )
    assert without_frames(yard.flow(picture(), 2400)) == []
    assert [(feed.camera.rate, feed.camera.options) for feed in yard.feeds] == [
        (1, ()),
        (0.5, ("--ev", "1")),
        (1, ()),
    ]
    assert caplog.text.count("settings for the night") == 1
    assert caplog.text.count("settings for the day") == 1


def test_by_measured_light(stand):
    yard = stand(night="light", night_dwell=60.0, night_rate=0.5)
    yard.flow(picture(120), 120)
    assert len(yard.feeds) == 1
    yard.flow(picture(10), 50)
    assert len(yard.feeds) == 1
    yard.flow(picture(10), 30)
    assert [feed.camera.rate for feed in yard.feeds] == [1, 0.5]
    yard.flow(picture(120), 90)
    assert [feed.camera.rate for feed in yard.feeds] == [1, 0.5, 1]


def test_a_picture_whose_light_cannot_be_measured_is_kept(stand):
    data = picture()
    tables = data.index(b"\xff\xc4") + 5
    bad = data[:tables] + bytes([255] * 16) + data[tables + 16 :]
    assert len(stand(night="light").frame(bad)) == 1


def test_by_the_sun_it_starts_as_it_must_be(stand):
    yard = stand(place=Place(0.0, 180.0), night="sun", night_rate=0.5)  # midnight there
    assert yard.feed.camera.rate == 0.5


# Privacy


def test_a_mask_is_black_in_the_file(stand):
    yard = stand(privacy_masks=("0,0 50,100",))
    (captured,) = yard.frame(picture(size=(160, 120)))
    with Image.open(captured.file) as image:
        assert image.crop((0, 0, 80, 120)).getextrema()[1] <= 16
        assert image.crop((88, 0, 160, 120)).getextrema()[1] > 60


def test_what_cannot_be_masked_is_never_written(stand, monkeypatch):
    yard, data = stand(privacy_masks=("0,0 50,100",)), picture()
    tables = data.index(b"\xff\xc4") + 5
    bad = data[:tables] + bytes([255] * 16) + data[tables + 16 :]
    written = []
    real = os.open
    monkeypatch.setattr(os, "open", lambda *how, **more: written.append(how) or real(*how, **more))
    assert yard.frame(bad) == []
    assert yard.recorder.skipped == 1
    assert [how for how in written if how[1] & os.O_WRONLY] == []
    assert ring.listing(yard.run / "ring/back_yard") == []


@pytest.mark.parametrize(
    "change", [{"privacy_masks": ("0,0 50,100",)}, {"privacy_masks": ()}, {"rotation": 180}]
)
def test_masks_that_change_empty_the_ring_at_once(stand, change):
    yard = stand(privacy_masks=("50,0 100,100",))
    for _ in range(3):
        yard.frame(picture())
        yard.wait(0.1)
    before = yard.recorder.ring.frames
    assert len(before) == 3
    yard.config = replace(yard.config, camera=(replace(yard.config.camera[0], **change),))
    yard.wait(1)
    assert len(yard.recorder.ring) == 0
    assert not any(frame.path.exists() for frame in before)
    yard.wait(1)
    yard.frame(picture())
    assert len(yard.recorder.ring) == 1


def test_what_hides_nothing_more_leaves_the_ring_as_it_is(stand):
    yard = stand(privacy_masks=("50,0 100,100",))
    yard.frame(picture())
    yard.config = replace(yard.config, camera=(replace(yard.config.camera[0], rate=2.0),))
    yard.wait(1)
    assert len(yard.recorder.ring) == 1


def test_a_ring_of_unknown_masks_is_not_taken_over(stand, run):
    left = run / "ring/back_yard/000000999000-000001.jpg"
    left.parent.mkdir(parents=True)
    left.write_bytes(picture())
    stand(privacy_masks=("0,0 50,100",))
    assert not left.exists()


def test_in_mode_off_nothing_is_captured_and_nothing_is_left(stand, caplog):
    caplog.set_level(logging.INFO)
    yard = stand()
    yard.flow(picture(), 10)
    assert len(ring.listing(yard.run / "ring/back_yard")) == 10
    yard.mode = "off"
    assert yard.wait(1.1) == []
    assert not yard.feed.running
    assert list((yard.run / "ring/back_yard").iterdir()) == []
    assert yard.wait(3600) == [] and len(yard.feeds) == 1
    yard.mode = "monitor"
    yard.wait(1.1)
    assert len(yard.feeds) == 2 and len(yard.frame(picture())) == 1
    assert caplog.text.count("mode off: nothing is captured") == 1


def test_what_arrives_as_the_mode_goes_off_is_not_kept(stand):
    yard = stand()
    yard.clock.time += 1.1
    yard.mode = "off"
    assert yard.frame(picture()) == []
    assert ring.listing(yard.run / "ring/back_yard") == []


def test_it_starts_in_mode_off_with_an_empty_ring(stand, run):
    left = run / "ring/back_yard/000000999000-000001.jpg"
    left.parent.mkdir(parents=True)
    left.write_bytes(picture())
    yard = stand()
    assert left.exists()
    yard.mode = "off"
    yard.wait(1.1)
    assert not left.exists()


# RAM


def test_when_ram_is_short_the_ring_shrinks_says_so_once_and_grows_back(stand, caplog):
    caplog.set_level(logging.INFO)
    yard = stand(Limits(megabytes=10, share=50, age=3600, frames=1000))
    big = picture(size=(640, 480))
    yard.flow(big, 200)
    assert 9_000_000 < yard.recorder.ring.size <= 10_000_000
    yard.free = 0
    yard.wait(1.1)
    assert yard.recorder.ring.size <= 5_000_000
    yard.flow(big, 30)
    assert len(warnings(caplog)) == 1
    assert "RAM is short: the ring holds" in warnings(caplog)[0]
    yard.free = 10**9
    yard.flow(big, 200)
    assert yard.recorder.ring.size > 9_000_000
    assert caplog.text.count("the ring holds 10 MB again") == 1


def test_a_full_file_system_costs_old_frames_not_the_new_one(stand, caplog, monkeypatch):
    caplog.set_level(logging.INFO)
    yard = stand(Limits(megabytes=10, age=3600, frames=1000))
    big = picture(size=(640, 480))
    yard.flow(big, 40)
    held = yard.recorder.ring.size
    real = os.write

    def write(descriptor: int, data: bytes) -> int:
        if yard.recorder.ring.size > held / 2 and len(data) > 1000:
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(descriptor, data)

    monkeypatch.setattr(os, "write", write)
    told = yard.flow(big, 20)
    assert [record.type for record in told] == ["frame.captured"] * 20
    assert len(warnings(caplog)) == 1
    monkeypatch.undo()
    yard.flow(big, 300)
    assert yard.recorder.ring.size > 9_000_000


def test_without_any_space_it_is_a_trouble_that_says_so(stand, monkeypatch):
    yard = stand()

    def write(_descriptor: int, _data: bytes) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "write", write)
    told = yard.flow(picture(), 30)
    assert [record.type for record in told] == ["camera.trouble"]
    assert "No space left on device (frames skipped: " in told[0].reason


def test_a_ring_that_is_tidied_away_is_made_anew(stand):
    yard = stand()
    yard.frame(picture())
    for path in (yard.run / "ring/back_yard").iterdir():
        path.unlink()
    (yard.run / "ring/back_yard").rmdir()
    assert len(yard.flow(picture(), 5)) == 5
    assert len(ring.listing(yard.run / "ring/back_yard")) == 5


# The config


def test_a_changed_config_is_followed(stand, caplog):
    caplog.set_level(logging.INFO)
    yard = stand()
    yard.flow(picture(), 20)
    camera = replace(yard.config.camera[0], width=640, rate=4.0)
    yard.config = replace(yard.config, camera=(camera,), ring=Limits(frames=5))
    yard.wait(1.1)
    assert [feed.running for feed in yard.feeds] == [False, True]
    assert yard.feed.camera.width == 640
    assert len(yard.recorder.ring) == 5
    yard.config = replace(yard.config, camera=())
    yard.wait(3)
    assert yard.feed.running
    assert warnings(caplog) == ["back yard: no longer in the config; goes on as before"]


def test_a_changed_camera_that_was_in_trouble_gets_good(stand):
    yard = stand()
    yard.feed.ended = Unavailable("back yard", "wrong device")
    assert [record.type for record in yard.news()] == ["camera.trouble"]
    camera = replace(yard.config.camera[0], device="right")
    yard.config = replace(yard.config, camera=(camera,))
    assert [r.type for r in without_frames(yard.flow(picture(), 20))] == ["camera.good"]


# A day


def test_a_day_at_one_frame_a_second_is_never_over_any_bound(stand, monkeypatch):
    """86,400 frames of several sizes; nothing is opened for writing outside the ring's folder."""
    opened: set[Path] = set()
    real = os.open

    def watched(path: str | Path, flags: int, *how: int, **more: int) -> int:
        if flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
            opened.add(Path(path))
        return real(path, flags, *how, **more)

    yard = stand(Limits(frames=300, age=120, megabytes=1), restart=6.0)
    made = [picture(size=(16 * n, 16 * n)) for n in range(1, 13)]
    monkeypatch.setattr(os, "open", watched)
    folder, held, last, told = yard.run / "ring/back_yard", yard.recorder.ring, "", []
    for second in range(86_400):
        yard.clock.time += 1
        records = yard.news() + yard.frame(made[second * 7 % (1 + second // 7200)])
        told += without_frames(records)
        assert len(held) <= 121 and held.size <= 1_000_000
        if records:
            name = Path(records[-1].file).name
            assert name > last
            last = name
        if second % 600 == 0:
            yard.clock.wall += timedelta(days=1 if second % 1200 else -2)  # steps are not seen
            sizes = {path.name: path.stat().st_size for path in folder.iterdir()}
            assert sum(sizes.values()) == held.size and len(sizes) == len(held)
            assert yard.clock.time - int(min(sizes)[:12]) / 1000 <= 120
    assert told == []
    assert len(yard.feeds) == 5
    assert opened == {folder / ring.UNFINISHED}
