import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pgpy import PGPUID, PGPKey
from pgpy.constants import EllipticCurveOID, HashAlgorithm, KeyFlags, PubKeyAlgorithm

from camalert.trust import autocrypt, keyring
from camalert.trust.keyring import Keyring, inspect

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


@pytest.fixture
def now() -> datetime:
    return NOW


@pytest.fixture
def in_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """What else runs in a child process runs here, where a debugger and coverage see it."""
    for module in (autocrypt, keyring):
        monkeypatch.setattr(module, "confined", lambda function, _: function())


class Gpg:
    """GnuPG with a home of its own."""

    def __init__(self) -> None:
        self.home = Path(tempfile.mkdtemp(prefix="gpg"))  # short: it holds a socket
        self.environment = {**os.environ, "GNUPGHOME": str(self.home)}

    def __call__(self, *words: str, data: bytes = b"", good: bool = True) -> bytes:
        command = ["gpg", "--batch", "--quiet", "--no-tty", "--trust-model", "always", *words]
        done = subprocess.run(
            command, input=data, env=self.environment, capture_output=True, timeout=60
        )
        assert (done.returncode == 0) == good, done.stderr.decode()
        return done.stdout

    def status(self, *words: str, data: bytes) -> tuple[bytes, str]:
        """The output and the status lines, good or not."""
        command = ["gpg", "--batch", "--quiet", "--no-tty", "--trust-model", "always"]
        done = subprocess.run(
            [*command, "--status-fd", "2", *words],
            input=data,
            env=self.environment,
            capture_output=True,
            timeout=60,
        )
        return done.stdout, done.stderr.decode()

    def make(self, user: str, kind: str = "ed25519/cert,sign+cv25519/encr") -> bytes:
        """A key of `kind` (algorithm/usage, and its subkey's); its public part, binary."""
        primary, _, sub = kind.partition("+")
        words = ("--passphrase", "", "--faked-system-time", "20260101T000000")
        self(*words, "--quick-generate-key", user, *primary.split("/"), "never")
        if sub:
            fingerprint = self("--with-colons", "--list-keys", user).decode()
            fingerprint = fingerprint.split("fpr:::::::::")[1].split(":")[0]
            self(*words, "--quick-add-key", fingerprint, *sub.split("/"), "never")
        return self("--export", user)

    def close(self) -> None:
        subprocess.run(["gpgconf", "--homedir", str(self.home), "--kill", "all"], timeout=30)
        shutil.rmtree(self.home, ignore_errors=True)


@pytest.fixture(scope="module")
def gpg() -> Iterator[Gpg]:
    gpg = Gpg()
    yield gpg
    gpg.close()


@pytest.fixture
def camera(tmp_path: Path) -> Keyring:
    keyring = Keyring(tmp_path / "camera")
    keyring.make("camera@example.org", NOW)
    return keyring


@pytest.fixture
def owner(tmp_path: Path, camera: Keyring) -> Keyring:
    """The owner's keyring; he and the camera know each other."""
    keyring = Keyring(tmp_path / "owner")
    own = keyring.make("owner@example.org", NOW)
    camera.add(inspect(own.public, NOW))
    keyring.add(inspect(camera.own().public, NOW))
    return keyring


@pytest.fixture
def make_key() -> Callable[..., Any]:
    """A key by PGPy with whatever flaw is wanted, as its object; bytes(key.pubkey) to export."""

    def make(
        *,
        user: str = "<owner@example.org>",
        age: timedelta = timedelta(days=100),
        expires: timedelta | None = None,
        sub_expires: timedelta | None = None,
        hash: HashAlgorithm = HashAlgorithm.SHA256,
        subkey: bool = True,
        algorithm: tuple[Any, Any] = (PubKeyAlgorithm.EdDSA, EllipticCurveOID.Ed25519),
    ) -> Any:
        created = NOW - age
        key = PGPKey.new(*algorithm, created=created)
        key.add_uid(
            PGPUID.new(user),
            usage={KeyFlags.Sign, KeyFlags.Certify},
            hash=hash,
            hashes=[hash],
            key_expiration=expires,
            created=created,
        )
        if subkey:
            add_subkey(key, created, hash, sub_expires)
        return key

    return make


def add_subkey(
    key: Any, created: datetime, hash: HashAlgorithm, expires: timedelta | None = None
) -> Any:
    subkey = PGPKey.new(PubKeyAlgorithm.ECDH, EllipticCurveOID.Curve25519, created=created)
    usage = {KeyFlags.EncryptCommunications}
    if expires is None:
        key.add_subkey(subkey, usage=usage, created=created, hash=hash)
        return subkey
    bind = key.bind  # PGPy puts an expiry only into certifications

    def bind_with_expiry(sub: Any, **prefs: Any) -> Any:
        from pgpy.pgp import PGPSignature

        new = PGPSignature.new

        def with_expiry(*words: Any, **more: Any) -> Any:
            signature = new(*words, **more)
            signature._signature.subpackets.addnew(
                "KeyExpirationTime", hashed=True, expires=expires
            )
            return signature

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(PGPSignature, "new", with_expiry)
            return bind(sub, **prefs)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(key, "bind", bind_with_expiry, raising=False)
        key.add_subkey(subkey, usage=usage, created=created, hash=hash)
    return subkey
