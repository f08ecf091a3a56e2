"""capture/streams.py, and the real ffmpeg on streams that the test serves on loopback.

MJPEG, HTTPS, RTSP, a clip; for rpicam and V4L2 programs that stand in for what no machine has.
"""

import contextlib
import dataclasses
import http.server
import io
import os
import re
import select
import socket
import ssl
import subprocess
import threading
import time
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from camalert.capture import backends, jpeg, streams
from camalert.capture.backends import Shot
from camalert.errors import BadData, BadUsage, TryAgain, Unavailable
from camalert.records import SystemClock


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
                if self.path in ("/clip.ts", "/snapshot"):
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


# Without end


@contextlib.contextmanager
def playing(shot: Shot) -> Iterator[streams.Frames]:
    with contextlib.closing(streams.frames(shot)) as frames:
        yield frames


def size_of(data: bytes) -> tuple[int, int]:
    """As it is shown."""
    with Image.open(io.BytesIO(data)) as image:
        image.load()
        return image.size


@pytest.mark.parametrize("rotation", [0, 90])
def test_an_http_camera_gives_its_own_jpegs_at_the_rate(shot, photo, rotation):
    with served(photo.read_bytes()) as (port, seen):
        url = f"http://user:pass@127.0.0.1:{port}/stream"
        asked = shot("ffmpeg", device=url, rate=20.0, rotation=rotation)
        with playing(asked) as frames:
            start = time.monotonic()
            got = [next(frames) for _ in range(8)]
            took = time.monotonic() - start
    assert {turn for _, turn in got} == {rotation}
    assert {data for data, _ in got} == {photo.read_bytes()}
    assert took >= 6 / 20  # the first come at once
    assert seen == ["/stream"]


def test_too_large_an_http_stream_is_made_to_fit(shot, photo):
    with served(photo.read_bytes()) as (port, seen):
        url = f"http://127.0.0.1:{port}/stream"
        with playing(shot("ffmpeg", device=url, width=32, rate=10.0, rotation=90)) as frames:
            got = [next(frames) for _ in range(3)]
    assert [(size_of(data), turn) for data, turn in got] == [((24, 32), 0)] * 3
    assert seen == ["/stream", "/stream"]


def test_an_http_stream_of_another_kind_is_encoded_here(shot, tmp_path):
    path = tmp_path / "clip.ts"
    make = ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc2=r=10:d=5:s=160x120"]
    subprocess.run([*make, "-c:v", "libx264", "-g", "5", path], check=True)
    with served(path.read_bytes()) as (port, _):
        url = f"http://127.0.0.1:{port}/clip.ts"
        with playing(shot("ffmpeg", device=url, rate=10.0)) as frames:
            assert size_of(next(frames)[0]) == (160, 120)
            with pytest.raises(Unavailable, match="ffmpeg ended after"):
                list(frames)


def test_a_url_of_one_picture_is_asked_again_for_each(shot, photo):
    with served(photo.read_bytes()) as (port, seen):
        url = f"http://127.0.0.1:{port}/one.jpg"
        with playing(shot("ffmpeg", device=url, rate=10.0, width=32)) as frames:
            assert [size_of(next(frames)[0]) for _ in range(2)] == [(32, 24)] * 2
    assert len(seen) == 2


def test_a_stream_that_ends_with_its_first_picture_is_told_how_to_be_used(shot, photo):
    with served(photo.read_bytes()) as (port, _):
        url = f"http://127.0.0.1:{port}/snapshot"
        with playing(shot("ffmpeg", device=url)) as frames, pytest.raises(Unavailable) as caught:
            list(frames)
    assert str(caught.value) == (
        'cam: ffmpeg ended after 1 frame; set mode = "still" where the URL is a single picture'
    )


def test_an_rtsp_camera_plays(shot, tmp_path):
    with rtsp_camera(tmp_path) as port:
        url = f"rtsp://127.0.0.1:{port}/live"
        with playing(shot("ffmpeg", device=url, rate=5.0, width=80)) as frames:
            assert [size_of(next(frames)[0]) for _ in range(4)] == [(80, 60)] * 4


def test_a_dead_network_camera_is_named_by_its_host_without_its_login(shot):
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    for url in (f"http://me:secret@127.0.0.1:{port}/stream", f"rtsp://me:secret@127.0.0.1:{port}/"):
        with playing(shot("ffmpeg", device=url)) as frames, pytest.raises(Unavailable) as caught:
            list(frames)
        assert f"127.0.0.1:{port}" in str(caught.value) and "secret" not in str(caught.value)


def test_a_clip_plays_in_real_time_and_in_a_loop(shot, tmp_path):
    path = tmp_path / "clip.mp4"
    make = ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc2=r=20:d=0.5:s=320x240"]
    subprocess.run([*make, path], check=True)
    start = time.monotonic()
    with playing(shot("file", device=str(path), rate=10.0, width=160, rotation=90)) as frames:
        got = [next(frames)[0] for _ in range(12)]
    assert {size_of(data) for data in got} == {(120, 160)}
    assert time.monotonic() - start >= 0.9
    assert len(set(got)) >= 4


@pytest.mark.parametrize("source", ["pattern", "fswebcam", "folder"])
def test_others_are_one_picture_after_the_other(shot, photo, source):
    device = {"pattern": "", "fswebcam": "TEST", "folder": str(photo.parent)}[source]
    asked = shot(source.replace("folder", "file"), device=device, rate=20.0, width=160, height=120)
    start = time.monotonic()
    with playing(asked) as frames:
        assert all(jpeg.inspect(next(frames)[0]) for _ in range(4))
    assert time.monotonic() - start >= 2.5 / 20


def test_waiting_for_the_next_picture_can_be_stopped(shot):
    cancel = os.eventfd(0)
    asked = dataclasses.replace(shot("pattern", rate=0.1, width=64, height=48), cancel=cancel)
    with playing(asked) as frames:
        next(frames)
        os.eventfd_write(cancel, 1)
        with pytest.raises(TryAgain, match="stopped"):
            next(frames)
    os.close(cancel)


def test_a_source_that_ends_well_without_a_picture_is_told(fake, shot):
    fake("rpicam-still", "exit 0")
    with playing(shot("rpicam", mode="still")) as frames, pytest.raises(BadData, match="no pict"):
        next(frames)


# Programs that stand in


def arguments(said: Path) -> list[str]:
    return said.read_text(encoding="utf-8").split("\n")[:-1]


def test_rpicam_vid_gets_every_option(fake, shot, photo):
    said = fake("rpicam-vid", f"while cat {photo}; do :; done")
    asked = shot(
        "rpicam",
        device="1",
        width=640,
        height=480,
        quality=70,
        rotation=270,
        rate=4.0,
        options=("--ev", "0.5", "--immediate=0", "--timeout", "1500", "--thumb", "none", "--hflip"),
    )
    with playing(asked) as frames:
        assert next(frames) == (photo.read_bytes(), 90)
    assert arguments(said) == [
        *("--camera", "1", "--width", "640", "--height", "480", "--quality", "70"),
        *("--rotation", "180", "--nopreview", "--codec", "mjpeg", "--framerate", "4"),
        *("--timeout", "0", "--flush", "--verbose=0", "--ev", "0.5", "--hflip", "--output", "-"),
    ]


def test_libcamera_vid_serves_where_it_is_the_only_one(fake, shot, photo):
    said = fake("libcamera-vid", f"cat {photo}; exec sleep 1000")
    with playing(shot("rpicam", rate=0.1)) as frames:
        assert next(frames)[0] == photo.read_bytes()
    words = arguments(said)
    assert words[words.index("--framerate") + 1] == "1"


def test_in_still_mode_rpicam_still_is_asked_again_and_again(fake, shot, photo):
    said = fake("rpicam-still", f"echo once >>{photo.parent}/times; cat {photo}")
    with playing(shot("rpicam", mode="still", rate=20.0)) as frames:
        assert [next(frames)[0] for _ in range(3)] == [photo.read_bytes()] * 3
    assert (photo.parent / "times").read_text().count("once") == 3
    assert "--immediate" in arguments(said)


@pytest.mark.parametrize(
    ("script", "error", "reason"),
    [
        ("exit 0", Unavailable, "rpicam-vid ended after 0 frames"),
        ("echo 'ERROR: *** no cameras available ***' >&2; exit 255", Unavailable, "no cameras"),
        ("echo 'failed to acquire camera' >&2; exit 255", TryAgain, "in use by another"),
        ("kill -9 $$", Unavailable, "killed by signal 9"),
    ],
)
def test_how_rpicam_vid_dies_is_told(fake, shot, script, error, reason):
    fake("rpicam-vid", script)
    with playing(shot("rpicam")) as frames, pytest.raises(error, match=reason):
        list(frames)


def test_without_the_program_it_is_named(shot, monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    with playing(shot("rpicam")) as frames, pytest.raises(Unavailable, match=r"apps-lite$"):
        next(frames)


class Hasty(SystemClock):
    """A clock on which a second passes between any two frames."""

    def __init__(self) -> None:
        self.time = 0.0

    def monotonic(self) -> float:
        self.time += 1
        return self.time


def test_half_a_frame_is_handed_on_as_such_and_the_next_ones_come(fake, shot, photo):
    fake("rpicam-vid", f"cat {photo}; head -c 900 {photo}; cat {photo}; head -c 700 {photo}")
    whole = photo.read_bytes()
    with playing(dataclasses.replace(shot("rpicam"), clock=Hasty())) as frames:
        assert [next(frames)[0] for _ in range(4)] == [whole, whole[:900], whole, whole[:700]]
        with pytest.raises(Unavailable, match="ended after 4 frames"):
            next(frames)


def test_endless_bytes_without_a_frame_take_no_memory_and_can_be_stopped(fake, shot):
    fake("rpicam-vid", "exec cat /dev/zero")
    cancel = os.eventfd(0)
    timer = threading.Timer(0.5, os.eventfd_write, (cancel, 1))
    asked = dataclasses.replace(shot("rpicam"), cancel=cancel)
    tracemalloc.start()
    timer.start()
    with playing(asked) as frames, pytest.raises(TryAgain, match="stopped"):
        next(frames)
    assert tracemalloc.get_traced_memory()[1] < 2_000_000
    tracemalloc.stop()
    timer.join()
    os.close(cancel)


def test_a_frame_without_an_end_is_cut_off_at_the_limit(fake, shot, photo, monkeypatch):
    fake("rpicam-vid", f"head -c 900 {photo}; exec cat /dev/zero")
    with playing(shot("rpicam")) as frames, pytest.raises(BadData, match="more than 33554432"):
        next(frames)


def test_a_source_faster_than_it_was_told_is_held_to_the_rate(fake, shot, photo):
    fake("rpicam-vid", f"while cat {photo}; do :; done")
    start = time.monotonic()
    with playing(shot("rpicam", rate=10.0)) as frames:
        for _ in range(6):
            next(frames)
    assert time.monotonic() - start >= 0.35


def test_a_usb_camera_gives_its_own_jpegs(fake, shot, photo):
    said = fake("ffmpeg", f"while cat {photo}; do :; done")
    with playing(shot("ffmpeg", device="/dev/null", rotation=180, rate=2.0)) as frames:
        assert next(frames) == (photo.read_bytes(), 180)
    assert arguments(said) == [
        *("-nostdin", "-hide_banner", "-loglevel", "error", "-f", "v4l2", "-framerate", "5"),
        *("-video_size", "1280x720", "-input_format", "mjpeg", "-i", "/dev/null", "-an"),
        *("-c:v", "copy", "-flush_packets", "1", "-f", "mjpeg", "-"),
    ]


def test_a_usb_camera_without_jpegs_is_encoded_here(fake, shot, photo):
    said = fake("ffmpeg", f'case "$*" in *input_format*) exit 1;; *) cat {photo};; esac')
    with playing(shot("ffmpeg", device="/dev/null", rotation=90, rate=10.0)) as frames:
        assert next(frames) == (photo.read_bytes(), 0)
    words = arguments(said)
    assert "-input_format" not in words
    chosen = words[words.index("-vf") + 1]
    assert chosen.startswith("select='if(gte(abs(time(0)-ld(0)),0.08),st(0,time(0)),0)',scale=")
    assert "transpose=clock" in chosen
    assert words[words.index("-framerate") + 1] == "10"


def test_a_usb_camera_that_fails_both_ways_tells_the_last(fake, shot):
    fake("ffmpeg", "echo 'Device or resource busy' >&2; exit 1")
    with playing(shot("ffmpeg", device="/dev/null")) as frames, pytest.raises(TryAgain):
        next(frames)


def test_a_corrupt_first_frame_decides_nothing(fake, shot, photo):
    fake("ffmpeg", f"head -c 900 {photo}; cat {photo}; exec sleep 20")
    asked = dataclasses.replace(shot("ffmpeg", device="/dev/null"), clock=Hasty())
    with playing(asked) as frames:
        assert [next(frames)[0] for _ in range(2)] == [photo.read_bytes()[:900], photo.read_bytes()]


def test_one_that_has_worked_and_dies_is_not_tried_the_other_way(fake, shot, photo):
    fake("ffmpeg", f"echo x >>{photo.parent}/times; cat {photo}; exit 1")
    with playing(shot("ffmpeg", device="/dev/null", rate=30.0)) as frames:
        next(frames)
        with pytest.raises(Unavailable, match="exit status 1"):
            next(frames)
    assert (photo.parent / "times").read_text() == "x\n"


def test_what_would_be_run_is_described_without_a_login(shot, tmp_path):
    def describe(source: str, **keys: object) -> str:
        return streams.describe(shot(source, **keys).camera)

    assert describe("rpicam").startswith("rpicam-vid --camera 0 ")
    assert describe("rpicam", mode="still") == "rpicam: one picture after the other"
    assert describe("pattern") == "pattern: one picture after the other"
    assert describe("ffmpeg", device="rtsp://me:secret@host/") == "ffmpeg: a stream by rtsp"
    assert "-input_format mjpeg -i /dev/video9" in describe("ffmpeg", device="/dev/video9")
    assert describe("file", device=str(tmp_path)) == "file: one picture after the other"
    (tmp_path / "clip").write_text("clip")
    assert "-stream_loop -1" in describe("file", device=str(tmp_path / "clip"))
    with pytest.raises(BadUsage, match="neither"):
        describe("ffmpeg", device="gopher://x")
