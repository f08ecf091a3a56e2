"""What a judge says of a picture, whatever its method."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]


class Verdict(NamedTuple):
    """What a picture showed. `score` is how strongly: 1 is the least that counts.

    `area` is the part that changed, in percent of what is watched. `box` is left, top, right,
    bottom of it, in percent of the picture; None where nothing did. `distance` is the largest
    change of a pixel in percent, where the method looks at pixels.
    """

    moved: bool
    score: float = 0.0
    area: float = 0.0
    box: tuple[float, float, float, float] | None = None
    distance: float | None = None


QUIET = Verdict(False)


def box(changed: Mask) -> tuple[float, float, float, float]:
    """Left, top, right, bottom of what is true in `changed` (something is), in percent."""
    rows: Mask = np.logical_or.reduce(changed, 1)
    columns: Mask = np.logical_or.reduce(changed, 0)
    height, width = changed.shape
    edges = (
        int(columns.argmax()) / width,
        int(rows.argmax()) / height,
        1 - int(columns[::-1].argmax()) / width,
        1 - int(rows[::-1].argmax()) / height,
    )
    left, top, right, bottom = (round(100 * edge, 1) for edge in edges)
    return left, top, right, bottom
