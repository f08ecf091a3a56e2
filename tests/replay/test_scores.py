"""replay/scores.py: verdicts against labels, and the file that holds these."""

import pytest

from camalert.replay.scores import Label, Score, labels, score

HEAD = "frame,label,event"


def held(moved, shown, events=None):
    """The score of `moved` (0, 1) against labels: `.` nothing, `m` moving, `-` not scored."""
    numbers = {"m": 1, ".": 0, "-": -1}
    numbered = events or ["0" if char == "m" else " " for char in shown]
    marks = [
        Label(numbers[char], int(event) if event.strip() else -1)
        for char, event in zip(shown, numbered, strict=True)
    ]
    return score([char == "1" for char in moved], marks)


def test_pictures_are_counted():
    assert held("0110100", "..mm.-.") == Score(
        right=1, missed=1, false=2, events=1, found=1, false_runs=2
    )


def test_rates_are_those_of_the_textbook():
    some = held("1111100000", "mmm..mmm..")
    assert (some.right, some.missed, some.false) == (3, 3, 2)
    assert some.precision == pytest.approx(3 / 5)
    assert some.recall == pytest.approx(3 / 6)
    assert some.f1 == pytest.approx(2 * (3 / 5) * (3 / 6) / (3 / 5 + 3 / 6))


def test_where_nothing_moved_and_nothing_was_said_all_is_right():
    quiet = held("000", "...")
    assert (quiet.precision, quiet.recall, quiet.f1) == (1, 1, 1)
    missed = held("000", "mmm")
    assert (missed.precision, missed.recall, missed.f1) == (1, 0, 0)
    assert held("100", "...").f1 == 0


def test_a_run_of_false_pictures_is_one_false_alarm():
    assert held("0111011", ".......").false_runs == 2
    assert held("1111111", "..mm...").false_runs == 2
    assert held("1111111", "..--...").false_runs == 2
    assert held("1111111", "-------").false_runs == 0


def test_an_event_is_found_by_any_of_its_pictures():
    some = held("0100010", "mm..mm.", "00  11 ")
    assert (some.events, some.found) == (2, 2)
    # Its edges are not scored, but they are of the event.
    assert held("100", "-m.", "00 ").found == 1
    assert held("001", "-m.", "00 ").found == 0


def test_labels_are_for_as_many_pictures():
    with pytest.raises(ValueError, match="3 labels for 2 pictures"):
        score([False, False], [Label(0, -1)] * 3)


def test_labels_are_read():
    assert labels([HEAD, "0,1,0", "1,-1,-1", "2,0,-1"]) == [
        Label(1, 0),
        Label(-1, -1),
        Label(0, -1),
    ]
    assert labels([HEAD]) == []


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        ([], "line 1: is not frame,label,event"),
        (["number,label,event", "0,1,0"], "line 1: is not frame,label,event"),
        ([HEAD, "0,1,0", "1,moving,0"], "line 3: is not three whole numbers"),
        ([HEAD, "0,1"], "line 2: is not three whole numbers"),
        ([HEAD, ""], "line 2: is not three whole numbers"),
        ([HEAD, "1,1,0"], "line 2: frame 1 where 0 should be"),
        ([HEAD, "0,2,0"], "line 2: label 2 is none of 1, 0, -1"),
        ([HEAD, "0,1," + "9" * 200_000], "line 2: field larger"),
    ],
)
def test_what_are_no_labels_is_said_with_its_line(lines, reason):
    with pytest.raises(ValueError, match=reason):
        labels(lines)
