"""The bed itself: two real Delta Chats talk over it, and it does not let in everybody."""

import imaplib
import smtplib
import ssl
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from mail_bed import MailBed

if TYPE_CHECKING:
    from delta_chat import Owner

LETTER = b"Subject: to both\r\n\r\nhello\r\n"


def test_two_cores_talk(account: Callable[[str], "Owner"]) -> None:
    alice, bob = account("Alice"), account("Bob")
    rpc = alice.rpc
    (contact,) = rpc.import_vcard_contents(bob.number, alice.vcard().decode())
    chat = rpc.create_chat_by_contact_id(bob.number, contact)
    rpc.misc_send_text_message(bob.number, chat, "hello")
    (message,) = alice.until(len)
    assert message["text"] == "hello" and message["showPadlock"]


def test_each_recipient_gets_it(bed: MailBed) -> None:
    trusted = ssl.create_default_context(cafile=str(bed.certificate))
    both = [bed.address("one"), bed.address("two")]
    with smtplib.SMTP_SSL(bed.host, bed.smtp_port, context=trusted, timeout=30) as smtp:
        smtp.login("camera@example.org", bed.password)
        smtp.sendmail("camera@example.org", both, LETTER)
    for address in both:
        with imaplib.IMAP4_SSL(bed.host, bed.imap_port, ssl_context=trusted, timeout=30) as imap:
            imap.login(address, bed.password)
            assert imap.select()[1] == [b"1"]
            assert b"hello" in imap.fetch("1", "(BODY[])")[1][0][1]


def test_without_the_password_nobody_gets_in(bed: MailBed) -> None:
    unverified = ssl._create_unverified_context()
    with smtplib.SMTP_SSL(bed.host, bed.smtp_port, context=unverified, timeout=30) as smtp:
        with pytest.raises(smtplib.SMTPSenderRefused, match="530"):
            smtp.sendmail("camera@example.org", ["owner@example.org"], LETTER)
        with pytest.raises(smtplib.SMTPAuthenticationError):
            smtp.login("camera@example.org", "wrong")
    with pytest.raises(ssl.SSLCertVerificationError):
        smtplib.SMTP_SSL(bed.host, bed.smtp_port, context=ssl.create_default_context(), timeout=30)
    imap = imaplib.IMAP4_SSL(bed.host, bed.imap_port, ssl_context=unverified, timeout=30)
    with imap, pytest.raises(imaplib.IMAP4.error, match="AUTHENTICATIONFAILED"):
        imap.login("owner@example.org", "wrong")
