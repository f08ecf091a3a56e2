"""Which cells of a picture count: those whose middle lies in a zone and in no mask. Pure.

Source: the crossing number (even-odd) test for a point in a polygon, Shimrat, Algorithm 112 (1962).
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from camalert.regions import Region

Mask = NDArray[np.bool_]


def watched(
    shape: tuple[int, int], zones: Sequence[Region], masks: Sequence[Region]
) -> Mask | None:
    """The cells that count, of `shape` (rows, columns); None where all do.

    Raises ValueError where none does.
    """
    if not zones and not masks:
        return None
    counting = np.full(shape, not zones)
    for zone in zones:
        counting |= _inside(shape, zone)
    for mask in masks:
        counting &= ~_inside(shape, mask)
    if not counting.any():
        raise ValueError("zones and masks leave nothing of the picture to watch")
    return None if counting.all() else counting


def _inside(shape: tuple[int, int], region: Region) -> Mask:
    rows, columns = shape
    x = (np.arange(columns) + 0.5) * 100 / columns
    y = (np.arange(rows)[:, None] + 0.5) * 100 / rows
    inside = np.zeros(shape, np.bool_)
    for (left, top), (right, bottom) in zip(region, (*region[1:], region[0]), strict=True):
        if top != bottom:
            crossed = (top > y) != (bottom > y)
            inside ^= crossed & (x < left + (y - top) * (right - left) / (bottom - top))
    return inside
