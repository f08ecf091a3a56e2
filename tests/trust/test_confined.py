import os
import resource
import time
from pathlib import Path

import pytest

from camalert.errors import BadConfig, BadData
from camalert.trust import confined as module
from camalert.trust.confined import confined


def children() -> str:
    return Path(f"/proc/self/task/{os.getpid()}/children").read_text()


def test_its_answer_comes_back() -> None:
    before = children()
    assert confined(lambda: b"x" * 3_000_000, "data") == b"x" * 3_000_000
    assert confined(lambda: b"", "data") == b""
    assert children() == before


def test_our_errors_come_back_with_their_words() -> None:
    def fail() -> bytes:
        raise BadConfig("key ABC", "is missing", "import it")

    with pytest.raises(BadConfig) as caught:
        confined(fail, "data")
    assert (caught.value.thing, caught.value.reason) == ("key ABC", "is missing")
    assert caught.value.next_step == "import it"


def test_any_other_error_is_bad_data() -> None:
    with pytest.raises(BadData, match=r"^letter: cannot be read"):
        confined(lambda: bytes(1 // 0), "letter")


def test_memory_has_a_limit() -> None:
    with pytest.raises(BadData, match="too much memory or time"):
        confined(lambda: bytes(64 << 20)[:1], "bomb", memory=32 << 20)
    assert confined(lambda: bytes(16 << 20)[:1], "data", memory=64 << 20) == b"\0"


def test_processor_time_has_a_limit() -> None:
    def spin() -> bytes:
        while True:
            pass

    began = os.times().children_user
    with pytest.raises(BadData, match="too much memory or time"):
        confined(spin, "bomb", processor=1, seconds=60)
    assert os.times().children_user - began < 2


def test_a_child_that_sleeps_and_swallows_everything_is_killed_from_outside() -> None:
    def sleep() -> bytes:
        while True:
            try:
                time.sleep(60)
            except BaseException:
                continue

    before = children()
    with pytest.raises(BadData, match="takes too long"):
        confined(sleep, "bomb", seconds=0.2)
    assert children() == before


def test_the_answer_has_a_limit() -> None:
    with pytest.raises(BadData, match="more than 1000 bytes"):
        confined(lambda: bytes(1001), "data", longest=1000)


def test_an_answer_cut_short_is_refused() -> None:
    def half() -> bytes:
        write = os.write
        os.write = lambda pipe, data: (write(pipe, bytes(data)[:20]), os._exit(0))[0]
        return bytes(100)

    with pytest.raises(BadData, match="to its end"):
        confined(half, "data")


def test_it_writes_nothing_and_says_nothing(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    def write() -> bytes:
        os.write(1, b"heard")
        (tmp_path / "file").write_bytes(b"data")
        return b""

    with pytest.raises(BadData):
        confined(write, "data")
    assert capfd.readouterr() == ("", "")
    assert not (tmp_path / "file").exists() or (tmp_path / "file").read_bytes() == b""


def test_what_the_child_does_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """Here and not in a child, where it can be watched."""
    done: list[object] = []
    limits: dict[int, tuple[int, int]] = {}
    monkeypatch.setattr(os, "setsid", lambda: done.append("setsid"))
    monkeypatch.setattr(os, "dup2", lambda _, descriptor: done.append(descriptor))
    monkeypatch.setattr(os, "_exit", lambda status: done.append(f"exit {status}"))
    monkeypatch.setattr(resource, "setrlimit", limits.__setitem__)
    reader, writer = os.pipe()
    module._child(lambda: b"answer", writer, 1 << 20, 7)
    assert os.read(reader, 100) == b"\x01" + (6).to_bytes(8, "big") + b"answer"

    def refuse() -> bytes:
        raise BadData("key", "is empty")

    module._child(refuse, writer, 1 << 20, 7)
    assert os.read(reader, 100)[9:] == b'["BadData", "key", "is empty", null]'
    os.close(reader)
    os.close(writer)
    assert done == ["setsid", 0, 1, 2, "exit 0"] * 2
    assert limits[resource.RLIMIT_CPU] == (7, 7)
    assert limits[resource.RLIMIT_FSIZE] == limits[resource.RLIMIT_CORE] == (0, 0)
    assert 1 << 20 < limits[resource.RLIMIT_AS][0] < 1 << 44
