"""`python -m camalert`: list the commands, each with the first sentence of its help; --version."""

import ast
import os
import signal
import sys
import textwrap
from importlib.metadata import distribution
from pathlib import Path

LINES = {
    "alarm-line": "Run the line, always on; camalert alarm-line --help tells more.",
    "camera-line": "Run a camera as a sensor of the line, always on.",
}
"""Commands that are scripts of the shell, and what they are for."""

WIDTH, INDENT = 80, 21


def _purpose(module: str) -> str:
    """The first sentence of the command's help, read without importing the command."""
    path = Path(__file__).with_name("commands") / f"{module.rpartition('.')[2]}.py"
    tree = ast.parse(path.read_text(encoding="utf-8"))
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    help_text = next(ast.get_docstring(node) or "" for node in functions if node.name == "main")
    first, *more = " ".join(help_text.split("\n\n")[0].split()).split(". ")
    return f"{first}." if more else first


def main() -> None:
    """Print every command with its purpose."""
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    try:
        _show()
        sys.stdout.flush()
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # else Python tries again when it ends
        print(f"camalert: output: {error.strerror}", file=sys.stderr)
        sys.exit(os.EX_IOERR)


def _show() -> None:
    installed = distribution("camalert")
    if "--version" in sys.argv:
        print(f"camalert {installed.version}")
        return
    points = installed.entry_points.select(group="console_scripts")
    print("camalert COMMAND [ARGUMENT ...], with one of these commands:\n")
    purposes = LINES | {point.name: _purpose(point.module) for point in points}
    for name, purpose in sorted(purposes.items()):
        first = f"  {name:{INDENT - 3}} "
        print(textwrap.fill(first + purpose, WIDTH, subsequent_indent=" " * INDENT))
    print("\nExample:\n  camalert snap --help")


if __name__ == "__main__":
    main()
