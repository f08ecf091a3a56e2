"""replay/judging.py: which pictures are fetched again."""

from camalert.replay.judging import chosen


def test_nothing_is_read_beyond_the_last_that_is_wanted():
    def breaking_off():
        yield from (b"0", b"1", b"2")
        raise AssertionError("read on")

    assert list(chosen(breaking_off(), [0, 2])) == [(0, b"0"), (2, b"2")]
    assert list(chosen(breaking_off(), [])) == []
