"""Which steps a database still needs."""

import pytest

from camalert.errors import BadConfig
from camalert.store import migrations


def test_an_empty_database_needs_all_steps_and_a_new_one_none(monkeypatch):
    monkeypatch.setattr(migrations, "STEPS", (("a",), ("b", "c"), ("d",)))
    assert list(migrations.due(0)) == [(1, ("a",)), (2, ("b", "c")), (3, ("d",))]
    assert list(migrations.due(2)) == [(3, ("d",))]
    assert list(migrations.due(3)) == []


def test_a_newer_database_is_refused_with_both_numbers():
    with pytest.raises(BadConfig, match=f"schema 99, known up to {len(migrations.STEPS)}"):
        list(migrations.due(99))
