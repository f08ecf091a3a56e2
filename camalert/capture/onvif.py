"""Network cameras that answer a WS-Discovery probe, and whether they have RTSP at port 554.

What comes back is by strangers: its bytes, its number and its time are bounded, XML with a document
type is refused, and only hosts that have answered are asked further, at their own address.

Sources: Web Services Dynamic Discovery 2005/04; ONVIF Core Specification, 7.3 (discovery).
"""

import contextlib
import errno
import re
import select
import socket
import struct
import time
import uuid
from collections.abc import Iterable, Iterator
from typing import NamedTuple
from urllib.parse import unquote
from xml.parsers import expat

MULTICAST = ("239.255.255.250", 3702)
WAIT = 3.0
"""Seconds in which answers count: a camera may take its time, half a second by the standard."""

LARGEST, MOST_HOSTS, MOST_ANSWERS = 65535, 64, 512
RTSP_PORT, PATIENCE = 554, 1.5
DISCOVERY = "http://schemas.xmlsoap.org/ws/2005/04/discovery"
ADDRESSING = "http://schemas.xmlsoap.org/ws/2004/08/addressing"
PROBE = f"""<?xml version="1.0" encoding="utf-8"?>
<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" xmlns:a="{ADDRESSING}" \
xmlns:d="{DISCOVERY}" xmlns:n="http://www.onvif.org/ver10/network/wsdl"><s:Header>\
<a:Action>{DISCOVERY}/Probe</a:Action><a:MessageID>urn:uuid:%s</a:MessageID>\
<a:To>urn:schemas-xmlsoap-org:ws:2005:04:discovery</a:To></s:Header><s:Body>\
<d:Probe><d:Types>n:NetworkVideoTransmitter</d:Types></d:Probe></s:Body></s:Envelope>"""

STREAMS = {
    "hikvision": ("/Streaming/Channels/102", "/Streaming/Channels/101"),
    "dahua": ("/cam/realmonitor?channel=1&subtype=1", "/cam/realmonitor?channel=1&subtype=0"),
    "amcrest": ("/cam/realmonitor?channel=1&subtype=1", "/cam/realmonitor?channel=1&subtype=0"),
    "axis": ("/axis-media/media.amp",),
    "reolink": ("/h264Preview_01_sub", "/h264Preview_01_main"),
    "tp-link": ("/stream2", "/stream1"),
    "tapo": ("/stream2", "/stream1"),
    "foscam": ("/videoSub", "/videoMain"),
}
"""Paths to try, by maker, the smaller picture first. Others: `/`, and what the manual says."""


class Host(NamedTuple):
    """A camera that answered: its address, what it says it is, and whether RTSP's port is open."""

    address: str
    title: str
    rtsp: bool = False

    def urls(self, port: int = RTSP_PORT) -> list[str]:
        """RTSP URLs to try, the likeliest first; a login goes before the address."""
        words = self.title.lower()
        paths = next((paths for maker, paths in STREAMS.items() if maker in words), ("/",))
        return [f"rtsp://{self.address}:{port}{path}" for path in paths]


def hosts(
    target: tuple[str, int] = MULTICAST, wait: float = WAIT, port: int = RTSP_PORT
) -> list[Host]:
    """The cameras that answer a probe sent to `target` within `wait` seconds, by their addresses.

    Raises OSError where the probe cannot be sent.
    """
    message = str(uuid.uuid4())
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as asking:
        _send(asking, (PROBE % message).encode(), target)
        titles: dict[str, str] = {}
        for address, data in _answers(asking, wait):
            title = parse(data, message)
            if title is not None and (address in titles or len(titles) < MOST_HOSTS):
                titles[address] = titles.get(address) or title
    reached = open_ports(titles, port)
    return [Host(address, titles[address], address in reached) for address in sorted(titles)]


def _send(asking: socket.socket, probe: bytes, target: tuple[str, int]) -> None:
    """Out of every interface where `target` is a group, for the default one may be the wrong one.

    Raises OSError where it goes out of none.
    """
    if not 224 <= int(target[0].partition(".")[0]) <= 239:
        asking.sendto(probe, target)
        return
    failure: OSError | None = OSError(errno.ENETDOWN, "no network interface")
    for number, name in socket.if_nameindex():
        if name == "lo":
            continue
        try:
            index = struct.pack("=4s4si", socket.inet_aton(target[0]), bytes(4), number)
            asking.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, index)
            asking.sendto(probe, target)
            failure = None
        except OSError as error:
            failure = failure and error
    if failure:
        raise failure


def _answers(asking: socket.socket, wait: float) -> Iterator[tuple[str, bytes]]:
    end = time.monotonic() + wait
    for _ in range(MOST_ANSWERS):
        left = end - time.monotonic()
        if left <= 0 or not select.select([asking], [], [], left)[0]:
            return
        with contextlib.suppress(ConnectionError):  # an ICMP error of a host that does not listen
            data, (address, _) = asking.recvfrom(LARGEST)
            yield address, data


class _Refused(Exception):
    """The answer is not one that is taken."""


def parse(data: bytes, message: str) -> str | None:
    """What the camera says it is in its answer to the probe `message`; None for no such answer."""
    texts: dict[str, list[str]] = {"RelatesTo": [], "Types": [], "Scopes": []}
    inside: list[str] = []

    def refuse(*_: object) -> None:
        raise _Refused

    def begin(name: str, _attributes: object) -> None:
        inside.append(name.rpartition(" ")[2])
        if len(inside) > 32:
            refuse()

    def words(text: str) -> None:
        if inside and inside[-1] in texts:
            texts[inside[-1]].append(text)

    parser = expat.ParserCreate(namespace_separator=" ")
    parser.StartDoctypeDeclHandler = parser.EntityDeclHandler = refuse
    parser.StartElementHandler, parser.CharacterDataHandler = begin, words
    parser.EndElementHandler = lambda _name: inside.pop()
    try:
        parser.Parse(data, True)
    except (expat.ExpatError, _Refused, ValueError, LookupError):
        return None
    found = {name: "".join(parts) for name, parts in texts.items()}
    if message not in found["RelatesTo"] or "NetworkVideoTransmitter" not in found["Types"]:
        return None
    return _title(found["Scopes"].split())


def _title(scopes: Iterable[str]) -> str:
    """Maker and model from scopes such as `onvif://www.onvif.org/hardware/P3245`."""
    parts: dict[str, str] = {}
    for scope in scopes:
        if found := re.fullmatch(r"onvif://www\.onvif\.org/(name|hardware)/(.+)", scope):
            parts.setdefault(found[1], unquote(found[2])[:60])
    names = dict.fromkeys(parts[key] for key in ("name", "hardware") if key in parts)
    return " ".join(names) or "camera"


def open_ports(addresses: Iterable[str], port: int, patience: float = PATIENCE) -> set[str]:
    """Those of the addresses that accept a connection at `port` within `patience` seconds."""
    reached, poll = set(), select.poll()
    with contextlib.ExitStack() as stack:
        trying: dict[int, tuple[socket.socket, str]] = {}
        for address in addresses:
            door = stack.enter_context(
                socket.socket(socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
            )
            if door.connect_ex((address, port)) in (0, errno.EINPROGRESS):
                trying[door.fileno()] = door, address
                poll.register(door, select.POLLOUT)
        end = time.monotonic() + patience
        while trying and (left := end - time.monotonic()) > 0:
            for descriptor, _ in poll.poll(left * 1000):
                door, address = trying.pop(descriptor)
                poll.unregister(descriptor)
                if not door.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
                    reached.add(address)
    return reached
