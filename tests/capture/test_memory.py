"""capture/memory.py: the smaller of what the machine and the folder's file system have free."""

import os

from camalert.capture import memory


def test_the_smaller_of_both(tmp_path, monkeypatch):
    status = os.statvfs(tmp_path)
    disk = status.f_bavail * status.f_frsize
    (tmp_path / "meminfo").write_text("MemTotal:  9999 kB\nMemAvailable:    1234 kB\n")
    monkeypatch.setattr(memory, "MEMINFO", tmp_path / "meminfo")
    assert memory.free(tmp_path) == 1234 * 1024
    assert memory.free(tmp_path / "not there") == 1234 * 1024
    (tmp_path / "meminfo").write_text("MemTotal:  9999 kB\n")
    assert abs(memory.free(tmp_path) - disk) < 1e9


def test_of_this_machine(tmp_path):
    assert memory.free(tmp_path) > 0
