"""The real ffmpeg on streams that the test itself serves on loopback: MJPEG, HTTPS, RTSP."""

import contextlib
import http.server
import re
import select
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from camalert.capture import backends, jpeg
from camalert.errors import Unavailable


@contextlib.contextmanager
def served(picture: bytes, tls: ssl.SSLContext | None = None) -> Iterator[tuple[int, list[str]]]:
    """An HTTP camera: /stream is MJPEG without end, /one.jpg a still, /moved sends elsewhere."""
    seen: list[str] = []

    class Camera(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.append(self.path)
            self.path = self.path.removesuffix("?")
            if self.path == "/moved":
                self.send_response(302)
                self.send_header("Location", "file:///etc/passwd")
                self.end_headers()
                return
            if self.path == "/404":
                self.send_error(404)
                return
            self.send_response(200)
            kind = "image/jpeg"
            if self.path == "/stream":
                kind = "multipart/x-mixed-replace; boundary=frame"
            self.send_header("Content-Type", kind)
            self.end_headers()
            part = b"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n"
            with contextlib.suppress(OSError):
                if self.path == "/one.jpg":
                    self.wfile.write(picture)
                while self.path == "/stream":
                    self.wfile.write(part % len(picture) + picture + b"\r\n")

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Camera) as server:
        server.handle_error = lambda *_: None  # type: ignore[method-assign]
        if tls:
            server.socket = tls.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield server.server_port, seen
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize("path", ["stream", "one.jpg"])
def test_a_frame_over_http(shot, photo, path):
    with served(photo.read_bytes()) as (port, seen):
        url = f"http://user:pass@127.0.0.1:{port}/{path}"
        data, turn = backends.ffmpeg(shot("ffmpeg", device=url, width=32, rotation=90))
    assert (jpeg.inspect(data), turn) == ((24, 32), 0)
    assert [path.rstrip("?") for path in seen] == [f"/{path}"]


@pytest.mark.parametrize("path", ["moved", "404"])
def test_what_is_no_picture_over_http_is_told(shot, photo, path):
    why = pytest.raises(Unavailable, match=r"ffmpeg: (127\.0\.0\.1|Error opening input)")
    with served(photo.read_bytes()) as (port, _), why:
        backends.ffmpeg(shot("ffmpeg", device=f"http://127.0.0.1:{port}/{path}"))


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("tls")
    key, chain = folder / "key.pem", folder / "chain.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "3650"]
    command += ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run([*command, "-keyout", key, "-out", chain], check=True, capture_output=True)
    return key, chain


def test_https_wants_a_certificate_that_is_trusted(shot, photo, certificate, monkeypatch):
    key, chain = certificate
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(chain, key)
    with served(photo.read_bytes(), tls) as (port, seen):
        asked = shot("ffmpeg", device=f"https://127.0.0.1:{port}/one.jpg")
        with pytest.raises(Unavailable, match="ffmpeg: "):
            backends.ffmpeg(asked)
        assert seen == []
        monkeypatch.setattr(backends, "CERTIFICATES", str(chain))
        assert jpeg.inspect(backends.ffmpeg(asked)[0]) == (64, 48)


def test_a_frame_over_rtsp(shot, tmp_path):
    with rtsp_camera(tmp_path) as port:
        url = f"rtsp://127.0.0.1:{port}/live"
        data, _ = backends.ffmpeg(shot("ffmpeg", device=url))
    assert jpeg.inspect(data) == (160, 120)


@contextlib.contextmanager
def rtsp_camera(folder: Path) -> Iterator[int]:
    """An RTSP server for one client: what an ffmpeg sends as RTP goes on inside the connection."""
    media = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    listener = socket.create_server(("127.0.0.1", 0))
    media.bind(("127.0.0.1", 0))
    description = folder / "camera.sdp"
    source = ["-f", "lavfi", "-i", "testsrc2=r=10:s=160x120"]
    codec = ["-c:v", "libx264", "-tune", "zerolatency", "-g", "5"]
    target = ["-f", "rtp", "-sdp_file", description, f"rtp://127.0.0.1:{media.getsockname()[1]}"]
    command = ["ffmpeg", "-nostdin", "-v", "error", "-re", *source, *codec, *target]
    encoder = subprocess.Popen(command, stdin=subprocess.DEVNULL)
    over, quit_ = socket.socketpair()
    thread = threading.Thread(target=_serve_rtsp, args=(listener, media, description, over))
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        quit_.close()
        thread.join()
        encoder.kill()
        encoder.wait()
        for sock in (over, media, listener):
            sock.close()


def _serve_rtsp(
    listener: socket.socket, media: socket.socket, description: Path, over: socket.socket
) -> None:
    if over in select.select([listener, over], [], [])[0]:
        return
    connection, _ = listener.accept()
    playing, heard = False, b""
    media.recv(2048)  # the description is there now
    with connection, contextlib.suppress(OSError):
        while over not in (ready := select.select([connection, media, over], [], [])[0]):
            if media in ready:
                packet = media.recv(2048)
                if playing:
                    connection.sendall(b"$\0" + len(packet).to_bytes(2, "big") + packet)
            if connection in ready:
                chunk = connection.recv(4096)
                if not chunk:
                    return
                heard += chunk
                *requests, heard = heard.split(b"\r\n\r\n")
                for request in requests:
                    connection.sendall(_answer(request.decode(), description))
                    playing = playing or request.startswith(b"PLAY")


def _answer(request: str, description: Path) -> bytes:
    method, body, more = request.split()[0], b"", ""
    if method == "DESCRIBE":
        body = description.read_bytes()
        more = f"Content-Type: application/sdp\r\nContent-Length: {len(body)}\r\n"
    if method == "SETUP":
        assert "RTP/AVP/TCP" in request
        more = "Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n"
    sequence = re.search(r"CSeq: *(\d+)", request)
    assert sequence
    head = f"RTSP/1.0 200 OK\r\nCSeq: {sequence[1]}\r\nSession: 1\r\n{more}\r\n"
    return head.encode() + body
