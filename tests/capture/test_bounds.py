"""capture/bounds.py: what must go, and how a ring shrinks with the RAM and grows back."""

from hypothesis import given
from hypothesis import strategies as st

from camalert.capture.bounds import LEAST, LULL, Bounds, Room, surplus

MB = 10**6
FRAMES = st.lists(st.tuples(st.floats(0, 100), st.integers(1, 50)), max_size=30).map(sorted)


@given(
    FRAMES,
    st.builds(Bounds, st.integers(1, 20), st.floats(1, 100), st.integers(50, 500)),
    st.integers(0, 50),
)
def test_after_it_every_bound_holds_and_no_frame_went_in_vain(held, bounds, more):
    def fits(left: list[tuple[float, int]]) -> bool:
        return (
            len(left) + bool(more) <= bounds.frames
            and sum(size for _, size in left) + more <= bounds.size
            and all(100 - moment <= bounds.age for moment, _ in left)
        )

    gone = surplus(held, len(held), sum(size for _, size in held), bounds, 100, more)
    assert fits(held[gone:])
    assert gone == 0 or not fits(held[gone - 1 :])


def test_it_shrinks_with_what_is_free_and_says_so_once():
    room = Room(10 * MB, 0.25)
    room.measure(80 * MB, 0, 0)
    assert (room.size, room.news()) == (10 * MB, None)
    room.measure(10 * MB, 10 * MB, 1)
    assert (room.size, room.news(), room.news()) == (5 * MB, True, None)
    room.measure(37 * MB, 2 * MB, 2)
    assert (room.size, room.news()) == (9.75 * MB, None)  # not yet all of it: no word to and fro
    room.measure(38 * MB, 2 * MB, 3)
    assert (room.size, room.news(), room.news()) == (10 * MB, False, None)


def test_its_own_frames_count_as_free():
    room = Room(10 * MB, 0.5)
    room.measure(0, 8 * MB, 0)
    assert room.size == 4 * MB
    room.measure(4 * MB, 4 * MB, 1)
    assert room.size == 4 * MB


def test_refused_space_halves_it_and_it_tries_more_later():
    room = Room(20 * MB, 1.0)
    room.measure(100 * MB, 12 * MB, 0)
    room.refused(12 * MB, MB // 10, 10)
    assert (room.size, room.news()) == (6 * MB, True)
    sizes = []
    for second in range(10, 200):
        room.measure(100 * MB, MB, second)
        sizes.append(room.size)
    assert sizes[0] == 6 * MB and sizes[int(LULL)] == 12 * MB and sizes[-1] == 20 * MB
    assert room.news() is False


def test_without_any_space_it_holds_two_frames_and_recovers():
    room = Room(8 * MB, 1.0)
    for second in range(100):
        room.measure(0, 0, second)
        room.refused(0, 100_000, second)
        assert room.size == 200_000
    assert room.news() is True
    for second in range(100, 1000):
        room.measure(100 * MB, 0, second)
    assert room.size == 8 * MB


def test_however_little_is_free_it_tries_to_hold_a_little():
    room = Room(8 * MB, 0.25)
    room.measure(1000, 0, 0)
    assert room.size == LEAST


def test_a_small_ring_is_never_made_larger():
    room = Room(LEAST // 4, 1.0)
    room.measure(0, 0, 0)
    assert room.size == LEAST // 4
