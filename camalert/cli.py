"""What every command shares: options, exit codes, what a user is told; records in and out.

A command imports click and this module at its top and everything else inside its function, so that
`--help` and `--version` stay quick on the smallest board.
"""

import contextlib
import gc
import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import click

from camalert.errors import BadUsage, CamalertError, NotPermitted, StorageFailed, TryAgain
from camalert.lock import hold_lock, is_held

if TYPE_CHECKING:
    from pathlib import Path

    from camalert.config import Config
    from camalert.line import (
        RecordLine,
        input_expected,
        log,
        open_fifo,
        peek,
        read_all,
        stage,
        write_all,
    )
    from camalert.records import Record

__all__ = [
    "Number",
    "RecordLine",
    "Settings",
    "Whole",
    "command",
    "group",
    "hold_lock",
    "input_expected",
    "is_held",
    "log",
    "open_fifo",
    "peek",
    "post",
    "read_all",
    "sibling",
    "stage",
    "write_all",
]


def __getattr__(name: str) -> Any:
    """What camalert.line has, as `cli.RecordLine`; loaded at the first use, so not for --help."""
    if name not in __all__:
        raise AttributeError(f"module 'camalert.cli' has no attribute {name!r}")
    from camalert import line

    return getattr(line, name)


_Function = TypeVar("_Function", bound=Callable[..., Any])


class _PathType(click.ParamType):  # type: ignore[type-arg]  # not generic before 8.2
    """An argument that is a path. As click.Path, but loads pathlib only for a value."""

    name = "path"

    def convert(self, value: Any, *_: Any) -> "Path":
        from pathlib import Path

        return Path(value)


PATH = _PathType()


class _RegionType(click.ParamType):  # type: ignore[type-arg]
    """A part of a picture, as camalert.regions has it; the text itself is the value."""

    name = "region"

    def convert(self, value: Any, *context: Any) -> str:
        from camalert import regions

        try:
            regions.parse(value)
        except ValueError as error:
            self.fail(str(error), *context)
        return str(value)


REGION = _RegionType()


class Number(click.FloatRange):
    """An option that is a number. As click.FloatRange, which calls it a float range."""

    name = "number"


class Whole(click.IntRange):
    """An option that is a whole number."""

    name = "whole number"


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
        from camalert import config_file

        path = self._config.source if self._config else config_file.locate(self.option)
        stamp = config_file.stamp(path) if path else None
        if self._config is None or (stamp and stamp != self._stamp):
            try:
                self._config = config_file.load(path)
            except CamalertError as error:
                if self._config is None:
                    raise
                from camalert.diagnostics import log

                log.error("%s; the config read before stays in force", error)
            self._stamp = stamp
        return self._config


class _Sysexits(click.Command):
    """A click command whose `main` knows sysexits codes and says an error in one line."""

    def main(  # type: ignore[override]
        self, args: Sequence[str] | None = None, prog_name: str | None = None, **extra: Any
    ) -> NoReturn:
        name = prog_name or sys.argv[0].rpartition("/")[2]
        words = sys.argv[1:] if args is None else list(args)
        run(self.ready(name, words, **extra))

    def ready(self, name: str, words: list[str], **extra: Any) -> click.Context:
        """The command with its arguments read, to `run`. Exits where they are wrong.

        `extra` goes to click; `obj` are Settings to use instead of those of the options.
        """
        with _sysexits(name):
            return self.make_context(name, words, **extra)


def run(context: click.Context) -> NoReturn:
    """Run the command that is `ready`, and exit."""
    gc.set_threshold(2_000)  # as Python has it from 3.13 on
    # Not click's own main: it ends with 1 where the reader of the output is gone.
    with _sysexits(context.info_name or ""), context:
        context.command.invoke(context)
        sys.stdout.flush()
    sys.exit(0)


@contextlib.contextmanager
def _sysexits(name: str) -> Iterator[None]:
    """End with the exit code of what is raised within, said in one line in the name of `name`."""
    try:
        yield
    except click.exceptions.Exit as done:
        sys.exit(done.exit_code)
    except click.ClickException as error:
        reason = error.format_message().rstrip(".")
        _fail(name, f"{reason}; try camalert {name} --help", BadUsage.code)
    except (click.Abort, KeyboardInterrupt):
        _die_of(signal.SIGINT)
    except BrokenPipeError:
        _die_of(signal.SIGPIPE)
    except CamalertError as error:
        _fail(name, str(error), error.code)
    except OSError as error:
        code = NotPermitted.code if isinstance(error, PermissionError) else StorageFailed.code
        _fail(name, f"{error.filename or 'output'}: {error.strerror or error}", code)
    except Exception as error:
        reason = f"{type(error).__name__}: {error}; --debug shows where"
        _fail(name, reason, CamalertError.code)


class Command(_Sysexits):
    """A command of its own."""


class Group(_Sysexits, click.Group):
    """A command with subcommands, e.g. keyring."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Show the help where no subcommand is named: click versions differ in how."""
        if not args and self.no_args_is_help:
            click.echo(self.get_help(ctx), err=True)
            ctx.exit(BadUsage.code)
        return super().parse_args(ctx, args)


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
    settings = {"help_option_names": ["-h", "--help"], "terminal_width": _width()}
    return {"context_settings": settings, "epilog": epilog}


def _width() -> int:
    """Columns for the help. click would ask shutil, which is slow to load."""
    try:
        return min(int(os.environ.get("COLUMNS") or os.get_terminal_size(1).columns), 80) - 2
    except (OSError, ValueError):
        return 78


def _with_settings(function: _Function) -> _Function:
    def run(context: click.Context, /, config: str | None, debug: bool, **options: Any) -> Any:
        from camalert.diagnostics import to_stderr

        to_stderr(context.find_root().info_name or "", debug)
        context.obj = context.obj or Settings(config, debug)
        return function(context.obj, **options)

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


def _version(context: click.Context, _option: click.Parameter, wanted: bool) -> None:
    """Show the version and exit."""
    if wanted:
        from importlib.metadata import version

        click.echo(f"{context.info_name} (camalert) {version('camalert')}")
        context.exit()


def _fail(name: str, message: str, code: int) -> NoReturn:
    from camalert.diagnostics import log, to_stderr

    if not log.handlers:
        to_stderr(name, debug=False)
    log.error("%s", message)
    log.debug("where it happened:", exc_info=True)
    try:
        sys.stdout.flush()
    except OSError:
        _drop_output()
    sys.exit(code)


def _drop_output() -> None:
    """Point stdout at /dev/null: what could not be written is not tried again at the end."""
    with contextlib.suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


def _die_of(number: signal.Signals) -> NoReturn:
    """End as a plain Unix filter would, so that the shell sees which signal it was."""
    _drop_output()
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)
    sys.exit(128 + number)


def sibling(name: str) -> "Path":
    """The script of the command `name`, which lies beside the running one."""
    from pathlib import Path

    return Path(sys.argv[0]).resolve().with_name(name)


def sensor_line(
    settings: Settings, to_line: bool, to: "Path | None", head: bytes | None = None
) -> "RecordLine":
    """Where a sensor writes: the alarm line's FIFO, the FIFO `to`, or standard output.

    With `head` (what was peeked of it, or b"") it reads records from standard input, too.
    """
    from camalert.line import RecordLine

    ways: dict[str, Any] = {"reads": head is not None, "head": head or b"", "to": to}
    if to_line:
        run = settings.config.folder("run")
        ways |= {"to": run / "events", "reader": run / "alarm-panel.lock"}
    return RecordLine(**ways)


def post(settings: Settings, record: "Record") -> bool:
    """Put `record` into the FIFO of the running line; False where no line runs.

    Raises TryAgain when the line does not read and its FIFO is full.
    """
    run = settings.config.folder("run")
    if not is_held(run / "alarm-panel.lock"):
        return False
    from camalert.line import RecordLine

    line = RecordLine(reads=False, to=run / "events")
    line.write(record)
    if line.waiting:
        raise TryAgain(str(run / "events"), "is full: the line does not read", "camalert doctor")
    return True
