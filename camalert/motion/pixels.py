"""The two classic ways to compare a picture with the one before it, pixel by pixel. Pure.

The distance of two pixels is Euclid's in RGB, in percent of that from black to white:
100 * sqrt((dr² + dg² + db²) / 3) / 255. `pixel` looks for the largest, `area` counts the pixels
whose distance is above a threshold.
"""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from camalert.motion.verdict import QUIET, Mask, Verdict, box
from camalert.motion.watched import watched
from camalert.regions import Region

Rgb = NDArray[np.uint8]

BAND = 64
"""Rows that are compared at a time: what is computed for them takes ten times their bytes."""
WHITE = 3 * 255**2
"""The squared distance from black to white."""


class Pixels:
    """Compares each picture with the one before it; the first one is not judged.

    `threshold` is a distance in percent. Where `area` is None it is the least that the largest
    distance must reach; else a pixel above it has changed, and `area` percent of those that are
    watched must have.
    """

    def __init__(
        self,
        area: float | None,
        threshold: float,
        zones: Sequence[Region] = (),
        masks: Sequence[Region] = (),
    ) -> None:
        self._area, self._threshold = area, threshold
        self._zones, self._masks = zones, masks
        self._before: Rgb | None = None

    def update(self, rgb: Rgb) -> Verdict:
        """Judge `rgb` (rows x columns x red, green, blue); another size than before starts anew."""
        before, self._before = self._before, rgb
        if before is None or before.shape != rgb.shape:
            shape = (rgb.shape[0], rgb.shape[1])
            self._watched = watched(shape, self._zones, self._masks)
            return QUIET._replace(distance=0.0)
        squares = np.concatenate(list(_squares(before, rgb)))
        if self._watched is not None:
            squares[~self._watched] = 0
        return self._verdict(squares)

    def _verdict(self, squares: NDArray[np.int32]) -> Verdict:
        least = (self._threshold / 100) ** 2 * WHITE
        distance = 100 * float(np.sqrt(squares.max() / WHITE))
        changed: Mask = squares >= least if self._area is None else squares > least
        counting = squares.size if self._watched is None else np.count_nonzero(self._watched)
        area = 100 * int(np.count_nonzero(changed)) / max(1, int(counting))
        score = distance / self._threshold if self._area is None else area / self._area
        where = box(changed) if area else None
        return Verdict(score >= 1, round(score, 2), round(area, 3), where, round(distance, 2))


def _squares(before: Rgb, now: Rgb) -> Iterator[NDArray[np.int32]]:
    """The squared distances of the pixels, band by band."""
    for top in range(0, len(now), BAND):
        band = now[top : top + BAND].astype(np.int32) - before[top : top + BAND]
        yield np.einsum("ijk,ijk->ij", band, band)
