"""Keys of a real Delta Chat core, and what it makes of the camera's. No network is needed."""

import sqlite3
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from deltachat_rpc_client import Rpc

from camalert.trust import packets, transfer
from camalert.trust.gate import encryption_key, examine
from camalert.trust.keyring import Keyring, inspect


@pytest.fixture
def core(tmp_path: Path) -> Iterator[tuple[Any, int]]:
    """A core with an account that believes it is configured."""

    def start() -> Any:
        server = Path(sys.executable).with_name("deltachat-rpc-server")
        return Rpc(accounts_dir=str(tmp_path / "accounts"), rpc_server_path=str(server))

    with start() as rpc:
        account = rpc.add_account()
    with sqlite3.connect(next(tmp_path.glob("accounts/*/dc.db"))) as database:
        database.execute(
            "insert into transports (addr, entered_param, configured_param)"
            " values ('owner@example.org', '{}', '{}')"
        )
        for key, value in (
            ("configured_addr", "owner@example.org"),
            ("configured", "1"),
            ("displayname", "Owner"),
        ):
            database.execute("insert into config (keyname, value) values (?, ?)", (key, value))
    database.close()
    with start() as rpc:
        yield rpc, account


def test_core_and_camera_take_each_others_vcard(core: tuple[Any, int], tmp_path: Path) -> None:
    rpc, account = core
    now = datetime.now(UTC)
    camera = Keyring(tmp_path / "camera")
    own = camera.make("camera@example.org", now)

    found = inspect(rpc.make_vcard(account, [1]).encode(), now)
    peer = camera.add(found)
    assert peer.addresses == ("owner@example.org",)
    _first, direct, *_ = packets.split(found.raw)
    signature = packets.signature(direct.body)
    assert signature is not None and signature.kind == packets.Kind.DIRECT
    assert packets.Subpacket.ISSUER not in signature.other_parts | signature.hashed_parts
    assert encryption_key(examine(found.raw), now).algorithm == 18

    card = transfer.vcard("camera@example.org", "Porch", own.public).decode()
    (contact,) = rpc.import_vcard_contents(account, card)
    assert rpc.get_contact(account, contact)["isKeyContact"]
    told = rpc.get_contact_encryption_info(account, contact)
    assert own.fingerprint in told.replace(" ", "").replace("\n", "")
