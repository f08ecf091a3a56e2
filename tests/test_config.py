"""The config file: every problem at once, by key and line; where it is looked for; its defaults."""

import dataclasses
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from camalert import config_file
from camalert.config import Camera, Config, Pir
from camalert.config_file import dump, load, locate, parse
from camalert.errors import BadConfig, NotPermitted

EVERY = """\
[paths]
run = "/tmp/run"

[[pir]]
name = "hall"
pin = 5
pull = "up"

[[pir]]
name = "stairs"
pin = 6
led = 7
active_high = false
enabled = false

[sensing]
debounce = 1
[[camera]]
name = "porch"
source = "fswebcam"
device = "/dev/video0"
options = ["--flip", "h"]
[mail]
address = "camera@example.org"
recipients = ["owner@example.org", "O'Neil+x@mail.example.org"]
"""


def test_no_file_is_the_classic_wiring() -> None:
    made = load(None)
    assert [(pir.pin, pir.led, pir.active_high) for pir in made.pir] == [
        (16, 19, True),
        (20, 26, True),
    ]
    assert (made.link.pin, made.button.pin, made.button.led) == (21, 4, 17)
    assert made.button.active_high is False
    assert parse("") == (made, [])


def test_every_kind_of_value_is_read(tmp_path: Path) -> None:
    path = tmp_path / "camalert.toml"
    path.write_text("\ufeff" + EVERY, encoding="utf-8")
    made = load(path)
    assert made.source == path
    assert made.pir == (
        Pir("hall", 5, pull="up"),
        Pir("stairs", 6, led=7, active_high=False, enabled=False),
    )
    assert made.camera == (Camera("porch", "fswebcam", "/dev/video0", options=("--flip", "h")),)
    assert made.sensing.debounce == 1.0 and type(made.sensing.debounce) is float
    assert made.mail.recipients[1] == "O'Neil+x@mail.example.org"
    assert made.folder("run", "ring") == Path("/tmp/run/ring")


def test_what_is_in_force_can_be_written_and_read_again() -> None:
    made, _ = parse(EVERY)
    assert parse(dump(made)) == (made, [])
    assert parse(dump(Config())) == (Config(), [])


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[mail", "not TOML: "),
        ("[mial]", "line 1: mial: unknown key; did you mean mail?"),
        ("zzz = 1", "line 1: zzz: unknown key; known here: paths, pir, sensing"),
        ("source = 1", "line 1: source: unknown key"),
        ("\n[panel]\ncooldwon = 3", "line 3: panel.cooldwon: unknown key; did you mean cooldown?"),
        ("panel.cooldwon = 3", "panel.cooldwon: unknown key; did you mean cooldown?"),
        ("panel = 3", "line 1: panel: must be a table"),
        ("camera = 3", "line 1: camera: must be an array: tables, each [[camera]]"),
        ("camera = [3]", "line 1: camera[0]: must be a table"),
        ("[camera]", "line 1: camera: must be an array"),
        ("[[panel]]", "panel: must be a table"),
        ("[panel]\ncooldown = '3'", "line 2: panel.cooldown: must be a number, not '3'"),
        ("[panel]\ncooldown = true", "line 2: panel.cooldown: must be a number, not true"),
        ("[panel]\ncooldown = -1", "line 2: panel.cooldown: -1.0 is below 0"),
        ("[panel]\ncooldown = nan", "line 2: panel.cooldown: nan is below 0"),
        ("[panel]\ncooldown = inf", "line 2: panel.cooldown: inf is above 86400"),
        ("[panel]\nmode = 'home'", "line 2: panel.mode: 'home' is not one of off, monitor, alert"),
        ("[panel]\nmode = 2026-11-20", "line 2: panel.mode: must be text in quotes"),
        ("[button]\npin = 4.0", "line 2: button.pin: must be a whole number, not 4.0"),
        ("[button]\npin = 54", "line 2: button.pin: 54 is above 53"),
        ("[link]\nwired = 1", "line 2: link.wired: must be true or false, not 1"),
        ("[mail]\naddress = 'me'", "line 2: mail.address: 'me' is not an address, such as"),
        ("[mail]\naddress = 'a@b\\n'", "line 2: mail.address: 'a@b\\\\n' is not an address"),
        (
            '[mail]\naddress = "a@b\\nBcc: c@d"',
            "line 2: mail.address: 'a@b\\nBcc: c@d' is not an address",
        ),
        ("[mail]\nrecipients = ['a@b', 'b']", "line 2: mail.recipients[1]: 'b' is not an address"),
        ("[mail]\nrecipients = 'a@b'", 'line 2: mail.recipients: must be an array: ["..."]'),
        ("[mail]\nrecipients = [\n 1\n]", "line 2: mail.recipients[0]: must be text in quotes"),
        ("[[camera]]\nname = 'a'", "line 1: camera[0].source: missing"),
        ("[[camera]]\nname = '../a'\nsource = 'pattern'", "line 2: camera[0].name: '../a' is not"),
        (
            "[mail]\nname = 'Käse/porch'",
            "line 2: mail.name: 'Käse/porch' is not a name: letters and digits, after the first",
        ),
        (
            "[[camera]]\nname = 'a'\nsource = 'file'",
            "line 1: camera[0].device: a file camera needs it",
        ),
        (
            "[[camera]]\nname = 'a'\nsource = 'pattern'\nrotation = 45",
            "line 4: camera[0].rotation: 45 is not 0, 90, 180 or 270",
        ),
        (
            "[[camera]]\nname='a'\nsource='pattern'\n[[camera]]\nname='A'\nsource='pattern'",
            "line 5: camera[1].name: 'A' is already the name of camera[0]",
        ),
        (
            "[[camera]]\nname='a b'\nsource='pattern'\n[[camera]]\nname='A_b'\nsource='pattern'",
            "line 5: camera[1].name: 'A_b' would be the same file name as 'a b', the name of cam",
        ),
        (
            "[[camera]]\nname='a'\nsource='pattern'\nmotion='none'",
            "line 4: camera[0].motion: 'none' is not one of \"\" (the default), alarm, confirm",
        ),
        (
            "[[pir]]\nname='a'\npin=1\n[[pir]]\nname='b'\npin=1",
            "line 6: pir[1].pin: pin 1 is already used by pir[0].pin",
        ),
        *(
            (f"[[camera]]\nname = 'a'\nsource = 'pattern'\n{text}", f"line 4: camera[0].{problem}")
            for text, problem in [
                ("privacy_masks = ['0,0 101,5']", "privacy_masks[0]: '101,5' lies outside"),
                ("privacy_masks = ['0,0 5,0']", "privacy_masks[0]: '0,0 5,0' is a region without"),
                ("rate = 31", "rate: 31.0 is above 30"),
                ("mode = 'film'", "mode: 'film' is not one of video, still"),
                ("night = 'sun'", "night: sun: set place.latitude and place.longitude"),
                ("night_from = '7:00'", "night_from: '7:00' is not a time of day, such as 21:30"),
                ("night_rate = 0.05", "night_rate: 0.05 is neither 0 nor from 0.1 to 30"),
                (
                    "night_above = 20\nnight = 'light'",
                    "night_above: 20 is not above night_below, 30",
                ),
                (
                    "night_to = '21:00'\nnight = 'hours'",
                    "night_to: 21:00 is the same as night_from: no night at all",
                ),
            ]
        ),
        *(
            (
                f"[[camera]]\nname = 'a'\nsource = '{source}'\n{text}",
                f"line 4: camera[0].{problem}",
            )
            for source, text, problem in [
                ("ffmpeg", "device = 'video0'", "device: 'video0' is neither /dev/... nor a URL"),
                ("ffmpeg", "device = 'ftp://a:b@c/d'", "device: 'ftp://...@c/d' is neither"),
                ("ffmpeg", "device = 'rtsp:cam'", "device: 'rtsp:cam' is neither"),
                ("ffmpeg", 'device = "http://a/\\n"', "device: 'http://a/\\n' is neither"),
                ("fswebcam", "device = '0'", "device: '0' is neither /dev/... nor TEST"),
                ("fswebcam", "device = 'test'", "device: 'test' is neither /dev/... nor TEST"),
                ("rpicam", "device = 'imx219'", "device: 'imx219' is not the number of a camera"),
                ("fswebcam", "options = ['--save', '/a']", "options[0]: '--save' would write"),
                ("fswebcam", "options = ['--invert', 'a']", "options[1]: 'a' would write"),
                ("rpicam", "night_options = ['-oa']", "night_options[0]: '-oa' would write"),
                ("pattern", "masks = ['0,0 100,100']", "masks: zones and masks leave nothing"),
                (
                    "pattern",
                    "privacy_masks = ['0,0 60,100', '50,0 100,100']",
                    "privacy_masks: zones and masks leave nothing",
                ),
                (
                    "pattern",
                    "masks = ['10,10 60,60']\nzones = ['20,20 30,30', '40,40 50,20 50,50']",
                    "masks: zones and masks leave nothing",
                ),
                (
                    "pattern",
                    "privacy_masks = ['5,5 5.1,5.2']",
                    "privacy_masks[0]: '5,5 5.1,5.2' is",
                ),
                (
                    "pattern",
                    "privacy_masks = ['0,0 1,0.5']",
                    "privacy_masks[0]: '0,0 1,0.5' is only",
                ),
            ]
        ),
        ("[paths]\nrun = 'run'", "line 2: paths.run: 'run' does not begin with /: each command"),
        ("[paths]\nstate = '~/a'", "line 2: paths.state: '~/a' does not begin with /"),
        ("[place]\nlatitude = 91", "line 2: place.latitude: 91.0 is above 90"),
        ("[ring]\nframes = 1", "line 2: ring.frames: 1 is below 2"),
        ("[button]\nled = 16", "line 2: button.led: pin 16 is already used by pir[0].pin"),
        ("[button]\npin = 21", "line 2: button.pin: pin 21 is already used by link.pin"),
    ],
)
def test_a_problem_is_named_by_line_and_key(text: str, problem: str) -> None:
    _, problems = parse(text)
    assert len(problems) == 1, problems
    assert problems[0].startswith(problem)


def test_all_problems_are_said_at_once() -> None:
    _, problems = parse(
        "[panel]\nmode = 'home'\ncooldwn = 1\n[[camera]]\nnam = 'a'\n[button]\npin = 16\nled = 16\n"
    )
    assert [problem.split(": ", 2)[:2] for problem in problems] == [
        ["line 2", "panel.mode"],
        ["line 3", "panel.cooldwn"],
        ["line 5", "camera[0].nam"],
        ["line 4", "camera[0].name"],
        ["line 4", "camera[0].source"],
        ["line 7", "button.pin"],
        ["line 8", "button.led"],
    ]


@pytest.mark.parametrize(
    "text",
    [
        "[[pir]]\nname='a'\npin=4\nenabled=false",
        "[link]\npin = -1\n[button]\nled = -1",
        "[[pir]]\nname='a'\npin=1\n[[pir]]\nname='b'\npin=2",
        "[mail]\naddress = ''",
        "[place]\nlongitude = 13.4\n[[camera]]\nname = 'a'\nsource = 'pattern'\nnight = 'sun'",
        "[[camera]]\nname = 'a'\nsource = 'pattern'\nnight_above = 20",
        "[[camera]]\nname = 'Front door_2'\nsource = 'pattern'\nrotation = 270",
        *(
            f"[[camera]]\nname = 'a'\n{text}"
            for text in [
                "source = 'ffmpeg'\ndevice = 'RTSP://a:b@c:554/d'",
                "source = 'ffmpeg'\ndevice = '/dev/video0'",
                "source = 'fswebcam'",
                "source = 'fswebcam'\ndevice = 'TEST'\noptions = ['--flip', 'h', '-S', '20']",
                "source = 'rpicam'\ndevice = '1'\noptions = ['--ev', '0.5']",
                "source = 'pattern'\nmasks = ['0,0 100,99']",
                "source = 'pattern'\nmasks = ['0,0 50,100']\nzones = ['49,0 52,100']",
                "source = 'pattern'\nzones = ['50,50 50.1,50.1']",
                "source = 'pattern'\nprivacy_masks = ['50,50 50.5,50.5']",
            ]
        ),
    ],
)
def test_what_is_right_is_no_problem(text: str) -> None:
    assert parse(text)[1] == []


def tables() -> list[tuple[str, Any]]:
    return [(f.name, f.default) for f in dataclasses.fields(Config) if f.name not in ("source",)]


def test_every_default_is_within_its_own_bounds() -> None:
    for _, value in tables():
        for item in value if isinstance(value, tuple) else (value,):
            for field in dataclasses.fields(item):
                if field.default is dataclasses.MISSING:
                    continue
                limits = dict(field.metadata) | {"default": field.default}
                assert config_file._out_of_bounds(limits, field.default) is None, field.name


def test_every_key_says_what_it_means() -> None:
    kinds = [Pir, Camera, *(type(value) for _, value in tables() if not isinstance(value, tuple))]
    for kind in kinds:
        for field in dataclasses.fields(kind):
            assert field.metadata["meaning"], f"{kind.__name__}.{field.name}"
            bounded = field.type in (int, float)
            assert not bounded or None not in (field.metadata["low"], field.metadata["high"])


KEYS = [name for name, _ in tables()]
TOML_VALUE = st.one_of(
    st.integers(),
    st.booleans(),
    st.floats(),
    st.text(max_size=5),
    st.just([]),
    st.just({}),
    st.lists(st.integers() | st.text(max_size=3), max_size=2),
)


@given(
    st.dictionaries(
        st.sampled_from([*KEYS, "other"]),
        TOML_VALUE
        | st.dictionaries(
            st.sampled_from(["pin", "name", "led", "mode", "source", "rotation", "recipients"]),
            TOML_VALUE,
        )
        | st.lists(st.dictionaries(st.sampled_from(["pin", "name", "led", "source"]), TOML_VALUE)),
        max_size=4,
    )
)
def test_no_tree_does_more_than_name_problems(tree: dict[str, Any]) -> None:
    found: list[tuple[str, str]] = []
    made = config_file._table(Config, tree, "", found)
    found += config_file._contradictions(made)
    if not found:
        assert parse(dump(made)) == (made, [])


def test_a_file_as_a_camera_is_seen_from_the_configs_folder(tmp_path: Path) -> None:
    path, camera = tmp_path / "a.toml", "[[camera]]\nname = '{}'\nsource = '{}'\ndevice = '{}'\n"
    path.write_text(
        camera.format("a", "file", "b/c.mp4")
        + camera.format("b", "file", "/d.jpg")
        + camera.format("c", "fswebcam", "TEST"),
        encoding="utf-8",
    )
    devices = [camera.device for camera in load(path).camera]
    assert devices == [f"{tmp_path}/b/c.mp4", "/d.jpg", "TEST"]


def test_a_file_with_problems_is_an_error_of_one_line(tmp_path: Path) -> None:
    path = tmp_path / "camalert.toml"
    path.write_text("one = 1\ntwo = 2\n", encoding="utf-8")
    with pytest.raises(
        BadConfig, match=r"line 1: one: .*\(and 1 more; see camalert check-config\)"
    ):
        load(path)
    path.write_bytes(b"\xff")
    with pytest.raises(BadConfig, match=r"camalert\.toml: is not text in UTF-8$"):
        load(path)
    for wrong, why in (("none.toml", "No such file or directory"), (".", "Is a directory")):
        with pytest.raises(BadConfig, match=f"cannot be read: {why}$"):
            load(tmp_path / wrong)
    assert load(Path("/dev/null")) == dataclasses.replace(Config(), source=Path("/dev/null"))


def test_the_file_is_looked_for_in_this_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def made(name: str) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        return path

    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    system = Path("/etc/camalert/camalert.toml")
    assert locate() == (system if system.is_file() else None)
    home = made("home/.config/camalert/camalert.toml")
    assert locate() == home
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "xdg"))
    xdg = made("xdg/camalert/camalert.toml")
    assert locate() == xdg
    monkeypatch.setenv("CAMALERT_CONFIG", str(made("named.toml")))
    assert locate() == tmp_path / "named.toml"
    assert locate(str(made("option.toml"))) == tmp_path / "option.toml"
    assert locate(str(tmp_path / "none")) == tmp_path / "none"
    assert locate("/dev/null") == Path("/dev/null")
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(BadConfig, match="is a pipe"):
        locate(str(tmp_path / "pipe"))


def test_where_this_user_may_not_look_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(path: Path) -> bool:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "is_file", refused)
    with pytest.raises(NotPermitted, match=r"camalert\.toml: Permission denied"):
        locate()


def test_roots_folders_are_the_systems(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    folders = [str(Config().folder(which)) for which in ("run", "spool", "state")]
    assert folders == ["/run/camalert", "/var/spool/camalert", "/var/lib/camalert"]


def test_a_users_folders_are_those_of_xdg(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setenv("HOME", str(tmp_path))
    state = f"{tmp_path}/.local/state/camalert"
    folders = [str(Config().folder(which)) for which in ("run", "spool", "state")]
    assert folders == ["/dev/shm/camalert-1000", f"{state}/spool", state]
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setenv("XDG_STATE_HOME", "/state")
    folders = [str(Config().folder(which)) for which in ("run", "spool", "state")]
    assert folders == [f"{tmp_path}/camalert", "/state/camalert/spool", "/state/camalert"]


def test_the_spool_goes_with_a_state_folder_that_is_moved() -> None:
    assert parse('[paths]\nstate = "/srv/cam"')[0].folder("spool", "mail") == Path(
        "/srv/cam/spool/mail"
    )
    both = parse('[paths]\nstate = "/srv/cam"\nspool = "/srv/mail"')[0]
    assert both.folder("spool") == Path("/srv/mail")
