"""What in a camera's keys cannot be together, or cannot run at all. Pure.

Of values that are wrong by themselves, which may be None here, nothing more is said.
"""

import itertools
import re
from collections.abc import Iterator
from typing import Any

from camalert import regions
from camalert.camera_options import unmasked, writing

URL = re.compile(r"(rtsp|https?)://[^/].*", re.IGNORECASE)
DEVICE = re.compile(r"/dev/.+")

GRID = (60, 80)
"""Rows and columns of the points at which it is seen whether anything is left to be watched."""

LEAST_MASK = 0.1
"""Percent of the width times percent of the height: a few pixels, which hide nothing."""

Problem = tuple[str, str]


def problems(camera: Any, place: Any) -> Iterator[Problem]:
    """The keys of `camera` that are wrong, each with the reason; `place` is the config's."""
    if (camera.rotation or 0) % 90:
        yield "rotation", f"{camera.rotation} is not 0, 90, 180 or 270"
    if camera.device is not None and (what := _device(camera.source, camera.device)):
        yield "device", what
    for name in ("options", "night_options"):
        words = getattr(camera, name)
        if None not in words:
            for n in writing(camera.source, words):
                yield f"{name}[{n}]", unmasked(words[n])
    yield from _regions(camera)
    yield from _nights(camera, place)


def file_name(camera: str) -> str:
    """What is the same for two cameras' names where their files would be, on any file system."""
    return camera.casefold().replace(" ", "_")


def _device(source: str, device: str) -> str | None:
    if source in ("ffmpeg", "file") and not device:
        return f"a {source} camera needs it"
    if source == "ffmpeg" and not (DEVICE.fullmatch(device) or URL.fullmatch(device)):
        return f"{_shown(device)} is neither /dev/... nor a URL (rtsp://, http:// or https://)"
    if source == "ffmpeg" and not device.isprintable():
        return "holds a control character"
    if source == "fswebcam" and device not in ("", "TEST") and not DEVICE.fullmatch(device):
        return f"{_shown(device)} is neither /dev/... nor TEST"
    if source == "rpicam" and device and not re.fullmatch("[0-9]{1,3}", device):
        return f"{_shown(device)} is not the number of a camera; camalert list-cameras"
    return None


def _shown(device: str) -> str:
    """The device without a login that may be in it."""
    return repr(re.sub(r"//[^/@]*@", "//...@", device)[:80])


def _regions(camera: Any) -> Iterator[Problem]:
    found = {name: getattr(camera, name) for name in ("zones", "masks", "privacy_masks")}
    try:
        zones, masks, hidden = ([_region(text) for text in texts] for texts in found.values())
    except ValueError:
        return
    for n, region in enumerate(hidden):
        if what := _hides_nothing(region):
            yield f"privacy_masks[{n}]", f"{camera.privacy_masks[n]!r} is {what}"
    if (zones or masks or hidden) and not _is_anything_left(zones, [*masks, *hidden]):
        key = next(name for name in ("masks", "privacy_masks", "zones") if found[name])
        yield key, "zones and masks leave nothing of the picture to watch"


def _region(text: str | None) -> regions.Region:
    return regions.parse(text or "")


def _hides_nothing(region: regions.Region) -> str | None:
    if regions.area(region) < LEAST_MASK:
        return "too small to hide anything: x and y are percent, 0 to 100"
    if all(x <= 1 and y <= 1 for x, y in region):
        return "only the upper left corner: x and y are percent, 0 to 100"
    return None


def _is_anything_left(zones: list[regions.Region], masks: list[regions.Region]) -> bool:
    # A zone may lie between the points of the grid; its corners then stand for it.
    corners = (corner for zone in zones for corner in zone)
    return any(
        (not zones or any(point in zone or regions.holds(zone, point) for zone in zones))
        and not any(regions.holds(mask, point) for mask in masks)
        for point in itertools.chain(_grid(), corners)
    )


def _grid() -> Iterator[regions.Point]:
    rows, columns = GRID
    for y in range(rows):
        for x in range(columns):
            yield (x + 0.5) * 100 / columns, (y + 0.5) * 100 / rows


def _nights(camera: Any, place: Any) -> Iterator[Problem]:
    if camera.night == "sun" and place and place.latitude == place.longitude == 0:
        yield "night", "sun: set place.latitude and place.longitude"
    if camera.night == "hours" and camera.night_from == camera.night_to:
        yield "night_to", f"{camera.night_to} is the same as night_from: no night at all"
    below, above = camera.night_below, camera.night_above
    if camera.night == "light" and None not in (below, above) and below >= above:
        yield "night_above", f"{above:g} is not above night_below, {below:g}"
    if camera.night_rate and camera.night_rate < 0.1:
        yield "night_rate", f"{camera.night_rate:g} is neither 0 nor from 0.1 to 30"
