"""capture/discovery.py: names, what the config has already, and TOML that can be pasted."""

import json

import pytest

from camalert import config_file
from camalert.capture import csi, discovery, onvif, v4l2
from camalert.capture.discovery import Found, as_json, named, toml
from camalert.capture.jpeg import Picture
from camalert.config import Camera
from camalert.errors import Unavailable

PICTURE = Picture(b"jpeg", 1280, 720)


def found(name="cam", source="fswebcam", device="/dev/video0", **more):
    kind = {"fswebcam": "usb", "rpicam": "csi", "ffmpeg": "network"}[source]
    return Found(kind, f"a {name}", Camera(name=name, source=source, device=device), **more)


def names(*cameras, configured=()):
    each = named(
        [found(name, device=f"/dev/video{n}") for n, name in enumerate(cameras)], configured
    )
    return [one.camera.name for one in each]


def test_names_are_used_once_also_beside_the_config():
    assert names("cam", "Cam", "cam 2", "other") == ["cam", "Cam 2", "cam 2 2", "other"]
    porch = Camera(name="c_am", source="pattern")
    assert names("c am", configured=[porch]) == ["c am 2"]


@pytest.mark.parametrize(
    ("here", "there"),
    [
        (("rpicam", "0"), Camera(name="porch", source="rpicam")),
        (("rpicam", "1"), Camera(name="porch", source="rpicam", device="1")),
        (("fswebcam", "/dev/video0"), Camera(name="porch", source="fswebcam")),
        (("fswebcam", "/dev/video0"), Camera(name="porch", source="ffmpeg", device="/dev/video0")),
        (
            ("ffmpeg", "rtsp://10.0.0.7:554/"),
            Camera(name="porch", source="ffmpeg", device="rtsp://me:secret@10.0.0.7/stream2"),
        ),
    ],
)
def test_what_the_config_has_is_marked_and_not_offered_again(here, there):
    (one,) = named([found("cam", *here)], [there])
    assert (one.known, one.camera.name) == ("porch", "porch")
    assert "in the config already as porch" in toml([one])
    assert all(line.startswith("#") for line in toml([one]).splitlines())
    assert "secret" not in toml([one]) + as_json(one)
    other = Camera(name="porch", source="rpicam", device="7")
    assert named([found("cam", *here)], [other])[0].known == ""


def test_a_url_that_is_none_is_another_camera():
    there = Camera(name="porch", source="ffmpeg", device="rtsp://[")
    assert named([found("cam", "ffmpeg", "rtsp://10.0.0.7:554/")], [there])[0].known == ""


def test_a_link_and_its_node_are_one_camera(tmp_path):
    (tmp_path / "by-id").symlink_to("/dev/null")
    there = Camera(name="porch", source="fswebcam", device="/dev/null")
    assert named([found(device=str(tmp_path / "by-id"))], [there])[0].known == "porch"


def test_what_works_is_a_table_what_does_not_is_a_comment_with_the_reason():
    text = toml(
        [
            found("one", outcome=PICTURE),
            found("two", outcome=Unavailable("two", "no picture within 15 s")),
            found("three", trouble="may not be opened"),
            found("four"),
            found("five", outcome=Picture(b"", 640, 480, damaged="black")),
        ]
    )
    config, problems = config_file.parse(text)
    assert problems == []
    assert [camera.name for camera in config.camera] == ["one", "four"]
    assert "# USB: a one; works, 1280x720\n" in text
    assert "# USB: a two; does not work: no picture within 15 s\n# [[camera]]\n" in text
    assert "# USB: a three; does not work: may not be opened\n" in text
    assert "# USB: a four; not tried\n" in text
    assert "# USB: a five; does not work: black, 640x480\n" in text
    whole, problems = config_file.parse(
        text.replace("# [[", "[[")
        .replace("# name", "name")
        .replace("# source", "source")
        .replace("# device", "device")
    )
    assert (len(whole.camera), problems) == (5, [])


NASTY = ['"\n[mail]\n', "\x7f\x00\x1b[2J", "caf\u00e9 \U0001f4f7", "\u2028]]", "a\\b'c", "x" * 4000]


@pytest.mark.parametrize("text", NASTY)
def test_what_a_device_says_of_itself_stays_in_its_place(text):
    one = Found("network", text, discovery._camera(text, "ffmpeg", f"/dev/{text}"), notes=(text,))
    (one,) = named([one], [])
    config, problems = config_file.parse(toml([one]))
    assert problems == []
    assert [camera.source for camera in config.camera] == ["ffmpeg"]
    assert config.mail == config_file.Config().mail
    assert json.loads(as_json(one))["title"] == text


def test_what_is_found_becomes_cameras(monkeypatch):
    monkeypatch.setattr(csi, "sensors", lambda: [csi.Sensor(1, "imx708_wide", "4608x2592")])
    nodes = [v4l2.Node("/dev/v4l/by-id/x", "HD Pro Webcam C920 extraordinary", "busy")]
    monkeypatch.setattr(v4l2, "cameras", lambda: nodes)
    hosts = [onvif.Host("10.0.0.7", "Reolink RLC", True), onvif.Host("10.0.0.8", "", False)]
    monkeypatch.setattr(onvif, "hosts", lambda target, wait: hosts)
    (ribbon,) = discovery.ribbon()
    assert ribbon.camera == Camera(name="imx708 wide", source="rpicam", device="1")
    assert ribbon.title == "imx708_wide 4608x2592"
    (usb,) = discovery.usb()
    assert (usb.camera.name, usb.trouble) == ("HD Pro Webcam C920", "busy")
    open_one, closed = discovery.network(("x", 1), 1)
    assert open_one.camera.device == "rtsp://10.0.0.7:554/h264Preview_01_sub"
    assert open_one.notes[0] == "or rtsp://10.0.0.7:554/h264Preview_01_main"
    assert not open_one.trouble
    assert closed.trouble == "port 554 (RTSP) is closed"
    assert closed.camera.name == "camera"
