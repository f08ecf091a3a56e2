"""A jump of light: what a scene shows when nothing in it but its light has changed. Pure.

Gain, offset, gamma and clipping keep the order of the grays: what was darker is no lighter
afterwards. So the change of light is a curve that rises, estimated from how groups of cells that
were alike have changed; what comes into view bends it.

Source: histogram specification, Gonzalez and Woods, Digital Image Processing, 3.3.2.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Cells = NDArray[np.float32]
Mask = NDArray[np.bool_]

GROUPS = 12
"""Of cells that were alike, each as large."""
FALL = 2.0
"""Steps by which the curve may fall and still be one of light: noise."""


class Tone(NamedTuple):
    """The curve from the grays before a jump of light to those after it."""

    before: NDArray[np.float64]
    after: NDArray[np.float64]

    def of(self, cells: Cells) -> Cells:
        """`cells` in the new light."""
        return np.interp(cells, self.before, self.after).astype(np.float32)


def middle(cells: Cells) -> np.float32:
    """The median of `cells`, a row whose order is lost; of an even number the greater one.

    np.median loads numpy.ma to look for masks: 10 ms and a megabyte.
    """
    cells.partition(cells.size // 2)
    found: np.float32 = cells[cells.size // 2]
    return found


def jump(before: Cells, now: Cells, counting: Mask | None) -> Tone | None:
    """The change of light from `before` to `now`; None where there is no curve that rises.

    `counting` are the cells to go by; None: all.
    """
    old = before.ravel() if counting is None else before[counting]
    new = now.ravel() if counting is None else now[counting]
    if old.size < 2 * GROUPS:
        return None
    order = old.argsort()
    groups = np.array_split(order, GROUPS)
    xs = np.array([middle(old[group]) for group in groups], np.float64)
    ys = np.array([middle(new[group]) for group in groups], np.float64)
    if (np.diff(ys) < -FALL).any():
        return None
    least, most = min(old[order[0]], xs[0]), max(old[order[-1]], xs[-1])
    return Tone(
        np.concatenate(([least], xs, [most])),
        np.concatenate(([ys[0] + least - xs[0]], ys, [ys[-1] + most - xs[-1]])),
    )
