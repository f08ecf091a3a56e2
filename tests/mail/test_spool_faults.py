"""Real faults: a kill, and an error, at every system call with which a message is spooled; a disk
that is full.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from camalert.errors import CannotCreate
from camalert.mail.item import Urgency, key_of
from camalert.mail.spool import Spool

TO = ("owner@example.org",)
CHILD = """
import sys
from pathlib import Path
from camalert.config import Config, Paths
from camalert.errors import CamalertError
from camalert.mail.spool import Spool, Urgency
spool = Spool(Config(paths=Paths(spool=sys.argv[1])))
try:
    spool.add(Path(sys.argv[2]).read_bytes(), ("owner@example.org",), Urgency.PICTURE)
except CamalertError as error:
    sys.exit(error.code)
print("queued", flush=True)
"""


def _strace_works() -> bool:
    words = ["strace", "-f", "-e", "inject=fsync:error=EIO", "true"]
    try:
        return not subprocess.run(words, capture_output=True, timeout=30, check=False).returncode
    except OSError:
        return False


traced = pytest.mark.skipif(not _strace_works(), reason="strace is missing or not permitted here")


@pytest.fixture
def spool(config):
    spool = Spool(config())
    spool.prepare()
    return spool


def add_under(fault: str, when: int, spool: Spool, letter: Path) -> subprocess.CompletedProcess:
    """Add the message in a child whose `when`th `fault` call to the spool's files goes wrong."""
    call, _, what = fault.partition(":")
    call = {"rename": "rename,renameat,renameat2"}.get(call, call)
    name = f"2-0000000001-{key_of('<a@b>')}"
    touched = [spool.folder / below for below in ("", "tmp", "new", f"tmp/{name}", f"new/{name}")]
    paths = [word for path in touched for word in ("-P", str(path))]
    inject = f"inject={call}:{what}:when={when}"
    script = [sys.executable, "-c", CHILD, str(spool.folder.parent), str(letter)]
    return subprocess.run(
        [
            "strace",
            "-f",
            "-qq",
            "-o",
            str(letter.with_name("trace")),
            *paths,
            "-e",
            inject,
            *script,
        ],
        capture_output=True,
        timeout=60,
        check=False,
    )


@traced
@pytest.mark.parametrize("call", ["openat", "write", "fsync", "rename", "close"])
def test_killed_at_any_call_what_was_acknowledged_is_there(call, spool, message, tmp_path):
    letter = tmp_path / "letter.eml"
    letter.write_bytes(message("<a@b>", 100_000))
    killed = 0
    for when in range(1, 30):
        done = add_under(f"{call}:signal=SIGKILL", when, spool, letter)
        for item in spool.waiting():
            spool.read(item)
        if b"queued" in done.stdout:
            assert len(spool.waiting()) == 1
            break
        assert done.returncode in (-9, 137), done.stderr
        killed += 1
        spool.prepare()
        assert not list((spool.folder / "tmp").iterdir())
        for item in spool.waiting():
            item.path.unlink()
    else:
        pytest.fail("it never came through")
    assert killed >= 1
    spool.add(letter.read_bytes(), TO, Urgency.PICTURE)
    assert len(spool.waiting()) == 1


@traced
@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ("write:error=ENOSPC", 73),
        ("write:error=EIO", 74),
        ("fsync:error=EIO", 74),
        ("rename:error=EIO", 74),
        ("close:error=EIO", 74),
        ("openat:error=ENOSPC", 73),
        ("openat:error=EROFS", 74),
    ],
)
def test_an_error_at_any_call_is_said_and_nothing_is_kept(fault, code, spool, message, tmp_path):
    letter = tmp_path / "letter.eml"
    letter.write_bytes(message("<a@b>"))
    failed = 0
    for when in range(1, 40):
        done = add_under(fault, when, spool, letter)
        if "INJECTED" not in (tmp_path / "trace").read_text():
            break
        if b"queued" not in done.stdout:
            assert done.returncode == code, done.stderr
            # An error at closing the lock comes when the message is safe already.
            assert not spool.waiting() or fault.startswith("close")
            failed += 1
        for item in spool.waiting():
            spool.read(item)
            item.path.unlink()
        assert not list((spool.folder / "tmp").iterdir())
    else:
        pytest.fail("it never came through")
    assert failed >= 1
    assert len(spool.waiting()) == 1


@traced
def test_a_failed_fsync_is_not_repeated(spool, message, tmp_path):
    letter = tmp_path / "letter.eml"
    letter.write_bytes(message("<a@b>"))
    assert add_under("fsync:error=EIO", 1, spool, letter).returncode == 74
    assert not spool.waiting()


def test_a_file_size_limit_is_an_error_and_no_death(spool, message, tmp_path):
    if not shutil.which("prlimit"):
        pytest.skip("prlimit is missing")
    letter = tmp_path / "letter.eml"
    letter.write_bytes(message("<a@b>", 100_000))
    script = [sys.executable, "-c", CHILD, str(spool.folder.parent), str(letter)]
    done = subprocess.run(["prlimit", "--fsize=50000", *script], timeout=60, check=False)
    assert done.returncode == 74
    assert not spool.waiting()
    assert not list((spool.folder / "tmp").iterdir())


@pytest.fixture(params=["size=256k", "nr_inodes=20"])
def full_disk(request, config, tmp_path) -> Iterator[Spool]:
    """A spool on a tmpfs of 256 kB, or of 20 inodes, filled by something else."""
    mount = tmp_path / "spool"
    mount.mkdir()
    words = ["mount", "-t", "tmpfs", "-o", request.param, "tmpfs", str(mount)]
    if os.geteuid() or subprocess.run(words, capture_output=True, check=False).returncode:
        pytest.skip("only root may mount, and not everywhere")
    try:
        spool = Spool(config())
        spool.prepare()
        with pytest.raises(OSError, match="No space"):
            for n in range(100):
                (mount / f"filler-{n}").write_bytes(bytes(4096))
        yield spool
    finally:
        subprocess.run(["umount", "-l", str(mount)], check=True)


def test_on_a_full_disk_a_text_goes_by_the_reserve(full_disk, message):
    with pytest.raises(CannotCreate, match="No space"):
        full_disk.add(message(), TO, Urgency.PICTURE)
    assert not list((full_disk.folder / "tmp").iterdir())
    item = full_disk.add(message(), TO, Urgency.TEXT)
    assert full_disk.waiting() == [item]
    full_disk.read(item)
