"""diff-frames as a process: each kind of input, and what comes out of it."""

import io
import json
import os
import random
import select
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess, Popen

import pytest
from PIL import Image

from camalert.codec import encode
from camalert.records import FrameCaptured, PictureFailed, PictureTaken, SystemClock, envelope

Run = Callable[..., CompletedProcess[bytes]]
Start = Callable[..., Popen[bytes]]

NOISE = Image.frombytes("L", (20, 15), random.Random(1).randbytes(300))


def picture(figure: bool = False, size: tuple[int, int] = (640, 480)) -> bytes:
    """A JPEG of a room with much in it; with a figure that covers a twentieth of it."""
    scene = NOISE.point(lambda value: 100 + value // 2).resize((640, 480))
    if figure:
        scene.paste(NOISE.point(lambda value: value // 4).resize((64, 240)), (320, 200))
    out = io.BytesIO()
    scene.resize(size).convert("RGB").save(out, "JPEG")
    return out.getvalue()


STILL, MOVED = picture(), picture(figure=True)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Pictures by name: nothing, nothing, a figure; and what is no picture."""
    made = tmp_path / "yard"
    made.mkdir()
    for name, data in (("1.jpg", STILL), ("2.JPEG", STILL), ("3.jpg", MOVED), ("n.txt", b"hi")):
        (made / name).write_bytes(data)
    return made


def test_paths_as_arguments(run: Run, folder: Path) -> None:
    done = run("diff-frames", "yard/1.jpg", "yard/3.jpg", "yard/2.JPEG")
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.splitlines()[0] == b"yard/3.jpg"


def test_nothing_moved_is_a_negative_answer(run: Run, folder: Path) -> None:
    done = run("diff-frames", "yard/1.jpg", "yard/2.JPEG")
    assert (done.returncode, done.stdout, done.stderr) == (1, b"", b"")
    assert run("diff-frames").returncode == 1


def test_a_folder_is_its_jpegs_in_order(run: Run, folder: Path) -> None:
    done = run("diff-frames", "yard")
    assert (done.returncode, done.stdout, done.stderr) == (0, b"yard/3.jpg\n", b"")


def test_a_folder_without_jpegs_is_said(run: Run, folder: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for paths in (["empty"], ["yard", "empty"]):
        done = run("diff-frames", *paths)
        assert (done.returncode, done.stdout) == (65, b"")
        assert done.stderr == b"diff-frames: empty: no JPEG in the folder\n"


def test_json_says_how_much_and_where(run: Run, folder: Path) -> None:
    lines = run("diff-frames", "--json", "yard").stdout.splitlines()
    first, second, third = map(json.loads, lines)
    assert first == second | {"picture": "yard/1.jpg"}
    assert (second["moved"], second["score"], second["box"]) == (False, 0, None)
    assert third["moved"]
    assert third["area"] == pytest.approx(5, abs=2)
    left, top, right, bottom = third["box"]
    assert (left, top, right, bottom) == pytest.approx((50, 41.7, 60, 91.7), abs=3)


def test_options_set_what_counts(run: Run, folder: Path, config_file: Callable[..., Path]) -> None:
    assert run("diff-frames", "--area", "20", "yard").returncode == 1
    assert run("diff-frames", "--threshold", "100", "yard").returncode == 1
    config_file("[motion]\narea = 20")
    assert run("diff-frames", "yard").returncode == 1
    assert run("diff-frames", "--area", "0.1", "yard").returncode == 0
    assert run("diff-frames", "--area", "0", "yard").returncode == 64


RIGHT, LEFT = "45,0 100,100", "0,0 45,100"


def test_presets_methods_and_regions(run: Run, folder: Path) -> None:
    for seen in (
        ["--preset", "low"],
        ["--method", "area"],
        ["--method", "pixel"],
        ["--zone", RIGHT],
        ["--zone", "0,0 1,1", "--zone", RIGHT],
        ["--mask", LEFT],
    ):
        assert run("diff-frames", *seen, "yard").returncode == 0, seen
    for unseen in (
        ["--method", "area", "--area", "50"],
        ["--method", "pixel", "--threshold", "99"],
        ["--zone", LEFT],
        ["--mask", "0,0 1,1", "--mask", RIGHT],
    ):
        assert run("diff-frames", *unseen, "yard").returncode == 1, unseen


def test_the_numbers_of_the_classic_methods(run: Run, folder: Path) -> None:
    lines = run("diff-frames", "--json", "--method", "pixel", "yard").stdout.splitlines()
    assert json.loads(lines[1])["distance"] < 5 < 20 < json.loads(lines[2])["distance"]
    lines = run("diff-frames", "--json", "--method", "area", "yard").stdout.splitlines()
    assert json.loads(lines[2])["area"] == pytest.approx(5, abs=0.5)


@pytest.mark.parametrize(
    ("option", "reason"),
    [
        (["--zone", "0,0 101,5"], "'101,5' lies outside the picture"),
        (["--mask", "5,5 5,9"], "'5,5 5,9' is a region without any size"),
        (["--mask", "left"], "'left' is no corner"),
        (["--mask", "0,0 100,100"], "leave nothing"),
        (["--preset", "extreme"], "extreme"),
        (["--method", "magic"], "magic"),
        (["--thumbnail", "maybe"], "maybe"),
    ],
)
def test_options_that_cannot_be(run: Run, folder: Path, option: list[str], reason: str) -> None:
    done = run("diff-frames", *option, "yard")
    assert (done.returncode, done.stdout, done.stderr.count(b"\n")) == (64, b"", 1)
    assert reason in done.stderr.decode()


CAMERA = '[[camera]]\nname = "porch"\nsource = "pattern"\n'


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        ('[motion]\npreset = "extreme"', "motion.preset: 'extreme' is not one of low"),
        ("[motion]\narea = 0", "motion.area: 0.0 is below 0.01"),
        (CAMERA + 'masks = ["0,0 101,5"]', "camera[0].masks[0]: '101,5' lies outside"),
        (CAMERA + 'zones = ["1,1 1,1"]', "camera[0].zones[0]: '1,1 1,1' is a region without"),
        (CAMERA + 'masks = ["0,0 100,100"]', "camera[0].masks: zones and masks leave nothing"),
    ],
)
def test_a_config_that_cannot_be(
    run: Run, folder: Path, config_file: Callable[..., Path], lines: str, reason: str
) -> None:
    config_file(lines)
    done = run("diff-frames", "yard")
    assert (done.returncode, done.stdout, done.stderr.count(b"\n")) == (78, b"", 1)
    assert reason in done.stderr.decode()


def test_no_thumbnail_where_it_must_be(run: Run, folder: Path) -> None:
    done = run("diff-frames", "--thumbnail", "only", "yard")
    assert done.returncode == 65
    assert b"yard/1.jpg: " in done.stderr and b"no thumbnail" in done.stderr
    assert done.stderr.endswith(b"diff-frames: 3 of 3 pictures skipped\n")


def test_many_that_cannot_be_read_are_no_flood(run: Run, folder: Path) -> None:
    data = b"".join(b"no/%d.jpg\n" % n for n in range(2000))
    done = run("diff-frames", data=data)
    assert done.returncode == 65
    *first, ten, _, _, _, last = done.stderr.splitlines()
    assert len(first) == 3
    assert last == b"diff-frames: 2000 of 2000 pictures skipped"
    assert ten == b"diff-frames: 10 pictures skipped so far"


def test_paths_on_standard_input_are_answered_one_by_one(start: Start, folder: Path) -> None:
    process = start("diff-frames")
    assert process.stdin
    assert process.stdout
    process.stdin.write(b"yard/1.jpg\n\nyard/3.jpg\nyard/3")
    process.stdin.flush()
    assert select.select([process.stdout], [], [], 20)[0], "nothing came"
    assert process.stdout.readline() == b"yard/3.jpg\n"
    rest, said = process.communicate(b".jpg", timeout=20)
    assert (process.returncode, said) == (0, b"")
    assert rest == b"yard/3.jpg\n"


def test_a_path_may_be_any_bytes_but_must_lead_somewhere(run: Run, tmp_path: Path) -> None:
    odd = os.fsdecode(b"caf\xe9.jpg")
    (tmp_path / odd).write_bytes(MOVED)
    (tmp_path / "1.jpg").write_bytes(STILL)
    done = run("diff-frames", data=b"1.jpg\ncaf\xe9.jpg\nno\0where\n")
    assert done.stdout == b"caf\xe9.jpg\n"
    assert done.returncode == 0
    first, last = done.stderr.splitlines()
    assert b"where: " in first
    assert last == b"diff-frames: 1 of 3 pictures skipped"


def test_pictures_of_two_shapes_are_two_cameras(run: Run, tmp_path: Path) -> None:
    small = {"a": picture(size=(640, 360)), "b": picture(True, (640, 360))}
    for name, data in {"1": STILL, "2": small["a"], "3": STILL, "4": small["b"]}.items():
        (tmp_path / f"{name}.jpg").write_bytes(data)
    done = run("diff-frames", "1.jpg", "2.jpg", "3.jpg", "4.jpg")
    assert done.stdout == b"4.jpg\n"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", b"not a JPEG"),
        (b"hello", b"not a JPEG"),
        (STILL[:9000], b"truncated"),
        (None, b"No such file"),
    ],
)
def test_what_cannot_be_read_is_said_and_the_rest_goes_on(
    run: Run, folder: Path, content: bytes | None, reason: bytes
) -> None:
    if content is not None:
        (folder / "bad.jpg").write_bytes(content)
    done = run("diff-frames", "yard/1.jpg", "yard/bad.jpg", "yard/3.jpg")
    assert (done.returncode, done.stdout) == (0, b"yard/3.jpg\n")
    assert done.stderr.startswith(b"diff-frames: yard/bad.jpg: ")
    assert reason in done.stderr
    assert run("diff-frames", "yard/bad.jpg", "yard/1.jpg").returncode == 65


def test_jpegs_in_jpegs_out(run: Run) -> None:
    done = run("diff-frames", data=STILL + STILL + MOVED)
    assert (done.returncode, done.stdout, done.stderr) == (0, MOVED, b"")
    assert run("diff-frames", data=STILL + STILL).returncode == 1


def test_a_stream_that_is_cut_off(run: Run) -> None:
    done = run("diff-frames", data=STILL + MOVED + STILL[:5000])
    assert (done.returncode, done.stdout) == (0, MOVED)
    assert b"diff-frames: picture 3: " in done.stderr
    done = run("diff-frames", "--json", data=STILL + MOVED)
    assert [json.loads(line)["picture"] for line in done.stdout.splitlines()] == [
        "picture 1",
        "picture 2",
    ]


def taken(file: Path | str, camera: str = "porch", **more: object) -> bytes:
    stamp = envelope(camera, SystemClock())
    return encode(
        PictureTaken(**stamp, alarm="a-1", part=f"{camera}-1", file=str(file), kind="alarm", **more)
    )


@pytest.fixture
def ring(tmp_path: Path) -> Path:
    made = tmp_path / "run" / "ring"
    made.mkdir(parents=True)
    (made / "still.jpg").write_bytes(STILL)
    (made / "moved.jpg").write_bytes(MOVED)
    return made


def test_records_get_what_was_found(run: Run, ring: Path) -> None:
    other = encode(
        PictureFailed(**envelope("yard", SystemClock()), alarm="a-1", kind="alarm", reason="gone")
    )
    records = [
        taken(ring / "still.jpg"),
        other,
        taken(ring / "moved.jpg", "yard"),
        taken(ring / "moved.jpg"),
    ]
    done = run("diff-frames", data=b"".join(records))
    assert (done.returncode, done.stderr) == (0, b"")
    first, failed, yard, second = done.stdout.splitlines(keepends=True)
    assert failed == other
    assert [json.loads(line)["moved"] for line in (first, yard, second)] == [False, False, True]
    found = json.loads(second)
    assert found["score"] > 10
    assert found["area"] == pytest.approx(5, abs=2)
    assert len(found["box"]) == 4
    assert {"moved", "score", "area", "box"} == found.keys() - json.loads(records[3]).keys()


def test_frames_of_a_ring(run: Run, ring: Path, config_file: Callable[..., Path]) -> None:
    stamp = SystemClock()
    records = [
        encode(FrameCaptured(**envelope(camera, stamp), file=str(ring / f"{name}.jpg")))
        for camera in ("porch", "yard")
        for name in ("still", "moved")
    ]
    config_file(CAMERA + f'masks = ["{RIGHT}"]')
    done = run("diff-frames", data=b"".join(records))
    assert (done.returncode, done.stderr) == (0, b"")
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert [record["moved"] for record in found] == [False, False, False, True]
    assert len(found[3]["box"]) == 4


def test_a_record_is_passed_on_at_once(start: Start, ring: Path) -> None:
    process = start("diff-frames")
    assert process.stdin
    assert process.stdout
    for _ in range(2):
        process.stdin.write(taken(ring / "still.jpg"))
        process.stdin.flush()
        assert select.select([process.stdout], [], [], 20)[0], "nothing came"
        assert json.loads(process.stdout.readline())["moved"] is False


def test_only_files_of_the_run_folder_are_read_and_no_links(
    run: Run, ring: Path, tmp_path: Path
) -> None:
    outside = tmp_path / "outside.jpg"
    outside.write_bytes(STILL)
    (ring / "link.jpg").symlink_to(outside)
    (ring / "cut.jpg").write_bytes(STILL[:9000])
    files = [outside, ring / "link.jpg", ring / "../../outside.jpg", ring / "none.jpg"]
    data = b"".join(map(taken, [*files, ring, ring / "cut.jpg", ring / "still.jpg"]))
    done = run("diff-frames", data=data)
    *bad, good = map(json.loads, done.stdout.splitlines())
    assert len(bad) == 6
    assert all(record["error"] and "moved" not in record for record in bad)
    assert good["moved"] is False
    assert done.returncode == 0
    assert done.stderr.count(b"\n") == 3 + 1
    assert done.stderr.endswith(b"6 of 7 pictures skipped\n")


def test_a_picture_known_to_be_damaged_is_not_judged(run: Run, ring: Path) -> None:
    record = taken(ring / "still.jpg", damaged="cut off")
    done = run("diff-frames", data=record)
    assert (done.stdout, done.stderr) == (record, b"")


def test_records_into_the_outbox(run: Run, ring: Path, tmp_path: Path) -> None:
    outbox = tmp_path / "run" / "outbox"
    os.mkfifo(outbox, 0o600)
    reader = os.open(outbox, os.O_RDWR | os.O_NONBLOCK)
    done = run("diff-frames", "--to-outbox", data=taken(ring / "still.jpg"))
    assert (done.returncode, done.stdout) == (0, b"")
    assert json.loads(os.read(reader, 65536))["moved"] is False
    os.close(reader)


def test_a_bar_on_a_terminal_for_many_pictures(run: Run, folder: Path) -> None:
    import pty

    controller, terminal = pty.openpty()
    script = str(Path(sys.executable).with_name("diff-frames"))
    command = [script, *["yard/1.jpg"] * 100, "yard/3.jpg"]
    env = dict(os.environ, TERM="xterm")
    done = subprocess.run(
        command, stdout=subprocess.PIPE, stderr=terminal, cwd=folder.parent, env=env, timeout=60
    )
    os.close(terminal)
    shown = os.read(controller, 65536)
    os.close(controller)
    assert done.stdout == b"yard/3.jpg\n"
    assert b"%" in shown


def test_help_loads_neither_numpy_nor_pillow() -> None:
    code = (
        "import sys; from camalert.commands.diff_frames import main\n"
        "try: main.main(['--help'])\n"
        "finally: assert not {'numpy', 'PIL'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "Example:" in done.stdout


def test_the_keys_of_a_camera_that_is_named_count(
    run: Run, folder: Path, config_file: Callable[..., Path]
) -> None:
    config_file(CAMERA + f'masks = ["{RIGHT}"]\n[[camera]]\nname = "yard"\nsource = "pattern"\n')
    paths, stream = b"yard/1.jpg\nyard/3.jpg\n", STILL + MOVED
    for camera, code in (("porch", 1), ("yard", 0)):
        assert run("diff-frames", "--camera", camera, "yard").returncode == code
        assert run("diff-frames", "--camera", camera, data=paths).returncode == code
        assert run("diff-frames", "--camera", camera, data=stream).returncode == code
    assert run("diff-frames", "--camera", "porch", "--mask", LEFT, "yard").returncode == 0


def test_a_camera_that_is_not_known_is_refused(
    run: Run, folder: Path, config_file: Callable[..., Path]
) -> None:
    done = run("diff-frames", "--camera", "nope", "yard")
    assert (done.returncode, done.stdout) == (64, b"")
    assert b"nope: no such camera; known here: none is configured" in done.stderr
    config_file(CAMERA)
    done = run("diff-frames", "--camera", "nope", "yard")
    assert (done.returncode, done.stdout) == (64, b"")
    assert done.stderr == b"diff-frames: nope: no such camera; known here: porch\n"
