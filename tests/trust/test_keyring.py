import json
import logging
import os
import signal
import subprocess
import sys
import time
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from camalert.errors import BadConfig, BadData, StorageFailed
from camalert.trust.armor import armor
from camalert.trust.keyring import Keyring, inspect
from camalert.trust.openpgp import OwnKey, make_key


def key_of(address: str, now: datetime) -> bytes:
    return OwnKey(make_key(address, now)).public


def test_the_own_key_is_kept(camera: Keyring, now: datetime) -> None:
    own = camera.own()
    again = Keyring(camera.folder).own()
    assert (again.fingerprint, again.public) == (own.fingerprint, own.public)
    assert camera.own() is own


def test_files_are_for_nobody_else(camera: Keyring, owner: Keyring) -> None:
    modes = {path.name: path.stat().st_mode & 0o777 for path in camera.folder.rglob("*")}
    assert camera.folder.stat().st_mode & 0o777 == 0o700
    assert modes.pop("peers") == 0o700
    assert len(modes) == 2 and set(modes.values()) == {0o600}


def test_no_own_key(tmp_path: Path) -> None:
    with pytest.raises(BadConfig, match=r"there is none in .*; make one: camalert keyring make"):
        Keyring(tmp_path).own()


def test_an_own_key_that_others_may_read_is_refused(camera: Keyring) -> None:
    (camera.folder / "own.key").chmod(0o640)
    with pytest.raises(BadConfig, match="others may read it; chmod 600"):
        camera.own()


def test_an_own_key_that_is_broken_is_refused(camera: Keyring) -> None:
    path = camera.folder / "own.key"
    path.write_bytes(path.read_bytes()[:50])
    with pytest.raises(BadConfig, match="cannot be used"):
        camera.own()


def test_a_second_own_key_needs_replace(camera: Keyring, now: datetime) -> None:
    first = camera.own()
    with pytest.raises(BadConfig, match="there is one, and contacts know the camera by it"):
        camera.make("camera@example.org", now)
    assert camera.own().fingerprint == first.fingerprint
    camera.restore(first.secret)  # the same again is no other
    second = camera.make("camera@example.org", now, replace=True)
    assert camera.own().fingerprint == second.fingerprint != first.fingerprint


def test_an_address_that_is_none(camera: Keyring, now: datetime) -> None:
    with pytest.raises(BadData, match="'no address': is not an address"):
        camera.make("no address", now, replace=True)


def test_a_kill_while_making_a_key_leaves_the_old_one(camera: Keyring, tmp_path: Path) -> None:
    """Killed at every step of the write, by a signal that nothing can catch."""
    before = camera.own().fingerprint
    for step in ("open", "fsync", "rename", "fsync-folder"):
        program = f"""
import os, signal, pathlib, datetime
from camalert.trust import keyring
def die(*_, **__): os.kill(os.getpid(), signal.SIGKILL)
step, seen = {step!r}, []
real = os.fsync
def fsync(descriptor):
    seen.append(1)
    if step == ("fsync", "fsync-folder")[len(seen) - 1]: die()
    real(descriptor)
os.fsync = fsync
if step == "rename": pathlib.Path.rename = die
if step == "open": os.write = die
ring = keyring.Keyring(pathlib.Path({str(camera.folder)!r}))
ring.make("camera@example.org", datetime.datetime.now(datetime.UTC), replace=True)
"""
        done = subprocess.run([sys.executable, "-c", program], timeout=60)
        assert done.returncode == -signal.SIGKILL
        after = Keyring(camera.folder).own().fingerprint
        assert (after == before) == (step != "fsync-folder")
    camera.make("camera@example.org", datetime.now().astimezone(), replace=True)
    assert sorted(path.name for path in camera.folder.iterdir()) == ["own.key", "peers"]


def test_kills_at_random_moments(camera: Keyring) -> None:
    program = f"""
import pathlib, datetime
from camalert.trust import keyring
ring = keyring.Keyring(pathlib.Path({str(camera.folder)!r}))
print(flush=True)
while True: ring.make("camera@example.org", datetime.datetime.now(datetime.UTC), replace=True)
"""
    for n in range(3):
        maker = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE)
        assert maker.stdout and maker.stdout.readline()
        time.sleep(0.01 * n)
        maker.kill()
        maker.wait(timeout=30)
        maker.stdout.close()
        assert Keyring(camera.folder).own()


def test_a_peer_is_kept_as_its_bytes_came(camera: Keyring, now: datetime) -> None:
    raw = key_of("Owner@Example.org", now)
    peer = camera.add(inspect(armor(raw, "PUBLIC KEY BLOCK"), now))
    assert peer.certificate.raw == raw
    assert str(peer) == f"{peer.fingerprint} (owner@example.org)"
    for name in ("OWNER@example.org", peer.fingerprint, peer.fingerprint[-16:].lower()):
        found = Keyring(camera.folder).find(name)
        assert found is not None and found.certificate.raw == raw
    assert camera.find("0" * 40) is None and camera.find(peer.fingerprint[-8:]) is None
    path = camera.folder / "peers" / f"{peer.fingerprint}.peer"
    assert path.read_bytes() == b'{"addresses": ["owner@example.org"]}\n' + raw


def test_another_key_for_an_address_needs_replace(camera: Keyring, now: datetime) -> None:
    first = camera.add(inspect(key_of("a@example.org", now), now))
    camera.add(inspect(first.certificate.raw, now), addresses=["b@example.org"])
    second = inspect(key_of("a@example.org", now), now)
    with pytest.raises(
        BadConfig, match=f"a@example.org: has another key already: {first.fingerprint}"
    ):
        camera.add(second)
    new = camera.add(second, replace=True)
    serving = {peer.fingerprint: peer.addresses for peer in camera.peers()}
    assert serving == {
        first.fingerprint: ("b@example.org",),
        new.fingerprint: ("a@example.org",),
    }
    third = camera.add(inspect(key_of("x", now), now), addresses=["b@example.org"], replace=True)
    serving = {peer.fingerprint: peer.addresses for peer in camera.peers()}
    assert set(serving) == {new.fingerprint, third.fingerprint}


def test_the_same_key_again_adds_its_addresses(camera: Keyring, now: datetime) -> None:
    raw = key_of("a@example.org", now)
    camera.add(inspect(raw, now))
    peer = camera.add(inspect(raw, now), addresses=["B@example.org"])
    assert peer.addresses == ("b@example.org", "a@example.org")
    assert len(camera.peers()) == 1


def test_a_key_without_address_needs_one(camera: Keyring, now: datetime) -> None:
    found = inspect(key_of("nobody", now), now)
    with pytest.raises(BadData, match="names no address; give one: --address"):
        camera.add(found)
    with pytest.raises(BadData, match="is not an address"):
        camera.add(found, addresses=["nobody"])
    assert camera.add(found, addresses=["a@example.org"]).addresses == ("a@example.org",)


def test_forget(camera: Keyring, now: datetime) -> None:
    peer = camera.add(inspect(key_of("a@example.org", now), now))
    assert camera.forget("b@example.org") == []
    assert [p.fingerprint for p in camera.forget("a@example.org", dry_run=True)] == [
        peer.fingerprint
    ]
    assert camera.find("a@example.org")
    camera.forget(peer.fingerprint)
    assert camera.find("a@example.org") is None and not list(camera.folder.glob("peers/*"))


def test_it_is_read_again_when_files_change(camera: Keyring, now: datetime) -> None:
    other = Keyring(camera.folder)
    assert other.peers() == [] and other.own()
    peer = camera.add(inspect(key_of("a@example.org", now), now))
    assert other.find("a@example.org")
    assert other.find("a@example.org") is other.find(peer.fingerprint)  # and not otherwise
    camera.forget("a@example.org")
    assert other.find("a@example.org") is None
    new = camera.make("camera@example.org", now, replace=True)
    assert other.own().fingerprint == new.fingerprint


def test_a_broken_file_is_said_once_and_left_out(
    camera: Keyring, now: datetime, caplog: pytest.LogCaptureFixture
) -> None:
    good = camera.add(inspect(key_of("a@example.org", now), now))
    for name, data in (("X", b"no json\n"), ("Y", b'{"addresses": []}\nrubbish'), ("Z", b"[]\n")):
        (camera.folder / "peers" / f"{name}.peer").write_bytes(data)
    with caplog.at_level(logging.ERROR, "camalert"):
        assert [p.fingerprint for p in camera.peers()] == [good.fingerprint]
        camera.peers()
    assert len([r for r in caplog.records if "cannot be used" in r.message]) == 3


def test_readers(camera: Keyring, now: datetime, make_key: Any) -> None:
    camera.add(inspect(key_of("good@example.org", now), now))
    aging = bytes(make_key(user="<old@example.org>", expires=timedelta(days=101)).pubkey)
    camera.add(inspect(aging, now))
    later = now + timedelta(days=2)
    asked = ["Good@example.org", "old@example.org", "none@example.org", "good@example.org"]
    keys, problems = camera.readers(asked, later)
    assert list(keys) == ["good@example.org"]
    assert len(problems) == 2
    assert "old@example.org: key" in problems[0] and "expired on 2026-11-21" in problems[0]
    assert problems[1] == "none@example.org: no key; import it: camalert keyring import FILE"
    assert list(camera.readers(asked, now)[0]) == ["good@example.org", "old@example.org"]


def test_listing(camera: Keyring, owner: Keyring, now: datetime) -> None:
    own, peer = camera.listing(now)
    assert (own["own"], own["addresses"], own["problem"]) == (True, ["camera@example.org"], None)
    assert (peer["own"], peer["addresses"], peer["expires"]) == (False, ["owner@example.org"], None)
    assert json.dumps(own)
    assert list(Keyring(camera.folder / "none").listing(now)) == []


@pytest.mark.usefixtures("in_process")
def test_the_gate_stands_at_import(make_key: Any, now: datetime) -> None:
    with pytest.raises(BadData, match="expired on"):
        inspect(bytes(make_key(expires=timedelta(days=1)).pubkey), now)
    key = make_key()
    key |= key.revoke(key)
    with pytest.raises(BadData, match="is revoked"):
        inspect(bytes(key.pubkey), now)


@pytest.mark.usefixtures("in_process")
def test_a_secret_key_is_known_for_one(camera: Keyring, now: datetime) -> None:
    found = inspect(armor(camera.own().secret, "PRIVATE KEY BLOCK"), now)
    assert found.secret and found.raw == camera.own().secret
    assert not inspect(camera.own().public, now).secret


def test_a_folder_that_cannot_be_written(
    camera: Keyring, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StorageFailed, match="No space left"):
        camera.make("camera@example.org", now, replace=True)
