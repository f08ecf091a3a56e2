"""bin/bootstrap on a machine where everything is missing: apt-get, sudo and pip are stand-ins.

What it does for real is seen by whoever runs bin/test from a fresh clone.
"""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TOOLS = ("bash", "cat", "chmod", "cut", "dirname", "env", "grep", "id", "install", "ln", "mkdir")
TOOLS += ("readlink", "sha256sum", "true")
FAKES = {
    "sudo": 'echo "sudo $*" >>"$LOG"; exec "$@"',
    "apt-get": 'echo "apt-get $*" >>"$LOG"; [ -z "$BROKEN" ] || { echo no mirror; exit 100; }',
    "id": "echo 1000",
    "dpkg-query": 'for last; do :; done; case " $HAVE " in *" $last "*) printf installed ;; esac',
    "python": """
        case $1 in
            -c) [ -n "$VENV" ] || grep -qs 'install.*python3-venv' "$LOG" ;;
            --version) echo Python 3.99 ;;
            -m)
                mkdir -p .venv/bin
                ln -sf /bin/bash .venv/bin/python
                echo "#!$PWD/.venv/bin/python" >.venv/bin/pip
                echo 'echo "pip $*" >>"$LOG"; [ -z "$LOST" ]' >>.venv/bin/pip
                chmod +x .venv/bin/pip
                ;;
        esac""",
}
"""Commands on the PATH of the machine; the tests set BROKEN, HAVE, LOST and VENV."""


class Machine:
    def __init__(self, folder: Path) -> None:
        self.folder, self.log = folder, folder / "log"
        (folder / "house/bin").mkdir(parents=True)
        for name in (
            "bin/bootstrap",
            "bin/camalert",
            "bin/alarm-line",
            "bin/camera-line",
            "setup.cfg",
            "pyproject.toml",
        ):
            shutil.copy(ROOT / name, folder / "house" / name)
        (folder / "path").mkdir()
        for tool in TOOLS:
            (folder / "path" / tool).symlink_to(shutil.which(tool) or "")
        for name, body in FAKES.items():
            path = folder / "path" / name
            path.unlink(missing_ok=True)
            path.write_text(f"#!/bin/bash\n{body}\n")
            path.chmod(0o755)

    def bootstrap(self, *words: str, **surroundings: str) -> tuple[int, str, list[str]]:
        """Its exit status, what it said, and the calls that it made."""
        self.log.write_text("")
        environment = {key: value for key, value in os.environ.items() if key.startswith("BASH_")}
        environment |= {"PATH": str(self.folder / "path"), "PYTHON": "python", "LOG": str(self.log)}
        done = subprocess.run(
            [self.folder / "house/bin/bootstrap", *words],
            env=environment
            | dict.fromkeys(("BROKEN", "HAVE", "HOME", "LOST", "VENV"), "")
            | surroundings,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.stdout == ""
        return done.returncode, done.stderr, self.log.read_text().splitlines()


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_what_is_missing_is_installed_through_sudo_and_said(machine: Machine) -> None:
    code, said, calls = machine.bootstrap()
    assert code == 0
    assert [call.split()[0] for call in calls] == [
        "sudo",
        "sudo",
        "apt-get",
        "sudo",
        "apt-get",
        "pip",
    ]
    assert "install -y --no-install-recommends python3-venv" in calls[4]
    assert calls[5].startswith("pip install") and calls[5].endswith("-e .")
    assert said.splitlines() == [
        "bootstrap: installing with sudo apt-get: python3-venv",
        "bootstrap: making .venv with Python 3.99",
        "bootstrap: installing camalert into .venv",
    ]


def test_the_second_time_nothing_is_done(machine: Machine) -> None:
    machine.bootstrap()
    assert machine.bootstrap() == (0, "", [])


def test_a_changed_setup_is_installed_again(machine: Machine) -> None:
    machine.bootstrap()
    with (machine.folder / "house/setup.cfg").open("a") as file:
        file.write("\n")
    assert [call.split()[0] for call in machine.bootstrap()[2]] == ["pip"]


def test_a_changed_script_is_there_without_an_installation(machine: Machine) -> None:
    machine.bootstrap()
    (machine.folder / "house/bin/camalert").write_text("changed")
    assert machine.bootstrap()[2] == []
    installed = machine.folder / "house/.venv/bin/camalert"
    assert installed.read_text() == "changed" and os.access(installed, os.X_OK)


def test_the_tests_need_more_packages_and_the_test_extra(machine: Machine) -> None:
    code, _, calls = machine.bootstrap("test", VENV="there", HAVE="ffmpeg strace")
    assert code == 0
    (packages,) = [
        call for call in calls if "apt-get" in call and "install" in call and "sudo" in call
    ]
    assert "dovecot-imapd" in packages and "ffmpeg" not in packages and "strace" not in packages
    assert calls[-1].endswith("-e .[test]")
    assert machine.bootstrap()[2] == [], "what the tests need is more than enough"


def test_root_needs_no_sudo(machine: Machine) -> None:
    (machine.folder / "path/id").write_text("#!/bin/bash\necho 0\n")
    _, said, calls = machine.bootstrap()
    assert not [call for call in calls if call.startswith("sudo")]
    assert "installing with apt-get: python3-venv" in said


def test_without_sudo_it_says_what_is_missing(machine: Machine) -> None:
    (machine.folder / "path/sudo").unlink()
    code, said, calls = machine.bootstrap()
    assert (code, calls) == (69, [])
    assert said == "bootstrap: not installed, and no apt-get or no right to use it: python3-venv\n"


@pytest.mark.parametrize("missing", ["sudo", "apt-get"])
def test_without_the_packages_of_the_tests_it_goes_on(machine: Machine, missing: str) -> None:
    (machine.folder / "path" / missing).unlink()
    code, said, calls = machine.bootstrap("test", VENV="there")
    assert code == 0
    assert "dovecot-imapd" in said and "the tests that need them are skipped" in said
    assert calls[-1].endswith("-e .[test]")


def test_what_fails_is_shown(machine: Machine) -> None:
    code, said, _ = machine.bootstrap(BROKEN="yes")
    assert code == 69
    assert "no mirror" in said and "failed: sudo env" in said
    code, said, _ = machine.bootstrap(VENV="there", LOST="yes")
    assert code == 1 and "failed: .venv/bin/pip install" in said
    assert machine.bootstrap(VENV="there")[2], "a failed installation was taken for done"


def test_a_venv_that_was_moved_is_made_anew(machine: Machine) -> None:
    machine.bootstrap()
    pip = machine.folder / "house/.venv/bin/pip"
    pip.write_text("#!/elsewhere/.venv/bin/python\n")
    _, said, _ = machine.bootstrap(VENV="there")
    assert "making .venv" in said
