"""The kinds of camera as sources of frames without end, for the ring.

Frames come as the camera's program gives them, with the degrees clockwise that they are still to be
turned, see backends.py. Nothing here ends well: the reason is raised.
"""

import contextlib
import select
import time
from collections.abc import Generator
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

from camalert.capture import backends, child, jpeg
from camalert.capture.backends import FFMPEG, PROTOCOLS, Shot
from camalert.capture.night import without
from camalert.capture.supervision import Pace
from camalert.config import Camera
from camalert.errors import BadData, BadUsage, TryAgain, Unavailable

Frames = Generator[tuple[bytes, int], None, None]
Jpegs = Generator[bytes, None, None]

ONLY_STILL = frozenset(
    f"--{name}"
    for name in (
        *("exif", "timelapse", "framestart", "datetime", "timestamp", "restart", "thumb"),
        *("encoding", "raw", "latest", "immediate", "autofocus-on-capture", "zsl"),
    )
)
"""What rpicam-vid does not know (rpicam-apps, core/still_options.hpp)."""

OURS = frozenset({"--timeout", "--codec", "--output", "--flush", "--verbose", "--frames"})
"""What would end the stream or change its form."""

LEAST_RATE = 5
"""Frames a second asked of a USB camera at least: few have a slower mode, the rest is left out."""

EARLY = 0.8
"""ffmpeg picks frames this part of the interval apart; which of them count, `Pace` decides."""


def frames(shot: Shot) -> Frames:
    """The frames of the shot's camera, `rate` a second at most.

    Raises what child.stream and backends raise, and Unavailable where the source just ends.
    """
    camera = shot.camera
    scheme = urlsplit(camera.device).scheme if camera.source == "ffmpeg" else ""
    if camera.source == "rpicam" and camera.mode == "video":
        jpegs = _jpegs(shot, rpicam(camera), "rpicam-apps-lite")
        yield from _paced(shot, jpegs, backends.turn(camera))
    elif camera.source == "file" and backends.is_clip(camera):
        yield from _paced(shot, _jpegs(shot, clip(camera), "ffmpeg"), 0)
    elif scheme in PROTOCOLS and camera.mode == "video" and not backends.is_still(camera.device):
        yield from _network(shot, scheme)
    elif camera.device.startswith("/dev/") and camera.source == "ffmpeg":
        backends.check_device(camera, camera.device)
        yield from _copied_or_encoded(shot, usb(camera, copied=True), usb(camera, copied=False))
    else:
        yield from _shots(shot)


def rpicam(camera: Camera) -> list[str]:
    """The words that make a Pi camera's program a stream of JPEGs."""
    stream = {
        "--codec": "mjpeg",
        "--framerate": f"{max(1.0, camera.rate):g}",
        "--timeout": "0",
        "--flush": "",
        "--verbose=0": "",
    }
    options = without(camera.options, ONLY_STILL | OURS)
    words = backends.rpicam_words(camera, stream, options)
    return [backends.rpicam_program("vid"), *words, "--output", "-"]


def usb(camera: Camera, *, copied: bool) -> list[str]:
    """ffmpeg on a V4L2 device: its own JPEGs as they are, or its pictures encoded here."""
    rate = f"{max(LEAST_RATE, camera.rate):g}"
    source = ["-f", "v4l2", "-framerate", rate, "-video_size", f"{camera.width}x{camera.height}"]
    source += ["-input_format", "mjpeg"] if copied else []
    return _ffmpeg(camera, [*source, "-i", camera.device], copied)


def clip(camera: Camera) -> list[str]:
    """ffmpeg on a clip, in real time and in a loop."""
    whitelist = ["-protocol_whitelist", "file"]
    source = ["-re", "-stream_loop", "-1", *whitelist, "-i", f"file:{camera.device}"]
    return _ffmpeg(camera, source, copied=False)


def _ffmpeg(camera: Camera, source: list[str], copied: bool) -> list[str]:
    out = ["-flush_packets", "1"]
    if copied:
        return [*FFMPEG, *source, "-an", "-c:v", "copy", *out, "-f", "mjpeg", "-"]
    # By the wall clock, and never a frame twice: a camera's own time stamps cannot be relied on.
    gap = EARLY / camera.rate
    chosen = f"select='if(gte(abs(time(0)-ld(0)),{gap:g}),st(0,time(0)),0)',"
    out += ["-fps_mode", "passthrough"]
    return [*FFMPEG, *source, "-an", *out, *backends.encoding(camera, chosen)]


def _network(shot: Shot, scheme: str) -> Frames:
    camera = shot.camera
    source, feed = backends.network(camera, scheme)
    encoded = _ffmpeg(camera, source, copied=False)
    with backends.naming_host(camera):
        if scheme == "rtsp":
            yield from _paced(shot, _jpegs(shot, encoded, "ffmpeg", feed), 0)
        else:
            copied = _ffmpeg(camera, source, copied=True)
            yield from _copied_or_encoded(shot, copied, encoded, feed)


def _copied_or_encoded(
    shot: Shot, copied: list[str], encoded: list[str], feed: bytes = b""
) -> Frames:
    """The camera's own JPEGs, which cost nothing, where it has such, and none too large."""
    camera, fits = shot.camera, False
    with contextlib.closing(_jpegs(shot, copied, "ffmpeg", feed)) as own:
        try:
            for frame in _paced(shot, own, camera.rotation):
                if not fits and _too_large(camera, frame[0]):
                    break
                fits = True
                yield frame
        except (child.Failed, _Ended):
            if fits:
                raise
    yield from _paced(shot, _jpegs(shot, encoded, "ffmpeg", feed), 0)


def _too_large(camera: Camera, data: bytes) -> bool:
    try:
        width, height = jpeg.inspect(data)
    except BadData:
        return False
    return width > camera.width or height > camera.height


class _Ended(Unavailable):
    """The source ended well, but it should not end."""


def _jpegs(shot: Shot, command: list[str], package: str, feed: bytes = b"") -> Jpegs:
    count = 0
    with contextlib.closing(shot.stream(command, package, feed)) as chunks:
        for frame in jpeg.frames(chunks):
            count += 1
            yield frame
    hint = 'set mode = "still" where the URL is a single picture' if feed and count == 1 else None
    given = "1 frame" if count == 1 else f"{count} frames"
    raise _Ended(shot.camera.name, f"{command[0]} ended after {given}", hint)


def _paced(shot: Shot, jpegs: Jpegs, turn: int) -> Frames:
    pace = Pace(shot.camera.rate)
    with contextlib.closing(jpegs):
        for frame in jpegs:
            if pace.wants(shot.clock.monotonic()):
                yield frame, turn


def _shots(shot: Shot) -> Frames:
    """A picture after the other, each within the deadline."""
    camera, pace = shot.camera, Pace(shot.camera.rate)
    cancel = [shot.cancel] if shot.cancel is not None else []
    while True:
        if select.select(cancel, [], [], pace.wait(time.monotonic()))[0]:
            raise TryAgain(camera.name, "stopped")
        pace.wants(time.monotonic())
        one = replace(shot, end=time.monotonic() + camera.deadline)
        data, turn = backends.BACKENDS[camera.source](one)
        if not data:
            raise BadData(camera.name, f"{camera.source} ended well, but gave no picture")
        yield data, turn


def describe(camera: Camera) -> str:
    """In words what would be run for the camera; a URL is not part of it."""
    if camera.source == "rpicam" and camera.mode == "video":
        return " ".join(rpicam(camera))
    if camera.source == "file" and Path(camera.device).exists() and backends.is_clip(camera):
        return " ".join(clip(camera))
    if camera.source == "ffmpeg" and camera.device.startswith("/dev/"):
        return " ".join(usb(camera, copied=True))
    scheme = urlsplit(camera.device).scheme
    if camera.source == "ffmpeg" and scheme not in PROTOCOLS:
        raise BadUsage(camera.name, "ffmpeg's device is neither /dev/... nor a URL")
    what = f"a stream by {scheme}" if scheme else "one picture after the other"
    return f"{camera.source}: {what}"
