"""keyring as a process: make, import, export, list, forget."""

import json
import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from camalert.trust.armor import armor
from camalert.trust.openpgp import OwnKey, make_key

Run = Callable[..., CompletedProcess[bytes]]
MAIL = '[mail]\naddress = "camera@example.org"\nname = "Porch"\n'


@pytest.fixture
def owners_key() -> bytes:
    return OwnKey(make_key("owner@example.org", datetime.now(UTC))).public


def rows(run: Run) -> list[dict[str, object]]:
    return [json.loads(line) for line in run("keyring", "list", "--json").stdout.splitlines()]


def test_make_export_list(run: Run, config_file: Callable[[str], Path], tmp_path: Path) -> None:
    config_file(MAIL)
    made = run("keyring", "make")
    assert made.returncode == 0 and made.stderr == b""
    fingerprint = made.stdout.decode().strip()
    assert len(fingerprint) == 40
    assert (tmp_path / "state/keys/own.key").stat().st_mode & 0o777 == 0o600
    assert rows(run) == [
        {
            "own": True,
            "fingerprint": fingerprint,
            "addresses": ["camera@example.org"],
            "expires": None,
            "problem": None,
        }
    ]
    assert (
        f"own   {fingerprint}  camera@example.org  good" in run("keyring", "list").stdout.decode()
    )
    exported = run("keyring", "export").stdout
    assert exported.startswith(b"-----BEGIN PGP PUBLIC KEY BLOCK-----")
    assert b"PRIVATE" not in exported
    assert run("keyring", "export", "-o", "public.asc").stdout == b""
    assert (tmp_path / "public.asc").read_bytes() == exported
    card = run("keyring", "export", "--vcard").stdout
    assert b"EMAIL:camera@example.org\r\nFN:Porch\r\nKEY:data:application/pgp-keys" in card


def test_make_again_needs_replace(run: Run) -> None:
    first = run("keyring", "make", "--address", "a@example.org").stdout
    again = run("keyring", "make", "--address", "a@example.org")
    assert again.returncode == 78 and again.stdout == b""
    assert b"keyring: own key: there is one" in again.stderr and b"--replace" in again.stderr
    assert run("keyring", "export").returncode == 0
    new = run("keyring", "make", "--address", "a@example.org", "--replace").stdout
    assert len(new) == len(first) and new != first


def test_make_needs_an_address(run: Run) -> None:
    done = run("keyring", "make")
    assert done.returncode == 78 and b"mail.address: not set" in done.stderr
    assert run("keyring", "make", "--address", "none").returncode == 65


def test_backup_and_restore(run: Run, tmp_path: Path) -> None:
    fingerprint = run("keyring", "make", "--address", "a@example.org").stdout
    assert run("keyring", "export", "--secret", "-o", "backup.asc").returncode == 0
    assert (tmp_path / "backup.asc").stat().st_mode & 0o777 == 0o600
    (tmp_path / "state/keys/own.key").unlink()
    refused = run("keyring", "import", "backup.asc")
    assert refused.returncode == 65 and b"is a secret key" in refused.stderr
    restored = run("keyring", "import", "--secret", "backup.asc")
    assert (restored.returncode, restored.stdout) == (0, fingerprint)
    assert run("keyring", "export", "--secret").stdout == (tmp_path / "backup.asc").read_bytes()


def test_import_every_way(run: Run, tmp_path: Path, owners_key: bytes) -> None:
    (tmp_path / "owner.asc").write_bytes(armor(owners_key, "PUBLIC KEY BLOCK"))
    by_file = run("keyring", "import", "owner.asc")
    by_pipe = run("keyring", "import", "-", data=owners_key)
    assert by_file.returncode == by_pipe.returncode == 0
    assert by_file.stdout == by_pipe.stdout
    assert by_file.stdout.endswith(b" (owner@example.org)\n")
    more = run("keyring", "import", "--address", "second@example.org", "owner.asc")
    assert b"(second@example.org, owner@example.org)" in more.stdout
    assert len(rows(run)) == 1


def test_import_refuses(run: Run, tmp_path: Path, owners_key: bytes) -> None:
    run("keyring", "import", "-", data=owners_key)
    other = OwnKey(make_key("owner@example.org", datetime.now(UTC))).public
    taken = run("keyring", "import", "-", data=other)
    assert taken.returncode == 78 and b"has another key already" in taken.stderr
    assert run("keyring", "import", "--replace", "-", data=other).returncode == 0
    for data, said in (
        (b"hello there!", b"keyring: standard input: neither an OpenPGP key"),
        (other[:-20], b"standard input: a packet is cut off"),
        (b"A" * (2 << 20), b"standard input: longer than"),
    ):
        done = run("keyring", "import", "-", data=data)
        assert done.returncode == 65 and said in done.stderr
        assert len(done.stderr.splitlines()) == 1
    assert run("keyring", "import", "missing.asc").returncode == 64
    assert run("keyring", "import", "--secret", "-", data=other).returncode == 65
    assert len(rows(run)) == 1


def test_two_keys_in_one_file_are_refused_whole(
    run: Run, tmp_path: Path, owners_key: bytes
) -> None:
    other = OwnKey(make_key("other@example.org", datetime.now(UTC))).public
    two = (armor(key, "PUBLIC KEY BLOCK") for key in (owners_key, other))
    (tmp_path / "two.asc").write_bytes(b"".join(two))
    (tmp_path / "half.asc").write_bytes(b"-----BEGIN PGP PUBLIC KEY BLOCK-----\n")
    done = run("keyring", "import", "two.asc")
    assert (done.returncode, done.stdout) == (65, b"")
    assert done.stderr == b"keyring: two.asc: more than one key; hand them over one by one\n"
    done = run("keyring", "import", "half.asc")
    assert done.stderr == b"keyring: half.asc: no whole OpenPGP block\n"
    assert rows(run) == []


def test_list_without_keys_says_how_to_come_by_some(run: Run) -> None:
    done = run("keyring", "list")
    assert (done.returncode, done.stdout) == (0, b"")
    assert done.stderr == (
        b"keyring: no keys yet; camalert keyring make, camalert keyring import FILE\n"
    )


def test_list_says_what_is_wrong(run: Run, tmp_path: Path) -> None:
    from pgpy import PGPUID, PGPKey
    from pgpy.constants import EllipticCurveOID, KeyFlags, PubKeyAlgorithm

    created = datetime.now(UTC) - timedelta(days=10)
    key = PGPKey.new(PubKeyAlgorithm.EdDSA, EllipticCurveOID.Ed25519, created=created)
    key.add_uid(PGPUID.new("<old@example.org>"), key_expiration=timedelta(days=1), created=created)
    subkey = PGPKey.new(PubKeyAlgorithm.ECDH, EllipticCurveOID.Curve25519, created=created)
    key.add_subkey(subkey, usage={KeyFlags.EncryptCommunications}, created=created)
    peers = tmp_path / "state/keys/peers"
    peers.mkdir(parents=True)
    head = b'{"addresses": ["old@example.org"]}\n'
    (peers / f"{key.fingerprint}.peer").write_bytes(head + bytes(key.pubkey))
    (row,) = rows(run)
    assert row["expires"] == (created + timedelta(days=1)).date().isoformat()
    assert "expired on" in str(row["problem"])


def test_forget(run: Run, owners_key: bytes) -> None:
    run("keyring", "import", "-", data=owners_key)
    dry = run("keyring", "forget", "-n", "owner@example.org")
    assert dry.returncode == 0 and dry.stdout.startswith(b"would forget")
    assert len(rows(run)) == 1
    gone = run("keyring", "forget", "owner@example.org")
    assert gone.returncode == 0 and gone.stdout.startswith(b"forgot")
    assert rows(run) == []
    none = run("keyring", "forget", "owner@example.org")
    assert none.returncode == 1 and b"no such key" in none.stderr


def test_export_refuses(run: Run) -> None:
    assert run("keyring", "export").returncode == 78
    run("keyring", "make", "--address", "a@example.org")
    assert run("keyring", "export", "--vcard").returncode == 78
    assert run("keyring", "export", "--vcard", "--secret").returncode == 64


def test_import_from_a_terminal_says_what_is_expected(tmp_path: Path) -> None:
    import subprocess
    import sys

    controller, terminal = os.openpty()
    try:
        script = Path(sys.executable).with_name("keyring")
        done = subprocess.run(
            [script, "import", "-"], stdin=terminal, capture_output=True, timeout=60
        )
    finally:
        os.close(controller)
        os.close(terminal)
    assert done.returncode == 64 and b"a key is expected" in done.stderr
