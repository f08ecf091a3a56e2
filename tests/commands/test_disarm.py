"""disarm: mode monitor, from the shell."""

from collections.abc import Callable
from subprocess import CompletedProcess

Run = Callable[..., CompletedProcess[bytes]]


def test_disarm_means_monitor(run: Run) -> None:
    run("mode", "alert")
    done = run("disarm")
    assert done.returncode == 0
    assert done.stdout.startswith(b"mode: monitor (was alert)")
    assert run("mode").stdout == b"monitor\n"
