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


class Texture:
    """The texture of `background`, to be compared with that of pictures."""

    def __init__(self, background: Cells) -> None:
        self._blocks = _blocks(background)
        self._power = _common(self._blocks, self._blocks)

    def compare(self, cells: Cells, alike: float = KEPT) -> tuple[Mask, Mask]:
        """The cells whose block has kept its texture, and those where it is visibly another.

        `alike` is the least correlation of what is kept.
        """
        now, before = _blocks(cells), self._power
        power, common = _common(now, now), _common(now, self._blocks)
        kept = (before > FAINT**2) & (common > alike * np.sqrt(power * before))
        altered = (np.maximum(power, before) > CLEAR**2) & ~kept
        return _spread(kept, cells.shape), _spread(altered, cells.shape)


def _blocks(cells: Cells) -> Cells:
    """Cells of a block x rows x columns of the whole blocks of `cells`, less each block's mean."""
    high, wide = (min(side, BLOCK) for side in cells.shape)
    rows, columns = cells.shape[0] // high, cells.shape[1] // wide
    split = cells[: rows * high, : columns * wide].reshape(rows, high, columns, wide)
    blocks = split.transpose(1, 3, 0, 2).reshape(high * wide, rows, columns).copy()
    blocks -= np.add.reduce(blocks, 0) / np.float32(high * wide)
    return blocks


def _common(one: Cells, other: Cells) -> Cells:
    """The mean product of the cells of each block."""
    products: Cells = np.add.reduce(one * other, 0) / np.float32(len(one))
    return products


def _spread(blocks: Mask, shape: tuple[int, ...]) -> Mask:
    """Each block's value at each of its cells; at the cells that fill no block, the last one's."""
    whole = blocks.repeat(min(shape[0], BLOCK), 0).repeat(min(shape[1], BLOCK), 1)
    if whole.shape == shape:
        return whole
    beyond = [(0, side - filled) for side, filled in zip(shape, whole.shape, strict=True)]
    return np.pad(whole, beyond, mode="edge")
