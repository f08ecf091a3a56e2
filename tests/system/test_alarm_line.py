"""The whole line on a simulated board, from the PIRs' edges to what a real Delta Chat shows."""

import itertools
import os
import shutil
import signal
import socket
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import camera as cameras
import pytest
from camera import MAIL, PORCH, QUICK, STAGES, WATCH, Camera, picture, stages, wait_for
from mail_bed import MailBed

if TYPE_CHECKING:
    from delta_chat import Owner

Messages = list[dict[str, Any]]
FOOTAGE = Path(__file__).parents[3] / "shared/footage"
YARD = PORCH.replace("porch", "yard")
FSWEBCAM = '[[camera]]\nname = "porch"\nsource = "fswebcam"\ndevice = "TEST"\n'
needs_ffmpeg = pytest.mark.skipif(not shutil.which("ffmpeg"), reason="ffmpeg not installed")
needs_fswebcam = pytest.mark.skipif(not shutil.which("fswebcam"), reason="fswebcam not installed")


def alarms(messages: Messages) -> list[str]:
    """The texts of alarms, in the order in which they came.

    Which of two PIRs is named first is which was seen first: on a busy machine, either.
    """
    texts = (message["text"].replace("pir-2 and pir-1", "pir-1 and pir-2") for message in messages)
    return [text for text in texts if text.startswith("Alarm: ")]


def pictures(messages: Messages) -> list[str]:
    return [digest for message in messages if (digest := picture(message))]


def shown(texts: int, images: int) -> Callable[[Messages], bool]:
    return lambda messages: len(alarms(messages)) >= texts and len(pictures(messages)) >= images


@pytest.mark.parametrize("names", [["Owner"], ["Owner", "Neighbour"]], ids=["one", "two"])
def test_a_break_in_ends_as_encrypted_pictures(
    camera: Camera, account: "Callable[[str], Owner]", names: list[str]
) -> None:
    owners = [account(name) for name in names]
    camera.configure(QUICK + PORCH + YARD)
    camera.meet(*owners)
    camera.start_all()
    camera.trip()
    for owner in owners:
        text, *others = owner.until(shown(texts=1, images=2))
        assert alarms([text])[0].startswith("Alarm: movement: pir-1 and pir-2\n")
        assert len(others) == 2 and set(pictures(others)) == camera.taken()
        assert {message["text"].split(":")[0] for message in others} == {"porch", "yard"}
        assert all(message["showPadlock"] for message in (text, *others))
        assert {message["fromId"] for message in others} == {text["fromId"]}
    wait_for("empty spool", lambda: not camera.do("send-mail", "--queue"))
    assert not camera.notes()
    assert all(b"pir-1" not in mail.content for mail in camera.bed.mails)


def test_a_heartbeat_goes_the_same_way(camera: Camera, owner: "Owner") -> None:
    camera.configure(QUICK + PORCH + YARD)
    camera.meet(owner)
    camera.start_line()
    camera.start("send-mail", "--flush", "--follow")
    camera.do("heartbeat")
    (message,) = owner.until(len)
    assert message["text"].startswith("Heartbeat: ") and message["viewType"] == "Image"
    assert message["showPadlock"]


def test_after_an_outage_the_texts_come_first(camera: Camera, owner: "Owner") -> None:
    camera.meet(owner)
    camera.start_line()
    camera.start_sensors()
    camera.break_in()
    camera.break_in()
    wait_for("end of the alarms", lambda: not camera.notes())
    assert len(camera.do("send-mail", "--queue").splitlines()) == 4
    camera.start("send-mail", "--flush", "--follow")
    messages = owner.until(shown(texts=2, images=2))
    assert alarms(messages[:2]) == alarms(messages)


def test_the_line_in_two_halves(camera: Camera, owner: "Owner") -> None:
    camera.meet(owner)
    mail = camera.start_line("alarm-line", "mail", of=MAIL)
    camera.start_line("alarm-line", "watch", of=WATCH)
    camera.start("send-mail", "--flush", "--follow")
    camera.start_sensors()
    camera.break_in()
    assert set(pictures(owner.until(shown(1, 1)))) == camera.taken()
    mail.terminate()
    assert mail.wait(30) == 0
    camera.break_in()
    camera.start_line("alarm-line", "mail", of=MAIL)
    assert set(pictures(owner.until(shown(2, 2)))) == camera.taken()


@pytest.mark.parametrize("apart", [True, False], ids=["two machines", "one"])
def test_sensors_and_camera_joined_by_a_wire(
    camera: Camera, owner: "Owner", bed: MailBed, tmp_path: Path, apart: bool
) -> None:
    camera.configure(f"[link]\nwired = true\n\n{QUICK}{PORCH}")
    camera.meet(owner)
    camera.do("simulate-board", "wire")
    with cameras.installed(tmp_path, bed, "sensors") as sensors:
        sensors.configure(f"[link]\nwired = true\n\n{QUICK}")
        camera.start_line()
        camera.start("send-mail", "--flush", "--follow")
        camera.start_sensors("watch-button")
        (sensors if apart else camera).start_sensors()
        camera.trip()
        text, image = owner.until(shown(1, 1))
        assert text["text"].startswith("Alarm: button pressed\n") and picture(image)
        wait_for("end", lambda: camera.events("button.released"))
        assert len(camera.events("alarm.raised")) == 1
        assert not camera.events("alarm.suppressed")
        assert len(camera.events("pir.agreed")) == (0 if apart else 1)


def test_a_held_sensor_gives_one_alarm_a_cooldown(camera: Camera, owner: "Owner") -> None:
    cooldown = 1.0
    camera.configure(f"[sensing]\nsettle = 0\n\n[panel]\ncooldown = {cooldown}\n\n{PORCH}")
    camera.meet(owner)
    camera.start_all()
    camera.do("simulate-board", "hold", "pir-1", "pir-2")
    texts = alarms(owner.until(shown(texts=3, images=3)))
    assert [text.splitlines()[0] for text in texts[:3]] == [
        "Alarm: movement: pir-1 and pir-2",
        *["Alarm: still movement: pir-1 and pir-2"] * 2,
    ]
    times = [float(event["mono"]) for event in camera.events("alarm.raised")]
    gaps = [later - earlier for earlier, later in itertools.pairwise(times)]
    assert min(gaps) >= cooldown - 0.001


@needs_ffmpeg
@pytest.mark.parametrize("clip", ["one-by-one-person-detection.mp4", "bottle-detection.mp4"])
def test_footage_as_the_camera(camera: Camera, owner: "Owner", clip: str) -> None:
    if not (FOOTAGE / clip).exists():
        pytest.skip(f"no {FOOTAGE / clip}")
    source = f'[[camera]]\nname = "porch"\nsource = "file"\ndevice = "{FOOTAGE / clip}"\n'
    camera.configure(QUICK + source)
    camera.meet(owner)
    camera.start_all()
    camera.break_in()
    first = owner.until(shown(1, 1))
    camera.break_in()
    later = owner.until(shown(2, 2))
    assert set(pictures(later)) == camera.taken()
    assert len(set(pictures(later))) == 2, "the clip stands still"
    assert first[-1]["dimensionsWidth"] >= 640


@needs_fswebcam
def test_fswebcam_as_the_camera(camera: Camera, owner: "Owner") -> None:
    camera.configure(QUICK + FSWEBCAM)
    camera.meet(owner)
    camera.start_all()
    camera.break_in()
    assert set(pictures(owner.until(shown(1, 1)))) == camera.taken()


def test_no_alarm_is_lost_or_shown_twice_when_a_stage_is_killed(
    camera: Camera, owner: "Owner"
) -> None:
    camera.meet(owner)
    line = camera.start_all()
    raised = []
    for victim in STAGES:
        # It is stopped before the alarm comes, so that it dies with the alarm in its hands. The
        # panel cannot be: there would be no note.
        pids = stages(line)
        stopped = pids["log-event" if victim == "alarm-panel" else victim]
        os.kill(stopped, signal.SIGSTOP)
        raised.append(camera.break_in())
        os.kill(pids[victim], signal.SIGKILL)
        if stopped != pids[victim]:
            os.kill(stopped, signal.SIGCONT)
        assert line.wait(30) == 137, victim
        line = camera.start_line()
        owner.until(shown(len(raised), len(raised)))
    assert_all_is_shown_once(camera, owner, raised)


@needs_ffmpeg
def test_a_power_cut_between_text_and_picture(camera: Camera, owner: "Owner") -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:  # a network camera that says nothing
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/porch.jpg"
        camera.configure(
            f'{QUICK}[[camera]]\nname = "porch"\nsource = "ffmpeg"\ndevice = "{url}"\n'
        )
        camera.meet(owner)
        line, delivery = camera.start_line(), camera.start("send-mail", "--flush", "--follow")
        camera.start_sensors()
        raised = [camera.break_in()]
        owner.until(shown(texts=1, images=0))
        for process in (line, delivery):
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(30)
        assert camera.ticked() == raised
    camera.configure(QUICK + PORCH)
    camera.start_line()
    camera.start("send-mail", "--flush", "--follow")
    owner.until(shown(texts=1, images=1))
    assert_all_is_shown_once(camera, owner, raised)


def assert_all_is_shown_once(camera: Camera, owner: "Owner", raised: list[str]) -> None:
    """What is shown now is all there will be: a heartbeat has gone through everything behind it."""
    wait_for("end of the alarms", lambda: not camera.notes())
    camera.do("heartbeat")
    messages = owner.until(lambda all_: any(m["text"].startswith("Heartbeat") for m in all_))
    found = pictures([m for m in messages if not m["text"].startswith("Heartbeat")])
    assert len(alarms(messages)) == len(raised) == len(set(raised))
    assert len(found) == len(set(found)) == len(raised)
    assert {event["id"] for event in camera.events("alarm.raised")} >= set(raised)


LINE_WITH_A_BUG = """
import os, signal, sys
from pathlib import Path
from camalert import codec, pipeline

decode, first = codec.decode, Path({first!r})

def dies(line):
    record = decode(line)
    if record.type == {deadly!r} and Path(sys.argv[0]).name == {stage!r}:
        alarm = getattr(record, "alarm", record.id)
        if not first.exists():
            first.write_text(alarm)
        if first.read_text() == alarm:
            os.kill(os.getpid(), signal.SIGKILL)
    return record

codec.decode = dies
pipeline.main()
"""
"""The line, but one of its stages dies of the first alarm that it ever saw."""


@pytest.mark.parametrize(
    ("stage", "deadly", "crashes"),
    [("diff-frames", "picture.taken", 2), ("snap", "alarm.raised", 4)],
    ids=["its picture", "itself"],
)
def test_an_alarm_that_crashes_the_line_does_not_do_so_for_ever(
    camera: Camera, owner: "Owner", tmp_path: Path, stage: str, deadly: str, crashes: int
) -> None:
    code = LINE_WITH_A_BUG.format(first=str(tmp_path / "first"), deadly=deadly, stage=stage)
    command = ("python", "-c", code, "alarm-line", "alarm-panel --listen", *STAGES[1:])
    camera.meet(owner)
    line = camera.start_all(*command)
    pid = stages(line)[stage]
    os.kill(pid, signal.SIGSTOP)
    first = camera.break_in()
    camera.break_in()  # behind it
    os.kill(pid, signal.SIGCONT)
    for _ in range(crashes):
        assert line.wait(30) == 137
        line = camera.start_line(*command)
    assert (tmp_path / "first").read_text() == first
    owner.until(shown(texts=2, images=0))
    wait_for("end of the alarms", lambda: not camera.notes())
    camera.break_in()
    messages = owner.until(shown(texts=3, images=1))
    assert len(alarms(messages)) == 3
    assert line.poll() is None


def test_what_is_in_the_line_when_it_is_told_to_stop_still_goes(
    camera: Camera, owner: "Owner"
) -> None:
    camera.meet(owner)
    line = camera.start_all()
    pid = stages(line)["encrypt-autocrypt"]
    os.kill(pid, signal.SIGSTOP)
    camera.break_in()
    line.terminate()
    os.kill(pid, signal.SIGCONT)
    assert line.wait(30) == 0
    with pytest.raises(ProcessLookupError):
        os.killpg(line.pid, 0)
    owner.until(shown(1, 1))
    assert not camera.notes()
    left = [*camera.folder.glob("run/messages/*"), *camera.folder.glob("run/outgoing/*")]
    assert not left
