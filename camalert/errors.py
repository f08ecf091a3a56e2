"""One tree of exceptions; each carries the sysexits code its command ends with.

The message reads ``thing: reason`` and, where there is one, ``; next step``: the command line puts
the tool's name in front and prints it as one line.
"""


class CamalertError(Exception):
    """Base of all errors a user may see. `code` is the exit status (sysexits.h)."""

    code = 70

    def __init__(self, thing: str, reason: str, next_step: str | None = None) -> None:
        self.thing, self.reason, self.next_step = thing, reason, next_step
        tail = f"; {next_step}" if next_step else ""
        super().__init__(" ".join(f"{thing}: {reason}{tail}".split()))


class BadUsage(CamalertError):
    """The command line asks for something that cannot be (EX_USAGE)."""

    code = 64


class BadData(CamalertError):
    """The input is not what it should be (EX_DATAERR)."""

    code = 65


class Unavailable(CamalertError):
    """A device, a server or a tool is missing or refuses (EX_UNAVAILABLE)."""

    code = 69


class CannotCreate(CamalertError):
    """An output could not be made: no space, no inode, read-only (EX_CANTCREAT)."""

    code = 73


class StorageFailed(CamalertError):
    """Reading or writing failed half-way (EX_IOERR)."""

    code = 74


class TryAgain(CamalertError):
    """Nothing is lost and a later try may succeed (EX_TEMPFAIL)."""

    code = 75


class NotPermitted(CamalertError):
    """Rights, a refused login, a device of another owner (EX_NOPERM)."""

    code = 77


class BadConfig(CamalertError):
    """The configuration, or a key it needs, is missing or wrong (EX_CONFIG)."""

    code = 78
