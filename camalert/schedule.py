"""When something is active: hours of the week, such as `22:00-06:00` or `mon-fri 08:00-17:00`.

A period that ends earlier than it begins goes on past midnight; its days are those on which it
begins. Only the clock on the wall counts: where it is put back, an hour that comes twice counts
twice, and where it is put forward, an hour that does not come counts never.
"""

import functools
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from datetime import datetime

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_HOURS = re.compile(r"([0-9]{2}):([0-9]{2})-([0-9]{2}):([0-9]{2})")
DAY = 24 * 60


class Period(NamedTuple):
    """From `begin` to before `end`, in minutes since midnight, where it begins on one of `days`."""

    days: frozenset[int]
    begin: int
    end: int

    def covers(self, moment: "datetime") -> bool:
        """Whether the local time `moment` lies in it."""
        today, minute = moment.weekday(), 60 * moment.hour + moment.minute
        if self.begin < self.end:
            return today in self.days and self.begin <= minute < self.end
        yesterday = (today - 1) % 7
        return (today in self.days and minute >= self.begin) or (
            yesterday in self.days and minute < self.end
        )


@functools.lru_cache(100)
def parse(text: str) -> Period:
    """The period that `text` names. Raises ValueError, with the reason, for what is none."""
    words = text.lower().split()
    days = frozenset(range(7))
    if words and not words[0][:1].isdigit():
        days = _days(words.pop(0))
    if len(words) != 1 or not (found := _HOURS.fullmatch(words[0])):
        raise ValueError(f"{text!r} is no period, such as '22:00-06:00' or 'mon-fri 08:00-17:00'")
    first, second, third, fourth = map(int, found.groups())
    begin, end = 60 * first + second, 60 * third + fourth
    if second > 59 or fourth > 59 or begin >= DAY or end > DAY:
        raise ValueError(f"{words[0]!r} is no time of day: 00:00 to 24:00")
    if begin == end:
        raise ValueError(f"{words[0]!r} ends as it begins; a whole day is 00:00-24:00")
    return Period(days, begin, end)


def _days(word: str) -> frozenset[int]:
    found: set[int] = set()
    for part in word.split(","):
        first, _, last = part.partition("-")
        for name in (first, last or first):
            if name not in DAYS:
                raise ValueError(f"{name!r} is no day: {', '.join(DAYS)}")
        begin, end = DAYS.index(first), DAYS.index(last or first)
        found.update((begin + n) % 7 for n in range((end - begin) % 7 + 1))
    return frozenset(found)


def is_active(texts: Iterable[str], moment: "datetime") -> bool:
    """Whether one of the periods in `texts` covers the local time `moment`; always if none is."""
    periods = [parse(text) for text in texts]
    return not periods or any(period.covers(moment) for period in periods)
