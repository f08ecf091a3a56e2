"""bin/bench starts; its figures are for people and are not asserted."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """A house with the bench in it, all installed."""
    (tmp_path / "bin").mkdir()
    shutil.copy(ROOT / "bin/bench", tmp_path / "bin")
    (tmp_path / "bin/bootstrap").write_text("#!/bin/sh\necho $1 >bootstrapped\n")
    (tmp_path / "bin/bootstrap").chmod(0o755)
    (tmp_path / "tests").symlink_to(ROOT / "tests")
    (tmp_path / ".venv").symlink_to(Path(sys.executable).parents[1])
    return tmp_path


def bench(house: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [house / "bin/bench", *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def test_a_part_that_is_none_is_refused(house: Path) -> None:
    done = bench(house, "nonsense")
    assert (done.returncode, done.stdout) == (1, "")
    assert "no such part; there are line, mail, help, openpgp" in done.stderr
    assert (house / "bootstrapped").read_text() == "test\n"


@pytest.mark.skipif(not shutil.which("gpg"), reason="needs gpg")
def test_a_part_prints_its_rows_and_leaves_nothing_behind(house: Path) -> None:
    done = bench(house, "openpgp")
    assert done.returncode == 0, done.stderr
    rows = done.stdout.splitlines()
    assert "median" in rows[0] and len(rows) == 3
    assert all("sign and encrypt" in row and "gpg: " in row for row in rows[1:])
