import datetime
import os
import re
import uuid
from email import message_from_bytes
from email.policy import default

import pytest
from hypothesis import given
from hypothesis import strategies as st

from camalert.errors import BadData
from camalert.mail.compose import Letter, build, message_id

DATE = datetime.datetime(2026, 11, 20, 17, 30, tzinfo=datetime.UTC)


def letter(**more):
    values = {
        "message_id": message_id("a", "text"),
        "date": DATE,
        "subject": "Alarm: hall",
        "text": "Alarm: hall\nat 18:30",
    }
    return Letter(**(values | more))


def built(recipients=("owner@example.org",), **more):
    data = build(letter(**more), "Porch", "camera@example.org", recipients)
    message = message_from_bytes(data, policy=default)
    assert not [part.defects for part in message.walk() if part.defects]
    return data, message


def test_a_text_is_what_delta_chat_wants():
    _, message = built()
    assert message["From"] == "Porch <camera@example.org>"
    assert message["To"] == "owner@example.org"
    assert message["Date"].datetime == DATE
    assert message["Message-ID"] == message_id("a", "text")
    assert message["Subject"] == "Alarm: hall"
    assert message["Chat-Version"] == "1.0"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message.get_content_type() == "text/plain"
    assert message.get_content() == "Alarm: hall\nat 18:30\n"


def test_a_picture_is_the_one_attachment_bit_by_bit():
    jpeg = os.urandom(100_001)
    data, message = built(jpeg=jpeg, filename="porch-2026-11-20-183000.jpg")
    assert message.get_content_type() == "multipart/mixed"
    text, picture = message.iter_parts()
    assert text.get_content() == "Alarm: hall\nat 18:30\n"
    assert picture.get_content_type() == "image/jpeg"
    assert picture.get_content_disposition() == "attachment"
    assert picture.get_filename() == "porch-2026-11-20-183000.jpg"
    assert picture.get_content() == jpeg
    assert max(map(len, data.split(b"\n"))) <= 78
    assert b"\r" not in data


def test_all_recipients_are_named():
    _, message = built(recipients=("a@b.de", "c@d.de"))
    assert [address.addr_spec for address in message["To"].addresses] == ["a@b.de", "c@d.de"]


@given(st.text(), st.text())
def test_no_text_can_break_out_of_its_place(subject, text):
    data, message = built(subject=subject, text=text, jpeg=b"\xff\xd8", filename="a.jpg")
    assert len(message.keys()) == 9
    assert len(list(message.walk())) == 3
    assert data.isascii()


def test_a_subject_stays_on_one_line():
    _, message = built(subject="Alarm\r\nBcc: x@y.de\n\x00more")
    assert message["Subject"] == "Alarm Bcc: x@y.de more"
    assert message["Bcc"] is None


@pytest.mark.parametrize("address", ["nobody", "a@b@c", "a b@c.de", ".a@b.de", ""])
def test_an_address_that_is_none_is_refused(address):
    with pytest.raises(BadData, match=r": is not an address$"):
        build(letter(), "Porch", address, ("owner@example.org",))
    with pytest.raises(BadData, match=r": is not an address$"):
        build(letter(), "Porch", "camera@example.org", (address,))


def test_a_message_id_is_a_uuid_4_and_the_same_for_the_same_part():
    first = message_id("alarm-1", "porch-1")
    assert re.fullmatch(r"<[0-9a-f-]{36}@localhost>", first)
    assert uuid.UUID(first[1:37]).version == 4
    assert first == message_id("alarm-1", "porch-1")
    others = {message_id("alarm-1", "porch-2"), message_id("alarm-2", "porch-1")}
    assert first not in others
    assert len(others) == 2
    assert first == "<f257cfbf-cf72-45e8-a38d-a0e49c32e07b@localhost>"
