"""The kinds of camera: each asks its program, or its file, for the bytes of one JPEG.

Each function takes a Shot and returns the bytes, and by how many degrees clockwise the picture is
still to be turned, which costs nothing as a tag in the JPEG.
"""

import contextlib
import os
import re
import shutil
import stat
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from camalert import camera_options
from camalert.capture import child, jpeg
from camalert.config import Camera
from camalert.errors import BadData, BadUsage, NotPermitted, TryAgain, Unavailable
from camalert.records import Clock

PROTOCOLS = {"rtsp": "rtsp,rtp,tcp", "http": "http,tcp", "https": "https,tls,tcp"}
"""The schemes of a URL that are opened, and the protocols ffmpeg may use for each, no others."""

CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt"
FFMPEG = ("ffmpeg", "-nostdin", "-hide_banner", "-loglevel", "error")
SKIPPED = 5
"""Frames that a USB camera gets to find its exposure."""

_TRANSPOSE = {0: "", 90: ",transpose=clock", 180: ",hflip,vflip", 270: ",transpose=cclock"}
_BUSY = re.compile(r"busy|in use|acquire", re.IGNORECASE)


Stream = Generator[bytes, None, None]


@dataclass(frozen=True)
class Shot:
    """One picture to be taken: of which camera, until when (time.monotonic), by which clock.

    `cancel` is a descriptor that ends it once it is readable; those of `locks` are for the child
    to keep open. Of a ring it takes a frame of the moment `since` or later.
    """

    camera: Camera
    end: float
    clock: Clock
    cancel: int | None = None
    locks: tuple[int, ...] = ()
    since: float = 0.0

    def run(self, command: Sequence[str], package: str, feed: bytes = b"") -> bytes:
        """The output of `command`, which is in the Debian package `package`; see child.run."""
        with self._explained(command, package):
            return child.run(
                self.camera.name,
                command,
                self.end,
                limit=jpeg.LIMIT,
                feed=feed,
                cancel=self.cancel,
                inherit=self.locks,
            )

    def stream(self, command: Sequence[str], package: str, feed: bytes = b"") -> Stream:
        """The output of `command` as it comes, without an end in time; see child.stream."""
        with self._explained(command, package):
            yield from child.stream(
                self.camera.name, command, feed=feed, cancel=self.cancel, inherit=self.locks
            )

    @contextlib.contextmanager
    def _explained(self, command: Sequence[str], package: str) -> Iterator[None]:
        name = self.camera.name
        if shutil.which(command[0]) is None:
            raise Unavailable(name, f"{command[0]} is not installed", f"apt install {package}")
        try:
            yield
        except child.Overdue:
            limit = f"{self.camera.deadline:g} s"
            raise Unavailable(name, f"no picture within {limit}; {command[0]} killed") from None
        except child.Failed as error:
            if _BUSY.search(error.reason):
                raise TryAgain(name, f"in use by another program ({error.reason})") from None
            raise


def rpicam(shot: Shot) -> tuple[bytes, int]:
    """A camera on the Pi's ribbon cable, by rpicam-still (libcamera-still before 2024)."""
    camera = shot.camera
    stills = {"--encoding": "jpg", "--thumb": "none", "--immediate": ""}
    words = rpicam_words(camera, stills, camera.options)
    command = [rpicam_program("still"), *words, "--output", "-"]
    return shot.run(command, "rpicam-apps-lite"), turn(camera)


def rpicam_program(kind: str) -> str:
    """rpicam-still or rpicam-vid, by its old name where there is only that."""
    old = not shutil.which(f"rpicam-{kind}") and shutil.which(f"libcamera-{kind}")
    return f"libcamera-{kind}" if old else f"rpicam-{kind}"


def turn(camera: Camera) -> int:
    """What of the rotation is left to the tag: a Pi camera itself turns upside down only."""
    return camera.rotation % 180


def rpicam_words(camera: Camera, more: dict[str, str], options: tuple[str, ...]) -> list[str]:
    """The words that both programs know, then `more` and `options`.

    They refuse an option that is given twice, so one of `options` takes the place of ours.
    Raises BadUsage for one that would write pictures elsewhere.
    """
    _check_options(camera, options)
    ours = {
        "--camera": camera.device or "0",
        "--width": str(camera.width),
        "--height": str(camera.height),
        "--quality": str(camera.quality),
        "--rotation": str(camera.rotation - turn(camera)),
        "--nopreview": "",
        **more,
    }
    theirs = {word.partition("=")[0] for word in options}
    words = [
        word for name, value in ours.items() if name not in theirs for word in (name, value) if word
    ]
    return [*words, *options]


def fswebcam(shot: Shot) -> tuple[bytes, int]:
    """A USB camera (V4L2) by fswebcam; the device TEST is a picture that it draws itself."""
    camera = shot.camera
    device = camera.device or "/dev/video0"
    if device != "TEST":
        check_device(camera, device)
    _check_options(camera, camera.options)
    command = ["fswebcam", "--quiet", "--device", device, "--no-banner"]
    command += ["--resolution", f"{camera.width}x{camera.height}"]
    command += ["--jpeg", str(min(camera.quality, 95)), "--skip", str(SKIPPED)]
    command += ["--rotate", str(camera.rotation)] if camera.rotation else []
    return shot.run([*command, *camera.options, "-"], "fswebcam"), 0


def _check_options(camera: Camera, options: tuple[str, ...]) -> None:
    for n in camera_options.writing(camera.source, options):
        raise BadUsage(camera.name, camera_options.unmasked(options[n]), "leave it out")


def ffmpeg(shot: Shot) -> tuple[bytes, int]:
    """A frame of a network stream (RTSP, HTTP, MJPEG) or of a V4L2 device, by ffmpeg."""
    camera = shot.camera
    scheme = urlsplit(camera.device).scheme
    if scheme in PROTOCOLS:
        return _stream(shot, scheme), 0
    if not camera.device.startswith("/dev/"):
        known = ", ".join(f"{name}://" for name in PROTOCOLS)
        raise BadUsage(camera.name, f"ffmpeg's device is none of /dev/..., {known}")
    check_device(camera, camera.device)
    size = f"{camera.width}x{camera.height}"
    source = ["-f", "v4l2", "-video_size", size, "-i", camera.device]
    return _frame(shot, source, f"select=gte(n\\,{SKIPPED}),"), 0


def _stream(shot: Shot, scheme: str) -> bytes:
    source, feed = network(shot.camera, scheme)
    with naming_host(shot.camera):
        return _frame(shot, source, feed=feed)


def network(camera: Camera, scheme: str) -> tuple[list[str], bytes]:
    """ffmpeg's words for a URL as its input, and what to feed it.

    The URL goes in on standard input, as a play list: a login in it is not for all to see.
    """
    url = camera.device
    if not url.isprintable():
        raise BadUsage(camera.name, "the URL holds a control character")
    if is_still(url):
        # By its name ffmpeg would take it for a file, and want to know its size beforehand.
        url += "?"
    quoted = url.replace("'", "'\\''")
    options = {
        "rtsp": "option rtsp_transport tcp\n",
        "https": f"option tls_verify 1\noption ca_file {CERTIFICATES}\n",
    }
    play_list = f"ffconcat version 1.0\nfile '{quoted}'\n{options.get(scheme, '')}"
    source = ["-protocol_whitelist", f"pipe,{PROTOCOLS[scheme]}", "-f", "concat", "-safe", "0"]
    return [*source, "-i", "pipe:0"], play_list.encode()


def is_still(url: str) -> bool:
    """Whether the URL is that of a single picture, by its name."""
    return url.lower().endswith((".jpg", ".jpeg"))


@contextlib.contextmanager
def naming_host(camera: Camera) -> Iterator[None]:
    """What ffmpeg says of the play list is said of the host."""
    try:
        yield
    except child.Failed as error:
        host = camera.device.partition("://")[2].partition("/")[0].rpartition("@")[2]
        raise child.Failed(camera.name, error.reason.replace("pipe:0", host)) from None


def _frame(shot: Shot, source: list[str], chosen: str = "", feed: bytes = b"") -> bytes:
    """One frame of `source`, made to fit the camera's width and height, never enlarged."""
    command = [*FFMPEG, *source, "-an", "-frames:v", "1", *encoding(shot.camera, chosen)]
    return shot.run(command, "ffmpeg", feed)


def encoding(camera: Camera, chosen: str = "") -> list[str]:
    """ffmpeg's words for JPEGs that fit the camera; `chosen` are filters that pick frames."""
    fitted = (
        f"scale=w='min({camera.width},iw)':h='min({camera.height},ih)'"
        f":force_original_aspect_ratio=decrease{_TRANSPOSE[camera.rotation]}"
    )
    coarse = 2 + round((100 - camera.quality) * 29 / 99)
    words = ["-vf", f"{chosen}{fitted},format=yuvj420p"]
    return [*words, "-q:v", str(coarse), "-f", "mjpeg", "-"]


def file(shot: Shot) -> tuple[bytes, int]:
    """A file played as a camera: a JPEG as it is; the next JPEG of a folder each second; a clip.

    A folder and a clip run in a loop by the clock that never steps back, so that every process
    sees the same moment of them.
    """
    camera, now = shot.camera, shot.clock.monotonic()
    path = Path(camera.device)
    if path.is_dir():
        pictures = sorted(_pictures(path))
        if not pictures:
            raise BadData(camera.name, f"no JPEG in the folder {path}")
        path = pictures[int(now) % len(pictures)]
    if _is_clip(camera, path):
        return _clip(shot, path, now), 0
    return _read(camera, path, jpeg.LIMIT + 1), camera.rotation


def is_clip(camera: Camera) -> bool:
    """Whether the camera's file is neither a folder nor a JPEG. Raises Unavailable without one."""
    path = Path(camera.device)
    return not path.is_dir() and _is_clip(camera, path)


def _is_clip(camera: Camera, path: Path) -> bool:
    return _read(camera, path, 3) not in (b"", b"\xff\xd8\xff")


def _pictures(folder: Path) -> Iterator[Path]:
    return (path for path in folder.iterdir() if path.suffix.lower() in (".jpg", ".jpeg"))


def _read(camera: Camera, path: Path, limit: int) -> bytes:
    try:
        with open(path, "rb", opener=lambda name, flags: os.open(name, flags | os.O_NONBLOCK)) as f:
            if not stat.S_ISREG(os.fstat(f.fileno()).st_mode):
                raise Unavailable(camera.name, f"{path} is no file")
            return f.read(limit)
    except OSError as error:
        raise Unavailable(camera.name, f"{path}: {error.strerror}") from None


def _clip(shot: Shot, path: Path, now: float) -> bytes:
    source = ["-protocol_whitelist", "file", "-i", f"file:{path}"]
    at = now % _length(shot, path, path.stat().st_mtime_ns)
    # The last frame may begin before the clip ends, and nothing comes from behind it.
    return _frame(shot, ["-ss", f"{at:.3f}", *source]) or _frame(shot, source)


_LENGTHS: dict[tuple[Path, int], float] = {}


def _length(shot: Shot, path: Path, changed: int) -> float:
    """The clip's length in seconds, asked for once."""
    if (path, changed) not in _LENGTHS:
        command = ["ffprobe", "-v", "error", "-protocol_whitelist", "file"]
        command += ["-show_entries", "format=duration", "-of", "csv=p=0", "-i", f"file:{path}"]
        text = shot.run(command, "ffmpeg").decode().strip()
        try:
            _LENGTHS[path, changed] = max(0.001, float(text))
        except ValueError:
            raise BadData(shot.camera.name, f"{path} has no length: no clip") from None
    return _LENGTHS[path, changed]


def pattern(shot: Shot) -> tuple[bytes, int]:
    """The moving test pattern; see pattern.py."""
    from camalert.capture.pixels import draw

    camera = shot.camera
    size = camera.width, camera.height
    return draw(camera.name, shot.clock.now(), size, camera.quality), camera.rotation


def check_device(camera: Camera, device: str) -> None:
    """Raise what is wrong with the device, where it can be seen from outside."""
    if not Path(device).exists():
        raise Unavailable(camera.name, f"no such device {device}")
    if not os.access(device, os.R_OK | os.W_OK):
        raise NotPermitted(camera.name, f"may not open {device}", "join the group video")


BACKENDS: dict[str, Callable[[Shot], tuple[bytes, int]]] = {
    "rpicam": rpicam,
    "fswebcam": fswebcam,
    "ffmpeg": ffmpeg,
    "file": file,
    "pattern": pattern,
}
