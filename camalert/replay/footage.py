"""Footage to be judged: a folder of JPEGs, or a clip that ffmpeg turns into JPEGs.

The one place of this room that starts a program: in a session of its own, killed as a group, and by
the kernel where camalert itself is killed. What comes back is bounded in time and number.
"""

import contextlib
import dataclasses
import functools
import json
import os
import re
import select
import shutil
import signal
import stat
import subprocess
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from fractions import Fraction
from pathlib import Path

from camalert.errors import BadData, BadUsage, NotPermitted, Unavailable

ENDINGS = (".jpg", ".jpeg")
PATIENCE = 30.0
"""Seconds that ffmpeg may be silent; a picture takes it milliseconds."""

MOST_PICTURES = 2_000_000
"""Of one clip: eighteen hours at 30 a second."""

LARGEST = 32 * 1024 * 1024
"""Bytes of one picture of a folder."""

WIDTH = 640
"""Pixels across to which a clip is reduced: eight for each cell of the detector."""

CHUNK = 65536
LAST_WORDS = 4096
Split = Callable[[Iterable[bytes]], Iterator[bytes]]


@dataclasses.dataclass(frozen=True)
class Footage:
    """A clip (one path) or pictures in order; `count` is how many, None where no clip says so."""

    name: str
    rate: float
    count: int | None
    paths: tuple[Path, ...]
    is_clip: bool

    def pictures(self, split: Split, patience: float = PATIENCE) -> Iterator[bytes]:
        """Its JPEGs from the first on; those of a clip are cut apart by `split`.

        A picture of a folder that cannot be read is empty. Raises Unavailable where ffmpeg is
        missing, fails or is silent for `patience` seconds, and BadData for a clip without end
        and, after its last picture, for one that breaks off or is damaged.
        """
        if not self.is_clip:
            yield from map(_read, self.paths)
            return
        with contextlib.closing(_decoded(self.paths[0], patience)) as chunks:
            for n, picture in enumerate(split(chunks)):
                if n >= MOST_PICTURES:
                    raise BadData(self.name, f"more than {MOST_PICTURES} pictures", "cut it")
                yield picture


def find(paths: Sequence[Path], rate: float | None) -> list[Footage]:
    """The footage that `paths` name: a folder and a clip each by itself, JPEGs together.

    `rate` is of the pictures in a second; None: as the clip says, and one of a folder. Raises
    BadUsage for what is not there, BadData for what holds no pictures, NotPermitted, Unavailable.
    """
    found = []
    if loose := tuple(path for path in paths if path.suffix.lower() in ENDINGS):
        found.append(Footage(f"{len(loose)} pictures", rate or 1.0, len(loose), loose, False))
    for path in paths:
        if path.is_dir():
            found.append(_folder(path, rate))
        elif path not in loose:
            found.append(_clip(path, rate))
    return found


def _folder(path: Path, rate: float | None) -> Footage:
    try:
        inside = sorted(item for item in path.iterdir() if item.suffix.lower() in ENDINGS)
    except PermissionError:
        raise NotPermitted(str(path), "may not be read") from None
    if not inside:
        raise BadData(str(path), "no JPEG in the folder")
    return Footage(str(path), rate or 1.0, len(inside), tuple(inside), False)


def _clip(path: Path, rate: float | None) -> Footage:
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise BadUsage(str(path), "is neither a file nor a folder")
        path.open("rb").close()
    except PermissionError:
        raise NotPermitted(str(path), "may not be read") from None
    except OSError as error:
        raise BadUsage(str(path), error.strerror or str(error)) from None
    command = ["ffprobe", "-v", "error", "-protocol_whitelist", "file", "-select_streams", "v:0"]
    command += ["-show_entries", "stream=avg_frame_rate,r_frame_rate,nb_frames:format=duration"]
    command += ["-of", "json", "-i", f"file:{path}"]
    words = bytearray()
    try:
        said = b"".join(_run(command, str(path), PATIENCE, words))
    except Unavailable:
        if not words:
            raise
        reason = _said(words, str(path))[0]
        raise BadData(str(path), f"is no clip that ffmpeg can read: {reason}") from None
    try:
        stream = json.loads(said)["streams"][0]
    except (ValueError, LookupError):
        raise BadData(str(path), "no clip: there is no video in it") from None
    own = _number(stream.get("avg_frame_rate")) or _number(stream.get("r_frame_rate"))
    count = int(_number(stream.get("nb_frames"))) or None
    return Footage(str(path), rate or own or 25.0, count, (path,), True)


def _number(text: object) -> float:
    """ffprobe's 179/6, 25 or N/A; 0 for what is none."""
    try:
        return float(Fraction(str(text)))
    except (ValueError, ZeroDivisionError):
        return 0.0


def _read(path: Path) -> bytes:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as stream:
            fits = stat.S_ISREG(os.fstat(descriptor).st_mode)
            size = os.fstat(descriptor).st_size
            return stream.read(LARGEST) if fits and size <= LARGEST else b""
    except OSError:
        return b""


def _decoded(path: Path, patience: float) -> Generator[bytes, None, None]:
    """All pictures of a clip as MJPEG, none doubled or left out."""
    command = ["ffmpeg", "-nostdin", "-hide_banner", "-loglevel", "error"]
    command += ["-protocol_whitelist", "file", "-i", f"file:{path}", "-map", "0:v:0", "-an", "-sn"]
    command += ["-vf", f"scale=w='min({WIDTH},iw)':h=-2,format=yuvj420p"]
    command += ["-fps_mode", "passthrough", "-q:v", "2", "-f", "mjpeg", "pipe:1"]
    words = bytearray()
    yield from _run(command, str(path), patience, words)
    if said := _said(words, str(path)):
        raise BadData(str(path), f"breaks off or is damaged: {said[-1]}")


def _run(
    command: Sequence[str], name: str, patience: float, words: bytearray
) -> Generator[bytes, None, None]:
    """The output of `command` as it comes; it is ended with this iterator, however that ends.

    The last that it says on standard error goes to `words`. Raises Unavailable where the
    program is missing, silent, or fails.
    """
    if shutil.which(command[0]) is None:
        raise Unavailable(name, f"{command[0]} is not installed", "apt install ffmpeg")
    process = subprocess.Popen(
        [*_guard(), *command],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
        env={**os.environ, "LC_ALL": "C"},
    )
    assert process.stdout and process.stderr
    try:
        yield from _listen(process, words, name, command[0], patience)
        status = process.wait(patience)
    except subprocess.TimeoutExpired:
        raise Unavailable(name, f"{command[0]} does not end; killed") from None
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        process.stdout.close()
        process.stderr.close()
    if status:
        raise Unavailable(name, f"{command[0]}: {_reason(words, name, status)}")


def _listen(
    process: "subprocess.Popen[bytes]", words: bytearray, name: str, tool: str, patience: float
) -> Iterator[bytes]:
    """What comes on standard output until its end; the last of standard error goes to `words`."""
    assert process.stdout and process.stderr
    output, errors = process.stdout.fileno(), process.stderr.fileno()
    poll = select.poll()
    poll.register(output, select.POLLIN)
    poll.register(errors, select.POLLIN)
    heard = True
    while heard:
        ready = dict(poll.poll(patience * 1000))
        if not ready:
            raise Unavailable(name, f"{tool} was silent for {patience:g} s; killed")
        if errors in ready:
            if chunk := os.read(errors, CHUNK):
                words += chunk
                del words[:-LAST_WORDS]
            else:
                poll.unregister(errors)
        if output in ready and (heard := bool(chunk := os.read(output, CHUNK))):
            yield chunk


@functools.cache
def _guard() -> tuple[str, ...]:
    """What kills the child when its parent is killed and can no longer see to it."""
    setpriv = shutil.which("setpriv")
    return (setpriv, "--pdeathsig", "KILL", "--") if setpriv else ()


def _reason(words: bytearray, name: str, status: int) -> str:
    """The last line of what the program said, else how it ended."""
    if said := _said(words, name):
        return said[-1]
    return f"killed by signal {-status}" if status < 0 else f"exit status {status}"


def _said(words: bytearray, name: str) -> list[str]:
    """The lines of `words`, short, without colours, what part of ffmpeg says it, and the file."""
    text = re.sub(r"\x1b\[[0-9;]*m", "", words.decode("utf-8", "replace"))
    text = re.sub(r"(?m)^\[[^]]* @ 0x[0-9a-f]+\] *", "", text).replace(f"file:{name}: ", "")
    return [line.strip()[:200] for line in text.splitlines() if line.strip()]
