"""Options that would write a picture past the masks, by name; and those that do not."""

import pytest

from camalert.camera_options import writing


@pytest.mark.parametrize(
    ("source", "words", "found"),
    [
        ("fswebcam", ["--save", "/tmp/a.jpg"], [0]),
        ("fswebcam", ["--flip", "h", "--save=/tmp/a.jpg"], [2]),
        ("fswebcam", ["--sav", "a.jpg"], [0]),
        ("fswebcam", ["--flip", "h", "a.jpg"], [2]),
        ("fswebcam", ["a.jpg"], [0]),
        ("fswebcam", ["--invert", "a.jpg"], [1]),
        ("fswebcam", ["--no-title", "-"], [1]),
        ("fswebcam", ["-q", "a.jpg"], [1]),
        ("fswebcam", ["-S20", "a.jpg"], [1]),
        ("fswebcam", ["--exec", "cp x y"], [0]),
        ("fswebcam", ["--dumpframe", "a"], [0]),
        ("fswebcam", ["-c", "more.conf"], [0]),
        ("fswebcam", ["-qcmore.conf"], [0]),
        ("fswebcam", ["-qL", "log"], [0]),
        ("fswebcam", ["-b", "a.jpg"], [0, 1]),
        ("fswebcam", ["--loop", "1", "--png", "9"], [0, 2]),
        ("fswebcam", ["--", "a.jpg"], [0, 1]),
        ("fswebcam", ["--set", "brightness=60%", "--skip", "20", "-S", "3", "-r", "640x480"], []),
        ("fswebcam", ["--title", "--save", "--no-banner", "--greyscale", "-p", "MJPEG"], []),
        ("fswebcam", ["--title=a.jpg", "--set=Exposure=1", "--jpeg", "80", "-F10", "-R"], []),
        ("rpicam", ["--output", "a.jpg"], [0]),
        ("rpicam", ["--hflip", "--outp=a.jpg"], [1]),
        ("rpicam", ["-o", "a.jpg", "-oa.jpg"], [0, 2]),
        ("rpicam", ["--metadata", "a.json"], [0]),
        ("rpicam", ["--post-process-file", "a.json"], [0]),
        ("rpicam", ["-c", "a.txt", "--raw", "-r"], [0, 2, 3]),
        ("rpicam", ["--save-pts=a", "--latest", "a", "--datetime"], [0, 1, 3]),
        ("rpicam", ["--hdr=off", "--ev", "-0.5", "--immediate=0", "--timeout=1500"], []),
        ("rpicam", ["--metadata-format", "txt", "--roi", "0,0,1,1", "--contrast", "1"], []),
        ("pattern", ["--save", "a.jpg"], []),
    ],
)
def test_what_writes_is_known_by_name(source: str, words: list[str], found: list[int]) -> None:
    assert list(writing(source, words)) == found
