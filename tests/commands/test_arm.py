"""arm: mode alert, from the shell."""

from collections.abc import Callable
from subprocess import CompletedProcess

Run = Callable[..., CompletedProcess[bytes]]


def test_arm_means_alert(run: Run) -> None:
    run("mode", "monitor")
    done = run("arm")
    assert done.returncode == 0
    assert done.stdout.startswith(b"mode: alert (was monitor)")
    assert run("mode").stdout == b"alert\n"
