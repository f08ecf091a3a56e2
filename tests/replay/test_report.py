"""replay/report.py and replay/judging.py: what is told of a footage."""

from pathlib import Path
from typing import NamedTuple

import pytest

from camalert.errors import BadData, Unavailable
from camalert.replay import report
from camalert.replay.events import Event
from camalert.replay.footage import Footage
from camalert.replay.judging import Judging, chosen, judged, scored
from camalert.replay.scores import Label


class Found(NamedTuple):
    moved: bool
    score: float = 0.0
    area: float = 0.0
    box: tuple[float, float, float, float] | None = None


FOOTAGE = Footage("yard", 2.0, 6, (Path("yard"),), False)


class Judge:
    """Says what it was told to, picture by picture; None is a picture that cannot be read."""

    def __init__(self, *scores):
        self.scores = list(scores)

    def update(self, jpeg):
        score = self.scores.pop(0)
        if score is None:
            raise BadData("picture", "is none")
        return Found(score > 0, score, score / 10, (1, 2, 3.5, 4) if score else None)


def alarms(found, rate):
    """One for each picture that moved."""
    assert rate == FOOTAGE.rate
    return [Event(n, n, n) for n, each in enumerate(found) if each.moved]


def outcome(before, after=None, pictures=None):
    judges = [Judging(Judge(*scores), alarms) for scores in (before, after or ())]
    given = pictures or [b"x"] * len(before)
    return judged(FOOTAGE, given, judges[0], judges[1] if after else None)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0:00.00"),
        (59.994, "0:59.99"),
        (59.996, "1:00.00"),
        (61.5, "1:01.50"),
        (3599.999, "1:00:00.00"),
        (36061.25, "10:01:01.25"),
    ],
)
def test_moments(seconds, text):
    assert report.moment(seconds) == text


def test_before_and_after_stand_side_by_side():
    text = report.text(outcome([0, 5, 0, 3, 0, 0], [0, 0, 0, 4, 0, 7]), same=False)
    assert text.splitlines() == [
        "yard: 6 pictures, 2 a second, 0:03.00 long",
        "",
        "START    SECONDS  BEFORE      AFTER       AREA %  BOX %",
        "0:00.50  0.0      alarm, 5.0  -           0.50    1 2 3.5 4",
        "0:01.50  0.0      alarm, 3.0  alarm, 4.0  0.40    1 2 3.5 4",
        "0:02.50  0.0      -           alarm, 7.0  0.70    1 2 3.5 4",
        "",
        "before: 2 alarms, 2 pictures moved",
        "after: 2 alarms, 2 pictures moved",
        "differ: 2 pictures",
    ]


def test_nothing_at_all_has_no_table():
    assert report.text(outcome([0, 0]), same=True).splitlines()[1:] == [
        "before: 0 alarms, 0 pictures moved",
        "after: the same, for no other setting is given",
    ]


def test_a_label_says_what_an_alarm_was():
    labels = [Label(0, -1), Label(1, 0), Label(-1, -1), Label(1, 3), Label(-1, 3), Label(0, -1)]
    said = scored(outcome([2, 2, 2, 2, 2, 2]), labels)
    rows = report.text(said, True, labels).splitlines()[2:9]
    assert [row.rpartition("  ")[2] for row in rows] == [
        "LABEL",
        "false",
        "event 0",
        "not scored",
        "event 3",
        "event 3",
        "false",
    ]
    told = report.as_json(said, ({}, {}))["after"]["labels"]
    assert (told["found"], told["events"], told["false_runs"]) == (2, 2, 2)
    assert told["precision"] == 0.5


def test_a_picture_that_cannot_be_read_moves_nothing_on_either_side():
    said = outcome([5, None, 5], [5, 5, 5])
    assert said.unread == 1
    assert [each.moved for each in said.before.found] == [True, False, True]
    assert len(said.after.found) == 3
    assert report.text(said, same=False).endswith("unreadable: 1 pictures, left out")


def test_trouble_with_the_footage_ends_it_there():
    def breaking():
        yield b"x"
        raise Unavailable("yard", "gone")

    said = outcome([5, 5], pictures=breaking())
    assert len(said.before.found) == 1
    assert said.trouble and said.trouble.code == 69


def test_labels_of_another_footage():
    with pytest.raises(BadData, match="yard: 1 labels for 2 pictures"):
        scored(outcome([0, 0]), [Label(0, -1)])


def test_only_the_chosen_pictures_are_read():
    read = []

    def pictures():
        for n in range(100):
            read.append(n)
            yield bytes([n])

    assert list(chosen(pictures(), [2, 5])) == [(2, b"\2"), (5, b"\5")]
    assert max(read) <= 6
    assert list(chosen(pictures(), [])) == []


def test_nothing_is_read_beyond_the_last_that_is_wanted():
    def breaking_off():
        yield from (b"0", b"1", b"2")
        raise AssertionError("read on")

    assert list(chosen(breaking_off(), [0, 2])) == [(0, b"0"), (2, b"2")]
    assert list(chosen(breaking_off(), [])) == []
