"""The alarms of two settings side by side, and the pictures that tell them apart. Pure."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

Box = tuple[float, float, float, float]


class Found(Protocol):
    """What the detector says of a picture; see docs/commands/diff-frames.md for the numbers."""

    @property
    def moved(self) -> bool: ...
    @property
    def score(self) -> float: ...
    @property
    def area(self) -> float: ...
    @property
    def box(self) -> Box | None: ...


class Event(NamedTuple):
    """An alarm: the numbers of its first, its last and its strongest picture."""

    first: int
    last: int
    peak: int


class Row(NamedTuple):
    """The alarms of both settings that overlap in time; one of the two may be empty."""

    first: int
    last: int
    before: tuple[Event, ...]
    after: tuple[Event, ...]


def side_by_side(before: Sequence[Event], after: Sequence[Event]) -> list[Row]:
    """All alarms in order, those that overlap in one row."""
    rows: list[Row] = []
    both = [(event, True) for event in before] + [(event, False) for event in after]
    for event, early in sorted(both):
        old, new = ((event,), ()) if early else ((), (event,))
        if rows and event.first <= rows[-1].last:
            row = rows.pop()
            last = max(row.last, event.last)
            rows.append(Row(row.first, last, row.before + old, row.after + new))
        else:
            rows.append(Row(event.first, event.last, old, new))
    return rows


def telling(
    before: Sequence[Found], after: Sequence[Found], rows: Sequence[Row], most: int
) -> list[int]:
    """The pictures to look at: where the two disagree, and the peaks of the alarms; in order.

    Of a run of pictures that disagree in the same way it is the strongest. Where they are more than
    `most`, the peaks are kept, and evenly many of the others are left out.
    """
    peaks = {event.peak for row in rows for event in row.before + row.after}
    strength = [max(old.score, new.score) for old, new in zip(before, after, strict=True)]
    ways = [old.moved - new.moved for old, new in zip(before, after, strict=True)]
    others, start = set[int](), 0
    for n in range(1, len(ways) + 1):
        if n == len(ways) or ways[n] != ways[start]:
            if ways[start]:
                others.add(max(range(start, n), key=strength.__getitem__))
            start = n
    kept = _evenly(sorted(peaks), most)
    return sorted({*kept, *_evenly(sorted(others - peaks), most - len(kept))})


def _evenly(numbers: list[int], most: int) -> list[int]:
    """So many of the numbers at most, from all over."""
    if len(numbers) <= most:
        return numbers
    return [numbers[k * len(numbers) // most] for k in range(most)]
