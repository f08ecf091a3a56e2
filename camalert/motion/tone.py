"""A jump of light: what a scene shows when nothing in it but its light has changed. Pure.

Gain, offset, gamma and clipping keep the order of the grays: what was darker is no lighter
afterwards. So the change of light is a curve that rises, estimated from how groups of cells that
were alike have changed; something that comes into view bends it.

Source: histogram specification, Gonzalez and Woods, Digital Image Processing, 3.3.2.
"""

import numpy as np
from numpy.typing import NDArray

Cells = NDArray[np.float32]
Mask = NDArray[np.bool_]

GROUPS = 12
"""Of cells that were alike, each as large."""
FALL = 2.0
"""Steps by which the curve may fall and still be one of light: noise."""


def relit(before: Cells, now: Cells, counting: Mask | None) -> Cells | None:
    """The cells of `before` under the light of `now`; None where not light alone explains it.

    `counting` are the cells to go by; None: all.
    """
    old = before.ravel() if counting is None else before[counting]
    new = now.ravel() if counting is None else now[counting]
    if old.size < 2 * GROUPS:
        return None
    order = old.argsort()
    groups = np.array_split(order, GROUPS)
    xs = np.array([np.median(old[group]) for group in groups])
    ys = np.array([np.median(new[group]) for group in groups])
    if (np.diff(ys) < -FALL).any():
        return None
    xs = np.concatenate(([old[order[0]]], xs, [old[order[-1]]]))
    ys = np.concatenate(([ys[0] + xs[0] - xs[1]], ys, [ys[-1] + xs[-1] - xs[-2]]))
    return np.interp(before, xs, ys).astype(np.float32)
