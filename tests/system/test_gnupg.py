"""GnuPG, which shares no code with the camera, opens what the line sends."""

import email
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from camera import Camera, wait_for
from mail_bed import MailBed


class Gpg:
    """Somebody with GnuPG: a home of its own, with a key for an address of the bed."""

    def __init__(self, address: str, primary: str, subkey: str) -> None:
        self.address = address
        self.home = Path(tempfile.mkdtemp(prefix="gpg"))  # short: it holds a socket
        self.run("--passphrase", "", "--quick-generate-key", f"<{address}>", primary, "cert,sign")
        listed = self.run("--with-colons", "--list-keys").decode()
        (fingerprint,) = re.findall(r"^fpr:+([0-9A-F]{40}):", listed, re.MULTILINE)
        self.run("--passphrase", "", "--quick-add-key", fingerprint, subkey, "encr")

    def run(self, *words: str, data: bytes = b"") -> bytes:
        done = self.try_(*words, data=data)
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout

    def try_(self, *words: str, data: bytes) -> "subprocess.CompletedProcess[bytes]":
        return subprocess.run(
            ["gpg", "--batch", "--trust-model", "always", "--status-fd", "2", *words],
            input=data,
            capture_output=True,
            env=dict(os.environ, GNUPGHOME=str(self.home)),
            timeout=60,
        )

    def close(self) -> None:
        kill = ["gpgconf", "--homedir", str(self.home), "--kill", "all"]
        subprocess.run(kill, timeout=60, check=True)
        shutil.rmtree(self.home, ignore_errors=True)


@pytest.fixture
def people(bed: MailBed) -> Iterator[list[Gpg]]:
    """Two to be written to, with the key of today and that of yesterday, and a stranger."""
    if not shutil.which("gpg"):
        pytest.skip("gpg is not installed")
    found: list[Gpg] = []
    try:
        for name, *algorithms in (
            ("one", "ed25519", "cv25519"),
            ("two", "rsa2048", "rsa2048"),
            ("stranger", "ed25519", "cv25519"),
        ):
            found.append(Gpg(bed.address(name), *algorithms))
        yield found
    finally:
        for gpg in found:
            gpg.close()


def test_gnupg_opens_what_the_line_sends(camera: Camera, people: list[Gpg]) -> None:
    *readers, stranger = people
    camera.recipients = [reader.address for reader in readers]
    camera.configure()
    fingerprint = camera.do("keyring", "make").decode().strip()
    for reader in readers:
        key = reader.run("--armor", "--export", reader.address)
        camera.do("keyring", "import", "-", data=key)
        reader.run("--import", data=camera.do("keyring", "export"))

    before = len(camera.bed.mails)
    camera.start_all()
    camera.trip()
    wait_for("text and picture", lambda: len(camera.bed.mails) >= before + 2)
    for mail in camera.bed.mails[before:]:
        assert mail.recipients == tuple(camera.recipients)
        for reader in readers:
            done = reader.try_("--decrypt", data=armored(mail.content))
            said = done.stderr.decode()
            assert done.returncode == 0, said
            assert "DECRYPTION_OKAY" in said and "GOODMDC" in said
            assert re.search(rf"VALIDSIG {fingerprint} ", said), said
            assert says(done.stdout, camera)
        refused = stranger.try_("--decrypt", data=armored(mail.content))
        assert refused.returncode != 0 and not refused.stdout
        assert b"NO_SECKEY" in refused.stderr


def armored(message: bytes) -> bytes:
    """The OpenPGP message of a mail, as any PGP/MIME reader finds it."""
    control, content = email.message_from_bytes(message).get_payload()
    assert control.get_content_type() == "application/pgp-encrypted"
    return bytes(content.get_payload(decode=True))


def says(inner: bytes, camera: Camera) -> bool:
    """Whether it is the text of the alarm, or a picture that was taken."""
    message = email.message_from_bytes(inner)
    assert message["From"] == f"Porch camera <{camera.address}>"
    if message.get_content_type() == "text/plain":
        return "Alarm: movement: pir-" in message.get_payload()
    _, image = message.get_payload()
    frames = (camera.folder / "run/frames").glob("*/*.jpg")
    return image.get_payload(decode=True) in [path.read_bytes() for path in frames]
