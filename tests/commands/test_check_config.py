"""check-config: everything wrong at once, by key and line."""

from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest

Run = Callable[..., CompletedProcess[bytes]]


def test_a_right_file_is_said_to_be_right(run: Run, tmp_path: Path) -> None:
    done = run("check-config")
    assert done.returncode == 0
    assert done.stderr.decode().endswith("camalert.toml: ok\n")
    assert done.stdout == b""


def test_all_problems_at_once_with_lines_and_the_nearest_key(run: Run, tmp_path: Path) -> None:
    bad = tmp_path / "bad.toml"
    bad.write_text(
        "[mail]\n"
        'adress = "x@example.org"\n'
        'recipients = ["nobody"]\n'
        "[[camera]]\n"
        'name = "porch"\n'
        'source = "pattern"\n'
        "[[camera]]\n"
        'name = "Porch"\n'
        'source = "webcam"\n'
        "[button]\n"
        "pin = 16\n"
    )
    done = run("check-config", "bad.toml")
    said = done.stderr.decode()
    assert done.returncode == 78
    assert "bad.toml: line 2: mail.adress: unknown key; did you mean address?" in said
    assert "line 3: mail.recipients[0]: 'nobody' is not an address" in said
    assert "line 9: camera[1].source: 'webcam' is not one of" in said
    assert "line 8: camera[1].name: 'Porch' is already the name of camera[0]" in said
    assert "line 11: button.pin: pin 16 is already used by pir[0].pin" in said
    assert len(said.splitlines()) == 5


def test_what_it_shows_it_reads_back(run: Run, tmp_path: Path) -> None:
    shown = run("check-config", "--show")
    assert shown.returncode == 0
    (tmp_path / "shown.toml").write_bytes(shown.stdout)
    again = run("check-config", "--show", "shown.toml")
    assert again.returncode == 0
    assert again.stdout == shown.stdout
    assert b"cooldown = 60.0" in shown.stdout


def test_no_file_at_all_means_the_defaults(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CAMALERT_CONFIG")
    done = run("check-config")
    assert done.returncode == 0
    assert b"defaults are in force" in done.stderr or b": ok" in done.stderr


def test_a_file_that_cannot_be_read_is_named(run: Run, tmp_path: Path) -> None:
    done = run("check-config", "missing.toml")
    assert done.returncode == 78
    assert b"missing.toml: cannot be read: No such file" in done.stderr
    assert run("check-config", "--config", "missing.toml").returncode == 78
    (tmp_path / "latin.toml").write_bytes(b'[mail]\nname = "T\xfcr"\n')
    latin = run("check-config", "latin.toml")
    assert latin.returncode == 78
    assert latin.stderr == b"check-config: latin.toml: is not text in UTF-8\n"


def test_an_empty_device_is_an_empty_config(run: Run) -> None:
    done = run("check-config", CAMALERT_CONFIG="/dev/null")
    assert (done.returncode, done.stderr) == (0, b"/dev/null: ok\n")


def test_not_toml(run: Run, tmp_path: Path) -> None:
    (tmp_path / "half.toml").write_text("[mail\n")
    done = run("check-config", "half.toml")
    assert done.returncode == 78
    assert b"not TOML" in done.stderr


def test_two_files_are_not_checked_as_one(run: Run, tmp_path: Path) -> None:
    (tmp_path / "bad.toml").write_text("[mail\n")
    (tmp_path / "good.toml").touch()
    done = run("check-config", "--config", "bad.toml", "good.toml")
    assert (done.returncode, done.stdout) == (64, b"")
    said = b"good.toml: and --config name two files; check one after the other\n"
    assert done.stderr == b"check-config: " + said
