import os
import threading
import time

import pytest

from camalert.errors import BadConfig, BadData, NotPermitted, TryAgain, Unavailable
from camalert.mail import delivery as module
from camalert.mail.delivery import IDLE, LOOK, Delivery
from camalert.mail.item import Envelope, Urgency
from camalert.mail.spool import Spool
from camalert.mail.submission import Rejected, connect

TO = ("owner@example.org",)


class Fake:
    """A server's session: takes everything, or raises what `answers` say for each message."""

    def __init__(self, answers=()):
        self.answers, self.sent, self.opened, self.closed = list(answers), [], 0, 0
        self.alive, self.began = True, False

    def __call__(self, mail):
        self.opened += 1
        self.alive = True
        if isinstance(mail, Exception):
            raise mail
        return self

    def send(self, envelope, message):
        answer = self.answers.pop(0) if self.answers else ()
        if isinstance(answer, Exception):
            raise answer
        self.sent.append((envelope, message))
        return answer

    def close(self):
        self.closed += 1
        self.alive = False


@pytest.fixture
def spool(config):
    spool = Spool(config())
    spool.prepare()
    return spool


@pytest.fixture
def deliver(spool, clock):
    return lambda fake, mail=None: Delivery(spool, lambda: mail, clock, fake)


def add(spool, message, urgency=Urgency.PICTURE, to=TO):
    return spool.add(message(), to, urgency)


def test_what_is_due_goes_over_one_connection_texts_first(spool, deliver, message):
    picture, text = add(spool, message), add(spool, message, Urgency.TEXT)
    whole = [spool.read(item)[1] for item in (text, picture)]
    fake = Fake()
    assert deliver(fake).drain() is None
    assert [sent for _, sent in fake.sent] == whole
    assert fake.opened == 1
    assert spool.waiting() == []


def test_a_text_that_comes_meanwhile_overtakes(spool, deliver, message):
    first = add(spool, message)
    add(spool, message)
    text = []

    class Busy(Fake):
        def send(self, envelope, message_):
            if not self.sent:
                text.append(spool.read(add(spool, message, Urgency.TEXT))[1])
            return super().send(envelope, message_)

    whole = spool.read(first)[1]
    fake = Busy()
    deliver(fake).drain()
    assert [sent for _, sent in fake.sent[:2]] == [whole, text[0]]


def test_what_is_refused_for_now_is_tried_again_with_growing_waits(spool, deliver, message, clock):
    add(spool, message)
    fake = Fake([TryAgain("server", "451"), TryAgain("server", "451")])
    delivery = deliver(fake)
    assert delivery.drain().code == 75
    assert delivery.patience() == 5
    assert delivery.drain() is None
    clock.pass_(5)
    delivery.drain()
    assert delivery.patience() == 10
    clock.pass_(10)
    assert delivery.drain() is None
    assert len(fake.sent) == 1


def test_one_refusal_does_not_hold_up_the_rest(spool, deliver, message):
    for _ in range(3):
        add(spool, message)
    fake = Fake([TryAgain("server", "451")])
    assert deliver(fake).drain().reason == "451"
    assert (len(fake.sent), len(spool.waiting())) == (2, 1)


def test_a_refusal_for_good_sets_it_aside(spool, deliver, message):
    add(spool, message)
    fake = Fake([Rejected("server", "552 too big", too_large=True)])
    assert deliver(fake).drain().code == 69
    assert spool.waiting() == []
    (reason,) = (spool.folder / "failed").glob("*.reason")
    assert "too large" in reason.read_text()


def test_a_torn_item_and_a_foreign_one_are_set_aside_and_others_flow(spool, deliver, message):
    torn, _ = add(spool, message), add(spool, message)
    torn.path.write_bytes(torn.path.read_bytes()[:-10])
    (spool.folder / "new" / "foreign").write_bytes(b"")
    fake = Fake()
    assert isinstance(deliver(fake).drain(), BadData)
    assert len(fake.sent) == 1
    assert len(list((spool.folder / "failed").glob("*.reason"))) == 2


def test_plain_mail_in_the_spool_is_never_sent(spool, clock, config, server, message):
    here = server()
    item = add(spool, message)
    item.path.write_bytes(Envelope("a@b.de", TO).before(b"Subject: x\r\n\r\nMotion\r\n"))
    delivery = Delivery(spool, lambda: config(smtp_port=here.port).mail, clock)
    assert isinstance(delivery.drain(), BadData)
    delivery.close()
    assert not any(line.startswith(b"mail") for line in here.lines)
    assert len(spool.failed()) == 1


@pytest.mark.parametrize(
    ("error", "wait"),
    [
        (TryAgain("server", "refused"), 5),
        (Unavailable("server", "certificate"), 5),
        (NotPermitted("server", "535"), LOOK),
        (BadConfig("mail.smtp_host", "not set"), 5),
    ],
)
def test_without_a_server_all_wait_and_new_mail_tries_at_once(
    error, wait, spool, deliver, message, clock
):
    for _ in range(3):
        add(spool, message)
    fake = Fake()
    delivery = deliver(fake, error)
    assert delivery.drain() is error
    assert fake.opened == 1
    assert {item.tries for item in spool.waiting()} == {1}
    assert delivery.drain() is None
    assert fake.opened == 1
    assert delivery.patience() == wait
    add(spool, message)
    assert delivery.patience() == 0
    assert delivery.drain() is error
    assert fake.opened == 2


def test_seven_days_without_a_network_touch_the_card_little(spool, deliver, message, clock):
    for _ in range(3):
        add(spool, message)
    fake = Fake()
    delivery = deliver(fake, TryAgain("server", "no route"))
    names = set()
    for _ in range(7 * 24 * 60 * 2):
        delivery.drain()
        names.add(tuple(item.path.name for item in spool.waiting()))
        clock.pass_(30)
    assert fake.opened < 7 * 24 * 12 + 20
    assert len(names) == 1


def test_the_server_that_is_back_gets_all_at_once(spool, clock, message):
    for _ in range(5):
        add(spool, message)
    mail = [TryAgain("server", "no route")]
    fake = Fake()
    delivery = Delivery(spool, lambda: mail[0], clock, fake)
    for _ in range(10):
        delivery.drain()
        clock.pass_(300)
    mail[0] = None
    assert delivery.drain() is None
    assert len(fake.sent) == 5
    assert not (spool.folder / "unreachable").exists()


@pytest.mark.parametrize("days", [400, -400])
def test_a_clock_that_jumps_holds_up_nothing(days, spool, deliver, message, clock):
    add(spool, message)
    fake = Fake([TryAgain("server", "451")])
    delivery = deliver(fake)
    delivery.drain()
    clock.wall += days * 86400
    assert delivery.drain() is None
    assert len(fake.sent) == 1


def test_a_login_wanted_in_the_middle_waits_for_a_person(spool, deliver, message):
    add(spool, message)
    delivery = deliver(fake := Fake([NotPermitted("server", "530")]))
    assert delivery.drain().code == 77
    assert fake.closed
    assert len(spool.waiting()) == 1


def test_those_left_are_asked_later_alone(spool, deliver, message, clock):
    add(spool, message, to=("a@b.de", "c@d.de"))
    fake = Fake([("c@d.de",)])
    delivery = deliver(fake)
    assert delivery.drain().code == 75
    clock.pass_(5)
    assert delivery.drain() is None
    assert [envelope.recipients for envelope, _ in fake.sent] == [("a@b.de", "c@d.de"), ("c@d.de",)]


def test_a_connection_closed_while_idle_is_opened_again_at_once(spool, deliver, message):
    class Stale(Fake):
        def send(self, envelope, message):
            if self.opened == 1 and self.sent:
                self.alive = False
                raise TryAgain("server", "closed")
            return super().send(envelope, message)

    fake = Stale()
    delivery = deliver(fake)
    for _ in range(2):
        add(spool, message)
        assert delivery.drain() is None
    assert (fake.opened, len(fake.sent)) == (2, 2)


def test_lost_after_the_dot_is_not_repeated_at_once(spool, deliver, message):
    class Lost(Fake):
        def send(self, envelope, message):
            if self.sent:
                self.alive, self.began = False, True
                raise TryAgain("server", "closed")
            return super().send(envelope, message)

    fake = Lost()
    delivery = deliver(fake)
    for _ in range(2):
        add(spool, message)
        trouble = delivery.drain()
    assert trouble.code == 75
    assert fake.opened == 1


def test_an_idle_connection_is_kept_for_a_while(spool, deliver, message, clock):
    fake = Fake()
    delivery = deliver(fake)
    assert delivery.patience() == LOOK
    add(spool, message)
    delivery.drain()
    clock.pass_(IDLE - 10)
    assert delivery.patience() == 10
    delivery.close_idle()
    assert fake.closed == 0
    clock.pass_(10)
    delivery.close_idle()
    assert fake.closed == 1
    delivery.close_idle()
    delivery.close()
    assert fake.closed == 1


def test_only_one_item_where_it_is_named(spool, deliver, message):
    add(spool, message)
    mine = add(spool, message)
    fake = Fake()
    deliver(fake).drain(only=mine)
    assert len(fake.sent) == 1
    assert mine not in spool.waiting()


def test_told_to_stop_it_stops_between_messages(spool, deliver, message):
    for _ in range(3):
        add(spool, message)
    fake = Fake()
    deliver(fake).drain(lambda: len(fake.sent) == 2)
    assert len(spool.waiting()) == 1


def test_a_heartbeat_that_was_evicted_meanwhile_is_no_error(
    spool, deliver, message, clock, monkeypatch
):
    item = add(spool, message, Urgency.HEARTBEAT)
    item.path.unlink()
    spool.sent(item)
    spool.defer(item, clock.wall)
    gone = add(spool, message, Urgency.HEARTBEAT)
    delivery = deliver(Fake())
    todo = [gone]
    monkeypatch.setattr(delivery, "_next", lambda only: todo.pop() if todo else None)
    gone.path.unlink()
    assert delivery.drain() is None


@pytest.mark.parametrize("stores", [True, False])
def test_dropped_around_the_dot_one_extra_copy_at_most(
    stores, spool, clock, config, server, message
):
    add(spool, message)
    replies = {"DOT": None, "stores": stores}
    here = server(replies)
    delivery = Delivery(spool, lambda: config(smtp_port=here.port).mail, clock, connect)
    assert delivery.drain().code == 75
    del replies["DOT"]
    clock.pass_(5)
    assert delivery.drain() is None
    delivery.close()
    assert len(here.messages) == (2 if stores else 1)
    assert len({body for _, body in here.messages}) == 1


def test_one_that_hangs_does_not_hold_up_the_others(spool, clock, config, server, message):
    add(spool, message), add(spool, message)
    hung = []

    def hang_once(connection):
        if not hung:
            hung.append(connection)
            time.sleep(1)
        return b"250 ok\r\n"

    here = server({"MAIL": hang_once})
    delivery = Delivery(spool, lambda: config(smtp_port=here.port, timeout=0.3).mail, clock)
    assert delivery.drain().code == 75
    delivery.close()
    assert len(here.messages) == 1
    assert len(spool.waiting()) == 1


def test_followed_it_wakes_by_the_bell_and_says_a_trouble_once(
    spool, clock, message, monkeypatch, caplog
):
    monkeypatch.setattr(module, "LOOK", 5.0)
    os.mkfifo(spool.bell)
    bell = os.open(spool.bell, os.O_RDWR | os.O_NONBLOCK)
    mail = [TryAgain("server", "no route")]
    fake, told = Fake(), []
    delivery = Delivery(spool, lambda: mail[0], clock, fake)
    thread = threading.Thread(target=delivery.follow, args=(bell, lambda: bool(told)))
    thread.start()

    def add_and_wait(done):
        add(spool, message)
        spool.ring()
        until = time.monotonic() + 10
        while not done() and time.monotonic() < until:
            time.sleep(0.005)
        assert done()

    try:
        for n in (1, 2):
            add_and_wait(lambda n=n: fake.opened >= n)
        mail[0] = None
        clock.pass_(300)
        add_and_wait(lambda: not spool.waiting())
        assert len(fake.sent) == 3
    finally:
        told.append(1)
        spool.ring()
        thread.join(10)
        os.close(bell)
    assert caplog.text.count("no route") == 1
