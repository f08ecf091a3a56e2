"""What the docs say holds: every example runs, every key and record has its row.

`CAMALERT_WRITE_DOCS=1 pytest tests/test_docs.py` writes the generated tables anew.
"""

import dataclasses
import os
import re
import signal
import subprocess
import sys
import types
import typing
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from camalert.config import Config
from camalert.records import TYPES, Record

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted(ROOT.glob("docs/**/*.md"))]
BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)
GENERATED = re.compile(r"(<!-- generated: .* -->\n).*(<!-- end -->)", re.DOTALL)
SYSTEM_FOLDERS = [Path(name, "camalert") for name in ("/run", "/var/spool", "/var/lib")]


# Examples


def examples() -> Iterator[Any]:
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        for block in BLOCK.finditer(text):
            line = text.count("\n", 0, block.start()) + 2
            yield pytest.param(block[1], id=f"{page.relative_to(ROOT)}:{line}")


@pytest.fixture
def surroundings(tmp_path: Path) -> dict[str, str]:
    """The environment of somebody who has camalert on the PATH and nothing in use."""
    folders = {name: str(tmp_path / name) for name in ("run", "spool", "state", "board", "home")}
    (tmp_path / "home").mkdir()
    config = tmp_path / "camalert.toml"
    lines = [f'{name} = "{folders[name]}"' for name in ("run", "spool", "state")]
    config.write_text("\n".join(["[paths]", *lines, ""]), encoding="utf-8")
    return os.environ | {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "HOME": folders["home"],
        "CAMALERT_CONFIG": str(config),
        "CAMALERT_BOARD": folders["board"],
        "GPIOZERO_PIN_FACTORY": "simulated",
    }


@pytest.mark.parametrize("block", list(examples()))
def test_an_example_runs(block: str, tmp_path: Path, surroundings: dict[str, str]) -> None:
    before = [folder.exists() for folder in SYSTEM_FOLDERS]
    (tmp_path / "empty").mkdir()
    strict = (
        [] if "| head" in block else ["-o", "pipefail"]
    )  # head ends what is before it by SIGPIPE
    shell = subprocess.Popen(
        ["bash", "-eu", *strict, "-c", block],
        cwd=tmp_path / "empty",
        env=surroundings,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        said, _ = shell.communicate(timeout=120)
    finally:
        with_children_left = _end(shell.pid)
    assert shell.returncode == 0, said.decode(errors="replace")
    assert not with_children_left, "the example leaves a process behind"
    assert [folder.exists() for folder in SYSTEM_FOLDERS] == before


def _end(group: int) -> bool:
    """Kill what is left of the process group; whether anything was."""
    try:
        os.killpg(group, signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True


# Tables


def keys() -> str:
    """The tables of docs/config.md, one for each table of the file."""
    hints = typing.get_type_hints(Config)
    parts = []
    for field in dataclasses.fields(Config):
        many = isinstance(hints[field.name], types.GenericAlias)
        kind = typing.get_args(hints[field.name])[0] if many else hints[field.name]
        if not dataclasses.is_dataclass(kind):
            continue
        title = f"[[{field.name}]]" if many else f"[{field.name}]"
        rows = [
            f"| `{key.name}` | {_default(key)} | {_range(key)} | {key.metadata['meaning']} |"
            for key in dataclasses.fields(kind)
        ]
        purpose = (kind.__doc__ or "").partition(" `[")[0]
        head = ["| Key | Default | Unit, range | Meaning |", "|---|---|---|---|"]
        parts.append("\n".join([f"## `{title}`", "", purpose, "", *head, *rows]))
    return "\n\n".join(parts)


def _default(key: "dataclasses.Field[Any]") -> str:
    if key.default is dataclasses.MISSING:
        return "required"
    if isinstance(key.default, bool):
        return f"`{key.default}`".lower()
    if isinstance(key.default, tuple):
        return "`[]`"
    return f'`"{key.default}"`' if isinstance(key.default, str) else f"`{key.default:g}`"


def _range(key: "dataclasses.Field[Any]") -> str:
    limits = key.metadata
    if limits["choices"]:
        return ", ".join(f"`{choice}`" for choice in limits["choices"])
    words = [limits["unit"]] if limits["unit"] else []
    if limits["low"] is not None:
        words.append(f"{limits['low']:g} to {limits['high']:g}")
    return ", ".join(words)


def records() -> str:
    """The tables of docs/records.md: the envelope, the types, the fields."""
    envelope = [field for field in dataclasses.fields(Record) if field.name != "extra"]
    parts = ["## The envelope\n\n| Field | JSON | Meaning |\n|---|---|---|"]
    for field in envelope:
        filled = f", filled by {field.metadata['owner']}" * bool(field.metadata.get("owner"))
        parts.append(
            f"| `{field.name}` | {_json(field.type)} | {field.metadata['meaning']}{filled} |"
        )
    parts.append("\n## The types\n\n| Type | Written by | Meaning | Fields |\n|---|---|---|---|")
    common = {field.name for field in dataclasses.fields(Record)}
    meanings: dict[tuple[str, str, str, str], list[str]] = defaultdict(list)
    for name, kind in TYPES.items():
        own = [field for field in dataclasses.fields(kind) if field.name not in common]
        for field in own:
            owner = field.metadata["owner"] or "the writer"
            meanings[field.name, _json(field.type), field.metadata["meaning"], owner].append(name)
        listed = ", ".join(f"`{field.name}`" for field in own)
        entry = "; may come in at the FIFO" * kind.entry
        purpose = (kind.__doc__ or "").split("\n")[0].rstrip(".")
        parts.append(f"| `{name}` | {kind.writer} | {purpose}{entry} | {listed} |")
    parts.append(
        "\n## The fields\n\n| Field | JSON | Meaning | Filled by | In |\n|---|---|---|---|---|"
    )
    for (field_name, kind_name, meaning, owner), where in sorted(meanings.items()):
        within = ", ".join(f"`{name}`" for name in where)
        parts.append(f"| `{field_name}` | {kind_name} | {meaning} | {owner} | {within} |")
    return "\n".join(parts)


def _json(hint: Any) -> str:
    if isinstance(hint, types.UnionType):
        return _json(typing.get_args(hint)[0]) + ", optional"
    if isinstance(hint, types.GenericAlias):
        return f"array of {_json(typing.get_args(hint)[0])}"
    return {str: "text", int: "integer", float: "number", bool: "boolean"}[hint]


@pytest.mark.parametrize(("page", "table"), [("config", keys), ("records", records)])
def test_the_tables_are_those_of_the_code(page: str, table: Any) -> None:
    path = ROOT / f"docs/{page}.md"
    text = path.read_text(encoding="utf-8")
    expected = GENERATED.sub(lambda found: f"{found[1]}\n{table()}\n\n{found[2]}", text)
    if os.environ.get("CAMALERT_WRITE_DOCS"):
        path.write_text(expected, encoding="utf-8")
    assert text.count("<!-- generated: ") == 1
    assert text == expected, "write them anew: CAMALERT_WRITE_DOCS=1 pytest tests/test_docs.py"


# Links


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
        if "://" not in target:
            assert (page.parent / target).exists(), f"{page.name}: {target} is not there"
