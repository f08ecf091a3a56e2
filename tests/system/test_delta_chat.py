"""What the mail commands make by hand, as a real Delta Chat core shows it."""

import hashlib
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from camera import Camera, picture
from mail_bed import MailBed
from PIL import Image

from camalert.trust.armor import armor, unarmor

if TYPE_CHECKING:
    from delta_chat import Owner

Account = Callable[[str], "Owner"]


@pytest.fixture
def hall(tmp_path: Path) -> Path:
    """A picture with too much in it to be the same by chance."""
    noise = Image.effect_noise((640, 480), 80).convert("RGB")
    noise.save(tmp_path / "hall.jpg", quality=95)
    return tmp_path / "hall.jpg"


def sealed(camera: Camera, text: str, *pictures: Path, to: "list[Owner] | None" = None) -> bytes:
    """A message as compose-alert and encrypt-autocrypt make it."""
    words = [word for owner in to or [] for word in ("--to", owner.address)]
    plain = camera.do("compose-alert", "--text", text, *words, *map(str, pictures), "-o", "-")
    return camera.do("encrypt-autocrypt", data=plain)


def send(camera: Camera, message: bytes, to: "list[Owner] | None" = None) -> None:
    words = [word for owner in to or [] for word in ("--to", owner.address)]
    camera.do("send-mail", *words, data=message)


def sent_after_it(camera: Camera, owner: "Owner") -> list[str]:
    """All that the owner is shown, when what was sent before has had its turn."""
    send(camera, sealed(camera, "the last", to=[owner]), [owner])
    shown = owner.until(lambda messages: any(m["text"] == "the last" for m in messages))
    return [message["text"] for message in shown]


@pytest.mark.parametrize("form", ["contact", "key"])
def test_a_picture_arrives(
    camera: Camera, owner: "Owner", hall: Path, tmp_path: Path, form: str
) -> None:
    camera.configure()
    camera.do("keyring", "make")
    (tmp_path / "exported").mkdir()
    key = owner.vcard() if form == "contact" else owner.key(tmp_path / "exported")
    words = () if form == "contact" else ("--address", owner.address)
    camera.do("keyring", "import", "-", *words, data=key)
    message = sealed(camera, "Motion in the hall", hall, to=[owner])
    assert b"Motion" not in message
    send(camera, message, [owner])

    (shown,) = owner.until(len)
    assert shown["text"] == "Motion in the hall"
    assert shown["showPadlock"]
    assert shown["fileName"] == "hall.jpg"
    assert picture(shown) == hashlib.sha256(hall.read_bytes()).hexdigest()
    assert shown["sender"]["address"] == camera.address
    assert shown["sender"]["isKeyContact"] and shown["sender"]["authName"] == "Porch camera"
    chat = owner.chat(shown)
    assert chat["chatType"] == "Single" and chat["isEncrypted"] and chat["isContactRequest"]


def test_to_who_has_the_cameras_contact_it_is_no_request(camera: Camera, owner: "Owner") -> None:
    camera.meet(owner)
    card = camera.do("keyring", "export", "--vcard").decode()
    (contact,) = owner.rpc.import_vcard_contents(owner.number, card)
    owner.rpc.create_chat_by_contact_id(owner.number, contact)
    send(camera, sealed(camera, "all quiet"))
    (shown,) = owner.until(len)
    assert shown["fromId"] == contact and not owner.chat(shown)["isContactRequest"]


def test_two_get_it_and_a_stranger_does_not(
    camera: Camera, account: Account, bed: MailBed, hall: Path
) -> None:
    one, two, stranger = account("One"), account("Two"), account("Stranger")
    camera.meet(one, two, stranger)
    message = sealed(camera, "for both", hall, to=[one, two])
    send(camera, message, [one, two])
    bed.deliver(stranger.address, message)
    for owner in (one, two):
        (shown,) = owner.until(len)
        assert shown["text"] == "for both" and shown["showPadlock"]
        assert picture(shown) == hashlib.sha256(hall.read_bytes()).hexdigest()
    assert sent_after_it(camera, stranger) == ["the last"]


def test_a_message_changed_by_one_byte_is_not_shown(
    camera: Camera, owner: "Owner", bed: MailBed
) -> None:
    camera.meet(owner)
    for what, place in (("whole", None), ("key", 0.05), ("text", 0.5), ("checksum", 0.999)):
        message = sealed(camera, what)
        block = re.search(rb"-----BEGIN PGP MESSAGE-.*END PGP MESSAGE-----\n?", message, re.DOTALL)
        assert block
        packets = bytearray(unarmor(block[0])[1])
        if place:
            packets[int(place * len(packets))] ^= 1
        bed.deliver(owner.address, message.replace(block[0], armor(bytes(packets), "MESSAGE")))
    assert sent_after_it(camera, owner) == ["whole", "the last"]


def test_the_same_message_encrypted_anew_is_shown_once(camera: Camera, owner: "Owner") -> None:
    camera.meet(owner)
    plain = camera.do("compose-alert", "--text", "only once", "-o", "-")
    first = camera.do("encrypt-autocrypt", data=plain)
    second = camera.do("encrypt-autocrypt", data=plain)
    assert first != second
    send(camera, first)
    owner.until(len)
    send(camera, first)
    send(camera, second)
    assert sent_after_it(camera, owner) == ["only once", "the last"]


def test_another_message_that_says_the_same_is_shown_too(camera: Camera, owner: "Owner") -> None:
    camera.meet(owner)
    for _ in range(2):
        send(camera, sealed(camera, "twice"))
    assert sent_after_it(camera, owner) == ["twice", "twice", "the last"]
