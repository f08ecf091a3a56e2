"""capture/v4l2.py: which nodes are cameras, and by which names."""

import errno
import fcntl
import struct
from pathlib import Path

import pytest

from camalert.capture.v4l2 import Capability, Node, cameras, query

WEBCAM = Capability("uvcvideo", "HD Pro Webcam C920", "usb-0000:01:00.0-1.2", 0x04200001)
METADATA = WEBCAM._replace(flags=0x04A00000)
CODEC = Capability("bcm2835-codec", "bcm2835-codec-decode", "platform:bcm2835-codec", 0x04204000)
ISP = Capability("bcm2835-isp", "bcm2835-isp", "platform:bcm2835-isp", 0x05200001)
SENSOR = Capability("unicam", "unicam", "platform:fe801000.csi", 0x05A00001)
PLANES = Capability("some-bridge", "HDMI grabber", "platform:x", 0x04001000)
CONVERTER = Capability("stk1160", "stk1160", "usb-1", 0x05208001)


@pytest.fixture
def board(tmp_path):
    """Nodes by number, as /sys and /dev show them; `board(4)` is what lies where."""
    sysfs, devices = tmp_path / "sys", tmp_path / "dev"
    (devices / "v4l/by-id").mkdir(parents=True)
    (devices / "v4l/by-path").mkdir()
    sysfs.mkdir()

    def make(answers):
        for number in answers:
            (sysfs / f"video{number}").mkdir()
            (sysfs / f"video{number}" / "name").write_text(f"card {number}\n")
            (devices / f"video{number}").touch()

        def ask(path):
            answer = answers[int(path.name[5:])]
            if isinstance(answer, Exception):
                raise answer
            return answer

        return cameras(sysfs, devices, ask)

    make.devices = devices
    return make


def test_cameras_are_told_from_codecs_metadata_and_raw_sensors(board):
    found = board(
        {10: CODEC, 0: SENSOR, 2: METADATA, 1: WEBCAM, 13: ISP, 14: PLANES, 15: CONVERTER}
    )
    assert [node.card for node in found] == ["HD Pro Webcam C920", "HDMI grabber"]


def test_the_name_that_stays_is_by_what_it_is_else_by_where(board):
    links = board.devices / "v4l"
    (links / "by-id/usb-C920-video-index0").symlink_to("../../video0")
    (links / "by-path/pci-usb-0:1.2-index0").symlink_to("../../video0")
    (links / "by-path/pci-usb-0:1.3-index0").symlink_to("../../video1")
    found = board({0: WEBCAM, 1: WEBCAM, 2: WEBCAM})
    assert [node.path.removeprefix(f"{board.devices}/") for node in found] == [
        "v4l/by-id/usb-C920-video-index0",
        "v4l/by-path/pci-usb-0:1.3-index0",
        "video2",
    ]


def test_what_cannot_be_asked_is_told_with_the_reason(board):
    found = board({0: PermissionError(errno.EACCES, "no"), 1: OSError(errno.EIO, "broken")})
    path = f"{board.devices}/video"
    assert found == [
        Node(f"{path}0", "card 0", "may not be opened: join the group video"),
        Node(f"{path}1", "card 1", "broken"),
    ]


def test_a_machine_without_video(tmp_path):
    assert cameras(tmp_path / "none", tmp_path / "none") == []


def test_a_node_without_a_name_has_that_of_its_entry(tmp_path):
    (tmp_path / "video3").mkdir()
    (found,) = cameras(tmp_path, tmp_path / "dev")  # the real query; there is no such node
    assert found == Node(str(tmp_path / "dev/video3"), "video3", "No such file or directory")


@pytest.mark.parametrize(("device", "flags"), [(0x85200001, 0x04A00000), (0x05200001, 0x05200001)])
def test_the_node_is_asked_as_the_kernel_wants(monkeypatch, tmp_path, device, flags):
    node = tmp_path / "video0"
    node.touch()
    answer = struct.pack(
        "=16s32s32sIII12x", b"uvcvideo", b"Cam\0x", b"usb-1", 6, device, 0x04A00000
    )
    before = set(Path("/proc/self/fd").iterdir())

    def ioctl(descriptor, request, buffer):
        assert Path(f"/proc/self/fd/{descriptor}").readlink() == node
        assert (request, len(buffer)) == (0x80685600, 104)
        buffer[:] = answer

    monkeypatch.setattr(fcntl, "ioctl", ioctl)
    assert query(node) == Capability("uvcvideo", "Cam", "usb-1", flags)
    assert set(Path("/proc/self/fd").iterdir()) == before


def test_what_is_no_video_device_refuses():
    with pytest.raises(OSError, match="ioctl"):
        query(Path("/dev/null"))
