"""doctor: each finding in plain words; nothing here asks a server but one of the test's own."""

import json
import socket
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess, Popen

import pytest

Run = Callable[..., CompletedProcess[bytes]]
Start = Callable[..., Popen[bytes]]
Write = Callable[[str], Path]

MAIL = """
[[camera]]
name = "porch"
source = "pattern"
[mail]
address = "camera@camalert.example"
recipients = ["camera@camalert.example"]
smtp_host = "127.0.0.1"
smtp_security = "plain"
smtp_port = {port}
"""


def findings(done: CompletedProcess[bytes]) -> dict[str, dict[str, str]]:
    rows = map(json.loads, done.stdout.splitlines())
    return {row["name"]: row for row in rows}


def test_a_new_camera_is_told_its_next_steps(run: Run) -> None:
    done = run("doctor", "--offline")
    said = done.stdout.decode()
    assert done.returncode == 1
    assert "BROKEN  own key: there is none" in said
    assert "-> make one: camalert keyring make" in said
    assert "BROKEN  recipients: none: no alarm can go out" in said
    assert "BROKEN  alarm line: does not run" in said
    assert "WARNING cameras: none configured" in said


def test_json_has_a_row_for_each_finding(run: Run, config_file: Write) -> None:
    config_file(MAIL.format(port=1))
    assert run("keyring", "make").returncode == 0
    key = run("keyring", "export").stdout
    assert run("keyring", "import", "-", data=key).returncode == 0
    found = findings(run("doctor", "--offline", "--json"))
    assert found["own key"]["verdict"] == "ok"
    assert found["key of camera@camalert.example"]["verdict"] == "ok"
    assert found["camera porch"]["verdict"] == "ok"
    assert found["mail queue"]["finding"] == "empty"
    assert "mail server" not in found


def test_a_missing_key_names_who_and_how(run: Run, config_file: Write) -> None:
    config_file(MAIL.format(port=1))
    found = findings(run("doctor", "--offline", "--json"))["key of camera@camalert.example"]
    assert (found["verdict"], found["finding"]) == ("broken", "no key")
    assert "keyring import" in found["next_step"]


def test_a_server_that_is_not_there_is_the_broken_hop(run: Run, config_file: Write) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        config_file(MAIL.format(port=closed.getsockname()[1]))
        found = findings(run("doctor", "--json"))["mail server"]
    assert found["verdict"] == "broken"
    assert "127.0.0.1" in found["finding"]


@pytest.mark.parametrize(
    ("mode", "verdict", "finding"),
    [
        ("alert", "ok", "alert: alarms go out"),
        ("monitor", "warning", "monitor: recorded, nobody is told"),
        ("off", "warning", "off: nothing is captured or recorded"),
    ],
)
def test_a_disarmed_camera_is_a_warning(run: Run, mode: str, verdict: str, finding: str) -> None:
    run("mode", mode)
    found = findings(run("doctor", "--offline", "--json"))["mode"]
    assert (found["verdict"], found["finding"]) == (verdict, finding)


def test_a_message_that_waits_is_a_warning(run: Run, config_file: Write) -> None:
    config_file(MAIL.format(port=1))
    run("keyring", "make")
    run("keyring", "import", "-", data=run("keyring", "export").stdout)
    run("heartbeat")
    found = findings(run("doctor", "--offline", "--json"))["mail queue"]
    assert (found["verdict"], found["finding"]) == ("warning", "1 waiting, 0 failed")


def test_a_running_line_is_seen(run: Run, start: Start, tmp_path: Path) -> None:
    panel = start("alarm-panel", "--listen")
    while findings(run("doctor", "--offline", "--json"))["alarm line"]["verdict"] != "ok":
        assert panel.poll() is None


def test_a_wrong_config_is_a_finding_too(run: Run, config_file: Write) -> None:
    config_file("[nonsense]")
    done = run("doctor", "--offline")
    assert done.returncode == 1
    assert b"BROKEN  config: " in done.stdout
    assert b"check-config says all" in done.stdout


def test_a_ring_that_is_written_must_have_a_fresh_frame(
    run: Run, start: Start, config_file: Write, tmp_path: Path
) -> None:
    camera = '[[camera]]\nname = "porch"\nwidth = 64\nheight = 48\nsource = {}\nrate = 30.0\n'
    config_file(camera.format('"pattern"'))
    assert "ring of porch" not in findings(run("doctor", "--offline", "--json"))
    process = start("capture-ring", "porch")
    assert process.stdout and process.stderr
    assert process.stdout.readline()
    found = findings(run("doctor", "--offline", "--json"))["ring of porch"]
    assert (found["verdict"], found["finding"][:20]) == ("ok", "the newest frame is ")
    config_file(camera.format('"fswebcam"\ndevice = "/dev/video97"'))
    while b"no such device" not in (said := process.stderr.readline()):
        assert said, "it has ended"
    (tmp_path / "run/ring/porch").rename(tmp_path / "old")
    found = findings(run("doctor", "--offline", "--json"))["ring of porch"]
    assert found["verdict"] == "broken"
    assert found["finding"] == "no fresh frame: no such device /dev/video97"
    config_file(camera.format('"pattern"') + '[panel]\nmode = "off"\n')
    assert "ring of porch" not in findings(run("doctor", "--offline", "--json"))
