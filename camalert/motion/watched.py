"""Which cells (or pixels) of a picture count: in a zone and in no mask. Pure.

A cell lies in a region where its middle does. Of a zone too small for that the cells of its corners
are watched.

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
    """The cells that count, of `shape` (rows, columns); None where all do."""
    if not zones and not masks:
        return None
    counting = np.full(shape, not zones)
    for zone in zones:
        inside = _inside(shape, zone)
        if not inside.any():
            for x, y in zone:
                inside[_cell(y, shape[0]), _cell(x, shape[1])] = True
        counting |= inside
    for mask in masks:
        counting &= ~_inside(shape, mask)
    return None if counting.all() else counting


def _cell(percent: float, count: int) -> int:
    return min(int(percent * count / 100), count - 1)


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
