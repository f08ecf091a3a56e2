"""doctor's checks of the machine, each verdict met once."""

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from camalert.config import Camera, Config, Paths
from camalert.health import checks
from camalert.health.checks import BROKEN, OK, WARNING, Check


class FakeClock:
    def __init__(self, year: int) -> None:
        self.year = year

    def now(self) -> datetime:
        return datetime(self.year, 12, 1, tzinfo=UTC)

    def monotonic(self) -> float:
        return 0.0


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return Config(paths=Paths(*(str(tmp_path / name) for name in ("run", "spool", "state"))))


def found(config: Config, name: str, year: int = 2026) -> Check:
    (check,) = [c for c in checks.machine(config, FakeClock(year)) if c.name == name]
    return check


def test_a_clock_in_1970_is_broken(config: Config) -> None:
    check = found(config, "clock", year=1970)
    assert check.verdict == BROKEN
    assert "1970-12-01" in check.finding


def test_a_clock_that_is_synchronized(
    config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    marker = tmp_path / "systemd/timesync/synchronized"
    marker.parent.mkdir(parents=True)
    monkeypatch.setattr(checks, "SYNCHRONIZED", marker)
    assert found(config, "clock").verdict == WARNING
    marker.touch()
    assert found(config, "clock").verdict == OK


@pytest.mark.parametrize(("kind", "verdict"), [("tmpfs", OK), ("ext4", WARNING)])
def test_frames_belong_into_ram(
    config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, verdict: str
) -> None:
    mounts = tmp_path / "mounts"
    mounts.write_text(f"/dev/root / ext4 rw 0 0\nx {tmp_path}/run {kind} rw 0 0\n")
    monkeypatch.setattr(checks, "MOUNTS", mounts)
    assert found(config, "run folder").verdict == verdict


@pytest.mark.parametrize(
    ("swaps", "verdict"),
    [("", OK), ("/dev/zram0 partition 1 0 100\n", OK), ("/var/swap file 1 0 -2\n", WARNING)],
)
def test_swap_on_a_card(
    config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, swaps: str, verdict: str
) -> None:
    (tmp_path / "swaps").write_text(f"Filename Type Size Used Priority\n{swaps}")
    monkeypatch.setattr(checks, "SWAPS", tmp_path / "swaps")
    assert found(config, "swap").verdict == verdict


@pytest.mark.parametrize(("free", "verdict"), [(1e9, OK), (1e8, WARNING), (1e6, BROKEN)])
def test_a_full_disk(
    config: Config, monkeypatch: pytest.MonkeyPatch, free: float, verdict: str
) -> None:
    monkeypatch.setattr(checks.vitals, "free_bytes", lambda _: free)
    assert found(config, "spool folder").verdict == verdict


def test_a_folder_of_somebody_else(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks.os, "access", lambda *_: False)
    monkeypatch.setattr(checks.os, "geteuid", lambda: 4711)
    check = found(config, "state folder")
    assert check.verdict == BROKEN
    assert check.next_step.startswith("sudo chown ")


@pytest.mark.parametrize("which", ["run", "spool"])
def test_an_own_folder_that_is_read_only(
    config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, which: str
) -> None:
    (tmp_path / which).mkdir()
    monkeypatch.setattr(checks.os, "access", lambda path, _: path != tmp_path / which)
    check = found(config, f"{which} folder")
    assert check.verdict == BROKEN
    assert check.next_step.startswith(f"chmod u+rwx {tmp_path / which}, or set paths.{which}")


def test_the_simulated_board_counts_as_pins(
    config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GPIOZERO_PIN_FACTORY", "simulated")
    assert found(config, "pins") == Check("pins", OK, "simulated board")


def test_a_chip_that_is_missing_or_forbidden(
    config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checks.Path, "glob", lambda *_: iter(()))
    assert found(config, "pins").verdict == WARNING
    chip = Path("/dev/gpiochip0")
    monkeypatch.setattr(checks.Path, "glob", lambda *_: iter([chip]))
    monkeypatch.setattr(checks.os, "access", lambda path, _: path != chip)
    check = found(config, "pins")
    assert check.verdict == BROKEN
    assert " gpio, then log in again" in check.next_step
    monkeypatch.setattr(checks.os, "access", lambda *_: True)
    assert found(config, "pins").verdict == OK


@pytest.mark.parametrize(
    ("camera", "verdict", "finding"),
    [
        (Camera("porch", "pattern"), OK, "pattern"),
        (Camera("porch", "rpicam"), BROKEN, "rpicam-still is not installed"),
        (Camera("porch", "file", "/no/such/file"), BROKEN, "no such device or file"),
        (Camera("porch", "file", os.devnull), OK, "file /dev/null"),
    ],
)
def test_cameras(
    config: Config,
    monkeypatch: pytest.MonkeyPatch,
    camera: Camera,
    verdict: str,
    finding: str,
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    check = found(Config(paths=config.paths, camera=(camera,)), "camera porch")
    assert check.verdict == verdict
    assert finding in check.finding


def test_a_camera_of_another_group(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks.os, "access", lambda path, mode: mode != os.R_OK)
    camera = Camera("porch", "file", os.devnull)
    check = found(Config(paths=config.paths, camera=(camera,)), "camera porch")
    assert check.verdict == BROKEN
    assert "video" in check.next_step


def test_the_next_step_knows_who_is_in_the_group_already(monkeypatch: pytest.MonkeyPatch) -> None:
    own = checks.grp.getgrgid(os.getgid()).gr_name
    monkeypatch.setattr(checks.os, "getgroups", lambda: [os.getgid()])
    assert checks._join(own) == "check the device's owner and mode"
    assert checks._join("no-such-group").startswith("sudo adduser ")


def test_a_config_file_is_named(config: Config, tmp_path: Path) -> None:
    assert found(config, "config").verdict == WARNING
    named = Config(paths=config.paths, source=tmp_path / "camalert.toml")
    assert found(named, "config").verdict == OK
