"""Tables; the live view is tested with simulate-board, in a terminal."""

import os
import signal

import pytest

from camalert.sensing.terminal import leave_on_term, table


def test_columns_are_as_wide_as_they_need() -> None:
    assert table(("A", "LONG"), [("longer", "x"), ("b", "")]) == ["A       LONG", "longer  x", "b"]
    assert table(("A", "B"), []) == ["A  B"]


def test_sigterm_unwinds() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(SystemExit) as ended, leave_on_term():
        os.kill(os.getpid(), signal.SIGTERM)
        signal.pause()
    assert ended.value.code == 128 + signal.SIGTERM
    assert signal.getsignal(signal.SIGTERM) == before
