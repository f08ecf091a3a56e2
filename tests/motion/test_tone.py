"""Jumps of light as curves that rise."""

import numpy as np
import pytest

from camalert.motion.tone import jump

SCENE = (100 * np.random.default_rng(1).random((60, 80))).astype(np.float32)
CURVES = {
    "none": lambda gray: gray,
    "offset": lambda gray: gray + 20,
    "gain": lambda gray: gray * 0.6,
    "gamma": lambda gray: 100 * (gray / 100) ** 1.6,
    "clipped": lambda gray: np.minimum(gray + 30, 100),
}


@pytest.mark.parametrize("curve", CURVES)
def test_a_change_of_light_is_found(curve):
    light = jump(SCENE, CURVES[curve](SCENE), None)
    assert np.abs(light.of(SCENE) - CURVES[curve](SCENE)).mean() < 1
    other = SCENE[:5, :5]
    assert light.of(other).dtype == np.float32
    assert np.abs(light.of(other) - CURVES[curve](other)).mean() < 1.5


def test_what_comes_before_the_lightest_cells_is_no_light():
    covered = np.where(SCENE > 90, 5, SCENE).astype(np.float32)
    assert jump(SCENE, covered, None) is None
    assert jump(SCENE, 100 - SCENE, None) is None


def test_a_figure_before_grays_of_all_kinds_does_not_hide_the_light():
    now = SCENE * 0.6
    now[20:40, 10:20] = 3
    light = jump(SCENE, now, None)
    assert np.abs(light.of(SCENE) - 0.6 * SCENE).mean() < 2


def test_only_what_counts_is_gone_by():
    now, counting = SCENE + 20, np.ones(SCENE.shape, bool)
    now[:, 50:], counting[:, 50:] = 100 - SCENE[:, 50:], False
    assert jump(SCENE, now, counting).of(SCENE) == pytest.approx(SCENE + 20, abs=2)
    assert jump(SCENE, now, SCENE < 0.01) is None, "too few cells to tell"
