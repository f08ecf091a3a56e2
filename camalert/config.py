"""One TOML file into frozen dataclasses; all that is wrong with it is said at once.

Every key of docs/config.md is a field below: name, default, meaning, unit and bounds stand here and
nowhere else. An unknown key is an error that names the nearest known one.
"""

import dataclasses
import difflib
import json
import os
import re
import tomllib
import types
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from camalert.errors import BadConfig

ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?")
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 _-]{0,31}")
Limits = dict[str, Any]


def key(
    default: Any = dataclasses.MISSING,
    *,
    meaning: str,
    unit: str = "",
    low: float | None = None,
    high: float | None = None,
    choices: tuple[str, ...] = (),
    pattern: re.Pattern[str] | None = None,
) -> Any:
    """A config key: `default` (none: the key is required), what it means, its unit and bounds."""
    said = {"meaning": meaning, "default": default, "unit": unit}
    limits = {"low": low, "high": high, "choices": choices, "pattern": pattern}
    return dataclasses.field(default=default, metadata=said | limits)


@dataclasses.dataclass(frozen=True)
class Paths:
    """Where things lie. Empty means: the system's folders for root, the XDG folders for others."""

    run: str = key("", meaning="RAM: frames, plain messages, the FIFOs, the lock files")
    spool: str = key("", meaning="what must survive a power cut: the alarms' notes, the mail")
    state: str = key("", meaning="keys, the mode, the event database")


@dataclasses.dataclass(frozen=True)
class Pir:
    """One PIR (or reed) sensor on a pin. `[[pir]]`, any number."""

    name: str = key(meaning="what alarms call it", pattern=NAME)
    pin: int = key(meaning="its GPIO line", unit="BCM number", low=0, high=53)
    led: int = key(-1, meaning="the LED that mirrors it; -1 for none", unit="BCM", low=-1, high=53)
    active_high: bool = key(True, meaning="true where a high level means movement")
    pull: str = key("none", meaning="the pin's pull resistor", choices=("none", "up", "down"))
    enabled: bool = key(True, meaning="false: the pin is never read")


@dataclasses.dataclass(frozen=True)
class Sensing:
    """How edges become events. `[sensing]`."""

    debounce: float = key(0.05, meaning="a level must hold this long", unit="s", low=0, high=10)
    settle: float = key(
        30.0, meaning="at start a PIR is not heeded for this long", unit="s", low=0, high=600
    )
    agree: int = key(2, meaning="how many PIRs must agree; at most all", low=1, high=20)
    window: float = key(
        5.0, meaning="how far apart their edges may lie to agree", unit="s", low=0, high=600
    )


@dataclasses.dataclass(frozen=True)
class Link:
    """The wire by which the sensor side trips the camera side. `[link]`."""

    pin: int = key(
        21, meaning="output, active while the PIRs agree; -1 for none", unit="BCM", low=-1, high=53
    )
    active_high: bool = key(
        False, meaning="false: low while the PIRs agree, as a button that pulls its pin low"
    )
    wired: bool = key(
        False, meaning="true where the wire ends at a button's pin: then that end makes the alarm"
    )


@dataclasses.dataclass(frozen=True)
class Button:
    """The push button, and the other end of the link wire. `[button]`."""

    name: str = key("button", meaning="what alarms call it", pattern=NAME)
    pin: int = key(4, meaning="its GPIO line", unit="BCM number", low=0, high=53)
    active_high: bool = key(False, meaning="false: pulled up, pressed means low")
    led: int = key(
        17, meaning="lit while an alarm is worked on; -1 for none", unit="BCM", low=-1, high=53
    )


@dataclasses.dataclass(frozen=True)
class Camera:
    """One camera. `[[camera]]`, any number."""

    name: str = key(meaning="what pictures and alarms call it", pattern=NAME)
    source: str = key(
        meaning="what takes the picture",
        choices=("rpicam", "fswebcam", "ffmpeg", "file", "pattern"),
    )
    device: str = key(
        "",
        meaning="fswebcam, ffmpeg: /dev/videoN or a URL (rtsp, http, https); "
        "rpicam: the camera's number; file: a picture, a folder or a clip",
    )
    width: int = key(1280, meaning="picture width", unit="pixels", low=16, high=9152)
    height: int = key(720, meaning="picture height", unit="pixels", low=16, high=6944)
    quality: int = key(85, meaning="JPEG quality", low=1, high=100)
    rotation: int = key(0, meaning="turn the picture clockwise", unit="degrees", low=0, high=270)
    deadline: float = key(
        15.0, meaning="a capture that takes longer is killed", unit="s", low=0.1, high=120
    )
    options: tuple[str, ...] = key(
        (), meaning="further words for rpicam-still or fswebcam, one string each"
    )


@dataclasses.dataclass(frozen=True)
class Panel:
    """What becomes an alarm. `[panel]`."""

    mode: str = key(
        "alert", meaning="the mode before anyone has set one", choices=("off", "monitor", "alert")
    )
    cooldown: float = key(
        60.0, meaning="after an alarm, no other for this long", unit="s", low=0, high=86400
    )


@dataclasses.dataclass(frozen=True)
class Motion:
    """When a picture counts as moved. `[motion]`."""

    area: float = key(
        0.1, meaning="the least changed part of the picture", unit="%", low=0.01, high=100
    )
    threshold: float = key(
        4.5, meaning="the least change of a cell, in the detector's log steps", low=1, high=100
    )


@dataclasses.dataclass(frozen=True)
class Mail:
    """The camera's own mail account, and who gets its messages. `[mail]`."""

    address: str = key("", meaning="the camera's own address", pattern=ADDRESS)
    name: str = key("camera", meaning="the name the owner's chat shows", pattern=NAME)
    recipients: tuple[str, ...] = key((), meaning="who gets alarms", pattern=ADDRESS)
    preview: bool = key(False, meaning="send a small preview before each full picture")
    smtp_host: str = key("", meaning="the provider's SMTP server")
    smtp_port: int = key(465, meaning="its port", low=1, high=65535)
    smtp_security: str = key(
        "tls", meaning="plain: to loopback only", choices=("tls", "starttls", "plain")
    )
    smtp_user: str = key("", meaning="login name; empty: the address")
    password_file: str = key("", meaning="a file (0600) that holds the password; empty: no login")
    ca_file: str = key("", meaning="certificates to trust instead of the system's")
    timeout: float = key(30.0, meaning="the longest wait for the server", unit="s", low=1, high=300)
    quota: int = key(
        200, meaning="the most that may wait in the spool", unit="MB", low=1, high=100000
    )


@dataclasses.dataclass(frozen=True)
class Events:
    """The event database. `[events]`."""

    database: str = key(
        "", meaning="an SQLAlchemy URL; empty: SQLite, events.db in the state folder"
    )


@dataclasses.dataclass(frozen=True)
class Config:
    """The whole file. `source` is where it was read, None where there was no file."""

    paths: Paths = Paths()
    pir: tuple[Pir, ...] = (Pir("pir-1", 16, led=19), Pir("pir-2", 20, led=26))
    sensing: Sensing = Sensing()
    link: Link = Link()
    button: Button = Button()
    camera: tuple[Camera, ...] = ()
    panel: Panel = Panel()
    motion: Motion = Motion()
    mail: Mail = Mail()
    events: Events = Events()
    source: Path | None = None

    def folder(self, which: str, *below: str) -> Path:
        """The folder `which` of [paths] (run, spool, state), or a path below it. Not created."""
        chosen = getattr(self.paths, which) or _default_folder(which)
        return Path(chosen, *below)


def _default_folder(which: str) -> str:
    if os.geteuid() == 0:
        return {"run": "/run", "spool": "/var/spool", "state": "/var/lib"}[which] + "/camalert"
    if which == "run":
        # cron sets no XDG_RUNTIME_DIR, and must find the line of a shell that has it.
        runtime = os.environ.get("XDG_RUNTIME_DIR") or f"/run/user/{os.geteuid()}"
        there = Path(runtime).is_dir()
        return f"{runtime}/camalert" if there else f"/dev/shm/camalert-{os.geteuid()}"  # noqa: S108
    state = os.environ.get("XDG_STATE_HOME") or str(Path.home() / ".local/state")
    return f"{state}/camalert/spool" if which == "spool" else f"{state}/camalert"


def locate(option: str | None = None) -> Path | None:
    """The config file in force: `option`, $CAMALERT_CONFIG, the XDG folder, /etc; None if none is.

    Raises BadConfig when `option` or $CAMALERT_CONFIG name a file that is not there.
    """
    named = option or os.environ.get("CAMALERT_CONFIG")
    if named:
        if not Path(named).is_file():
            raise BadConfig(named, "no such config file")
        return Path(named)
    folder = os.environ.get("XDG_CONFIG_HOME") or str(Path.home() / ".config")
    for path in (Path(folder, "camalert/camalert.toml"), Path("/etc/camalert/camalert.toml")):
        if path.is_file():
            return path
    return None


def load(path: Path | None) -> Config:
    """The config in the file `path`, or the defaults for None.

    Raises BadConfig with every problem of the file, one a line.
    """
    if path is None:
        return Config()
    try:
        config, problems = parse(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise BadConfig(str(path), f"cannot be read: {error}") from None
    if problems:
        rest = f" (and {len(problems) - 1} more; see camalert check-config)" * (len(problems) > 1)
        raise BadConfig(str(path), problems[0] + rest)
    return dataclasses.replace(config, source=path)


def parse(text: str) -> tuple[Config, list[str]]:
    """The config that `text` holds, and all its problems as `line N: key: what is wrong`."""
    try:
        tree = tomllib.loads(text.removeprefix("\ufeff"))
    except tomllib.TOMLDecodeError as error:
        return Config(), [f"not TOML: {error}"]
    found: list[tuple[str, str]] = []
    config = _table(Config, tree, "", found)
    found.extend(_contradictions(config))
    return config, [f"{_line(text, path)}{path}: {what}" for path, what in found]


def _table(kind: type, tree: dict[str, Any], at: str, found: list[tuple[str, str]]) -> Any:
    """`tree` as the dataclass `kind`; what is wrong goes to `found` as (dotted key, problem)."""
    hints = typing.get_type_hints(kind)
    fields = {
        field.name: field for field in dataclasses.fields(kind) if field.name != "source" or at
    }
    values: dict[str, Any] = {}
    for name, value in tree.items():
        path = f"{at}{name}"
        if name not in fields:
            near = difflib.get_close_matches(name, fields, n=1)
            hint = f"did you mean {near[0]}?" if near else f"known here: {', '.join(fields)}"
            found.append((path, f"unknown key; {hint}"))
            continue
        values[name] = _value(hints[name], dict(fields[name].metadata), value, path, found)
    for name, field in fields.items():
        if name not in tree and field.default is dataclasses.MISSING:
            found.append((f"{at}{name}", "missing"))
            values[name] = None
    return kind(**values)


def _value(hint: Any, limits: Limits, value: Any, path: str, found: list[tuple[str, str]]) -> Any:
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        if isinstance(value, dict):
            return _table(hint, value, f"{path}.", found)
        found.append((path, "must be a table"))
        return None
    if isinstance(hint, types.GenericAlias):
        inner = typing.get_args(hint)[0]
        if not isinstance(value, list):
            found.append((path, "must be an array"))
            return ()
        listed = enumerate(value)
        return tuple(_value(inner, limits, item, f"{path}[{n}]", found) for n, item in listed)
    if hint is float and type(value) is int:
        value = float(value)
    if type(value) is not hint:
        found.append((path, f"must be {_KINDS[hint]}, not {value!r}"))
        return None
    if problem := _out_of_bounds(limits, value):
        found.append((path, problem))
    return value


_KINDS = {str: "text in quotes", int: "a whole number", float: "a number", bool: "true or false"}


def _out_of_bounds(limits: Limits, value: Any) -> str | None:
    if limits.get("choices") and value not in limits["choices"]:
        return f"{value!r} is not one of {', '.join(limits['choices'])}"
    if isinstance(value, str):
        pattern = limits.get("pattern") if value != limits.get("default") else None
        return f"{value!r} is not valid here" if pattern and not pattern.fullmatch(value) else None
    low, high = limits.get("low"), limits.get("high")
    if low is not None and not low <= value:
        return f"{value} is below {low}"
    return f"{value} is above {high}" if high is not None and not value <= high else None


def _contradictions(config: Config) -> Iterator[tuple[str, str]]:
    """What is wrong between keys; values that are wrong by themselves are None here."""
    pins: dict[int, str] = {}
    for path, pin in _pins(config):
        if pin in pins:
            yield path, f"pin {pin} is already used by {pins[pin]}"
        pins.setdefault(pin, path)
    for table in ("pir", "camera"):
        names: dict[str, str] = {}
        for path, item in _listed(config, table):
            # A space becomes _ in a picture's name, so "a b" and "a_b" would be one.
            name = (item.name or "").casefold().replace(" ", "_")
            if name and name in names:
                yield f"{path}.name", f"{item.name!r} is already the name of {names[name]}"
            names.setdefault(name, path)
    for path, camera in _listed(config, "camera"):
        if (camera.rotation or 0) % 90:
            yield f"{path}.rotation", f"{camera.rotation} is not 0, 90, 180 or 270"
        if camera.source in ("ffmpeg", "file") and camera.device == "":
            yield f"{path}.device", f"a {camera.source} camera needs it"


def _listed(config: Config, table: str) -> Iterator[tuple[str, Any]]:
    for n, item in enumerate(getattr(config, table) or ()):
        if item is not None:
            yield f"{table}[{n}]", item


def _pins(config: Config) -> Iterator[tuple[str, int]]:
    """Every pin in use, with its key."""
    parts = [(path, pir) for path, pir in _listed(config, "pir") if pir.enabled]
    parts += [(table, getattr(config, table)) for table in ("link", "button")]
    for path, part in parts:
        for name in ("pin", "led"):
            pin = getattr(part, name, None)
            if pin is not None and pin >= 0:
                yield f"{path}.{name}", pin


def _line(text: str, path: str) -> str:
    """`line N: ` for the dotted `path`, or nothing where it cannot be found (inline tables)."""
    table, counts = "", dict[str, int]()
    wanted, _, name = path.rpartition(".")
    name = re.sub(r"\[\d+\]$", "", name)
    best = 0
    for number, line in enumerate(text.splitlines(), 1):
        if header := re.match(r"\s*(\[\[?)\s*([\w.\"-]+)\s*\]", line):
            table = header[2]
            if header[1] == "[[":
                counts[table] = counts.get(table, -1) + 1
                table = f"{table}[{counts[table]}]"
            if table in (wanted, path):
                best = number
        elif table == wanted and re.match(rf"\s*\"?{re.escape(name)}\"?\s*[=.]", line):
            return f"line {number}: "
    return f"line {best}: " if best else ""


def dump(config: Config) -> str:
    """Every key of `config` as it is in force, as TOML that `parse` reads back."""
    blocks: list[str] = []
    for field in dataclasses.fields(config):
        value = getattr(config, field.name)
        if value == ():
            blocks.insert(0, f"{field.name} = []\n")
        elif isinstance(value, tuple):
            blocks += [f"[[{field.name}]]\n{_keys(item)}" for item in value]
        elif value != config.source:
            blocks.append(f"[{field.name}]\n{_keys(value)}")
    return "\n".join(blocks)


def _keys(table: Any) -> str:
    # JSON's text, numbers, true, false and arrays of text are TOML's too.
    values = {field.name: getattr(table, field.name) for field in dataclasses.fields(table)}
    return "".join(f"{name} = {json.dumps(value)}\n" for name, value in values.items())
