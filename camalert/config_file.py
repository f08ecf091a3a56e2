"""The config file: one TOML file into a Config; all that is wrong with it is said at once.

An unknown key is an error that names the nearest known one.
"""

import dataclasses
import functools
import os
import re
import types
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from camalert import camera_check
from camalert.config import ADDRESS, NAME, TIME_OF_DAY, Camera, Config
from camalert.errors import BadConfig, NotPermitted

Limits = dict[str, Any]


def locate(option: str | None = None) -> Path | None:
    """The config file in force: `option`, $CAMALERT_CONFIG, the XDG folder, /etc; None if none is.

    What `option` or $CAMALERT_CONFIG name need not be there. Raises BadConfig for a pipe, and
    NotPermitted where this user may not look.
    """
    named = option or os.environ.get("CAMALERT_CONFIG")
    folder = os.environ.get("XDG_CONFIG_HOME") or str(Path.home() / ".config")
    places = [Path(folder, "camalert/camalert.toml"), Path("/etc/camalert/camalert.toml")]
    try:
        if named and Path(named).is_fifo():
            raise BadConfig(named, "is a pipe, and a config is read more than once", "name a file")
        return Path(named) if named else next((path for path in places if path.is_file()), None)
    except OSError as error:
        raise NotPermitted(str(error.filename), error.strerror or str(error)) from None


def load(path: Path | None) -> Config:
    """The config in the file `path`, or the defaults for None.

    Raises BadConfig with every problem of the file, one a line.
    """
    return _load(path, stamp(path)) if path else Config()


def stamp(path: Path) -> tuple[int, int, int] | None:
    """What is another after the file `path` was written anew; None where it cannot be seen."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_ino, status.st_mtime_ns, status.st_size


@functools.lru_cache(1)
def _load(path: Path, _stamp: tuple[int, int, int] | None) -> Config:
    """Kept, so that what is forked from a process that has read the config has it too."""
    config, problems = parse(read(path))
    if problems:
        rest = f" (and {len(problems) - 1} more; see camalert check-config)" * (len(problems) > 1)
        raise BadConfig(str(path), problems[0] + rest)
    return dataclasses.replace(config, source=path, camera=tuple(_placed(config, path.parent)))


def _placed(config: Config, folder: Path) -> Iterator[Camera]:
    """The cameras, a file among them where it lies seen from the config's `folder`."""
    for camera in config.camera:
        is_file = camera.source == "file"
        device = str(folder / camera.device) if is_file else camera.device
        yield dataclasses.replace(camera, device=device)


def read(path: Path) -> str:
    """The text of the file `path`. Raises BadConfig when it cannot be read or is no text."""
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise BadConfig(str(path), "is not text in UTF-8") from None
    except OSError as error:
        raise BadConfig(str(path), f"cannot be read: {error.strerror or error}") from None


def parse(text: str) -> tuple[Config, list[str]]:
    """The config that `text` holds, and all its problems as `line N: key: what is wrong`."""
    import tomllib  # only here: without a file it is not needed

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
            import difflib  # only here: most files have no unknown key, and loading takes time

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
            shape = f"tables, each [[{path}]]" if dataclasses.is_dataclass(inner) else '["..."]'
            found.append((path, f"must be an array: {shape}"))
            return ()
        listed = enumerate(value)
        return tuple(_value(inner, limits, item, f"{path}[{n}]", found) for n, item in listed)
    if hint is float and type(value) is int:
        value = float(value)
    if type(value) is not hint:
        shown = str(value).lower() if isinstance(value, bool) else repr(value)
        found.append((path, f"must be {_KINDS[hint]}, not {shown}"))
        return None
    if problem := _out_of_bounds(limits, value):
        found.append((path, problem))
    return value


_KINDS = {str: "text in quotes", int: "a whole number", float: "a number", bool: "true or false"}
_SHAPES = {
    ADDRESS: "an address, such as anna@example.org",
    TIME_OF_DAY: "a time of day, such as 21:30",
    NAME: "a name: letters and digits, after the first also spaces, _ and -, at most 32 in all",
}


def _out_of_bounds(limits: Limits, value: Any) -> str | None:
    if value == limits.get("default"):  # which may say "unset" by what is no value of the key
        return None
    if limits.get("choices") and value not in limits["choices"]:
        choices = (choice or '"" (the default)' for choice in limits["choices"])
        return f"{value!r} is not one of {', '.join(choices)}"
    if isinstance(value, str):
        return _misshapen(limits, value)
    low, high = limits.get("low"), limits.get("high")
    if low is not None and not low <= value:
        return f"{value} is below {low}"
    return f"{value} is above {high}" if high is not None and not value <= high else None


def _misshapen(limits: Limits, text: str) -> str | None:
    if (pattern := limits.get("pattern")) and not pattern.fullmatch(text):
        return f"{text!r} is not {_SHAPES[pattern]}"
    try:
        if check := limits.get("check"):
            check(text)
    except ValueError as error:
        return str(error)
    return None


def _contradictions(config: Config) -> Iterator[tuple[str, str]]:
    """What is wrong between keys; values that are wrong by themselves are None here."""
    for name in ("run", "spool", "state"):
        folder = getattr(config.paths, name, None)
        if folder and not Path(folder).is_absolute():
            what = "does not begin with /: each command would have another, by where it is started"
            yield f"paths.{name}", f"{folder!r:.80} {what}"
    pins: dict[int, str] = {}
    for path, pin in _pins(config):
        if pin in pins:
            yield path, f"pin {pin} is already used by {pins[pin]}"
        pins.setdefault(pin, path)
    for table in ("pir", "camera"):
        names: dict[str, tuple[str, str]] = {}
        for path, item in _listed(config, table):
            if item.name:
                by, other = names.setdefault(camera_check.file_name(item.name), (path, item.name))
                if by != path:
                    yield f"{path}.name", _taken(item.name, by, other)
    for path, camera in _listed(config, "camera"):
        found = camera_check.problems(camera, config.place)
        yield from ((f"{path}.{name}", what) for name, what in found)


def _taken(name: str, by: str, other: str) -> str:
    """That `name` is taken by what is at the key `by` and called `other`."""
    if other.casefold() == name.casefold():
        return f"{name!r} is already the name of {by}"
    return f"{name!r} would be the same file name as {other!r}, the name of {by}"


def _listed(config: Config, table: str) -> Iterator[tuple[str, Any]]:
    for n, item in enumerate(getattr(config, table) or ()):
        if item is not None:
            yield f"{table}[{n}]", item


def _pins(config: Config) -> Iterator[tuple[str, int]]:
    """Every pin in use, with its key."""
    parts = [(path, pir) for path, pir in _listed(config, "pir") if pir.enabled]
    parts += [(table, getattr(config, table)) for table in ("link", "button", "flash")]
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
    import json

    # JSON's text, numbers, true, false and arrays of text are TOML's too.
    values = {field.name: getattr(table, field.name) for field in dataclasses.fields(table)}
    return "".join(f"{name} = {json.dumps(value)}\n" for name, value in values.items())
