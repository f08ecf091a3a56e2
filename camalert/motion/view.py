"""Is the view itself in order, or covered, black, blinded, turned, frozen? Pure.

Edges are the gradients of the picture on the detector's logarithmic scale, where less light takes
little from them. They are held against those that the view has shown while all was good. What
cannot be told from nightfall, a dark picture without edges, is trouble only where it comes at once.

Sources: edges that disappear, Lee et al., Unified Camera Tamper Detection Based on Edge and Object
Information (2015); where they have gone to, by cross-correlation over all displacements (Fourier).
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from camalert.motion.detector import LOG, Luma

Edges = NDArray[np.float32]
"""Gradients to the right and downwards, 2 x rows x columns, in steps of the detector's scale."""

EVERY = 0.9
"""Seconds between two looks; the pictures between them are not judged."""
LEARNT = 10
"""Looks that make a reference."""
SLOW, FAST = np.float32(1 / 128), np.float32(0.4)
"""What a look adds to the reference, and to the recent view, in which noise evens out."""
STEEPEST = np.float32(60)
"""A gradient counts for no more: one bright lamp must not stand for the whole view."""
FAINT = 0.6
"""Mean gradient of a view that has too few edges to be judged by them."""
GONE = 0.25
"""So little of the reference's gradients is left when something covers the view."""
ALIKE, STRANGE = 0.85, 0.15
"""Correlation with the reference from which the view is surely the same, and below which nothing of
it is left. Between them it is turned where another displacement fits better."""
OTHER = 0.2
"""The same of the strengths alone: by infrared light an edge may go from dark to light where by day
it went from light to dark, but it stays in its place."""
FITS, BETTER, FAR = 0.4, 0.1, 3
"""How well that displacement must fit, how much better than none, and how many cells long it is."""
DARK, BLACK = 40, 24
"""Mean luma below which a view without edges may be the night; luma that nothing in it reaches."""
LIT, SUDDEN = 1.5, 15.0
"""By what factor the view was lighter than `DARK` at most `SUDDEN` seconds ago, where it is
trouble: the night falls more slowly."""
WHITE, BLIND = 250, 0.3
"""Luma of a cell that is saturated, and the part of the view that is so beyond the usual."""
NIGHT = "night"
"""What is no trouble, though nothing is to be seen; nothing is learnt from it."""
ROWS, COLUMNS = 8, 10
"""Blocks of a sketch."""
UNLIKE = 0.2
"""Correlation of two sketches below which they are of two views."""


class Limits(NamedTuple):
    """In seconds: trouble must hold for `hold` before it is said, and be over for `back`; pictures
    must be the same for `frozen`, 0: never said. `dark` is never, sudden or always; what is in
    `ignore` is not said.
    """

    hold: float
    back: float
    frozen: float
    dark: str
    ignore: frozenset[str] = frozenset()


class Trouble(NamedTuple):
    """The view is not in order: covered, black, blinded, turned or frozen."""

    reason: str


class Good(NamedTuple):
    """It is in order again; the trouble lasted for so many seconds."""

    lasted: float


class View:
    """Says of the pictures of one camera, as they come, when its view is in trouble and when good.

    `sketch` is the view's as it was kept from an earlier run, b"" for none.
    """

    def __init__(self, limits: Limits, sketch: bytes = b"") -> None:
        self.limits = limits
        self.sketch = sketch if len(sketch) == 2 * ROWS * COLUMNS else b""
        """The edges of the good view, summed by block: enough to know it again, not to see it."""
        self._begin()
        self._looked = self._still = self._lit = float("-inf")
        self._bad: float | None = None
        self._well: float | None = None
        self._looks = 0
        self._told = False

    def _begin(self) -> None:
        self._last: Luma | None = None
        self._recent: Edges | None = None
        self._reference: Edges | None = None
        self._usual = np.float32(0)
        self._learnt = 0

    def update(self, luma: Luma, now: float, live: bool = True) -> Trouble | Good | None:
        """Look at `luma` (rows x columns of cells, about 80 wide), seen at `now`, in seconds.

        `live`: it comes from a sensor, which is never without noise. Another shape begins anew.
        """
        if 0 <= now - self._looked < EVERY:
            return None
        if now < self._looked:
            self._still = self._lit = float("-inf")
            self._bad, self._well = now if self._told else None, None
        self._looked = now
        if self._last is None or self._last.shape != luma.shape:
            self._begin()
        reason = self._reason(luma, now, live)
        self._last = luma
        return self._say("" if reason in self.limits.ignore else reason, now)

    def _say(self, reason: str, now: float) -> Trouble | Good | None:
        if reason == NIGHT and self._told:
            self._well = None  # whether the trouble is over is seen by day
        elif reason and reason != NIGHT:
            self._well = None
            if self._bad is None:
                self._bad, self._looks = self._still if reason == "frozen" else now, 0
            self._looks += 1
            held = now - self._bad >= self.limits.hold and self._looks > 2
            if not self._told and (held or reason == "frozen"):
                self._told = True
                return Trouble(reason)
        elif self._told and self._bad is not None:
            self._well = now if self._well is None else self._well
            if now - self._well >= self.limits.back:
                lasted, self._told, self._bad = self._well - self._bad, False, None
                return Good(lasted)
        else:
            self._bad = None
        return None

    def _reason(self, luma: Luma, now: float, live: bool) -> str:
        recent = self._follow(_edges(luma))
        light = float(luma.mean())
        if light >= LIT * DARK:
            self._lit = now
        white = np.float32(np.count_nonzero(luma >= WHITE) / luma.size)
        if light < DARK and (reason := self._by_light(luma, recent, now)):
            return reason
        if white - self._usual >= BLIND and self._learnt:
            return "blinded"
        if self._frozen(luma, now, live):
            return "frozen"
        if reason := self._by_edges(recent):
            return reason
        self._learn(recent, white)
        return ""

    def _follow(self, edges: Edges) -> Edges:
        if self._recent is None:
            self._recent = edges
        else:
            self._recent = self._recent + FAST * (edges - self._recent)
        return self._recent

    def _by_light(self, luma: Luma, recent: Edges, now: float) -> str:
        """What a dark view is called in which nothing is to be seen; "" where something is."""
        black, edgeless = int(luma.max()) < BLACK, self._lacks_edges(recent)
        if not (black or edgeless):
            return ""
        came_at_once = edgeless and (now - self._lit <= SUDDEN or self._bad is not None)
        if self.limits.dark == "always" or (self.limits.dark == "sudden" and came_at_once):
            return "black" if black else "covered"
        return NIGHT

    def _lacks_edges(self, recent: Edges) -> bool:
        """Whether the view's edges are gone, or not to be told from noise."""
        if self._reference is None:
            return _strength(recent) < FAINT
        found = _correlation(recent, self._reference)
        return found < STRANGE or _strength(recent) < GONE * _strength(self._reference)

    def _frozen(self, luma: Luma, now: float, live: bool) -> bool:
        same = self._last is not None and np.array_equal(luma, self._last)
        if not (same and live and self.limits.frozen):
            self._still = now
        return now - self._still >= self.limits.frozen > 0

    def _by_edges(self, recent: Edges) -> str:
        reference = self._reference
        if reference is None:
            return self._by_sketch(recent)
        if _strength(reference) < FAINT:
            return ""
        if _strength(recent) < GONE * _strength(reference):
            return "covered"
        found = _correlation(recent, reference)
        if found >= ALIKE:
            return ""
        best, distance = _displacement(recent, reference)
        if distance >= FAR and best >= max(FITS, found + BETTER):
            return "turned"
        return "turned" if found < STRANGE and _likeness(recent, reference) < OTHER else ""

    def _by_sketch(self, recent: Edges) -> str:
        if not self.sketch:
            return ""
        if _strength(recent) < FAINT:
            return "covered"
        kept = np.frombuffer(self.sketch, np.uint8).astype(np.float32)
        now = np.frombuffer(_sketch(recent), np.uint8).astype(np.float32)
        return "turned" if _correlation(now - now.mean(), kept - kept.mean()) < UNLIKE else ""

    def _learn(self, recent: Edges, white: np.float32) -> None:
        self._learnt += 1
        self._usual += max(SLOW, np.float32(1 / self._learnt)) * (white - self._usual)
        if self._reference is not None:
            self._reference = self._reference + SLOW * (recent - self._reference)
        elif self._learnt >= LEARNT:
            self._reference = recent
            if _strength(recent) >= FAINT:
                self.sketch = _sketch(recent)


def _edges(luma: Luma) -> Edges:
    cells = LOG[luma]
    edges = np.zeros((2, *cells.shape), np.float32)
    edges[0, :, 1:-1] = cells[:, 2:] - cells[:, :-2]
    edges[1, 1:-1] = cells[2:] - cells[:-2]
    np.clip(edges, -STEEPEST, STEEPEST, out=edges)
    for axis in (1, 2):  # so that a shake of a cell matters little
        edges += np.roll(edges, 1, axis) + np.roll(edges, -1, axis)
    edges /= 9
    return edges


def _strength(edges: Edges) -> float:
    return float(np.abs(edges).mean())


def _correlation(one: Edges, other: Edges) -> float:
    power = float(np.vdot(one, one)) * float(np.vdot(other, other))
    return float(np.vdot(one, other)) / power**0.5 if power > 0 else 0.0


def _likeness(one: Edges, other: Edges) -> float:
    """The correlation of the strengths, whatever the directions."""
    strengths = [np.abs(edges).sum(0) for edges in (one, other)]
    return _correlation(*(strength - strength.mean() for strength in strengths))


def _displacement(edges: Edges, reference: Edges) -> tuple[float, float]:
    """The best correlation over all displacements (those at one border come in at the other), and
    how many cells long its displacement is.
    """
    product = np.fft.rfft2(edges) * np.conj(np.fft.rfft2(reference))
    rows, columns = edges.shape[1:]
    found = np.fft.irfft2(product.sum(0), (rows, columns))
    down, right = np.unravel_index(int(found.argmax()), found.shape)
    length = float(np.hypot(min(down, rows - down), min(right, columns - right)))
    power = float(np.vdot(edges, edges)) * float(np.vdot(reference, reference))
    return float(found.max()) / power**0.5, length


def _sketch(edges: Edges) -> bytes:
    """The strength of the edges in each direction and block, the strongest as 255."""
    down = np.array_split(np.abs(edges), ROWS, axis=1)
    sums = [[part.mean((1, 2)) for part in np.array_split(row, COLUMNS, axis=2)] for row in down]
    blocks = np.array(sums, np.float32)
    return (255 * blocks / max(float(blocks.max()), 1e-6)).astype(np.uint8).tobytes()
