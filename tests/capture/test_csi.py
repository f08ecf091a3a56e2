"""capture/csi.py: what rpicam-hello is asked, and what is made of its list."""

import os

import pytest

from camalert.capture import csi
from camalert.capture.csi import Sensor, parse, sensors
from camalert.errors import BadData, Unavailable

TWO = """Available cameras
-----------------
0 : imx708_wide [4608x2592 10-bit RGGB] (/base/soc/i2c0mux/i2c@1/imx708@1a)
    Modes: 'SRGGB10_CSI2P' : 1536x864 [120.13 fps - (768, 432)/3072x1728 crop]
                             2304x1296 [56.03 fps - (0, 0)/4608x2592 crop]
                             4608x2592 [14.35 fps - (0, 0)/4608x2592 crop]

1 : ov9281 [1280x800 10-bit MONO] (/base/axi/pcie@120000/rp1/i2c@80000/ov9281@60)
    Modes: 'R8' : 640x400 [309.79 fps - (0, 0)/1280x800 crop]

"""
OLD = """Available cameras
-----------------
0 : imx219 [3280x2464] (/base/soc/i2c0mux/i2c@1/imx219@10)
    Modes: 'SRGGB10_CSI2P' : 640x480 1640x1232 1920x1080 3280x2464
"""


def test_the_list_of_today_and_that_of_bullseye():
    assert parse(TWO) == [Sensor(0, "imx708_wide", "4608x2592"), Sensor(1, "ov9281", "1280x800")]
    assert parse(OLD) == [Sensor(0, "imx219", "3280x2464")]
    assert parse("No cameras available!\n") == []


@pytest.mark.parametrize("text", ["", "hello\n", "0 : imx219\n", "\x00\xff", "Available cameras\n"])
def test_what_is_no_list(text):
    with pytest.raises(BadData, match="which is no list of cameras"):
        parse(text)


def test_of_an_endless_list_so_many_are_taken():
    assert len(parse("".join(f"{n} : a [1x1] (b)\n" for n in range(99)))) == csi.MOST


@pytest.mark.parametrize("name", csi.PROGRAMS)
def test_the_program_is_asked_by_its_new_or_its_old_name(fake, tmp_path, name):
    (tmp_path / "list").write_text(TWO)
    said = fake(name, f"cat {tmp_path / 'list'}; echo chatter >&2")
    assert [sensor.model for sensor in sensors()] == ["imx708_wide", "ov9281"]
    assert said.read_text() == "--list-cameras\n"


def test_the_new_name_goes_before(fake):
    fake("libcamera-hello", "exit 1")
    fake("rpicam-hello", "echo 'No cameras available!'")
    assert sensors() == []


def test_what_it_does_wrong_is_told(fake, monkeypatch):
    fake("rpicam-hello", "echo 'ERROR: *** failed to open the media device ***' >&2; exit 255")
    with pytest.raises(Unavailable, match=r"rpicam-hello: .*failed to open the media device"):
        sensors()
    fake("rpicam-hello", "exec sleep 600")
    with pytest.raises(Unavailable, match=r"rpicam-hello: no list within 0\.3 s; killed"):
        sensors(0.3)
    fake("rpicam-hello", "head -c 3000000 /dev/zero")
    with pytest.raises(BadData, match="rpicam-hello: its list is longer than"):
        sensors()
    monkeypatch.setenv("PATH", os.devnull)
    with pytest.raises(Unavailable, match="rpicam-hello: is not installed; apt install rpicam"):
        sensors()
