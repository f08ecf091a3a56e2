"""What every command shares, tried on small commands written for it, each run as a process."""

import json
import os
import pty
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from camalert import cli, errors
from camalert.records import ModeWanted, SystemClock, envelope

PATIENCE = 30
Tool = Callable[..., list[str]]


def run(command: list[str], data: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(command, input=data, capture_output=True, timeout=PATIENCE, check=False)


# How it ends


TREE = [kind for kind in vars(errors).values() if isinstance(kind, type)]


@pytest.mark.parametrize("kind", TREE, ids=lambda kind: kind.__name__)
def test_an_error_is_one_line_and_its_own_code(
    tool: Tool, kind: type[errors.CamalertError]
) -> None:
    done = run(tool(f"raise errors.{kind.__name__}('porch', 'no such\\n device', 'plug it in')"))
    assert done.returncode == kind.code >= 64
    assert done.stderr == b"tool: porch: no such device; plug it in\n"
    assert done.stdout == b""


def test_the_codes_are_sysexits() -> None:
    names = {64: "USAGE", 65: "DATAERR", 69: "UNAVAILABLE", 70: "SOFTWARE", 73: "CANTCREAT"}
    names |= {74: "IOERR", 75: "TEMPFAIL", 77: "NOPERM", 78: "CONFIG"}
    assert {kind.code for kind in TREE} == set(names)
    assert all(getattr(os, f"EX_{name}") == code for code, name in names.items())


@pytest.mark.parametrize(
    ("body", "code", "said"),
    [
        ("pass", 0, b""),
        ("click.get_current_context().exit(1)", 1, b""),
        ("raise SystemExit(1)", 1, b""),
        ("raise ValueError('odd')", 70, b"tool: ValueError: odd; --debug shows where\n"),
        ("open('/nowhere/x')", 74, b"tool: /nowhere/x: No such file or directory\n"),
        ("raise PermissionError(13, 'Permission denied', '/k')", 77, b"tool: /k: Permission den"),
        ("raise errors.BadData('\\x1b[2J', 'odd')", 65, b"tool: ?[2J: odd\n"),
        ("os.kill(os.getpid(), signal.SIGINT)", -signal.SIGINT, b""),
        ("raise click.Abort", -signal.SIGINT, b""),
    ],
)
def test_ends(tool: Tool, body: str, code: int, said: bytes) -> None:
    done = run(tool(body))
    assert (done.returncode, done.stderr[: len(said) or None]) == (code, said)


@pytest.mark.parametrize("words", [["--unknown"], ["word"], ["--config"]])
def test_bad_usage_is_one_line_and_64(tool: Tool, words: list[str]) -> None:
    done = run([*tool("pass"), *words])
    assert done.returncode == 64
    assert done.stderr.startswith(b"tool: ") and done.stderr.endswith(
        b"; try camalert tool --help\n"
    )
    assert done.stderr.count(b"\n") == 1


def test_debug_shows_where(tool: Tool) -> None:
    done = run([*tool("raise errors.BadData('thing', 'odd')"), "--debug"])
    assert done.returncode == 65
    assert b"Traceback" in done.stderr and b"in main" in done.stderr


def test_version_and_help(tool: Tool) -> None:
    command = tool("pass")
    assert run([*command, "--version"]).stdout.startswith(b"tool (camalert) ")
    for option in ("-h", "--help"):
        said = run([*command, option])
        assert said.returncode == 0
        assert said.stdout.startswith(b"Usage: tool") and said.stdout.endswith(b"tool --never\n")


GROUP = """@cli.group(example="tool sub")
def main(settings):
    pass
@main.command()
@click.pass_obj
def sub(settings):
    """


def test_a_subcommand_ends_in_the_same_ways(tool: Tool) -> None:
    command = tool("raise errors.BadConfig('key', 'is wrong', settings.option)", GROUP)
    done = run([*command, "--config", "x.toml", "sub"])
    assert (done.returncode, done.stderr) == (78, b"tool: key: is wrong; x.toml\n")
    assert b"Traceback" in run([*command, "--debug", "sub"]).stderr
    assert run([*command, "sub", "-h"]).returncode == 0
    for words in (["other"], ["sub", "word"], ["--debug"]):
        done = run([*command, *words])
        assert done.returncode == 64
        assert done.stderr.splitlines()[0].endswith(b"; try camalert tool --help"), done.stderr


def test_a_group_alone_shows_its_help_as_it_is(tool: Tool) -> None:
    command = tool("pass", GROUP)
    done = run(command)
    assert (done.returncode, done.stdout) == (64, b"")
    assert done.stderr == run([*command, "--help"]).stdout
    assert done.stderr.count(b"\n") > 5


NUMBERS = """@cli.command(example="tool")
@click.option("--wait", type=cli.Number(0, 9))
@click.option("--limit", type=cli.Whole(1))
def main(settings, wait, limit):
    """


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--wait", "abc"], b"'abc' is not a valid number;"),
        (["--limit", "1.5"], b"'1.5' is not a valid whole number;"),
        (["--limit", "0"], b"0 is not in the range x>=1;"),
    ],
)
def test_what_is_no_number_is_said_in_plain_words(
    tool: Tool, words: list[str], said: bytes
) -> None:
    done = run([*tool("pass", NUMBERS), *words])
    assert done.returncode == 64 and said in done.stderr


@pytest.mark.parametrize("body", ["click.echo('x' * 10)", "cli.write_all(b'x')", "print('x')"])
def test_a_full_disk_under_stdout_is_74(tool: Tool, body: str) -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            tool(body), stdout=full, stderr=subprocess.PIPE, timeout=PATIENCE, check=False
        )
    assert done.returncode == 74
    assert done.stderr.count(b"\n") == 1 and b"No space left" in done.stderr


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("click.echo('x')", ["--help"]),
        ("click.echo('x')", []),
        ("cli.write_all(b'x')", []),
        ("print('x')", []),
    ],
)
def test_a_reader_that_left_ends_it_quietly(tool: Tool, body: str, words: list[str]) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    command = [*tool(body), *words]
    done = subprocess.run(
        command, stdout=writer, stderr=subprocess.PIPE, timeout=PATIENCE, check=False
    )
    os.close(writer)
    assert (done.returncode, done.stderr) == (-signal.SIGPIPE, b"")


def test_under_the_journal_a_line_begins_with_its_priority(tool: Tool, tmp_path: Path) -> None:
    command = tool("cli.log.warning('%s', 'dim')\n    raise errors.BadData('thing', 'odd')")
    with (tmp_path / "stderr").open("w+b") as journal:
        status = os.fstat(journal.fileno())
        stream = dict(os.environ, JOURNAL_STREAM=f"{status.st_dev}:{status.st_ino}")
        subprocess.run(command, stderr=journal, env=stream, timeout=PATIENCE, check=False)
        journal.seek(0)
        assert journal.read() == b"<4>tool: dim\n<3>tool: thing: odd\n"


def test_a_terminal_is_told_what_is_expected(tool: Tool) -> None:
    ours, theirs = pty.openpty()
    done = subprocess.run(
        tool("cli.input_expected('a message')"),
        stdin=theirs,
        capture_output=True,
        timeout=PATIENCE,
        check=False,
    )
    os.close(ours)
    os.close(theirs)
    assert done.returncode == 64
    assert b"a message is expected" in done.stderr


# What it reads


def test_peek_hands_on_all_from_the_first_chunk_that_is_not_blank(tool: Tool) -> None:
    command = tool(
        "head = cli.peek(); cli.write_all(cli.read_all(head, 100_000) if head else b'-')"
    )
    assert run(command, b" \n {} rest" + b"x" * 80_000).stdout.endswith(b"{} rest" + b"x" * 80_000)
    assert run(command, b"\n \n").stdout == b"-"
    assert run(command, b"x" * 100_001).returncode == 65


@pytest.fixture
def settings(tmp_path: Path) -> cli.Settings:
    config = tmp_path / "camalert.toml"
    config.write_text(f'[paths]\nrun = "{tmp_path}/run"\n', encoding="utf-8")
    return cli.Settings(str(config), debug=False)


def change(settings: cli.Settings, text: str) -> None:
    path = Path(settings.option or "")
    new = path.with_suffix(".new")
    new.write_text(text, encoding="utf-8")
    new.rename(path)


def test_a_changed_config_is_read_again(settings: cli.Settings) -> None:
    first = settings.config
    assert settings.config is first
    change(settings, "[panel]\ncooldown = 7\n")
    assert settings.config.panel.cooldown == 7


def test_a_config_that_went_wrong_is_said_once_and_the_last_good_one_kept(
    settings: cli.Settings, caplog: pytest.LogCaptureFixture
) -> None:
    good = settings.config
    change(settings, "[panel]\ncooldwn = 7\n")
    assert settings.config is good
    assert settings.config is good
    assert len(caplog.records) == 1 and "cooldown" in caplog.text
    Path(settings.option or "").unlink()
    assert settings.config is good


def test_a_config_that_is_wrong_from_the_start_is_raised(settings: cli.Settings) -> None:
    change(settings, "pannel = 1")
    with pytest.raises(errors.BadConfig, match="pannel"):
        _ = settings.config


# What several processes share


def test_a_lock_has_one_holder(tmp_path: Path) -> None:
    path = tmp_path / "run/panel.lock"
    assert not cli.is_held(path)
    held = cli.hold_lock(path, "panel")
    assert path.stat().st_mode & 0o777 == 0o600 and path.parent.stat().st_mode & 0o777 == 0o700
    assert cli.is_held(path)
    with pytest.raises(errors.TryAgain, match="another panel"):
        cli.hold_lock(path, "panel")
    os.close(held)
    assert not cli.is_held(path)


def wish(note: str = "") -> ModeWanted:
    return ModeWanted(**envelope("arm", SystemClock()), mode="alert", who=f"test{note}")


def test_a_record_is_posted_to_a_running_line_only(settings: cli.Settings, tmp_path: Path) -> None:
    assert cli.post(settings, wish()) is False
    assert not (tmp_path / "run/events").exists()
    held = cli.hold_lock(tmp_path / "run/alarm-panel.lock", "alarm-panel")
    fifo = cli.open_fifo(tmp_path / "run/events")
    assert cli.post(settings, wish()) is True
    assert json.loads(os.read(fifo, 4096))["who"] == "test"
    with pytest.raises(errors.TryAgain, match="full"):
        for _ in range(100):
            cli.post(settings, wish("x" * 2000))
    os.close(fifo)
    os.close(held)


def test_a_sibling_lies_beside_the_running_script(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["/opt/camalert/bin/heartbeat"])
    assert cli.sibling("snap") == Path("/opt/camalert/bin/snap")
