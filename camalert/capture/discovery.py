"""All cameras that can be found, as they would stand in the config."""

import dataclasses
import json
import os
import re
from collections.abc import Iterable, Iterator
from urllib.parse import urlsplit

from camalert.capture import csi, onvif, v4l2
from camalert.capture.jpeg import Picture
from camalert.config import NAME, Camera
from camalert.errors import CamalertError

DEFAULT_NAME = "camera"
LOGIN = "most want a login: rtsp://USER:PASSWORD@..."


@dataclasses.dataclass(frozen=True)
class Found:
    """A camera that was found, by `kind` (csi, usb, network).

    `trouble` is why it cannot be used as it is; `known` is its name in the config, where it has
    one; `notes` is what else is to be said; `outcome` is the trial picture, or why there is none.
    """

    kind: str
    title: str
    camera: Camera
    trouble: str = ""
    known: str = ""
    notes: tuple[str, ...] = ()
    outcome: Picture | CamalertError | None = None

    @property
    def works(self) -> bool | None:
        """Whether its trial picture came; None where none was tried."""
        if self.trouble or isinstance(self.outcome, CamalertError):
            return False
        return None if self.outcome is None else self.outcome.damaged is None

    @property
    def reason(self) -> str:
        """Why it does not work; empty where it does."""
        if isinstance(self.outcome, CamalertError):
            return self.outcome.reason
        return self.trouble or (self.outcome and self.outcome.damaged) or ""


def ribbon() -> list[Found]:
    """The cameras on the Pi's ribbon cables. Raises as csi.sensors does."""
    return [
        Found(
            "csi", f"{sensor.model} {sensor.size}", _camera(sensor.model, "rpicam", sensor.number)
        )
        for sensor in csi.sensors()
    ]


def usb() -> list[Found]:
    """The cameras that Linux has as /dev/videoN."""
    return [
        Found("usb", node.card, _camera(node.card, "fswebcam", node.path), node.trouble)
        for node in v4l2.cameras()
    ]


def network(target: tuple[str, int], wait: float) -> list[Found]:
    """The cameras in the network that answer. Raises OSError where nothing can be asked."""
    return list(_network(onvif.hosts(target, wait)))


def _network(hosts: Iterable[onvif.Host]) -> Iterator[Found]:
    for host in hosts:
        url, *others = host.urls()
        closed = "" if host.rtsp else f"port {onvif.RTSP_PORT} (RTSP) is closed"
        notes = (*(f"or {other}" for other in others), LOGIN)
        title = f"{host.title} at {host.address}"
        yield Found("network", title, _camera(host.title, "ffmpeg", url), closed, notes=notes)


def _camera(title: str, source: str, device: int | str) -> Camera:
    """With a name made of the title's letters and digits."""
    words = re.sub(r"[^A-Za-z0-9]+", " ", title).split()
    name = ""
    for word in words:
        if len(name) + len(word) > 20:
            break
        name = f"{name} {word}".strip()
    return Camera(name=name or DEFAULT_NAME, source=source, device=str(device))


def named(found: Iterable[Found], configured: Iterable[Camera]) -> list[Found]:
    """`found` with names that are used once, also beside those of the config, which are marked."""
    config = list(configured)
    taken = {_folded(camera.name) for camera in config}
    result = []
    for each in found:
        known = next((other.name for other in config if _same(each.camera, other)), "")
        name = known or _free(each.camera.name, taken)
        taken.add(_folded(name))
        camera = dataclasses.replace(each.camera, name=name)
        result.append(dataclasses.replace(each, known=known, camera=camera))
    return result


def _free(name: str, taken: set[str]) -> str:
    number, wanted = 1, name
    while _folded(wanted) in taken:
        number += 1
        wanted = f"{name} {number}"
    assert NAME.fullmatch(wanted)
    return wanted


def _folded(name: str) -> str:
    # As the config tells names apart: a space becomes _ in a picture's name.
    return name.casefold().replace(" ", "_")


def _same(found: Camera, other: Camera) -> bool:
    if found.source == "rpicam":
        return other.source == "rpicam" and (other.device or "0") == found.device
    if found.source == "ffmpeg":
        return _host(other.device) == _host(found.device)
    device = other.device or ("/dev/video0" if other.source == "fswebcam" else "")
    return device.startswith("/dev/") and os.path.realpath(device) == os.path.realpath(found.device)


def _host(url: str) -> str | None:
    try:
        return urlsplit(url).hostname
    except ValueError:  # such as http://[
        return None


def toml(found: Iterable[Found]) -> str:
    """What can go into the config: what works as it is, the rest as comments with the reason."""
    return "\n".join(map(_block, found))


def _block(found: Found) -> str:
    lines = [f"{_WHERE[found.kind]}: {found.title}"]
    if found.known:
        lines[0] += f", in the config already as {found.known}"
    verdict = {True: "works", False: f"does not work: {found.reason}", None: "not tried"}
    lines[0] += f"; {verdict[found.works]}"
    if isinstance(found.outcome, Picture):
        lines[0] += f", {found.outcome.width}x{found.outcome.height}"
    lines += found.notes
    camera = found.camera
    keys = [f"{key} = {_quoted(getattr(camera, key))}" for key in ("name", "source", "device")]
    table = [] if found.known else ["[[camera]]", *keys]
    if found.works is False:
        lines, table = lines + table, []
    return "".join(f"# {_printable(line)}\n" for line in lines) + "".join(
        f"{line}\n" for line in table
    )


_WHERE = {"csi": "ribbon cable", "usb": "USB", "network": "network"}


def _printable(text: str) -> str:
    """Without line ends and what else a comment may not hold."""
    return "".join(char if char.isprintable() else "?" for char in text)[:300]


def _quoted(text: str) -> str:
    return json.dumps(_printable(text), ensure_ascii=False)


def as_json(found: Found) -> str:
    """One line of JSON."""
    camera = found.camera
    told = {
        "kind": found.kind,
        "title": found.title,
        "works": found.works,
        "reason": found.reason,
        "configured": found.known or None,
        "notes": found.notes,
        "camera": {key: getattr(camera, key) for key in ("name", "source", "device")},
    }
    return json.dumps(told)
