"""The config as frozen dataclasses; camalert.config_file reads it.

Every key of docs/config.md is a field below: name, default, meaning, unit and bounds stand here and
nowhere else.
"""

import dataclasses
import os
import re
from pathlib import Path

from camalert import regions, schedule
from camalert.config_key import key

ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?")
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 _-]{0,31}")
TIME_OF_DAY = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]")
PRESETS = ("low", "medium", "high")
METHODS = ("cells", "pixel", "area")
THUMBNAILS = ("auto", "only", "never")


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
class Flash:
    """The light for `snap --flash`. `[flash]`."""

    pin: int = key(-1, meaning="its GPIO line; -1 for none", unit="BCM", low=-1, high=53)
    active_high: bool = key(True, meaning="false: low while it is on")
    settle: float = key(
        0.5, meaning="it is on for this long before the picture is taken", unit="s", low=0, high=60
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
        (), meaning="further words for rpicam or fswebcam, one string each"
    )
    motion: str = key(
        "",
        meaning="what movement that it sees is for, if not as in `panel.motion`",
        choices=("", "alarm", "confirm", "log"),
    )
    zones: tuple[str, ...] = key(
        (), meaning="motion counts only in these regions; none: everywhere", check=regions.parse
    )
    masks: tuple[str, ...] = key(
        (), meaning="motion does not count in these regions", check=regions.parse
    )
    preset: str = key(
        "",
        meaning="how easily it sees motion, if not as `motion.preset`",
        choices=PRESETS,
    )
    privacy_masks: tuple[str, ...] = key(
        (),
        meaning="parts of the upright picture made black before it is written anywhere; "
        "two corners are a box, more a polygon, such as `0,0 30,45.5`",
        unit="%",
        check=regions.parse,
    )
    rate: float = key(2.0, meaning="frames a second into the ring", unit="1/s", low=0.1, high=30)
    mode: str = key(
        "video",
        meaning="rpicam, ffmpeg with a URL: a running stream, or a new still for each frame",
        choices=("video", "still"),
    )
    restart: float = key(
        24.0,
        meaning="capture-ring starts the camera anew after this long, against drifting exposure; "
        "0: never",
        unit="h",
        low=0,
        high=8760,
    )
    night: str = key(
        "never",
        meaning="when the night's settings are in force: between two hours, while the sun is "
        "down, or while the ring's pictures are dark",
        choices=("never", "hours", "sun", "light"),
    )
    night_from: str = key(
        "21:00", meaning="hours: from this local time, HH:MM", pattern=TIME_OF_DAY
    )
    night_to: str = key("06:00", meaning="hours: until this local time", pattern=TIME_OF_DAY)
    night_below: float = key(
        30.0, meaning="light: night when pictures are darker", unit="mean luma", low=0, high=255
    )
    night_above: float = key(
        60.0, meaning="light: day when they are lighter", unit="mean luma", low=0, high=255
    )
    night_dwell: float = key(
        300.0, meaning="light: it must be so for this long", unit="s", low=10, high=86400
    )
    night_rate: float = key(
        0.0, meaning="frames a second at night; 0: as by day", unit="1/s", low=0, high=30
    )
    night_options: tuple[str, ...] = key(
        (), meaning="words that are added to `options` at night, in place of the same ones there"
    )


@dataclasses.dataclass(frozen=True)
class Ring:
    """How many frames each camera's ring keeps: what is reached first counts. `[ring]`."""

    frames: int = key(600, meaning="the most frames", low=2, high=100000)
    age: float = key(120.0, meaning="no frame is older", unit="s", low=1, high=3600)
    megabytes: int = key(32, meaning="the most bytes", unit="MB", low=1, high=4096)
    share: int = key(
        25,
        meaning="the most of what is free in RAM and in the run folder",
        unit="%",
        low=1,
        high=90,
    )


@dataclasses.dataclass(frozen=True)
class Place:
    """Where the cameras stand, for sunrise and sunset; 0 and 0 is not set. `[place]`."""

    latitude: float = key(0.0, meaning="north is positive", unit="degrees", low=-90, high=90)
    longitude: float = key(0.0, meaning="east is positive", unit="degrees", low=-180, high=180)


@dataclasses.dataclass(frozen=True)
class Panel:
    """What becomes an alarm. `[panel]`."""

    mode: str = key(
        "alert", meaning="the mode before anyone has set one", choices=("off", "monitor", "alert")
    )
    cooldown: float = key(
        60.0, meaning="after an alarm, no other for this long", unit="s", low=0, high=86400
    )
    motion: str = key(
        "alarm",
        meaning="what movement that a camera sees is for: an alarm as a PIR's, to confirm a PIR's "
        "alarm, or the log",
        choices=("alarm", "confirm", "log"),
    )
    confirm_window: float = key(
        30.0,
        meaning="how far apart sensor and camera may see it to confirm each other",
        unit="s",
        low=0,
        high=3600,
    )
    trouble_cooldown: float = key(
        600.0,
        meaning="after an alarm of a camera's trouble, no other of that camera's for this long",
        unit="s",
        low=0,
        high=86400,
    )


@dataclasses.dataclass(frozen=True)
class Motion:
    """When a picture counts as moved. `[motion]`."""

    preset: str = key("medium", meaning="how easily: what counts at least", choices=PRESETS)
    area: float = key(
        -1.0,
        meaning="the least changed part of what is watched; -1: as the preset says",
        unit="%",
        low=0.01,
        high=100,
    )
    threshold: float = key(
        -1.0,
        meaning="the least change of a cell in log steps, of a pixel in percent; -1: as the "
        "preset says",
        low=1,
        high=100,
    )
    method: str = key(
        "cells",
        meaning="the detector, or the largest distance of a pixel, or the part of changed pixels",
        choices=METHODS,
    )
    thumbnail: str = key(
        "auto",
        meaning="the small picture in a JPEG's EXIF: where there is one, always, never",
        choices=THUMBNAILS,
    )


@dataclasses.dataclass(frozen=True)
class Watch:
    """When movement in a camera's frames is an event. `[watch]`."""

    minimum: float = key(
        0.5, meaning="movement must go on for this long", unit="s", low=0, high=3600
    )
    clear: float = key(
        10.0, meaning="no movement for this long ends an event", unit="s", low=0.1, high=3600
    )
    cooldown: float = key(
        5.0,
        meaning="after an event, no other of that camera for this long",
        unit="s",
        low=0,
        high=86400,
    )
    active: tuple[str, ...] = key(
        (),
        meaning="local hours in which movement counts, such as `22:00-06:00` or "
        "`mon-fri 08:00-17:00`; empty: always",
        check=schedule.parse,
    )


@dataclasses.dataclass(frozen=True)
class View:
    """When a camera's view is in trouble: covered, black, blinded, turned, frozen. `[view]`."""

    enabled: bool = key(True, meaning="false: views are not looked after")
    hold: float = key(
        8.0, meaning="trouble must hold this long before it is said", unit="s", low=0, high=3600
    )
    good: float = key(
        10.0, meaning="it must be over this long before that is said", unit="s", low=0, high=3600
    )
    frozen: float = key(
        60.0,
        meaning="pictures of a live camera that are the same this long are frozen; 0: never",
        unit="s",
        low=0,
        high=86400,
    )
    dark: str = key(
        "sudden",
        meaning="whether a dark view in which nothing can be made out is trouble: where it comes "
        "at once, or always",
        choices=("never", "sudden", "always"),
    )
    ignore: tuple[str, ...] = key(
        (),
        meaning="what is not said of covered, black, blinded, turned, frozen",
        choices=("covered", "black", "blinded", "turned", "frozen"),
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
    flash: Flash = Flash()
    camera: tuple[Camera, ...] = ()
    ring: Ring = Ring()
    place: Place = Place()
    panel: Panel = Panel()
    motion: Motion = Motion()
    watch: Watch = Watch()
    view: View = View()
    mail: Mail = Mail()
    events: Events = Events()
    source: Path | None = None

    def folder(self, which: str, *below: str) -> Path:
        """The folder `which` of [paths] (run, spool, state), or a path below it. Not created."""
        chosen = getattr(self.paths, which) or _default_folder(which)
        if which == "spool" and self.paths.state and not self.paths.spool:
            chosen = f"{self.paths.state}/spool"
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
