"""alarm/state.py: the mode in its file, and who asks for it often."""

from pathlib import Path

from camalert.alarm.state import ModeInForce, mode_file, read_mode, write_mode
from camalert.config import Config, Panel, Paths


def test_what_is_written_is_read_and_nonsense_is_none(tmp_path: Path) -> None:
    path = tmp_path / "mode.json"
    assert read_mode(path) is None
    write_mode(path, "monitor")
    assert read_mode(path) == "monitor"
    for nonsense in ("", "[]", "{}", '{"mode": "home"}', '{"mode": ["off"]}'):
        path.write_text(nonsense)
        assert read_mode(path) is None


def test_the_mode_in_force_is_read_again_when_it_has_changed(tmp_path: Path, monkeypatch) -> None:
    config = Config(Paths(state=str(tmp_path)), panel=Panel("monitor"))
    mode, path, reads = ModeInForce(), mode_file(config), []
    assert mode.read(config) == "monitor"
    monkeypatch.setattr(
        "camalert.alarm.state.read_mode", lambda path: reads.append(path) or read_mode(path)
    )
    for wanted in ("off", "alert", "off"):
        write_mode(path, wanted)
        assert [mode.read(config) for _ in range(5)] == [wanted] * 5
    assert len(reads) == 3
    path.unlink()
    assert mode.read(config) == "monitor"
