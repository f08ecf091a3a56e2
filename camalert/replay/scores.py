"""Verdicts against labels: how much was found, and how much was false. Pure."""

import csv
import dataclasses
import itertools
from collections.abc import Iterable, Sequence
from typing import NamedTuple

MOVING, NOTHING, UNSCORED = 1, 0, -1
COLUMNS = ("frame", "label", "event")


class Label(NamedTuple):
    """What a picture shows: 1 movement, 0 none, -1 not scored; `event` is its number, or -1."""

    label: int
    event: int


@dataclasses.dataclass(frozen=True)
class Score:
    """How verdicts hold against labels.

    `right`, `missed` and `false` count pictures, `found` of `events` those with a picture that
    moved, `false_runs` runs of false pictures with none in between that is not.
    """

    right: int
    missed: int
    false: int
    events: int
    found: int
    false_runs: int

    @property
    def precision(self) -> float:
        """The part of what was said to move that did; 1 where nothing was."""
        return _part(self.right, self.false)

    @property
    def recall(self) -> float:
        """The part of what moved that was said; 1 where nothing moved."""
        return _part(self.right, self.missed)

    @property
    def f1(self) -> float:
        """The harmonic mean of the two."""
        return _part(2 * self.right, self.false + self.missed)


def _part(good: int, bad: int) -> float:
    return good / (good + bad) if good + bad else 1.0


def score(moved: Sequence[bool], labels: Sequence[Label]) -> Score:
    """The score of verdicts, one a label. Raises ValueError where their numbers differ."""
    if len(moved) != len(labels):
        raise ValueError(f"{len(labels)} labels for {len(moved)} pictures")
    said = list(zip(labels, moved, strict=True))
    false = [moves and label.label == NOTHING for label, moves in said]
    right = sum(moves and label.label == MOVING for label, moves in said)
    events = {label.event for label in labels if label.event >= 0}
    return Score(
        right=right,
        missed=sum(label.label == MOVING for label in labels) - right,
        false=sum(false),
        events=len(events),
        found=len({label.event for label, moves in said if moves} & events),
        false_runs=sum(is_false for is_false, _ in itertools.groupby(false)),
    )


def labels(lines: Iterable[str]) -> list[Label]:
    """The labels in the lines of a CSV file with the columns frame, label and event.

    Frames count from 0 and none is left out. Raises ValueError with the line and what is wrong.
    """
    rows = csv.reader(lines)
    try:
        if tuple(next(rows, ())) != COLUMNS:
            raise ValueError(f"line 1: is not {','.join(COLUMNS)}")
        return [_label(n, row) for n, row in enumerate(rows)]
    except csv.Error as error:
        raise ValueError(f"line {rows.line_num}: {error}") from None


def _label(number: int, row: list[str]) -> Label:
    try:
        frame, label, event = map(int, row)
    except ValueError:
        raise ValueError(f"line {number + 2}: is not three whole numbers") from None
    if frame != number:
        raise ValueError(f"line {number + 2}: frame {frame} where {number} should be")
    if label not in (MOVING, NOTHING, UNSCORED):
        raise ValueError(f"line {number + 2}: label {label} is none of 1, 0, -1")
    return Label(label, event)
