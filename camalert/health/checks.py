"""What doctor looks at on this machine: each check one line in plain words, with the next step."""

import dataclasses
import getpass
import grp
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from camalert.config import Camera, Config
from camalert.health import vitals
from camalert.records import Clock, clock_quality

OK, WARNING, BROKEN = "ok", "warning", "broken"
MOUNTS = Path("/proc/self/mounts")
SWAPS = Path("/proc/swaps")
SYNCHRONIZED = Path("/run/systemd/timesync/synchronized")
PROGRAMS = {
    "rpicam": (("rpicam-still", "libcamera-still"), "sudo apt install rpicam-apps-lite"),
    "fswebcam": (("fswebcam",), "sudo apt install fswebcam"),
    "ffmpeg": (("ffmpeg",), "sudo apt install ffmpeg"),
}
SCARCE, TOO_SCARCE = 200e6, 20e6
"""Free bytes below which a disk is worth a warning, and below which it is broken."""


@dataclasses.dataclass(frozen=True)
class Check:
    """One finding; `verdict` is OK, WARNING or BROKEN, `next_step` what to do about the latter."""

    name: str
    verdict: str
    finding: str
    next_step: str = ""


def machine(config: Config, clock: Clock) -> Iterator[Check]:
    """Everything that needs no key and no network."""
    yield _config(config)
    yield _clock(clock)
    yield _ram(config.folder("run"))
    yield _swap()
    for which in ("spool", "state"):
        yield _disk(which, config.folder(which))
    yield from _pins()
    if not config.camera:
        yield Check("cameras", WARNING, "none configured", "add a [[camera]] to the config")
    for camera in config.camera:
        yield _camera(camera)


def _config(config: Config) -> Check:
    if config.source is None:
        return Check("config", WARNING, "no file, the defaults are in force", "see docs/config.md")
    return Check("config", OK, str(config.source))


def _clock(clock: Clock) -> Check:
    if clock_quality(clock.now()) == "unset":
        step = "wait for the network time, or set it with date"
        return Check("clock", BROKEN, f"not set: {clock.now():%Y-%m-%d}", step)
    if SYNCHRONIZED.parent.parent.is_dir() and not SYNCHRONIZED.exists():
        return Check("clock", WARNING, "set, not known to be synchronized", "timedatectl status")
    return Check("clock", OK, f"{clock.now():%Y-%m-%d %H:%M} UTC")


def _ram(folder: Path) -> Check:
    if unwritable := _unwritable("run", folder):
        return unwritable
    kind = _file_system(folder)
    if kind in ("tmpfs", "ramfs"):
        return Check("run folder", OK, f"{folder} is RAM")
    step = "set paths.run to a folder on a tmpfs"
    return Check("run folder", WARNING, f"{folder} is on {kind}: pictures in plain on a disk", step)


def _unwritable(which: str, folder: Path) -> Check | None:
    existing = next(path for path in (folder, *folder.parents) if path.exists())
    if os.access(existing, os.W_OK | os.X_OK):
        return None
    mine = existing.stat().st_uid == os.geteuid()
    cure = "chmod u+rwx" if mine else f"sudo chown {getpass.getuser()}"
    step = f"{cure} {existing}, or set paths.{which}"
    return Check(f"{which} folder", BROKEN, f"{existing} is not writable", step)


def _file_system(folder: Path) -> str:
    """The type of the file system that `folder` is on, or would be."""
    found, longest = "unknown", -1
    for line in MOUNTS.read_text(encoding="utf-8").splitlines():
        _, point, kind, *_ = line.split(" ")
        if folder.is_relative_to(point) and len(point) > longest:
            found, longest = kind, len(point)
    return found


def _swap() -> Check:
    try:
        lines = SWAPS.read_text(encoding="utf-8").splitlines()[1:]
    except OSError:
        lines = []
    disks = [line.split()[0] for line in lines if not line.startswith("/dev/zram")]
    if disks:
        step = "sudo systemctl disable --now dphys-swapfile, or use zram"
        return Check("swap", WARNING, f"on {disks[0]}: plain pictures may reach the card", step)
    return Check("swap", OK, "none on a disk")


def _disk(which: str, folder: Path) -> Check:
    if unwritable := _unwritable(which, folder):
        return unwritable
    free = vitals.free_bytes(folder)
    text = f"{folder}, {(free or 0) / 1e9:.1f} GB free"
    if free is None or free >= SCARCE:
        return Check(f"{which} folder", OK, text)
    verdict = WARNING if free >= TOO_SCARCE else BROKEN
    return Check(f"{which} folder", verdict, text, "make room on this disk")


def _pins() -> Iterator[Check]:
    if os.environ.get("GPIOZERO_PIN_FACTORY") == "simulated":
        yield Check("pins", OK, "simulated board")
        return
    chips = sorted(Path("/dev").glob("gpiochip*"))
    if not chips:
        step = "on another machine: export GPIOZERO_PIN_FACTORY=simulated"
        yield Check("pins", WARNING, "no /dev/gpiochip*: this is no Raspberry Pi", step)
    elif not os.access(chips[0], os.R_OK | os.W_OK):
        yield Check("pins", BROKEN, f"{chips[0]} may not be used", _join("gpio"))
    else:
        yield Check("pins", OK, str(chips[0]))


def _camera(camera: Camera) -> Check:
    name = f"camera {camera.name}"
    programs, package = PROGRAMS.get(camera.source, ((), ""))
    if programs and not any(shutil.which(program) for program in programs):
        return Check(name, BROKEN, f"{programs[0]} is not installed", package)
    device = Path(camera.device)
    if camera.device.startswith("/") and not device.exists():
        return Check(name, BROKEN, f"no such device or file {device}", "plug it in; ls /dev/video*")
    if camera.device.startswith("/") and not os.access(device, os.R_OK):
        return Check(name, BROKEN, f"{device} may not be read", _join("video"))
    return Check(name, OK, f"{camera.source} {camera.device}".strip())


def _join(group: str) -> str:
    """The next step that gives this user the rights of `group`."""
    try:
        if grp.getgrnam(group).gr_gid in os.getgroups():
            return "check the device's owner and mode"
    except KeyError:
        pass
    return f"sudo adduser {getpass.getuser()} {group}, then log in again"
