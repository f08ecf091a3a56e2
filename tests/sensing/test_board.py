"""The board alone: what makes a level, wires, claims, edges."""

import os
import signal
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from camalert.errors import BadData, BadUsage, CannotCreate, TryAgain
from camalert.sensing import board as boards
from camalert.sensing.board import Board


def level(board: Board, number: int) -> int:
    return board.line(number).level


def test_what_drives_a_line(board: Board) -> None:
    assert board.floats(4)
    assert level(board, 4) == 0
    board.pull(4, "up")
    assert level(board, 4) == 1
    assert not board.floats(4)
    board.wire(21, 4)
    assert level(board, 4) == 1, "the wire ends at a line that nothing drives"
    board.output(21, 0)
    assert level(board, 4) == 0
    board.drive(4, 1)
    assert level(board, 4) == 1, "the hand wins over the wire"
    board.output(21, 1)
    board.output(21, 0)
    assert level(board, 4) == 1
    board.drive(4, None)
    assert level(board, 4) == 0
    board.output(21, None)
    assert level(board, 4) == 1
    board.unwire(4)
    board.unwire(4)
    assert board.wires() == {}


def test_a_level_goes_down_a_chain_of_wires(board: Board) -> None:
    board.wire(1, 2)
    board.wire(2, 3)
    board.wire(2, 5)
    board.drive(1, 1)
    assert [level(board, n) for n in (1, 2, 3, 5)] == [1, 1, 1, 1]


@pytest.mark.parametrize("wires", [[(1, 1)], [(1, 2), (2, 1)], [(1, 2), (2, 3), (3, 1)]])
def test_wires_make_no_circle(board: Board, wires: list[tuple[int, int]]) -> None:
    for source, target in wires[:-1]:
        board.wire(source, target)
    with pytest.raises(BadUsage, match="circle"):
        board.wire(*wires[-1])


def test_an_output_in_use_is_not_driven_from_outside(board: Board) -> None:
    claim = board.claim(19)
    board.output(19, 1)
    with pytest.raises(BadUsage, match="output of"):
        board.drive(19, 0)
    os.close(claim)
    board.drive(19, 0)
    assert level(board, 19) == 1, "as the process left it"


def test_a_line_has_one_owner(board: Board) -> None:
    assert board.owner(16) == ""
    claim = board.claim(16)
    assert board.owner(16).endswith(f"({os.getpid()})")
    with pytest.raises(TryAgain, match=rf"GPIO16: is busy: .*\({os.getpid()}\)"):
        board.claim(16)
    os.close(claim)
    assert board.owner(16) == ""
    os.close(board.claim(16))


def test_an_owner_that_is_killed_leaves_nothing_in_the_way(board: Board) -> None:
    script = (
        "import sys, pathlib; from camalert.sensing.board import Board;"
        f"board = Board(pathlib.Path({str(board.folder)!r}));"
        "claim = board.claim(16); listener = board.listen(16); print('ready', flush=True);"
        "sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout
        assert process.stdout.readline() == b"ready\n"
        assert str(process.pid) in board.owner(16)
        process.send_signal(signal.SIGKILL)
    assert (board.folder / "16.edges").exists(), "the socket is stale"
    assert board.owner(16) == ""
    board.drive(16, 1)
    claim = board.claim(16)
    with board.listen(16) as listener:
        board.drive(16, 0)
        assert listener.recv(64).endswith(b" 0")
    os.close(claim)


def test_edges_are_told_in_order_and_only_when_the_level_changes(board: Board) -> None:
    with board.listen(4) as listener:
        for new in (1, 1, 0, 0, 1):
            board.drive(4, new)
        listener.shutdown(socket.SHUT_RD)
        told = list(boards.edges(listener))
    assert [level for _, level in told] == [1, 0, 1]
    assert sorted(told) == told


def test_changes_at_the_same_time_lose_nothing(board: Board) -> None:
    def press(number: int) -> bool:
        board.drive(4, number % 2)
        return board.line(4).hand == number % 2

    def pull(number: int) -> bool:
        board.pull(4, ("up", "down")[number % 2])
        return board.line(4).pull == ("up", "down")[number % 2]

    with ThreadPoolExecutor(2) as threads:
        pressed = threads.submit(lambda: all(map(press, range(500))))
        pulled = threads.submit(lambda: all(map(pull, range(500))))
        assert pressed.result()
        assert pulled.result()


def test_a_listener_that_does_not_read_loses_edges_and_blocks_nobody(
    board: Board, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(boards, "PATIENCE", 0.001)
    with board.listen(4):
        for n in range(2000):
            board.drive(4, n % 2)
    assert level(board, 4) == 1


def test_a_long_path_has_sockets_too(tmp_path: Path) -> None:
    board = Board(tmp_path / ("x" * 120) / ("y" * 120))
    with board.listen(4) as listener:
        board.drive(4, 1)
        assert listener.recv(64).endswith(b" 1")


def test_the_board_is_its_owners(board: Board) -> None:
    board.drive(4, 1)
    assert board.folder.stat().st_mode & 0o777 == 0o700


def test_a_folder_that_cannot_be(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(CannotCreate):
        Board(tmp_path / "file" / "board")


@pytest.mark.parametrize("text", ["", "3", '{"color": 1}'])
def test_a_file_that_is_no_line(board: Board, text: str) -> None:
    (board.folder / "4.line").write_text(text)
    with pytest.raises(BadData, match="no line of a board"):
        board.line(4)


def test_the_board_lies_where_it_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CAMALERT_BOARD", "/elsewhere")
    assert boards.folder(tmp_path) == Path("/elsewhere")
    monkeypatch.delenv("CAMALERT_BOARD")
    assert boards.folder(tmp_path) == tmp_path / "board"
