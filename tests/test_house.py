"""The house keeps its order: who imports whom, what has which name, how long a file may be."""

import ast
import configparser
import re
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "camalert"
SCRIPTS = Path(sys.executable).parent
ROOMS = {path.parent.name for path in PACKAGE.glob("*/__init__.py")} - {"commands"}
SHARED = {path.stem for path in PACKAGE.glob("*.py")} - {"cli", "line", "__init__", "__main__"}
"""The modules that everything may import."""

PURE = (
    "camera_check.py",
    "camera_options.py",
    "alarm/agreement.py",
    "alarm/panel.py",
    "alarm/troubles.py",
    "capture/bounds.py",
    "capture/night.py",
    "capture/supervision.py",
    "capture/timelapse.py",
    "motion/detector.py",
    "motion/events.py",
    "motion/header.py",
    "motion/pixels.py",
    "motion/spans.py",
    "motion/texture.py",
    "motion/tone.py",
    "motion/verdict.py",
    "motion/view.py",
    "motion/watched.py",
    "regions.py",
    "replay/events.py",
    "replay/scores.py",
    "sensing/coincidence.py",
)
WORLD = {"os", "io", "pathlib", "time", "datetime", "random", "secrets", "socket", "select", "uuid"}
WORLD |= {"subprocess", "shutil", "tempfile", "threading", "logging", "signal", "sys", "contextlib"}
DOORS = {"gpiozero", "PIL", "pgpy", "smtplib", "imaplib", "imapclient", "sqlite3", "segno", "ssl"}
DOORS |= {"cryptography", "subprocess", "lgpio"}
HEAVY = {
    "numpy",
    "PIL",
    "gpiozero",
    "pgpy",
    "cryptography",
    "sqlalchemy",
    "email",
    "ssl",
    "asyncio",
}

Import = tuple[str, str]


def entry_points() -> dict[str, str]:
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    lines = setup["options.entry_points"]["console_scripts"].strip().splitlines()
    return dict(line.split(" = ") for line in lines)


COMMANDS = entry_points()


def tree(pattern: str) -> list[Path]:
    return sorted(PACKAGE.glob(pattern))


def name_of(path: Path) -> str:
    return str(path.relative_to(PACKAGE))


def imports(path: Path) -> Iterator[str]:
    """Every module that the file imports, at its top or later, whole: camalert.mail.spool."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{name_of(path)}: import by the whole name"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def own_imports(path: Path) -> Iterator[str]:
    """The second word of each import of this package: a room or a shared module."""
    for module in imports(path):
        words = module.split(".")
        if words[0] == "camalert" and len(words) > 1:
            yield words[1]


@pytest.mark.parametrize("room", sorted(ROOMS))
def test_a_room_imports_itself_and_what_all_share(room: str) -> None:
    allowed = SHARED | {room}
    broken = {
        f"{name_of(path)} imports camalert.{module}"
        for path in tree(f"{room}/**/*.py")
        for module in own_imports(path)
        if module not in allowed
    }
    assert not broken


def test_what_all_share_imports_no_room_and_no_command() -> None:
    broken = {
        f"{name_of(path)} imports camalert.{module}"
        for path in tree("*.py")
        for module in own_imports(path)
        if module in ROOMS | {"commands"}
    }
    assert not broken


def test_commands_do_not_import_each_other() -> None:
    broken = [name_of(path) for path in tree("commands/*.py") if "commands" in own_imports(path)]
    assert not broken


def test_a_command_imports_only_what_is_light_at_its_top() -> None:
    light = {"camalert.cli", "camalert.errors", "click"}
    for path in tree("commands/*.py"):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            for module in _modules(node):
                outside = module.partition(".")[0] not in sys.stdlib_module_names
                assert not outside or module in light, (
                    f"{name_of(path)} imports {module} at its top"
                )


def _modules(node: ast.stmt) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        if node.module == "camalert":
            return [f"camalert.{alias.name}" for alias in node.names]
        return [f"{node.module}"]
    return []


@pytest.mark.parametrize("name", PURE)
def test_decisions_know_neither_clock_nor_world(name: str) -> None:
    path = PACKAGE / name
    tops = {module.partition(".")[0] for module in imports(path)}
    assert not tops & WORLD, f"{name} imports {tops & WORLD}"
    calls = {
        node.func.id
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }
    assert not calls & {"open", "print", "input", "exec", "eval"}


def test_each_outside_thing_has_one_door() -> None:
    """One module imports it; one in each room for what a room may need of its own."""
    doors: dict[str, set[str]] = defaultdict(set)
    for path in tree("**/*.py"):
        for module in imports(path):
            top = module.partition(".")[0]
            if top not in sys.stdlib_module_names | {"camalert", "click", "numpy"} or top in DOORS:
                doors[top].add(name_of(path))
    doors["gpiozero"].discard("sensing/simulated.py")  # no user of it, but a driver for it
    in_rooms = {"PIL", "subprocess", "ssl"}
    for thing, paths in doors.items():
        rooms = {path.partition("/")[0] for path in paths}
        assert len(paths) == (len(rooms) if thing in in_rooms else 1), f"{thing}: {sorted(paths)}"


@pytest.mark.parametrize("command", COMMANDS)
def test_the_four_names_of_a_command_go_together(command: str) -> None:
    module = command.replace("-", "_")
    assert COMMANDS[command] == f"camalert.commands.{module}:main"
    for path in (
        PACKAGE / f"commands/{module}.py",
        ROOT / f"tests/commands/test_{module}.py",
        ROOT / f"docs/commands/{command}.md",
    ):
        assert path.is_file(), f"{path.relative_to(ROOT)} is missing"


def test_no_command_is_without_its_entry_point() -> None:
    modules = {path.stem for path in tree("commands/*.py")} - {"__init__"}
    tests = {path.stem.removeprefix("test_") for path in ROOT.glob("tests/commands/test_*.py")}
    pages = {path.stem.replace("-", "_") for path in ROOT.glob("docs/commands/*.md")}
    known = {command.replace("-", "_") for command in COMMANDS}
    assert modules == known
    assert tests - {"alarm_line", "camalert"} == known
    assert pages - {"alarm_line", "camalert"} == known


def lines(path: Path) -> int:
    return len(path.read_text(encoding="utf-8").splitlines())


def test_files_fit_on_a_few_screens() -> None:
    long = {name_of(path) for path in tree("**/*.py") if lines(path) > 400}
    long |= {name_of(path) for path in tree("commands/*.py") if lines(path) > 150}
    long |= {f"bin/{path.name}" for path in (ROOT / "bin").iterdir() if lines(path) > 60}
    assert not long


def committed() -> list[Path]:
    listed = subprocess.run(["git", "-C", ROOT, "ls-files", "-z"], capture_output=True, check=False)
    if listed.returncode:
        pytest.skip("no git here")
    return [ROOT / name for name in listed.stdout.decode().split("\0") if name]


def test_nothing_is_put_off() -> None:
    marks = re.compile(r"\b(TODO|FIXME|XXX)\b")
    found = []
    for path in committed():
        if path.is_file() and path != Path(__file__):
            found += [path for _ in marks.finditer(path.read_text("utf-8", errors="ignore"))]
    assert not found


def run(command: str, *words: str) -> subprocess.CompletedProcess[str]:
    """The command with `-X importtime`, which lists on stderr what is imported."""
    return subprocess.run(
        [sys.executable, "-X", "importtime", str(SCRIPTS / command), *words],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("command", COMMANDS)
def test_help_is_quick_and_ends_in_an_example(command: str) -> None:
    done = run(command, "--help")
    assert done.returncode == 0
    assert done.stdout.startswith(f"Usage: {command} ")
    example = done.stdout.rpartition("Example:\n")[2]
    assert command in example and all(row.startswith("  ") for row in example.splitlines())
    loaded = {row.rpartition("|")[2].strip().partition(".")[0] for row in done.stderr.splitlines()}
    assert not loaded & HEAVY, f"{command} --help imports {loaded & HEAVY}"
    assert run(command, "-h").stdout == done.stdout


@pytest.mark.parametrize("command", COMMANDS)
def test_version_and_unknown_options(command: str) -> None:
    version = run(command, "--version")
    assert version.returncode == 0 and version.stdout.startswith(f"{command} (camalert) ")
    unknown = run(command, "--no-such-option")
    assert unknown.returncode == 64
    said = [row for row in unknown.stderr.splitlines() if not row.startswith("import time:")]
    assert len(said) == 1 and said[0].startswith(f"{command}: ")
