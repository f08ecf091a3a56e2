"""What every command shares: options, exit codes, signals, records in and out.

A command imports click and this module at its top and everything else inside its function, so that
`--help` and `--version` stay quick on the smallest board.
"""

import collections
import contextlib
import fcntl
import logging
import os
import select
import signal
import stat
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import click

from camalert.errors import BadData, BadUsage, CamalertError, CannotCreate, StorageFailed, TryAgain

if TYPE_CHECKING:
    from camalert.config import Config
    from camalert.records import Record

log = logging.getLogger("camalert")

DRAIN = 10.0
"""Seconds that a stage goes on reading what is still in the pipe after SIGTERM."""

CHUNK = 65536
BACKLOG = 256
"""Records kept for a FIFO that is full; the oldest go first."""

_Function = TypeVar("_Function", bound=Callable[..., Any])


class Settings:
    """The common options, and the config they name: read when asked for, again when it changed."""

    def __init__(self, option: str | None, debug: bool) -> None:
        self.option, self.debug = option, debug
        self._config: Config | None = None
        self._stamp: tuple[int, int, int] | None = None

    @property
    def config(self) -> "Config":
        """The config in force; a file that has become wrong is said, and the last good one kept.

        Raises BadConfig when there is no good one yet.
        """
        from camalert import config

        path = self._config.source if self._config else config.locate(self.option)
        stamp = _stamp(path)
        if self._config is None or (stamp and stamp != self._stamp):
            try:
                self._config = config.load(path)
            except CamalertError as error:
                if self._config is None:
                    raise
                log.error("%s; the config read before stays in force", error)
            self._stamp = stamp
        return self._config


def _stamp(path: Path | None) -> tuple[int, int, int] | None:
    try:
        status = path.stat() if path else None
    except OSError:
        return None
    return (status.st_ino, status.st_mtime_ns, status.st_size) if status else None


class _Sysexits:
    """The `main` of a click command with sysexits codes and one line for an error."""

    def main(self, *args: Any, **extra: Any) -> NoReturn:
        name = Path(sys.argv[0]).name
        _log_to_stderr(name)
        try:
            super().main(*args, prog_name=name, standalone_mode=False, **extra)  # type: ignore[misc]
            sys.stdout.flush()
            sys.exit(0)
        except click.exceptions.Exit as done:
            sys.exit(done.exit_code)
        except click.ClickException as error:
            _fail(f"{error.format_message()}; try {name} --help", BadUsage.code)
        except (click.Abort, KeyboardInterrupt):
            _die_of(signal.SIGINT)
        except BrokenPipeError:
            _die_of(signal.SIGPIPE)
        except CamalertError as error:
            _fail(str(error), error.code)
        except OSError as error:
            _fail(f"{error.filename or 'output'}: {error.strerror or error}", StorageFailed.code)
        except Exception as error:
            _fail(f"{type(error).__name__}: {error}; --debug shows where", CamalertError.code)


class Command(_Sysexits, click.Command):
    """A command of its own."""


class Group(_Sysexits, click.Group):
    """A command with subcommands, e.g. keyring."""


def command(*, example: str) -> Callable[[_Function], click.Command]:
    """Make a function a command: common options, and `example` at the end of its help.

    The function's first argument is the `Settings`.
    """
    return lambda function: click.command(cls=Command, **_layout(example))(_with_settings(function))


def group(*, example: str, **attributes: Any) -> Callable[[_Function], click.Group]:
    """The same for a command with subcommands; these take the Settings by `@click.pass_obj`.

    `attributes` go to click, e.g. `invoke_without_command=True`.
    """

    def decorate(function: _Function) -> click.Group:
        return click.group(cls=Group, **_layout(example), **attributes)(_with_settings(function))

    return decorate


def _layout(example: str) -> dict[str, Any]:
    epilog = "\b\nExample:\n" + "\n".join(f"  {line}" for line in example.splitlines())
    return {"context_settings": {"help_option_names": ["-h", "--help"]}, "epilog": epilog}


def _with_settings(function: _Function) -> _Function:
    def run(context: click.Context, /, config: str | None, debug: bool, **options: Any) -> Any:
        if debug:
            log.setLevel(logging.DEBUG)
            sys.excepthook = sys.__excepthook__
        context.obj = Settings(config, debug)
        return _traced(function, debug)(context.obj, **options)

    run.__name__, run.__doc__ = function.__name__, function.__doc__
    run.__click_params__ = getattr(function, "__click_params__", [])  # type: ignore[attr-defined]
    for option in (
        click.option("--config", metavar="FILE", help="Read this config file."),
        click.option("--debug", is_flag=True, help="Say more, with tracebacks."),
        click.option(
            "--version", is_flag=True, is_eager=True, expose_value=False, callback=_version
        ),
    ):
        run = option(run)
    return click.pass_context(run)  # type: ignore[return-value]


def _traced(function: _Function, debug: bool) -> Callable[..., Any]:
    def run(*args: Any, **options: Any) -> Any:
        try:
            return function(*args, **options)
        except Exception:
            log.debug("where it happened:", exc_info=True)
            raise

    return run if debug else function


def _version(context: click.Context, _option: click.Parameter, wanted: bool) -> None:
    """Show the version and exit."""
    if wanted:
        from importlib.metadata import version

        click.echo(f"{context.info_name} (camalert) {version('camalert')}")
        context.exit()


def _log_to_stderr(name: str) -> None:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_OneLine(f"{name}: %(message)s"))
    log.addHandler(handler)
    log.setLevel(logging.INFO)


class _OneLine(logging.Formatter):
    """`tool: thing: reason`; under the journal with the priority it reads (`<3>`)."""

    def format(self, record: logging.LogRecord) -> str:
        text = super().format(record)
        if not record.exc_info:
            text = " ".join(text.split())
        level = {"DEBUG": 7, "INFO": 6, "WARNING": 4, "ERROR": 3}.get(record.levelname, 2)
        return f"<{level}>{text}" if _to_journal() else text


def _to_journal() -> bool:
    try:
        status = os.fstat(2)
    except OSError:
        return False
    return os.environ.get("JOURNAL_STREAM") == f"{status.st_dev}:{status.st_ino}"


def _fail(message: str, code: int) -> NoReturn:
    log.error("%s", message)
    sys.exit(code)


def _die_of(number: signal.Signals) -> NoReturn:
    """End as a plain Unix filter would, so that the shell sees which signal it was."""
    with contextlib.suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)
    sys.exit(128 + number)


def input_expected(what: str) -> None:
    """Refuse to wait for data on a terminal, where nobody would know what for.

    Raises BadUsage (exit 64) that says `what` was expected.
    """
    if os.isatty(0):
        raise BadUsage(
            "standard input", f"is a terminal, and {what} is expected there", "see --help"
        )


def peek() -> bytes:
    """The first bytes of standard input, at least one of them not white space; b"" at its end."""
    head = b""
    while not head.strip():
        chunk = os.read(0, CHUNK)
        if not chunk:
            return b""
        head += chunk
    return head


def read_all(head: bytes, limit: int) -> bytes:
    """Standard input up to its end, with `head` before it. Raises BadData above `limit` bytes."""
    parts, size = [head], len(head)
    while chunk := os.read(0, CHUNK):
        size += len(chunk)
        if size > limit:
            raise BadData("standard input", f"longer than {limit} bytes")
        parts.append(chunk)
    return b"".join(parts)


def write_all(data: bytes) -> None:
    """All of `data` to standard output. Raises StorageFailed where it takes no more (disk full)."""
    view = memoryview(data)
    while view:
        try:
            view = view[os.write(1, view) :]
        except BrokenPipeError:
            raise
        except OSError as error:
            raise StorageFailed("standard output", error.strerror or str(error)) from None


def open_fifo(path: Path) -> int:
    """The FIFO at `path`, made (0600) where it is missing, opened to read and write.

    Read-write, so that it outlives every single reader and writer. Raises CannotCreate.
    """
    try:
        with contextlib.suppress(FileExistsError):
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            os.mkfifo(path, 0o600)
        descriptor = os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError as error:
        raise CannotCreate(str(path), error.strerror or str(error)) from None
    if not stat.S_ISFIFO(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise CannotCreate(str(path), "is there and no FIFO", "remove it")
    return descriptor


def hold_lock(path: Path, what: str) -> int:
    """Take the lock file `path` for as long as this process lives; its descriptor.

    Raises TryAgain (exit 75) where another process has it: `what` says which one that would be.
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise TryAgain(str(path), f"is held: another {what} runs") from None
    return descriptor


def is_held(path: Path) -> bool:
    """Whether some process holds the lock file `path`."""
    try:
        os.close(hold_lock(path, ""))
    except TryAgain:
        return True
    return False


def sibling(name: str) -> Path:
    """The script of the command `name`, which lies beside the running one."""
    return Path(sys.argv[0]).resolve().with_name(name)


def post(settings: Settings, record: "Record") -> bool:
    """Put `record` into the FIFO of the running line; False where no line runs."""
    run = settings.config.folder("run")
    if not is_held(run / "alarm-panel.lock"):
        return False
    RecordLine(reads=False, to=run / "events").write(record)
    return True


class RecordLine:
    """Records in and out: the loop of every stage of the line.

    `listen` reads a FIFO instead of standard input; `to` writes to one instead of standard output,
    without ever blocking. A stage with `reads=False` (a sensor) only writes. `head` is what was
    peeked from standard input.
    """

    def __init__(
        self,
        *,
        listen: Path | None = None,
        to: Path | None = None,
        reads: bool = True,
        head: bytes = b"",
    ) -> None:
        self.first = not reads or listen is not None
        self._input = open_fifo(listen) if listen else 0 if reads else -1
        self._output = open_fifo(to) if to else 1
        self._waits = to is None
        self._backlog: collections.deque[bytes] = collections.deque()
        self._dropped = 0
        self._buffer, self._overlong = bytearray(head), False
        self.accepted = self.rejected = 0
        self._signalled: float | None = None

    def write(self, record: "Record") -> None:
        """Pass `record` on, flushed. To a FIFO that is full it is kept and tried again."""
        from camalert.records import encode

        line = encode(record)
        if self._waits:
            write_all(line)
            return
        self._backlog.append(line)
        self._flush()

    def _flush(self) -> None:
        while self._backlog:
            try:
                os.write(self._output, self._backlog[0])
            except BlockingIOError:
                break
            self._backlog.popleft()
        while len(self._backlog) > BACKLOG:
            self._backlog.popleft()
            self._dropped += 1
            if self._dropped & (self._dropped - 1) == 0:
                log.warning("nobody reads the FIFO; %d records dropped so far", self._dropped)

    def records(self, **waiting: Any) -> Iterator["Record | None"]:
        """Every record as it comes, and None whenever `batches` yields none; see there."""
        for batch in self.batches(**waiting):
            if not batch:
                yield None
            yield from batch

    def batches(
        self,
        *,
        wake: int | None = None,
        timeout: Callable[[], float | None] = lambda: None,
    ) -> Iterator[list["Record"]]:
        """All the records that one read brought; an empty list when `wake` is readable or after
        `timeout()` seconds.

        Ends at the end of input; when the reader of the output is gone (as by SIGPIPE); on SIGTERM
        or SIGINT: at once for a first stage, for others when the pipe has run dry, `DRAIN` seconds
        at most. A line that is no record is said, counted in `rejected` and skipped. Raises BadData
        at the end of input when all there was were such lines.
        """
        with self._signals() as signals:
            poll = select.poll()
            for descriptor in (self._input, wake, signals):
                if descriptor is not None and descriptor >= 0:
                    poll.register(descriptor, select.POLLIN)
            if self._waits:
                poll.register(self._output, 0)
            if batch := self._complete_lines():
                yield batch
            while True:
                ready = dict(poll.poll(self._patience(timeout())))
                if self._waits and ready.get(self._output, 0) & (select.POLLERR | select.POLLNVAL):
                    raise BrokenPipeError
                if signals in ready:
                    os.read(signals, 64)
                    self._signalled = self._signalled or time.monotonic()
                self._flush()
                if self._stop():
                    return
                if self._input in ready:
                    if not self._fill():
                        break
                    if batch := self._complete_lines():
                        yield batch
                if not ready or wake in ready:
                    yield []
        if self._buffer and (batch := self._complete_lines(b"\n")):
            yield batch
        if self.rejected and not self.accepted:
            raise BadData("standard input", "holds no record")

    def _patience(self, timeout: float | None) -> float | None:
        limits = [timeout] if timeout is not None else []
        if self._signalled is not None:
            limits.append(self._signalled + DRAIN - time.monotonic())
        if self._backlog:
            limits.append(0.2)
        return max(0.0, min(limits)) * 1000 if limits else None

    def _stop(self) -> bool:
        if self._signalled is None:
            return False
        return self.first or time.monotonic() >= self._signalled + DRAIN

    def _fill(self) -> bool:
        try:
            chunk = os.read(self._input, CHUNK)
        except BlockingIOError:
            return True
        self._buffer += chunk
        return bool(chunk)

    def _complete_lines(self, end: bytes = b"") -> list["Record"]:
        from camalert.records import LONGEST, decode

        *lines, rest = bytes(self._buffer + end).split(b"\n")
        batch = []
        for line in lines:
            overlong, self._overlong = self._overlong, False
            if overlong or not line.strip():
                continue
            try:
                batch.append(decode(line))
            except BadData as error:
                self._reject(error)
        self.accepted += len(batch)
        self._buffer = bytearray(rest)
        if len(rest) > LONGEST:
            if not self._overlong:
                self._reject(BadData("record", f"longer than {LONGEST} bytes"))
            self._overlong, self._buffer = True, bytearray()
        return batch

    def _reject(self, error: BadData) -> None:
        self.rejected += 1
        log.error("%s; skipped", error)

    @contextlib.contextmanager
    def _signals(self) -> Iterator[int]:
        """SIGTERM and SIGINT turned into a readable descriptor for as long as the loop runs."""
        reader, writer = os.pipe()
        os.set_blocking(writer, False)
        before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
        for number in before:
            signal.signal(number, lambda *_: None)
        wakeup = signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
        try:
            yield reader
        finally:
            signal.set_wakeup_fd(wakeup)
            for number, handler in before.items():
                signal.signal(number, handler)
            os.close(reader)
            os.close(writer)


def stage(
    line: RecordLine, handle: Callable[["Record"], Iterator["Record"]], **waiting: Any
) -> None:
    """Run `handle` over every record and pass on what it yields.

    A record whose handling fails is passed on with `error` added, so one bad record never stops
    those behind it.
    """
    import dataclasses

    for record in line.records(**waiting):
        if record is None:
            continue
        try:
            for answer in handle(record):
                line.write(answer)
        except (CamalertError, ValueError, LookupError, TypeError, ArithmeticError) as error:
            log.error("%s", error, exc_info=log.isEnabledFor(logging.DEBUG))
            line.write(dataclasses.replace(record, error=f"{error}"[:200]))
