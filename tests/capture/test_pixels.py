"""capture/pixels.py: the same time gives the same picture, and another second another."""

import io
from datetime import UTC, datetime, timedelta

import pytest
from PIL import Image, ImageChops

from camalert.capture import jpeg
from camalert.capture.pixels import draw

NOON = datetime(2027, 1, 2, 12, tzinfo=UTC)


def test_it_is_whole_and_deterministic():
    first = draw("porch", NOON, (640, 480))
    assert jpeg.inspect(first) == (640, 480)
    assert jpeg.clean(first).damaged is None
    assert draw("porch", NOON, (640, 480)) == first
    assert draw("yard", NOON, (640, 480)) != first
    assert len(draw("porch", NOON, (640, 480), quality=20)) < len(first)


@pytest.mark.parametrize("later", range(0, 60, 7))
def test_the_disc_has_moved_a_second_later(later):
    before, after = (
        Image.open(io.BytesIO(draw("porch", NOON + timedelta(seconds=later + n), (320, 240))))
        for n in (0, 1)
    )
    changed = ImageChops.difference(before, after).convert("L").point(lambda v: 255 * (v > 60))
    # Without the line of text at the bottom.
    area = changed.crop((0, 0, 320, 200)).histogram()[255] / (320 * 240)
    assert area > 0.01


@pytest.mark.parametrize("size", [(16, 16), (9000, 16), (16, 1000)])
def test_any_size_that_config_allows_works(size):
    assert jpeg.inspect(draw("a camera with a very long name!!", NOON, size)) == size
