"""The keyring: the camera's own key and those of the people it writes to, as files.

    own.key             the secret key, binary OpenPGP
    peers/<FPR>.peer    a line of JSON with the addresses it serves, then its bytes as they came

All are 0600 in folders of 0700, and replaced whole: a power cut or a kill leaves the old file.
"""

import contextlib
import dataclasses
import fcntl
import json
import logging
import os
import stat
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from camalert import durable
from camalert.config import ADDRESS
from camalert.errors import BadConfig, BadData, CamalertError, StorageFailed
from camalert.trust import gate, packets
from camalert.trust.confined import confined
from camalert.trust.gate import Certificate
from camalert.trust.openpgp import OwnKey, PublicKey, make_key
from camalert.trust.packets import Signature
from camalert.trust.transfer import read_key

log = logging.getLogger("camalert")

MAKE = "make one: camalert keyring make"
IMPORT = "import it: camalert keyring import FILE"


@dataclasses.dataclass(frozen=True)
class Peer:
    """Somebody's key and the addresses (lower case) it serves."""

    certificate: Certificate
    addresses: tuple[str, ...]

    @property
    def fingerprint(self) -> str:
        return self.certificate.fingerprint

    def __str__(self) -> str:
        return f"{self.fingerprint} ({', '.join(self.addresses)})"


@dataclasses.dataclass(frozen=True)
class Found:
    """A key to import: its bytes, the addresses that came with it, and whether it is secret."""

    raw: bytes
    addresses: tuple[str, ...]
    secret: bool


class Keyring:
    """The keys in `folder`, read again whenever a file there has changed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._own: tuple[_Stamp, OwnKey] | None = None
        self._peers: dict[str, tuple[_Stamp, Peer | None]] = {}

    def make(self, address: str, now: datetime, *, replace: bool = False) -> OwnKey:
        """Make the own key, for `address`.

        Raises BadData when that is none, BadConfig where there is a key already, unless `replace`.
        """
        _check([address])
        return self.restore(make_key(address, now), replace=replace)

    def restore(self, secret: bytes, *, replace: bool = False) -> OwnKey:
        """Put `secret` in place as the own key.

        Raises BadData when it is none, BadConfig where there is another, unless `replace`.
        """
        own = OwnKey(secret)
        gate.examine(own.public)
        with self._locked():
            path = self.folder / "own.key"
            if path.exists() and not replace and path.read_bytes() != secret:
                raise BadConfig(
                    "own key",
                    "there is one, and contacts know the camera by it",
                    "keep a backup (camalert keyring export --secret), then give --replace",
                )
            durable.replace(path, secret)
        return own

    def own(self) -> OwnKey:
        """The own key. Raises BadConfig when there is none, or others may read it."""
        path = self.folder / "own.key"
        stamp = _stamp(path)
        if stamp is None:
            raise BadConfig("own key", f"there is none in {self.folder}", MAKE)
        if self._own is None or self._own[0] != stamp:
            if stamp.mode & 0o077:
                raise BadConfig(str(path), "others may read it", f"chmod 600 {path}")
            try:
                self._own = stamp, OwnKey(path.read_bytes())
            except (BadData, OSError) as error:
                raise BadConfig(str(path), f"cannot be used: {error}", MAKE) from None
        return self._own[1]

    def add(self, found: Found, *, addresses: Iterable[str] = (), replace: bool = False) -> Peer:
        """Keep the key `found` for `addresses`, or for those that came with it.

        Raises BadData when it serves no address, BadConfig when one of them has another key, unless
        `replace`.
        """
        peer = Peer(gate.examine(found.raw), _check(addresses) or found.addresses)
        if not peer.addresses:
            raise BadData(f"key {peer.fingerprint}", "names no address", "give one: --address ADDR")
        with self._locked():
            for known in self.peers():
                taken = set(known.addresses) & set(peer.addresses)
                if known.fingerprint == peer.fingerprint:
                    addresses = dict.fromkeys((*peer.addresses, *known.addresses))
                    peer = dataclasses.replace(peer, addresses=tuple(addresses))
                elif taken and not replace:
                    raise BadConfig(
                        ", ".join(sorted(taken)),
                        f"has another key already: {known.fingerprint}",
                        "if this is its new key, give --replace",
                    )
            for known in self.peers():
                if set(known.addresses) & set(peer.addresses):
                    self._save(known, set(known.addresses) - set(peer.addresses))
            self._save(peer, peer.addresses)
        return peer

    def forget(self, name: str, *, dry_run: bool = False) -> list[Peer]:
        """Remove the keys of the address or with the fingerprint `name`; those removed."""
        with self._locked():
            peers = [peer for peer in self.peers() if _named(peer, name)]
            for peer in peers if not dry_run else []:
                self._save(peer, ())
        return peers

    def peers(self) -> list[Peer]:
        """Everybody's keys. A file that cannot be used is said once and left out."""
        found = {}
        for path in sorted(durable.listed(self.folder / "peers", "", ".peer")):
            stamp = _stamp(path)
            cached = self._peers.get(path.name)
            if cached is None or cached[0] != stamp:
                cached = (stamp, _load(path)) if stamp else None
            if cached:
                found[path.name] = cached
        self._peers = found
        return [peer for _, peer in found.values() if peer]

    def listing(self, now: datetime) -> Iterator[dict[str, Any]]:
        """A row for each key, the own one first: own, fingerprint, addresses, expires, problem.

        `expires` is a date or None, `problem` why it cannot be used or None.
        """
        keys = [(peer.certificate, peer.addresses, False) for peer in self.peers()]
        if (self.folder / "own.key").exists():
            own = gate.examine(self.own().public)
            keys.insert(0, (own, own.addresses, True))
        for certificate, addresses, mine in keys:
            try:
                gate.encryption_key(certificate, now)
                problem = None
            except BadData as error:
                problem = error.reason
            yield {
                "own": mine,
                "fingerprint": certificate.fingerprint,
                "addresses": list(addresses),
                "expires": gate.date(certificate.expires),
                "problem": problem,
            }

    def find(self, name: str) -> Peer | None:
        """Whose address, fingerprint or key id (16 digits) is `name`."""
        return next((peer for peer in self.peers() if _named(peer, name)), None)

    def readers(
        self, addresses: Iterable[str], now: datetime
    ) -> tuple[dict[str, PublicKey], list[str]]:
        """The key to encrypt with for each address, and why some have none (one line each)."""
        by_address = {address: peer for peer in self.peers() for address in peer.addresses}
        keys, problems = {}, []
        for address in dict.fromkeys(address.lower() for address in addresses):
            if (peer := by_address.get(address)) is None:
                problems.append(f"{address}: no key; {IMPORT}")
                continue
            try:
                keys[address] = gate.encryption_key(peer.certificate, now)
            except BadData as error:
                problems.append(f"{address}: {error}")
        return keys, problems

    def signer(self, signature: Signature) -> Peer | None:
        """Who has made `signature`, going by the name it bears; nothing is verified here."""
        return self.find(signature.issuer) if signature.issuer else None

    def _save(self, peer: Peer, addresses: Iterable[str]) -> None:
        path = self.folder / "peers" / f"{peer.fingerprint}.peer"
        if listed := list(addresses):
            head = json.dumps({"addresses": listed}).encode()
            durable.replace(path, head + b"\n" + peer.certificate.raw)
        else:
            path.unlink(missing_ok=True)
            durable.sync_folder(path.parent)

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        """One writer at a time."""
        (self.folder / "peers").mkdir(parents=True, exist_ok=True, mode=0o700)
        self.folder.chmod(0o700)
        descriptor = os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        except OSError as error:
            raise StorageFailed(str(self.folder), error.strerror or str(error)) from None
        finally:
            os.close(descriptor)


def inspect(data: bytes, now: datetime) -> Found:
    """The key in `data`, in any of the forms a key comes in, read in a child process with limits.

    Raises BadData when there is none or the gate refuses it.
    """
    answer = json.loads(confined(lambda: _inspected(data, now), "key"))
    return Found(bytes.fromhex(answer["raw"]), tuple(answer["addresses"]), answer["secret"])


def _inspected(data: bytes, now: datetime) -> bytes:
    """Run in the child."""
    raw, addresses = read_key(data)
    first = next(packets.split(raw), None)
    secret = first is not None and first.tag == packets.SECRET_KEY
    certificate = gate.examine(OwnKey(raw).public if secret else raw)
    gate.encryption_key(certificate, now)
    answer = {
        "raw": raw.hex(),
        "addresses": addresses or certificate.addresses,
        "secret": secret,
    }
    return json.dumps(answer).encode()


def _check(addresses: Iterable[str]) -> tuple[str, ...]:
    for address in (addresses := tuple(addresses)):
        if not ADDRESS.fullmatch(address):
            raise BadData(f"{address!r:.80}", "is not an address")
    return tuple(address.lower() for address in addresses)


def _named(peer: Peer, name: str) -> bool:
    if ADDRESS.fullmatch(name):
        return name.lower() in peer.addresses
    wanted = name.replace(" ", "").upper()
    return len(wanted) >= 16 and any(
        key.fingerprint.endswith(wanted)
        for key in (peer.certificate.primary, *(s.key for s in peer.certificate.subkeys if s.key))
    )


def _load(path: Path) -> Peer | None:
    try:
        head, _, raw = path.read_bytes().partition(b"\n")
        return Peer(gate.examine(raw), tuple(json.loads(head)["addresses"]))
    except (CamalertError, ValueError, LookupError, TypeError, OSError) as error:
        log.error("%s: cannot be used: %s; import the key again", path, error)
        return None


@dataclasses.dataclass(frozen=True)
class _Stamp:
    inode: int
    changed: int
    size: int
    mode: int


def _stamp(path: Path) -> _Stamp | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return _Stamp(status.st_ino, status.st_mtime_ns, status.st_size, stat.S_IMODE(status.st_mode))
