"""capture/onvif.py: against real sockets on loopback, friendly and hostile."""

import re
import socket
import threading
import time

import pytest

from camalert.capture import onvif
from camalert.capture.onvif import Host, hosts, open_ports, parse

ANSWER = """<?xml version="1.0" encoding="UTF-8"?>
<SOAP-ENV:Envelope xmlns:SOAP-ENV="http://www.w3.org/2003/05/soap-envelope"
 xmlns:wsa="http://schemas.xmlsoap.org/ws/2004/08/addressing"
 xmlns:d="http://schemas.xmlsoap.org/ws/2005/04/discovery"
 xmlns:dn="http://www.onvif.org/ver10/network/wsdl">
<SOAP-ENV:Header><wsa:MessageID>uuid:1</wsa:MessageID>
<wsa:RelatesTo>urn:uuid:{message}</wsa:RelatesTo></SOAP-ENV:Header>
<SOAP-ENV:Body><d:ProbeMatches><d:ProbeMatch>
<d:Types>dn:NetworkVideoTransmitter</d:Types>
<d:Scopes>onvif://www.onvif.org/type/video_encoder onvif://www.onvif.org/name/{name}
 onvif://www.onvif.org/hardware/P3245-LV onvif://www.onvif.org/location/</d:Scopes>
<d:XAddrs>http://192.0.2.7/onvif/device_service</d:XAddrs>
</d:ProbeMatch></d:ProbeMatches></SOAP-ENV:Body></SOAP-ENV:Envelope>"""


def answer(message, name="AXIS%20P3245"):
    return ANSWER.format(message=message, name=name).encode()


@pytest.fixture
def responder():
    """A host on loopback that answers a probe by the datagrams of `reply(its id)`."""
    started = []

    def start(reply):
        listening = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        listening.bind(("127.0.0.1", 0))
        probes = []

        def serve():
            data, sender = listening.recvfrom(65535)
            if data:
                probes.append(data)
                for datagram in reply(re.search(rb"urn:uuid:([0-9a-f-]{36})", data)[1].decode()):
                    listening.sendto(datagram, sender)

        thread = threading.Thread(target=serve)
        thread.start()
        started.append((listening, thread))
        return listening.getsockname(), probes

    yield start
    for listening, thread in started:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as waking:
            waking.sendto(b"", listening.getsockname())
        thread.join(20)
        listening.close()


@pytest.fixture
def rtsp():
    """A port on loopback that accepts connections."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening.getsockname()[1]


def test_a_camera_that_answers_is_found(responder, rtsp):
    target, probes = responder(lambda message: [answer(message)] * 3)
    (found,) = hosts(target, 0.5, rtsp)
    assert found == Host("127.0.0.1", "AXIS P3245 P3245-LV", True)
    (probe,) = probes
    assert b"NetworkVideoTransmitter" in probe and b"discovery/Probe</a:Action>" in probe
    assert found.urls() == ["rtsp://127.0.0.1:554/axis-media/media.amp"]


def test_each_probe_has_an_id_of_its_own(responder):
    sent = []
    for _ in range(2):
        target, probes = responder(lambda message: [])
        assert hosts(target, 0.1) == []
        sent += probes
    assert len({re.search(rb"<a:MessageID>(.*?)<", probe)[1] for probe in sent}) == 2


def test_a_camera_without_rtsp_is_told_so(responder):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        target, _ = responder(lambda message: [answer(message, "x")])
        (found,) = hosts(target, 0.3, closed.getsockname()[1])
    assert not found.rtsp
    assert found.urls(8554) == ["rtsp://127.0.0.1:8554/"]


HOSTILE = {
    "empty": b"",
    "no XML": b"\xff\x00hello",
    "another probe's": answer("00000000-0000-0000-0000-000000000000"),
    "no camera": b"<a><RelatesTo>%s</RelatesTo><Types>printer</Types></a>",
    "cut off": answer("%s")[:-40],
    "a document type": b'<!DOCTYPE a [<!ENTITY b "c">]>' + answer("%s").partition(b"?>")[2],
    "an outside entity": b'<!DOCTYPE a SYSTEM "file:///etc/passwd">' + b"<a>%s</a>",
    "deep": b"<a>" * 5000 + b"%s" + b"</a>" * 5000,
    "an unknown encoding": b'<?xml version="1.0" encoding="x-none"?><a>%s</a>',
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_what_is_no_answer_is_left_out(kind):
    assert parse(HOSTILE[kind].replace(b"%s", b"id-1"), "id-1") is None


def test_a_good_answer_beside_bad_ones(responder):
    bad = [data for data in HOSTILE.values() if data]
    target, _ = responder(lambda message: [*bad, b"x" * 60000, answer(message)])
    assert [host.title for host in hosts(target, 0.5)] == ["AXIS P3245 P3245-LV"]


def test_titles_are_short_and_one_line_and_there_always_is_one():
    def title(scopes):
        data = answer("id-1").decode()
        data = re.sub(
            r"<d:Scopes>.*</d:Scopes>", f"<d:Scopes>{scopes}</d:Scopes>", data, flags=re.S
        )
        return parse(data.encode(), "id-1")

    assert title("") == "camera"
    scope = "onvif://www.onvif.org/"
    assert title(f"{scope}name/{'x' * 500} {scope}hardware/y") == "x" * 60 + " y"
    assert title(f"{scope}name/same {scope}hardware/same") == "same"


def test_a_flood_ends_in_time(responder, monkeypatch):
    monkeypatch.setattr(onvif, "MOST_ANSWERS", 5)
    target, _ = responder(lambda message: [answer(message)] * 300)
    start = time.monotonic()
    assert len(hosts(target, 20)) == 1
    assert time.monotonic() - start < 15


def test_so_many_hosts_at_most(monkeypatch):
    flood = ((f"10.0.{n // 250}.{n % 250}", answer("id-1")) for n in range(300))
    monkeypatch.setattr(onvif, "_answers", lambda asking, wait: flood)
    monkeypatch.setattr(onvif.uuid, "uuid4", lambda: "id-1")
    monkeypatch.setattr(onvif, "open_ports", lambda addresses, port: set())
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as nobody:
        nobody.bind(("127.0.0.1", 0))
        assert len(hosts(nobody.getsockname(), 0.1)) == onvif.MOST_HOSTS


def test_a_group_is_asked_on_every_interface_but_loopback(monkeypatch):
    class Socket:
        sent, chosen = [], []

        def setsockopt(self, level, option, value):
            self.chosen.append((level, option, value))

        def sendto(self, data, target):
            if len(self.chosen) == 1:
                raise OSError(101, "Network is unreachable")
            self.sent.append((data, target))

    monkeypatch.setattr(socket, "if_nameindex", lambda: [(1, "lo"), (2, "eth0"), (3, "wlan0")])
    asking = Socket()
    onvif._send(asking, b"probe", onvif.MULTICAST)
    group = socket.inet_aton("239.255.255.250") + bytes(4)
    wanted = (socket.IPPROTO_IP, socket.IP_MULTICAST_IF)
    assert asking.chosen == [(*wanted, group + n.to_bytes(4, "little")) for n in (2, 3)]
    assert asking.sent == [(b"probe", onvif.MULTICAST)]
    monkeypatch.setattr(socket, "if_nameindex", lambda: [(1, "lo")])
    with pytest.raises(OSError, match="no network interface"):
        onvif._send(asking, b"probe", onvif.MULTICAST)


def test_a_host_that_never_answers_a_connection_costs_its_time_only(rtsp):
    with socket.socket() as full:
        full.bind(("127.0.0.2", rtsp))
        full.listen(0)
        waiting = []
        for _ in range(4):  # its queue is full: a further connection hangs
            door = socket.socket()
            door.setblocking(False)
            door.connect_ex(full.getsockname())
            waiting.append(door)
        assert open_ports(["127.0.0.1", "127.0.0.2"], rtsp, 0.5) == {"127.0.0.1"}
        for door in waiting:
            door.close()
