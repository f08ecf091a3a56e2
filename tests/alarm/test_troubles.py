"""Troubles of cameras: told once each, and not too often."""

from hypothesis import given
from hypothesis import strategies as st

from camalert.alarm.troubles import MOST, Troubles


def test_a_trouble_is_told_once_while_it_holds() -> None:
    troubles = Troubles(600)
    troubles.begins("view porch", "porch", "covered")
    assert troubles.tell(0) == ("view porch", "porch", "covered")
    troubles.begins("view porch", "porch", "covered")
    assert troubles.tell(10000) is None and troubles.deadline() is None


def test_whether_it_was_told_is_known_at_its_end() -> None:
    troubles = Troubles(600)
    troubles.begins("a", "porch", "covered")
    assert troubles.ends("a") is False
    troubles.begins("a", "porch", "covered")
    troubles.tell(0)
    assert troubles.ends("a") is True
    assert troubles.ends("a") is False


def test_a_trouble_within_the_cooldown_is_told_at_its_end_if_it_holds() -> None:
    troubles = Troubles(600)
    troubles.begins("a", "porch", "covered")
    troubles.tell(0)
    troubles.ends("a")
    troubles.begins("a", "porch", "turned")
    assert troubles.tell(1) is None and troubles.is_quiet("porch", 1)
    assert troubles.deadline() == 600
    assert troubles.tell(600) == ("a", "porch", "turned")


def test_each_camera_has_a_cooldown_of_its_own() -> None:
    troubles = Troubles(600)
    for camera in ("porch", "yard"):
        troubles.begins(f"view {camera}", camera, "covered")
    assert troubles.tell(0) and troubles.tell(0) and not troubles.tell(0)
    assert not troubles.is_quiet("cellar", 0)


def test_no_more_are_remembered_than_is_sensible() -> None:
    troubles = Troubles(0)
    for n in range(3 * MOST):
        troubles.begins(f"view {n}", f"{n}", "x")
    told = [troubles.tell(0) for _ in range(3 * MOST)]
    assert sum(bool(one) for one in told) == MOST


STEP = st.tuples(
    st.sampled_from(["begin", "end", "tell"]), st.sampled_from("ab"), st.floats(0, 400)
)


@given(st.lists(STEP, max_size=60))
def test_never_two_within_the_cooldown_and_never_one_that_does_not_hold(
    story: list[tuple[str, str, float]],
) -> None:
    troubles, now, held, last = Troubles(600), 0.0, set[str](), float("-inf")
    for step, key, pause in story:
        now += pause
        if step == "begin":
            troubles.begins(key, "porch", key)
            held.add(key)
        elif step == "end":
            troubles.ends(key)
            held.discard(key)
        elif told := troubles.tell(now):
            assert told[0] in held and now - last >= 600
            last = now
