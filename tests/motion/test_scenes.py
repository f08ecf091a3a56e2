"""Today's detector on the footage that the project makes itself, by the scorer of replay-frames."""

import pytest
import scenes

from camalert.config import Motion
from camalert.motion.judge import judge
from camalert.replay.scores import Label, score

MOVING = {
    "figure",
    "small_far_figure",
    "figure_at_night",
    "figure_in_rain",
    "figure_under_clouds",
    "ghost",
    "figure_that_stops",
}


def held(name):
    """The score of a scene, as JPEGs through the judge with the settings that nobody changed."""
    judged, moved, labels = judge(Motion()), [], []
    for n, shot in enumerate(scenes.SCENES[name]()):
        moved.append(judged.update(scenes.develop(shot.view, n)).moved)
        labels.append(Label(shot.label, shot.event))
    return score(moved, labels)


@pytest.mark.parametrize("name", sorted(scenes.SCENES.keys() - MOVING))
def test_nothing_moves_and_no_alarm(name):
    found = held(name)
    assert (found.false_runs, found.events) == (0, 0)


@pytest.mark.parametrize("name", sorted(MOVING))
def test_what_moves_is_found_and_nothing_else(name):
    found = held(name)
    assert found.found == found.events >= 1
    assert found.false_runs == 0
    assert found.recall >= 0.9


def test_a_scene_is_the_same_each_time_and_labelled(tmp_path):
    labels = scenes.write("ghost", tmp_path / "one")
    again = scenes.write("ghost", tmp_path / "two")
    assert labels.read_bytes() == again.read_bytes()
    for name in ("000000.jpg", "000149.jpg"):
        one, two = (tmp_path / folder / name for folder in ("one", "two"))
        assert one.read_bytes() == two.read_bytes()
    rows = labels.read_text().splitlines()
    assert rows[0] == "frame,label,event"
    assert len(rows) == 1 + len(list(labels.parent.glob("*.jpg")))
