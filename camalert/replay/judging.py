"""Footage through the detector, twice at once: with the settings before and those after."""

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple, Protocol

from camalert.errors import BadData, CamalertError
from camalert.replay.events import Box, Event, Found, Row, side_by_side
from camalert.replay.footage import Footage
from camalert.replay.scores import Label, Score, score


class Judge(Protocol):
    """What judges the pictures of one camera, one after the other; raises BadData."""

    def update(self, jpeg: bytes, /) -> Found: ...


class Unread(NamedTuple):
    """The verdict on a picture that could not be read."""

    moved: bool = False
    score: float = 0.0
    area: float = 0.0
    box: Box | None = None


@dataclasses.dataclass(frozen=True)
class Side:
    """What one of the two settings said: a verdict for each picture, and the alarms."""

    found: list[Found]
    alarms: list[Event]
    score: Score | None = None


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What came of a footage. `trouble` is why it ended early, None where it did not."""

    footage: Footage
    before: Side
    after: Side
    unread: int
    trouble: CamalertError | None

    @property
    def rows(self) -> list[Row]:
        """The alarms of both, side by side."""
        return side_by_side(self.before.alarms, self.after.alarms)

    @property
    def differ(self) -> int:
        """In how many pictures the two verdicts differ."""
        both = zip(self.before.found, self.after.found, strict=True)
        return sum(old.moved != new.moved for old, new in both)

    def seconds(self, number: int) -> float:
        """When picture `number` comes, from the start of the footage."""
        return number / self.footage.rate


Group = Callable[[Sequence[Found], float], list[Event]]
"""From the verdicts, so many a second, to the alarms."""


class Judging(NamedTuple):
    """One of the two settings: what judges the pictures, and what makes alarms of the verdicts."""

    judge: Judge
    alarms: Group


def judged(
    footage: Footage, pictures: Iterable[bytes], before: Judging, after: Judging | None
) -> Outcome:
    """Every picture through both judges; without `after` both sides are the same.

    A picture that is no JPEG is counted and moves nothing; trouble with the footage ends it there.
    """
    old: list[Found] = []
    new: list[Found] = []
    unread, trouble = 0, None
    try:
        for picture in pictures:
            try:
                verdict = before.judge.update(picture)
                second = after.judge.update(picture) if after else verdict
            except BadData:
                unread += 1
                verdict = second = Unread()
            old.append(verdict)
            new.append(second)
    except CamalertError as error:
        trouble = error
    sides = (
        Side(found, side.alarms(found, footage.rate))
        for found, side in ((old, before), (new, after or before))
    )
    return Outcome(footage, next(sides), next(sides), unread, trouble)


def scored(outcome: Outcome, labels: list[Label]) -> Outcome:
    """`outcome` with the scores of both sides. Raises BadData where the labels are for another."""
    sides = []
    for side in (outcome.before, outcome.after):
        try:
            held = score([verdict.moved for verdict in side.found], labels)
        except ValueError as error:
            raise BadData(outcome.footage.name, str(error)) from None
        sides.append(dataclasses.replace(side, score=held))
    return dataclasses.replace(outcome, before=sides[0], after=sides[1])


def chosen(pictures: Iterable[bytes], numbers: Iterable[int]) -> Iterator[tuple[int, bytes]]:
    """The pictures with these numbers, which ascend; nothing is read beyond the last."""
    wanted = list(numbers)
    for n, picture in enumerate(pictures if wanted else ()):
        if n == wanted[0]:
            yield wanted.pop(0), picture
        if not wanted:
            return
