"""One camera's pictures, judged as its config says: JPEG in, verdict out."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from camalert import regions
from camalert.config import Camera, Motion
from camalert.errors import BadData
from camalert.motion import decoding, header
from camalert.motion.detector import Detector, Luma
from camalert.motion.pixels import Pixels
from camalert.motion.verdict import Verdict
from camalert.motion.watched import watched

SENSITIVITY = {
    "cells": {"low": (0.5, 7.0), "medium": (0.1, 4.5), "high": (0.05, 3.0)},
    "pixel": {"low": (100.0, 30.0), "medium": (100.0, 20.0), "high": (100.0, 10.0)},
    "area": {"low": (5.0, 20.0), "medium": (1.0, 10.0), "high": (0.2, 10.0)},
}
"""For each method and preset: the least area in percent, the threshold in steps or percent."""

MIRRORED = frozenset({2, 4, 5, 7})
QUARTERS = {2: 0, 3: 2, 4: 2, 5: 1, 6: -1, 7: -1, 8: 1}
"""EXIF orientations that begin with a mirror image, and the quarter turns to the left of each."""

GRID = (60, 80)
"""Rows and columns by which it is seen beforehand whether zones and masks leave anything."""


class Method(Protocol):
    """What compares pictures, given as arrays."""

    def update(self, picture: NDArray[np.uint8], /) -> Verdict: ...


class Judge:
    """Judges the pictures of one camera, one after the other; the first is the background."""

    def __init__(self, method: Method, in_colour: bool, thumbnail: str) -> None:
        self._method, self._in_colour, self._thumbnail = method, in_colour, thumbnail
        self.luma: Luma | None = None
        """The last picture, upright, as rows x columns of gray (uint8), about 80 wide before it was
        turned; None before it."""

    def update(self, jpeg: bytes) -> Verdict:
        """Judge the picture in `jpeg` and learn from it.

        Raises BadData where it is no JPEG, cut off, broken, too large, or without the thumbnail
        that is to be used; nothing is learnt then.
        """
        small = None if self._thumbnail == "never" else header.thumbnail(jpeg)
        if small is None and self._thumbnail == "only":
            raise BadData("picture", "is cut off, or has no thumbnail", "--thumbnail auto")
        turn = header.orientation(jpeg)
        self.luma = upright(self._gray(small, jpeg), turn)
        if not self._in_colour:
            return self._method.update(self.luma)
        picture = decoding.rgb(small if small and self._thumbnail == "only" else jpeg)
        return self._method.update(upright(picture, turn))

    def _gray(self, small: bytes | None, jpeg: bytes) -> Luma:
        """The luma of the thumbnail `small`, or of `jpeg` where it has none that is good."""
        if small is None:
            return decoding.luma(jpeg)
        try:
            return decoding.luma(small)
        except BadData:
            if self._thumbnail == "only":
                raise
            return decoding.luma(jpeg)


def upright(picture: NDArray[np.uint8], orientation: int) -> NDArray[np.uint8]:
    """`picture` (rows x columns ...) turned as its EXIF orientation (1 to 8) wants it shown.

    So zones, masks and boxes are where a person sees them.
    """
    if orientation == 1:
        return picture
    if orientation in MIRRORED:
        picture = picture[:, ::-1]
    turned = np.rot90(picture, QUARTERS[orientation])
    return np.ascontiguousarray(turned)


def judge(
    motion: Motion,
    camera: Camera | None = None,
    *,
    zones: Sequence[str] = (),
    masks: Sequence[str] = (),
) -> Judge:
    """A judge for `camera`, or for pictures of which no camera is known.

    `zones` are regions instead of the camera's, `masks` instead of its masks; its privacy masks
    are always masks. Raises ValueError, with the reason, for a text that is no region, and where
    zones and masks leave nothing.
    """
    hidden = camera.privacy_masks if camera else ()
    seen = [regions.parse(text) for text in zones or (camera.zones if camera else ())]
    unseen = [regions.parse(text) for text in masks or (camera.masks if camera else ())]
    unseen += [regions.parse(text) for text in hidden]
    counting = watched(GRID, seen, unseen)
    if counting is not None and not counting.any():
        raise ValueError("zones and masks leave nothing of the picture to watch")
    area, threshold = numbers(motion, camera)
    if motion.method == "cells":
        return Judge(Detector(area, threshold, seen, unseen), False, motion.thumbnail)
    least = area if motion.method == "area" else None
    return Judge(Pixels(least, threshold, seen, unseen), True, motion.thumbnail)


def numbers(motion: Motion, camera: Camera | None = None) -> tuple[float, float]:
    """The least area (percent) and the threshold (steps or percent) that are in force.

    The camera's preset goes before that of `motion`, and a number that is set before both.
    """
    preset = (camera.preset if camera else "") or motion.preset
    area, threshold = SENSITIVITY[motion.method][preset]
    return (
        area if motion.area < 0 else motion.area,
        threshold if motion.threshold < 0 else motion.threshold,
    )
