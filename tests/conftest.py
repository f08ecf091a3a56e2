"""What every test gets: an environment that holds nothing of the person who runs it."""

import pytest


@pytest.fixture(autouse=True)
def own_environment(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in (
        "CAMALERT_CONFIG",
        "GPIOZERO_PIN_FACTORY",
        "JOURNAL_STREAM",
        "PYTHONUNBUFFERED",  # hides a missing flush
        "XDG_CONFIG_HOME",
        "XDG_RUNTIME_DIR",
        "XDG_STATE_HOME",
    ):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path_factory.mktemp("home")))
