"""decrypt-autocrypt as a process."""

import bz2
import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest

from camalert.trust import autocrypt, gate, packets
from camalert.trust.armor import armor, unarmor
from camalert.trust.keyring import Keyring, inspect

Run = Callable[..., CompletedProcess[bytes]]
PLAIN = b"From: owner@example.org\nTo: camera@example.org\nSubject: status\n\nstatus\n"


@pytest.fixture
def camera(tmp_path: Path) -> Keyring:
    keyring = Keyring(tmp_path / "state/keys")
    keyring.make("camera@example.org", datetime.now(UTC))
    return keyring


@pytest.fixture
def owner(tmp_path: Path, camera: Keyring) -> Keyring:
    now = datetime.now(UTC)
    keyring = Keyring(tmp_path / "owner")
    camera.add(inspect(keyring.make("owner@example.org", now).public, now))
    keyring.add(inspect(camera.own().public, now))
    return keyring


@pytest.fixture
def letter(owner: Keyring) -> bytes:
    return autocrypt.encrypt(PLAIN, owner, [], datetime.now(UTC))


def test_what_is_inside_comes_out_and_the_signer_is_said(
    run: Run, letter: bytes, owner: Keyring
) -> None:
    done = run("decrypt-autocrypt", data=letter)
    assert done.returncode == 0
    assert done.stdout.startswith(b"From: owner@example.org\r\n")
    assert done.stdout.endswith(b"\r\n\r\nstatus\r\n")
    said = f"decrypt-autocrypt: signed by {owner.own().fingerprint} (owner@example.org)\n"
    assert done.stderr.decode() == said


def test_unverified_gives_nothing_unless_asked(run: Run, letter: bytes, camera: Keyring) -> None:
    camera.forget("owner@example.org")
    done = run("decrypt-autocrypt", data=letter)
    assert (done.returncode, done.stdout) == (1, b"")
    assert b"not verified: signed by a key that is not in the keyring" in done.stderr
    asked = run("decrypt-autocrypt", "--unverified", data=letter)
    assert asked.returncode == 1 and b"Subject: status" in asked.stdout


def test_a_message_for_another_key_or_without_own_key(
    run: Run, letter: bytes, camera: Keyring
) -> None:
    camera.make("camera@example.org", datetime.now(UTC), replace=True)
    done = run("decrypt-autocrypt", data=letter)
    assert (done.returncode, done.stdout) == (78, b"")
    (camera.folder / "own.key").unlink()
    done = run("decrypt-autocrypt", data=letter)
    assert (done.returncode, done.stdout) == (78, b"") and b"keyring make" in done.stderr


@pytest.mark.parametrize("data", [b"", b"hello", PLAIN, b"{}\n"])
def test_malformed(run: Run, camera: Keyring, data: bytes) -> None:
    done = run("decrypt-autocrypt", data=data)
    assert (done.returncode, done.stdout) == (65, b"")
    assert len(done.stderr.splitlines()) == 1


def test_a_changed_byte(run: Run, letter: bytes) -> None:
    at = re.search(rb"\r\n=....\r\n", letter)
    assert at
    changed = bytearray(letter)
    changed[at.start() - 40] = ord("A") if changed[at.start() - 40] != ord("A") else ord("B")
    done = run("decrypt-autocrypt", data=bytes(changed))
    assert (done.returncode, done.stdout) == (65, b"")


def test_a_bomb_ends_within_its_limits(run: Run, camera: Keyring, letter: bytes) -> None:
    from pgpy.constants import SymmetricKeyAlgorithm
    from pgpy.packet.packets import IntegrityProtectedSKEDataV1

    zeros = bytes(2 << 20)
    body = b"b\0" + bytes(4) + zeros * 40
    inside = bz2.compress(packets.frame(packets.LITERAL, body))
    holder: Any = IntegrityProtectedSKEDataV1()
    bomb = packets.frame(packets.COMPRESSED, b"\x03" + inside)
    holder.encrypt(bytes(32), SymmetricKeyAlgorithm.AES256, bomb)
    now = datetime.now(UTC)
    key = gate.encryption_key(gate.examine(camera.own().public), now)
    sealed = armor(key.wrap(bytes(32)) + bytes(holder))
    assert unarmor(sealed) and len(sealed) < 20_000
    start = letter.index(b"-----BEGIN PGP")
    end = letter.index(b"\r\n--", letter.index(b"-----END PGP"))
    done = run("decrypt-autocrypt", data=letter[:start] + sealed + letter[end:])
    assert (done.returncode, done.stdout) == (65, b"")
    assert b"when decompressed" in done.stderr
