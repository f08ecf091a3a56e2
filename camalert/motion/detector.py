"""Motion between the pictures of one camera. Pure: numbers in, a verdict out.

Cells are compared on a logarithmic scale, where a change of light is an offset. A change counts
where it leaves what the neighbouring cells of the background have shown, forms a patch, goes on
(else it is the ghost of what has left), and alters texture (light and shade keep it).

Sources: background and noise as running averages, Wren et al., Pfinder (1997); comparison with a
neighbourhood, Elgammal et al., Non-parametric Model for Background Subtraction (2000); light told
by normalised cross-correlation, Jacques et al., Background Subtraction and Shadow Detection (2005).
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from camalert.motion.watched import watched
from camalert.regions import Region

Luma = NDArray[np.uint8]
Cells = NDArray[np.float32]
Mask = NDArray[np.bool_]

LOG = (32 * np.log2(1 + np.arange(256) / 8)).astype(np.float32)
"""Luma to steps: 4.5 of them are a tenth of the light, in the dark a little more."""

SLOW, FAST, RELIT = np.float32(1 / 32), np.float32(1 / 4), np.float32(1 / 8)
"""What a picture adds to the background, to the recent view, and to the background in new light."""

NOISE = np.float32(4)
"""A cell must change by this many times its mean deviation."""
JOLT = 1.5
"""Deviation counts for no more thresholds than this: one passer-by must not blind a cell."""
REBUILD = 4
"""Pictures from one rebuild of the background's envelope to the next."""
MAJORITY = 5
"""So many of the nine cells around and at a cell must have changed for it to count."""
GOING_ON = 0.5
"""So much of the least area must differ from the recent view, too."""
BLOCK = 5
"""Cells along the side of a block in which texture is compared."""
KEPT = 0.75
"""Correlation from which a block's texture is the background's."""
FAINT, CLEAR = 1.5, 4.0
"""Deviation within a block, in steps: what is texture at all, and what can be seen to differ."""


class Verdict(NamedTuple):
    """What a picture showed. `score` is `area` (percent of the picture) over the least that counts.

    `box` is left, top, right, bottom of all that moved, in percent; None where nothing did.
    """

    moved: bool
    score: float = 0.0
    area: float = 0.0
    box: tuple[float, float, float, float] | None = None


QUIET = Verdict(False)


class Detector:
    """Says of each picture of one camera whether something moved; the first one is the background.

    `area` is the least changed part in percent, `threshold` the least change of a cell in steps.
    """

    def __init__(
        self,
        area: float = 0.1,
        threshold: float = 4.5,
        zones: Sequence[Region] = (),
        masks: Sequence[Region] = (),
    ) -> None:
        self._area, self._threshold = area, np.float32(threshold)
        self._zones, self._masks = zones, masks
        self._background: Cells | None = None
        self._count = 0

    def update(self, luma: Luma) -> Verdict:
        """Judge `luma` (rows x columns of cells, about 80 wide) and learn from it.

        Another shape than before starts anew.
        """
        cells = LOG[luma]
        if self._background is None or self._background.shape != cells.shape:
            self._begin(cells)
            return QUIET
        change = cells - self._background
        cells -= _middle(change[::2, ::2] if self._watched is None else change[self._watched])
        changed = (cells > self._high) | (cells < self._low)
        if self._watched is not None:
            changed &= self._watched
        verdict, rate = QUIET, SLOW
        if self._enough(changed):
            changed = _majority(changed)
            if self._watched is not None:
                changed &= self._watched
            recent = np.abs(cells - self._recent) > self._threshold
            if self._enough(changed) and self._enough(changed & recent, GOING_ON):
                kept, altered = _texture(cells, self._background)
                if self._enough(changed & altered):
                    verdict = self._verdict(changed & ~kept)
                else:
                    rate = RELIT
        self._learn(cells, rate)
        return verdict

    def _begin(self, cells: Cells) -> None:
        self._watched = watched(cells.shape, self._zones, self._masks)
        self._watched_cells = (
            np.count_nonzero(self._watched) if self._watched is not None else cells.size
        )
        self._background, self._recent = cells, cells.copy()
        self._deviation = np.zeros_like(cells)
        self._rebuild()

    def _learn(self, cells: Cells, rate: np.float32) -> None:
        assert self._background is not None
        change = cells - self._background
        self._background += rate * change
        np.abs(change, out=change)
        np.minimum(change, JOLT * self._threshold, out=change)
        self._deviation += rate * (change - self._deviation)
        self._recent += FAST * (cells - self._recent)
        self._count += 1
        if self._count % REBUILD == 0:
            self._rebuild()

    def _rebuild(self) -> None:
        """What each cell may show: the range of the cells around it, and its threshold beyond."""
        assert self._background is not None
        beyond = np.maximum(self._threshold, NOISE * self._deviation)
        self._high = _spread(self._background, np.maximum) + beyond
        self._low = _spread(self._background, np.minimum) - beyond

    def _enough(self, mask: Mask, part: float = 1.0) -> bool:
        return bool(np.count_nonzero(mask) >= part * self._area / 100 * self._watched_cells)

    def _verdict(self, moved: Mask) -> Verdict:
        area = 100 * float(np.count_nonzero(moved)) / self._watched_cells
        rows, columns = np.flatnonzero(moved.any(1)), np.flatnonzero(moved.any(0))
        height, width = moved.shape
        box = (
            round(100 * float(columns[0]) / width, 1),
            round(100 * float(rows[0]) / height, 1),
            round(100 * float(columns[-1] + 1) / width, 1),
            round(100 * float(rows[-1] + 1) / height, 1),
        )
        return Verdict(True, round(area / self._area, 2), round(area, 2), box)


def _middle(cells: Cells) -> np.float32:
    """The median, without what np.median does for sizes and values that do not occur here."""
    half = cells.size // 2
    middle: np.float32 = np.partition(cells, half, axis=None)[half]
    return middle


def _spread(cells: Cells, pick: "np.ufunc") -> Cells:
    """The greatest (or least) of each cell and the eight around it."""
    rows = cells.copy()
    pick(rows[1:], cells[:-1], out=rows[1:])
    pick(rows[:-1], cells[1:], out=rows[:-1])
    found = rows.copy()
    pick(found[:, 1:], rows[:, :-1], out=found[:, 1:])
    pick(found[:, :-1], rows[:, 1:], out=found[:, :-1])
    return found


def _majority(mask: Mask) -> Mask:
    """The cells that have enough of `mask` in and around them."""
    height, width = mask.shape
    framed = np.zeros((height + 2, width + 2), np.uint8)
    framed[1:-1, 1:-1] = mask
    rows = framed[:-2] + framed[1:-1] + framed[2:]
    counts: NDArray[np.uint8] = rows[:, :-2] + rows[:, 1:-1] + rows[:, 2:]
    return counts >= MAJORITY


def _texture(cells: Cells, background: Cells) -> tuple[Mask, Mask]:
    """The cells whose block has kept the background's texture, and those where it is another."""
    now, before = _blocks(cells), _blocks(background)
    now -= now.mean(-1, keepdims=True)
    before -= before.mean(-1, keepdims=True)
    power_now, power_before = (now * now).mean(-1), (before * before).mean(-1)
    common = (now * before).mean(-1)
    kept = (power_before > FAINT**2) & (common > KEPT * np.sqrt(power_now * power_before))
    altered = (np.maximum(power_now, power_before) > CLEAR**2) & ~kept
    rows = np.minimum(np.arange(cells.shape[0]) // BLOCK, kept.shape[0] - 1)[:, None]
    columns = np.minimum(np.arange(cells.shape[1]) // BLOCK, kept.shape[1] - 1)
    return kept[rows, columns], altered[rows, columns]


def _blocks(cells: Cells) -> Cells:
    """The whole blocks of `cells`: rows x columns of blocks x the cells of each, a copy."""
    height, width = (max(1, side // BLOCK) for side in cells.shape)
    whole = cells[: height * BLOCK, : width * BLOCK]
    split = whole.reshape(height, -1, width, whole.shape[1] // width).swapaxes(1, 2)
    return split.reshape(height, width, -1).copy()
