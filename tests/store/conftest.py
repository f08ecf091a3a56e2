"""The databases that the store is tested against: SQLite, and PostgreSQL where its server is."""

import itertools
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from camalert.records import AlarmRaised, Record

NUMBERS = itertools.count(1)


def alarm(id: str = "a-1", time: str = "2026-11-20T12:00:00.000Z", **changes) -> AlarmRaised:
    fields = {"clock": "set", "boot": "b", "mono": 1.5, "source": "panel", "sensors": ("hall",)}
    return AlarmRaised(**{"id": id, "time": time, "cause": "movement"} | fields | changes)


@pytest.fixture
def make() -> Callable[..., Record]:
    return alarm


def find_server() -> Path | None:
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    found = shutil.which("initdb", path=os.pathsep.join(map(str, [*folders, os.environ["PATH"]])))
    return Path(found).parent if found else None


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The URL of a PostgreSQL of our own, without the database's name at its end."""
    programs = find_server()
    if not programs:
        pytest.skip("no PostgreSQL here: neither initdb on PATH nor in /usr/lib/postgresql")
    user = []
    folder = tempfile.mkdtemp(prefix="pg-", dir="/tmp")  # a socket's path must be short
    if os.geteuid() == 0:  # the server refuses to run as root
        user = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
        os.chown(folder, 65534, 65534)

    def run(program: str, *words: str) -> None:
        command = [*user, programs / program, "-D", f"{folder}/data", *words]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stdout + done.stderr

    try:
        run("initdb", "-A", "trust", "-U", "camalert", "-E", "UTF8", "--no-sync")
        options = f"-k {folder} -c listen_addresses='' -c fsync=off"
        run("pg_ctl", "-w", "-l", f"{folder}/log", "-o", options, "start")
        try:
            yield f"postgresql+psycopg://camalert@/?host={folder}&dbname="
        finally:
            run("pg_ctl", "-w", "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(params=["sqlite", "postgresql"])
def where(request: pytest.FixtureRequest, tmp_path: Path) -> str | Path:
    """A new, empty database."""
    if request.param == "sqlite":
        return tmp_path / "state" / "events.db"
    import psycopg

    url, name = request.getfixturevalue("postgres"), f"events_{next(NUMBERS)}"
    folder = url.partition("host=")[2].partition("&")[0]
    with psycopg.connect(
        host=folder, user="camalert", dbname="postgres", autocommit=True
    ) as server:
        server.execute(f"CREATE DATABASE {name}")
    return url + name
