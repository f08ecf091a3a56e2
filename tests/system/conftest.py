"""Whole systems of real parts: the commands, a mail provider, Delta Chat core as the owner."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import camera as cameras
import mail_bed
import pytest
from camera import Camera
from mail_bed import MailBed

if TYPE_CHECKING:
    from delta_chat import Core, Owner


@pytest.fixture(scope="session")
def bed() -> Iterator[MailBed]:
    if reason := mail_bed.missing():
        pytest.skip(reason)
    with mail_bed.running() as bed:
        yield bed


@pytest.fixture(scope="session")
def core(tmp_path_factory: pytest.TempPathFactory) -> Iterator["Core"]:
    pytest.importorskip("deltachat_rpc_client")
    import delta_chat

    with delta_chat.running(tmp_path_factory.mktemp("core")) as core:
        yield core


@pytest.fixture
def account(core: "Core", bed: MailBed) -> Iterator[Callable[[str], "Owner"]]:
    """Makes an account of a real Delta Chat, online: `account("Owner")`."""
    with ExitStack() as stack:
        yield lambda name: stack.enter_context(core.account(bed, name))


@pytest.fixture
def owner(account: Callable[[str], "Owner"]) -> "Owner":
    return account("Owner")


@pytest.fixture
def camera(tmp_path: Path, bed: MailBed) -> Iterator[Camera]:
    """An installed camera that knows nobody yet."""
    with cameras.installed(tmp_path, bed) as camera:
        yield camera
