"""Texture of blocks of cells: kept under another light, altered by what stands before it. Pure.

Source: normalised cross-correlation, Jacques et al., Background Subtraction and Shadow Detection in
Grayscale Video Sequences (2005).
"""

import numpy as np
from numpy.typing import NDArray

Cells = NDArray[np.float32]
Mask = NDArray[np.bool_]

BLOCK = 5
"""Cells along the side of a block in which texture is compared."""
KEPT = 0.75
"""Correlation from which a block's texture is the background's."""
FAINT, CLEAR = 1.5, 4.0
"""Deviation within a block, in steps: what is texture at all, and what can be seen to differ."""


def texture(cells: Cells, background: Cells) -> tuple[Mask, Mask]:
    """The cells whose block has kept the background's texture, and those where it is another."""
    now, before = _blocks(cells), _blocks(background)
    power_now, power_before = _common(now, now), _common(before, before)
    common = _common(now, before)
    kept = (power_before > FAINT**2) & (common > KEPT * np.sqrt(power_now * power_before))
    altered = (np.maximum(power_now, power_before) > CLEAR**2) & ~kept
    rows = np.minimum(np.arange(cells.shape[0]) // BLOCK, kept.shape[0] - 1)[:, None]
    columns = np.minimum(np.arange(cells.shape[1]) // BLOCK, kept.shape[1] - 1)
    return kept[rows, columns], altered[rows, columns]


def _blocks(cells: Cells) -> Cells:
    """The whole blocks of `cells`: blocks x the cells of each, less the block's mean."""
    height, width = (max(1, side // BLOCK) for side in cells.shape)
    whole = cells[: height * BLOCK, : width * BLOCK]
    split = whole.reshape(height, -1, width, whole.shape[1] // width).swapaxes(1, 2)
    blocks = split.reshape(height, width, -1).copy()
    blocks -= blocks.mean(-1, keepdims=True)
    return blocks


def _common(one: Cells, other: Cells) -> Cells:
    """The mean product of the cells of each block."""
    products: Cells = np.einsum("ijk,ijk->ij", one, other) / np.float32(one.shape[-1])
    return products
