"""The events in footage: as watch-frames would have made them of its pictures. Pure."""

from collections.abc import Sequence
from typing import NamedTuple

from camalert.motion.events import Events, Limits, Outcome, Stopped
from camalert.motion.verdict import Verdict


class Span(NamedTuple):
    """An event: the numbers of its first, its last and its strongest picture."""

    first: int
    last: int
    peak: int


def spans(verdicts: Sequence[Verdict], rate: float, limits: Limits) -> list[Span]:
    """The events among the verdicts on pictures, `rate` a second."""
    events, found, last = Events(limits), list[Span](), 0

    def note(outcomes: list[Outcome]) -> None:
        for outcome in outcomes:
            if isinstance(outcome, Stopped):
                first = last - round(outcome.duration * rate)
                found.append(Span(first, last, int(outcome.frame)))

    for n, verdict in enumerate(verdicts):
        note(events.frame(verdict, str(n), n / rate))
        last = n if verdict.moved else last
    note(events.end())
    return found
