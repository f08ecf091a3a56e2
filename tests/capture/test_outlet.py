"""capture/outlet.py: a slow reader costs frames, never a trouble and never time."""

import errno
import fcntl
import os
import threading

import pytest

from camalert.capture.outlet import MOST_KEPT, PIPE, Outlet
from camalert.errors import StorageFailed


@pytest.fixture
def pipe():
    reader, writer = os.pipe()
    yield reader, writer
    for descriptor in (reader, writer):
        try:
            os.close(descriptor)
        except OSError as error:
            assert error.errno == errno.EBADF


def drained(reader: int) -> bytes:
    os.set_blocking(reader, False)
    read = b""
    while True:
        try:
            chunk = os.read(reader, 65536)
        except BlockingIOError:
            return read
        read += chunk


def test_what_is_read_comes_at_once(pipe):
    reader, writer = pipe
    outlet = Outlet(writer)
    outlet.write(b"frame\n", keep=False)
    outlet.write(b"trouble\n", keep=True)
    assert drained(reader) == b"frame\ntrouble\n"
    assert outlet.dropped == 0


def test_a_slow_reader_loses_frames_but_no_trouble(pipe, caplog):
    reader, writer = pipe
    outlet = Outlet(writer)
    assert fcntl.fcntl(writer, fcntl.F_GETPIPE_SZ) == PIPE
    frame = b"f" * 199 + b"\n"
    for n in range(500):
        outlet.write(frame, keep=False)
        if n in (100, 300):
            outlet.write(b"trouble %d\n" % n, keep=True)
    assert outlet.dropped >= 500 - PIPE // 200 - 1
    assert [record.args for record in caplog.records] == [(1,), (10,), (100,)]
    first = drained(reader)
    outlet.flush()
    rest = drained(reader)
    assert first == frame * (500 - outlet.dropped)
    assert rest == b"trouble 100\ntrouble 300\n"
    outlet.write(frame, keep=False)
    assert drained(reader) == frame


def test_it_never_waits(pipe):
    _, writer = pipe
    outlet = Outlet(writer)
    done = threading.Thread(
        target=lambda: [outlet.write(b"x" * 4096, keep=bool(n % 2)) for n in range(1000)],
        daemon=True,
    )
    done.start()
    done.join(30)
    assert not done.is_alive()


def test_what_is_kept_is_bounded(pipe):
    _, writer = pipe
    outlet = Outlet(writer)
    for _ in range(MOST_KEPT * 2):
        outlet.write(b"x" * 4096, keep=True)
    assert len(outlet._kept) == MOST_KEPT


def test_without_a_reader_it_says_so(pipe):
    reader, writer = pipe
    os.close(reader)
    with pytest.raises(BrokenPipeError):
        Outlet(writer).write(b"x\n", keep=False)


def test_a_full_disk_is_told():
    full = os.open("/dev/full", os.O_WRONLY)
    with pytest.raises(StorageFailed, match="No space left"):
        Outlet(full).write(b"x\n", keep=True)
    os.close(full)


def test_a_file_takes_all(tmp_path):
    descriptor = os.open(tmp_path / "out", os.O_WRONLY | os.O_CREAT)
    outlet = Outlet(descriptor)
    for n in range(1000):
        outlet.write(b"%03d\n" % n, keep=False)
    os.close(descriptor)
    assert (tmp_path / "out").read_bytes().count(b"\n") == 1000
