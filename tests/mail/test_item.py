from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from camalert.errors import BadData
from camalert.mail.compose import message_id
from camalert.mail.item import LONGEST, Envelope, Item, Urgency, key_of, read, remaining


def test_waits_double_up_to_five_minutes():
    assert [remaining(tries, 0.0) for tries in range(9)] == [0, 5, 10, 20, 40, 80, 160, 300, 300]
    assert remaining(3, 12.5) == 7.5


@given(st.integers(0, 10**6), st.floats(-1e9, 1e9))
def test_no_clock_step_makes_a_wait_longer(tries, age):
    assert 0 <= remaining(tries, age) <= LONGEST


@pytest.mark.parametrize("days", [400, -400])
def test_a_step_of_400_days_makes_it_due(days):
    assert remaining(7, days * 86400.0) == 0


@pytest.mark.parametrize(
    ("part", "urgency"),
    [
        ("text", Urgency.TEXT),
        ("trouble", Urgency.TEXT),
        ("confirmed", Urgency.TEXT),
        ("over", Urgency.TEXT),
        ("porch-1-preview", Urgency.PREVIEW),
        ("porch-1", Urgency.PICTURE),
        ("heartbeat", Urgency.HEARTBEAT),
    ],
)
def test_urgency_of_a_part(part, urgency):
    assert Urgency.of(part) is urgency


def test_items_sort_as_they_are_to_go():
    key = key_of("<x@y>")
    names = [f"2-0000000001-{key}", f"0-0000000009-{key}.3", f"0-0000000002-{key}"]
    items = sorted(Item.at(Path(name)) for name in names)
    assert [(item.urgency, item.sequence, item.tries) for item in items] == [
        (0, 2, 0),
        (0, 9, 3),
        (2, 1, 0),
    ]
    assert items[1].name == f"0-0000000009-{key}"


def test_a_foreign_name_is_no_item():
    with pytest.raises(BadData):
        Item.at(Path("new/letter.eml"))


def test_the_key_is_the_uuid_of_our_ids_and_made_from_others():
    ours = message_id("a-000001", "text")
    assert key_of(ours) == ours[1:37]
    assert key_of("<other@host>") == key_of("<other@host>") != key_of("<another@host>")


def test_an_item_comes_back_as_it_was():
    envelope = Envelope("a@b.de", ("c@d.de", "e@f.de"))
    assert read(envelope.before(b"x\ny")) == (envelope, b"x\ny")


@pytest.mark.parametrize("cut", [0, 10, -1])
def test_a_torn_item_is_refused(cut):
    data = Envelope("a@b.de", ("c@d.de",)).before(b"hello")
    with pytest.raises(BadData, match="torn"):
        read(data[:cut])


@pytest.mark.parametrize("head", [b"[]\nx", b'{"sender":1}\nx', b"no JSON\nx"])
def test_a_foreign_item_is_refused(head):
    with pytest.raises(BadData, match="torn"):
        read(head)
