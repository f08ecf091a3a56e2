"""list-cameras as a process: fake programs on PATH, a real responder, and TOML that holds."""

import json
import os
import re
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from subprocess import CompletedProcess

import pytest
import scenes

from camalert.capture import jpeg

Run = Callable[..., CompletedProcess[bytes]]
LIST = "0 : imx708 [4608x2592 10-bit RGGB] (/base/x)\n1 : imx219 [3280x2464] (/base/y)\n"
ANSWER = (
    '<a xmlns:n="http://www.onvif.org/ver10/network/wsdl"><RelatesTo>{message}</RelatesTo>'
    "<Types>n:NetworkVideoTransmitter</Types>"
    "<Scopes>onvif://www.onvif.org/name/AXIS onvif://www.onvif.org/hardware/P3245</Scopes></a>"
)


@pytest.fixture
def pi(tmp_path: Path) -> str:
    """A PATH on which rpicam-hello lists two cameras, of which only the first gives a picture."""
    folder = tmp_path / "bin"
    folder.mkdir()
    shot = next(scenes.figure())
    (tmp_path / "shot.jpg").write_bytes(scenes.develop(shot.view, 0))
    (tmp_path / "list").write_text(LIST)
    still = (
        f'case "$*" in "--camera 0 "*) exec cat {tmp_path}/shot.jpg;; esac; echo dead >&2; exit 1'
    )
    for name, script in (("rpicam-hello", f"cat {tmp_path}/list"), ("rpicam-still", still)):
        path = folder / name
        path.write_text(f'#!/bin/sh\necho "{name} $*" >> {tmp_path}/said\n{script}\n')
        path.chmod(0o755)
    return f"{folder}:{os.environ['PATH']}"


@pytest.fixture
def camera() -> Iterator[str]:
    """A network camera on loopback that answers one probe; its address."""
    listening = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    listening.bind(("127.0.0.1", 0))

    def serve() -> None:
        data, sender = listening.recvfrom(65535)
        if found := re.search(rb"<a:MessageID>(.*?)</", data):
            listening.sendto(ANSWER.format(message=found[1].decode()).encode(), sender)

    thread = threading.Thread(target=serve)
    thread.start()
    address = listening.getsockname()
    yield f"127.0.0.1:{address[1]}"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as waking:
        waking.sendto(b"", address)
    thread.join(20)
    listening.close()


def test_what_it_prints_is_a_config(run: Run, pi: str, tmp_path: Path) -> None:
    done = run("list-cameras", "--only", "csi", PATH=pi)
    assert done.returncode == 0, done.stderr
    text = done.stdout.decode()
    assert "# ribbon cable: imx708 4608x2592; works, 640x480\n[[camera]]\n" in text
    assert (
        "# ribbon cable: imx219 3280x2464; does not work: rpicam-still: dead\n# [[camera]]" in text
    )
    (tmp_path / "found.toml").write_text(text)
    checked = run("check-config", "--config", "found.toml")
    assert (checked.returncode, checked.stderr) == (0, b"found.toml: ok\n")
    said = (tmp_path / "said").read_text().splitlines()
    assert said[0] == "rpicam-hello --list-cameras"
    assert sorted(line[:23] for line in said[1:]) == [
        "rpicam-still --camera 0",
        "rpicam-still --camera 1",
    ]
    # And it is used: what was found takes a picture under its new name.
    taken = run("snap", "--config", "found.toml", "imx708", "-o", "x.jpg", PATH=pi)
    assert taken.returncode == 0


def test_trial_pictures_are_kept_to_look_at(run: Run, pi: str, tmp_path: Path) -> None:
    done = run("list-cameras", "--only", "csi", "--pictures", "trial", PATH=pi)
    assert done.returncode == 0
    (picture,) = (tmp_path / "trial").iterdir()
    assert "-imx708-" in picture.name
    assert jpeg.inspect(picture.read_bytes()) == (640, 480)


def test_without_a_trial_nothing_is_opened(run: Run, pi: str, tmp_path: Path) -> None:
    done = run("list-cameras", "--only", "csi", "--no-trial", "--json", PATH=pi)
    assert done.returncode == 0
    first, second = map(json.loads, done.stdout.splitlines())
    assert first == {
        "kind": "csi",
        "title": "imx708 4608x2592",
        "works": None,
        "reason": "",
        "configured": None,
        "notes": [],
        "camera": {"name": "imx708", "source": "rpicam", "device": "0"},
    }
    assert second["camera"]["device"] == "1"
    assert (tmp_path / "said").read_text() == "rpicam-hello --list-cameras\n"


def test_in_mode_off_nothing_is_captured(run: Run, pi: str, tmp_path: Path) -> None:
    run("mode", "off")
    done = run("list-cameras", "--only", "csi", PATH=pi)
    assert done.returncode == 0
    assert done.stderr.startswith(b"list-cameras: mode is off")
    assert b"; not tried\n" in done.stdout
    assert (tmp_path / "said").read_text() == "rpicam-hello --list-cameras\n"


def test_what_the_config_has_is_tried_as_it_stands_there(
    run: Run, pi: str, config_file: Callable[..., Path], tmp_path: Path
) -> None:
    config_file('[[camera]]\nname = "porch"\nsource = "rpicam"\nwidth = 320\nheight = 240')
    done = run("list-cameras", "--only", "csi", "--json", PATH=pi)
    first, second = map(json.loads, done.stdout.splitlines())
    assert (first["configured"], first["works"]) == ("porch", True)
    assert (second["configured"], second["works"]) == (None, False)
    assert "--camera 0 --width 320 --height 240" in (tmp_path / "said").read_text()


def test_a_camera_in_the_network_answers_and_its_url_is_a_hint(run: Run, camera: str) -> None:
    done = run("list-cameras", "--only", "network", "--ask", camera, "--wait", "1")
    text = done.stdout.decode()
    assert text.startswith("# network: AXIS P3245 at 127.0.0.1; does not work: port 554 (RTSP)")
    assert '# device = "rtsp://127.0.0.1:554/axis-media/media.amp"\n' in text
    assert "USER:PASSWORD@" in text
    assert done.returncode == 1, "what does not work is no camera"


def test_a_network_of_nobody(run: Run) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as nobody:
        nobody.bind(("127.0.0.1", 0))
        port = nobody.getsockname()[1]
        done = run(
            "list-cameras", "--only", "network", "--ask", f"127.0.0.1:{port}", "--wait", "0.2"
        )
    assert (done.returncode, done.stdout) == (1, b"")
    assert done.stderr == b"list-cameras: no camera found\n"


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("echo 'No cameras available!'", b"list-cameras: no camera found\n"),
        ("echo nonsense", b"rpicam-hello: said 'nonsense', which is no list of cameras"),
        ("echo broken >&2; exit 1", b"rpicam-hello: broken"),
    ],
)
def test_what_rpicam_hello_does_wrong(
    run: Run, pi: str, tmp_path: Path, script: str, reason: bytes
) -> None:
    (tmp_path / "bin/rpicam-hello").write_text(f"#!/bin/sh\n{script}\n")
    done = run("list-cameras", "--only", "csi", PATH=pi)
    assert (done.returncode, done.stdout) == (1, b"")
    assert reason in done.stderr
    assert b"Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (("--no-trial", "--pictures", "x"), b"--pictures: are not taken with --no-trial"),
        (("--only", "thermal"), b"'--only'"),
        (("--only", "network", "--ask", "127.0.0.1:no"), b"--ask: 127.0.0.1:no is no host"),
        (("--only", "network", "--ask", "127.0.0.1:99999"), b"--ask: 127.0.0.1:99999 is no host"),
    ],
)
def test_bad_usage(run: Run, options: tuple[str, ...], reason: bytes) -> None:
    done = run("list-cameras", *options)
    assert done.returncode == 64
    assert reason in done.stderr
