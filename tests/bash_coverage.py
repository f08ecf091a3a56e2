"""Coverage of the scripts in bin/ and of the Python in one report, printed; run by bin/test.

trace.sh has every script write the lines that it runs to a file in $BASH_TRACES. The one argument
is the floor: ends with 2 where less percent are covered.
"""

import os
import re
import sys
from pathlib import Path

import coverage
from coverage.plugin import CoveragePlugin, FileReporter

BIN = Path(__file__).resolve().parents[1] / "bin"
TRACED = re.compile(r"^\++ line (\d+): ", re.MULTILINE)
NO_COMMAND = re.compile(r"(#.*|fi|done|esac|then|do|else|;;|\}|\)|[\w-]+\(\) \{|[^ ()]+\)|)")
CONTINUED = re.compile(r"(\\|\||&&|=\()$")
HERE_DOCUMENT = re.compile(r"<<'?(\w+)'?$")


class Bash(CoveragePlugin):
    """Tells coverage.py which lines of a bash script are commands, by the look of them."""

    def file_reporter(self, filename: str) -> FileReporter:
        return Script(filename)


class Script(FileReporter):
    def lines(self) -> set[int]:
        commands, continued, until = set(), False, None
        for number, line in enumerate(self.source().splitlines(), 1):
            if until:
                until = None if line == until else until
                continue
            if not continued and not NO_COMMAND.fullmatch(line.strip()):
                commands.add(number)
            continued = bool(CONTINUED.search(line))
            if document := HERE_DOCUMENT.search(line):
                until = document[1]
        return commands


def traced(folder: Path, script: str) -> set[int]:
    """The lines of `script` that any of its runs reached."""
    traces = (path.read_text(errors="replace") for path in folder.glob(f"{script}.*"))
    return {int(line) for trace in traces for line in TRACED.findall(trace)}


def main() -> None:
    project = coverage.Coverage(plugins=[lambda plugins: plugins.add_file_tracer(Bash())])
    project.combine()
    bash = coverage.CoverageData(suffix="bash")
    for script in sorted(BIN.iterdir()):
        lines = traced(Path(os.environ["BASH_TRACES"]), script.name) & Script(str(script)).lines()
        bash.add_arcs({str(script): {(line, line) for line in lines}})
        bash.add_file_tracers({str(script): "None.Bash"})
    project.get_data().update(bash)
    total = project.report(show_missing=True, skip_covered=True)
    sys.exit(2 if total < float(sys.argv[1]) else 0)


if __name__ == "__main__":
    main()
