"""Motion between the pictures of one camera, by cells. Pure: numbers in, a verdict out.

Cells are compared on a logarithmic scale, where a change of light is an offset. A change counts
where it leaves what the neighbouring cells of the background have shown, forms a patch, alters
texture (light and shade keep it), and goes on (else it is what was left, or the ghost of what has
left). What has moved is learnt slowly and watched closely, so that it is seen when it stirs after
standing.

Sources: background and noise as running averages, Wren et al., Pfinder (1997); comparison with a
neighbourhood, Elgammal et al., Non-parametric Model for Background Subtraction (2000); light told
by normalised cross-correlation, Jacques et al., Background Subtraction and Shadow Detection (2005);
the lower threshold beside what has moved, Canny, A Computational Approach to Edge Detection (1986).
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from camalert.motion.texture import Texture
from camalert.motion.tone import jump, middle
from camalert.motion.verdict import QUIET, Mask, Verdict, box
from camalert.motion.watched import watched
from camalert.regions import Region

Luma = NDArray[np.uint8]
Cells = NDArray[np.float32]

LOG = (32 * np.log2(1 + np.arange(256) / 8)).astype(np.float32)
"""Luma to steps: 4.5 of them are a tenth of the light, in the dark a little more."""

SLOW, RELIT, HELD = np.float32(1 / 32), np.float32(1 / 8), np.float32(1 / 256)
"""What a picture adds to the background, to one in new light, and where something has moved."""
FAST = np.float32(1 / 2)
"""What a picture adds to the recent view."""

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
CLOSELY = 0.5
"""Where something has moved, so much of the threshold is enough to differ from the recent view."""
TOGETHER = 5
"""In that case so many of the nine cells around and at a cell must: noise is by itself."""
SAME = 0.9
"""Correlation from which a figure's block is as it was, but for the light on it."""
WIDE = 0.05
"""A change of so much of the picture, from one to the next, may be a jump of light."""
BLACK, WHITE = 3, 250
"""Luma at and beyond which a picture does not tell what there is."""
PATIENCE = 100
"""Pictures without motion until what stands there is learnt as everything else is."""


class Detector:
    """Says of each picture of one camera whether something moved; the first one is the background.

    `area` is the least changed part in percent of what is watched, `threshold` the least change of
    a cell in steps. Only what lies in a zone, where there are any, and in no mask is watched.
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
        self._texture: Texture | None = None
        self._idle = self._changed = 0

    def update(self, luma: Luma) -> Verdict:
        """Judge `luma` (rows x columns of cells, about 80 wide) and learn from it.

        Another shape than before starts anew.
        """
        cells = LOG.take(luma, mode="wrap")
        if self._background is None or self._background.shape != cells.shape:
            self._begin(cells)
            self._luma = luma
            return QUIET
        cells -= self._light(cells)
        changed = (cells > self._high) | (cells < self._low)
        verdict, rate, figure = QUIET, SLOW, None
        before, self._changed = self._changed, 0
        if self._enough(changed):
            changed = self._patches(changed)
            self._changed = int(np.count_nonzero(changed))
            if self._changed > max(WIDE * self._counting, 2 * before):
                changed = self._in_new_light(cells, changed)
            if self._enough(changed):
                figure = self._figure
                if self._goes_on(changed, cells):
                    kept, altered = self._compare_texture(cells)
                    if self._enough(changed & altered):
                        changed &= ~kept
                        verdict, figure = self._verdict(changed), _around(changed) > 0
                    else:
                        figure, rate, self._texture = None, RELIT, None
        self._idle = 0 if verdict.moved else self._idle + 1
        self._learn(cells, rate, figure if self._idle < PATIENCE else None)
        self._luma = luma
        return verdict

    def _begin(self, cells: Cells) -> None:
        self._watched = watched(cells.shape, self._zones, self._masks)
        watching = cells.size if self._watched is None else int(np.count_nonzero(self._watched))
        self._counting = max(1, watching)
        self._least = self._area / 100 * self._counting
        self._background, self._recent = cells, cells.copy()
        self._deviation = np.zeros_like(cells)
        self._figure: Mask | None = None
        self._count = 0
        self._rebuild()

    def _light(self, cells: Cells) -> np.float32:
        """By how much the whole of what is watched is lighter than the background: the median."""
        assert self._background is not None
        change = cells - self._background
        if self._watched is None or not self._watched.any():
            seen = change[::3, ::3].ravel()
        else:
            seen = change[self._watched]
        return middle(seen)

    def _patches(self, changed: Mask) -> Mask:
        """The cells of what is watched that have enough of `changed` in and around them."""
        if self._watched is None:
            return _around(changed) >= MAJORITY
        return (_around(changed & self._watched) >= MAJORITY) & self._watched

    def _in_new_light(self, cells: Cells, changed: Mask) -> Mask:
        """What has changed beside the light, if that explains half of `changed`: it is learnt."""
        assert self._background is not None
        tone = jump(self._background, cells, self._watched)
        if tone is None:
            return changed
        background, recent = self._background, self._recent
        self._background, self._recent = tone.of(background), tone.of(recent)
        lost = (self._luma <= BLACK) | (self._luma >= WHITE)
        self._background[lost] = self._recent[lost] = cells[lost]
        self._rebuild()
        left = self._patches((cells > self._high) | (cells < self._low))
        if 4 * np.count_nonzero(left) < np.count_nonzero(changed):
            return left
        self._background, self._recent = background, recent
        self._rebuild()
        return changed

    def _goes_on(self, changed: Mask, cells: Cells) -> bool:
        """Whether enough of `changed` differs from the recent view: by little in the figure."""
        stirred = np.abs(cells - self._recent)
        if self._enough(changed & (stirred > self._threshold), GOING_ON):
            return True
        if self._figure is None:
            return False
        slightly = self._figure & (stirred > CLOSELY * self._threshold)
        stirs = changed & (_around(slightly) >= TOGETHER)
        if not self._enough(stirs, GOING_ON):
            return False
        _, altered = Texture(self._recent).compare(cells, SAME)
        return self._enough(stirs & altered, GOING_ON)

    def _compare_texture(self, cells: Cells) -> tuple[Mask, Mask]:
        if self._texture is None:
            assert self._background is not None
            self._texture = Texture(self._background)
        return self._texture.compare(cells)

    def _learn(self, cells: Cells, rate: np.float32, figure: Mask | None) -> None:
        """Into background, deviation and recent view; slowly in `figure`."""
        assert self._background is not None
        self._figure = figure
        rates: np.float32 | Cells = max(rate, np.float32(1 / (self._count + 2)))
        if figure is not None:
            rates = np.where(figure, HELD, rates)
        change = cells - self._background
        self._background += rates * change
        np.abs(change, out=change)
        np.minimum(change, JOLT * self._threshold, out=change)
        change -= self._deviation
        change *= rates
        self._deviation += change
        cells -= self._recent
        cells *= FAST
        self._recent += cells
        self._count += 1
        if self._count % REBUILD == 0 or self._count < REBUILD:
            self._rebuild()

    def _rebuild(self) -> None:
        """What each cell may show: the range of the cells around it, and its threshold beyond."""
        assert self._background is not None
        beyond = np.maximum(self._threshold, NOISE * self._deviation)
        self._high = _spread(self._background, np.maximum) + beyond
        self._low = _spread(self._background, np.minimum) - beyond
        self._texture = None

    def _enough(self, changed: Mask, part: float = 1.0) -> bool:
        return bool(np.count_nonzero(changed) >= part * self._least)

    def _verdict(self, figure: Mask) -> Verdict:
        share = int(np.count_nonzero(figure)) / self._least
        return Verdict(True, round(share, 2), round(share * self._area, 2), box(figure))


def _spread(cells: Cells, pick: "np.ufunc") -> Cells:
    """The greatest (or least) of each cell and the eight around it."""
    rows = cells.copy()
    pick(rows[1:], cells[:-1], out=rows[1:])
    pick(rows[:-1], cells[1:], out=rows[:-1])
    found = rows.copy()
    pick(found[:, 1:], rows[:, :-1], out=found[:, 1:])
    pick(found[:, :-1], rows[:, 1:], out=found[:, :-1])
    return found


def _around(mask: Mask) -> NDArray[np.uint8]:
    """How many of each cell and the eight around it are in `mask`; beyond the edge is as at it."""
    height, width = mask.shape
    wide = width + 2
    flat = np.zeros((height + 2) * wide + 2, np.uint8)  # sums over one row of numbers are quicker
    framed = flat[:-2].reshape(height + 2, wide)
    framed[1:-1, 1:-1] = mask
    framed[0], framed[-1] = framed[1], framed[-2]
    framed[:, 0], framed[:, -1] = framed[:, 1], framed[:, -2]
    across = flat[:-2] + flat[1:-1]
    across += flat[2:]
    counts = across[: -2 * wide] + across[wide:-wide]
    counts += across[2 * wide :]
    found: NDArray[np.uint8] = counts.reshape(height, wide)[:, :width]
    return found
