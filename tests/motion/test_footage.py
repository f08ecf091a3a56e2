"""The detector on labelled clips of real cameras, where they lie beside the project."""

import csv
import itertools
import subprocess
from pathlib import Path

import pytest

from camalert.capture import jpeg
from camalert.motion import decoding
from camalert.motion.detector import Detector

FOOTAGE = Path(__file__).parents[3] / "shared" / "footage"

pytestmark = pytest.mark.skipif(not FOOTAGE.is_dir(), reason="no labelled footage in ../shared")


def verdicts(clip):
    """Whether each picture of the clip, as 640 x 480 JPEGs, shows movement."""
    scale = ["-vf", "scale=640:480:flags=bicubic", "-fps_mode", "passthrough", "-q:v", "2"]
    command = ["ffmpeg", "-v", "error", "-i", clip, *scale, "-f", "mjpeg", "-"]
    detector = Detector()
    with subprocess.Popen(command, stdout=subprocess.PIPE) as ffmpeg:
        chunks = iter(lambda: ffmpeg.stdout.read1(65536), b"")
        found = [detector.update(decoding.luma(data)).moved for data in jpeg.frames(chunks)]
    assert ffmpeg.returncode == 0
    return found


@pytest.mark.parametrize("clip", ["bottle-detection", "one-by-one-person-detection"])
def test_all_events_and_no_false_alarm(clip):
    with (FOOTAGE / f"{clip}.labels.csv").open() as file:
        rows = [(int(row["label"]), int(row["event"])) for row in csv.DictReader(file)]
    found = verdicts(FOOTAGE / f"{clip}.mp4")
    assert len(found) == len(rows)
    seen = {event for (label, event), moved in zip(rows, found, strict=True) if moved}
    assert {event for _, event in rows} - {-1} <= seen
    false = [moved and label == 0 for (label, _), moved in zip(rows, found, strict=True)]
    assert sum(alarm for alarm, _ in itertools.groupby(false)) == 0
    right = sum(moved and label == 1 for (label, _), moved in zip(rows, found, strict=True))
    missed = sum(label == 1 for label, _ in rows) - right
    assert 2 * right / (2 * right + sum(false) + missed) >= 0.97
