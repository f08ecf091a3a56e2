"""bin/bench: the line's figures, as ratios within one run. Each pair is measured side by side."""

import compileall
import contextlib
import dataclasses
import functools
import os
import select
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from stand import BIN, COOLDOWN, STAGES, Mailbox, Output, Stand, cpu_seconds, pss_megabytes

import camalert

ROUNDS = 7
PICTURE = 200_000
ANCESTOR = {"text": 0.17, "last": 0.68, "cpu": 0.72}
"""Seconds that the oldest ancestor of this system, a shell script around gpg, took for the same
alarm on the machine where camalert was made; it is not here to be measured again."""


@dataclasses.dataclass(frozen=True)
class Row:
    """One line of the table: `ours` against `theirs`, pair by pair; or a figure by itself."""

    what: str
    ours: list[float]
    unit: str
    against: str = ""
    theirs: list[float] = dataclasses.field(default_factory=list)
    target: float | None = None

    def text(self) -> str:
        figure = f"{self.what:44} {_spread(self.ours):>26} {self.unit}"
        if not self.theirs:
            return f"{figure}{'':62}{self._verdict(statistics.median(self.ours))}"
        ratios = [ours / theirs for ours, theirs in zip(self.ours, self.theirs, strict=True)]
        against = f"{self.against}: {_spread(self.theirs)} {self.unit}"
        return f"{figure}  {against:58}{_spread(ratios)}{self._verdict(statistics.median(ratios))}"

    def _verdict(self, figure: float) -> str:
        if self.target is None:
            return ""
        return f"  target {self.target:.3g}: {'ok' if figure <= self.target else 'OVER'}"


def _spread(values: list[float]) -> str:
    middle, low, high = statistics.median(values), min(values), max(values)
    digits = 1 if middle >= 10 else 3 if middle < 1 else 2
    if len(values) == 1:
        return f"{middle:.{digits}f}"
    return f"{middle:.{digits}f} ({low:.{digits}f} to {high:.{digits}f})"


def rounds(what: str, number: int = ROUNDS) -> Iterator[int]:
    """Counts the rounds of a measurement, shown where a person watches."""
    for n in range(number):
        if sys.stderr.isatty():
            print(f"\r\033[Kbench: {what} {n + 1}/{number}", end="", file=sys.stderr, flush=True)
        yield n
    if sys.stderr.isatty():
        print("\r\033[K", end="", file=sys.stderr, flush=True)


def timed(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return (time.perf_counter() - start) * 1000


# line: edge to the text message in the spool


def line() -> Iterator[Row]:
    always, fresh, alone = [], [], []
    with Stand() as stand, Stand() as fresh_stand, Stand() as bare_stand:
        for each in (stand, fresh_stand, bare_stand):
            each.meet_owner()
        with stand.line() as output, bare_line(bare_stand) as edge_to_spool:
            for _ in rounds("edge to spool"):
                time.sleep(
                    COOLDOWN
                )  # eight processes that end are not to be in the way of the line
                edge, spooled = stand.alarm(output)
                always.append((spooled - edge) * 1000)
                alone.append(edge_to_spool())
                fresh.append(_fresh(fresh_stand))
    what = "edge to text in the spool, the line"
    yield Row(what, always, "ms", "eight fresh processes", fresh, 0.1)
    yield Row(what, always, "ms", "its work in one process", alone, 1.3)


def _fresh(stand: Stand) -> float:
    """The same by a pipeline that is started when the PIRs see movement. Milliseconds."""
    start = stand.trip()
    process = stand.start("bash", "-c", " | ".join(("watch-pir", *STAGES)))
    spooled = Output(process, stand.folder / "log").until("message.spooled", part="text")
    stand.end(process)
    for note in stand.folder.glob("spool/notes/*.*"):
        note.unlink()
    return (spooled - start) * 1000


@contextlib.contextmanager
def bare_line(stand: Stand) -> Iterator[Callable[[], float]]:
    """What the stages do for an alarm's text, called one after the other in this process."""
    names = ("CAMALERT_CONFIG", "CAMALERT_BOARD", "GPIOZERO_PIN_FACTORY")
    os.environ |= {name: stand.environment[name] for name in names}
    from camalert.alarm.control_unit import ControlUnit
    from camalert.alarm.notes import Notes
    from camalert.cli import Settings
    from camalert.commands.encrypt_autocrypt import _handled
    from camalert.mail.alerts import Composer
    from camalert.mail.intake import Intake
    from camalert.records import Record, SystemClock
    from camalert.sensing.pins import Pins
    from camalert.sensing.pirs import Pirs
    from camalert.trust import autocrypt
    from camalert.trust.keyring import Keyring

    settings, clock = Settings(str(stand.config), debug=False), SystemClock()
    config = settings.config
    panel = ControlUnit(lambda: settings.config, clock, only_entries=True)
    notes = Notes(config.folder("spool", "notes"))
    composer = Composer(lambda: settings.config, clock, notes.ticked)
    keyring = Keyring(config.folder("state", "keys"))
    autocrypt.warm_up(keyring, config.mail.recipients, datetime.now(UTC))
    intake = Intake(lambda: settings.config, notes, clock)

    def spooled(news: list[Record]) -> bool:
        for record in panel.decide(news):
            for composed in composer.handle(record):
                for kept in intake.handle(_handled(composed, settings, keyring)):
                    if kept.type == "message.spooled":
                        return True
        return False

    with Pins(config.folder("run")) as pins:
        pirs = Pirs(config, pins, clock, 0)

        def edge_to_spool() -> float:
            """Milliseconds."""
            panel.panel.resume(-COOLDOWN - 1)
            edge = stand.trip()
            while not spooled(pirs.news()):
                select.select([pins.wake], [], [], 0.1)
            moment = time.monotonic()
            stand.release()
            time.sleep(0.3)
            pirs.news()
            return (moment - edge) * 1000

        edge_to_spool()
        yield edge_to_spool


# mail: edge to what the provider has accepted


def mail() -> Iterator[Row]:
    mailbox = Mailbox()
    with tempfile.TemporaryDirectory() as folder:
        pictures = tuple(_picture(Path(folder, f"{n}.jpg"), n) for n in (1, 2))
        with Stand(mailbox.port, pictures) as stand:
            stand.meet_owner()
            delivery = stand.start("send-mail", "--flush", "--follow")
            with stand.line() as output:
                _wait(lambda: len(mailbox.accepted) == 6)
                text, last, cpu = [], [], []
                for _ in rounds("edge to provider"):
                    del mailbox.accepted[:]
                    before = sum(map(cpu_seconds, stand.processes))
                    edge, _ = stand.alarm(output)
                    _wait(lambda: len(mailbox.accepted) == 3)
                    cpu.append((sum(map(cpu_seconds, stand.processes)) - before) * 1000)
                    moments = sorted(mailbox.accepted)
                    text.append((moments[0][0] - edge) * 1000)
                    last.append((moments[-1][0] - edge) * 1000)
                memory = {process: pss_megabytes(process) for process in stand.processes}
    for what, ours, key, target in (
        ("edge to text accepted by SMTP", text, "text", 1 / 5),
        ("edge to last of two pictures of 200 kB", last, "last", 1 / 2),
        ("CPU of all that", cpu, "cpu", 1 / 3),
    ):
        yield Row(what, ours, "ms", "ancestor", [ANCESTOR[key] * 1000] * len(ours), target)
    line_alone = sum(size for process, size in memory.items() if process is not delivery)
    yield Row("memory of the line and its sensors, PSS", [line_alone], "MB", target=90)
    yield Row("memory of delivery, PSS", [memory[delivery]], "MB")


def _picture(path: Path, seed: int) -> Path:
    """A JPEG of about 200 kB, different for each seed."""
    from PIL import Image

    noise = Image.effect_noise((320, 180), 20 + seed).resize((1280, 720), Image.Resampling.BICUBIC)
    for quality in range(30, 101):
        noise.convert("RGB").save(path, quality=quality)
        if path.stat().st_size >= PICTURE:
            break
    return path


def _wait(arrived: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not arrived():
        if time.monotonic() > deadline:
            sys.exit("bench: the provider got no mail for a minute")
        time.sleep(0.001)


# help: what a command costs before it does anything


def start() -> Iterator[Row]:
    names = sorted(path.name for path in BIN.iterdir() if path.name in _commands())
    bare: list[float] = []
    helped: dict[str, list[float]] = {name: [] for name in names}
    for _ in rounds("--help", 5):
        bare.append(timed(lambda: _quiet(sys.executable, "-c", "pass")))
        for name in names:
            helped[name].append(timed(functools.partial(_quiet, str(BIN / name), "--help")))
    slowest = max(names, key=lambda name: statistics.median(helped[name]))
    for name in dict.fromkeys(("snap", slowest)):
        which = f"{name} --help{', the slowest' * (name == slowest)}"
        yield Row(which, helped[name], "ms", "python -c pass", bare, 4.2)


def _commands() -> set[str]:
    from importlib.metadata import entry_points

    points = entry_points(group="console_scripts")
    return {point.name for point in points if point.value.startswith("camalert.")}


def _quiet(*command: str) -> None:
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)


# openpgp: sign and encrypt against gpg


def openpgp() -> Iterator[Row]:
    from camalert.mail.compose import Letter, build
    from camalert.trust import autocrypt
    from camalert.trust.keyring import Keyring

    # in /tmp, whatever TMPDIR says: the path of gpg-agent's socket has to be short
    with Stand() as stand, tempfile.TemporaryDirectory(dir="/tmp") as home:
        stand.meet_owner()
        gpg = ["gpg", "--batch", "--quiet", "--homedir", home, "--passphrase", ""]
        for name in ("camera", "owner"):
            _quiet(*gpg, "--quick-generate-key", f"{name}@camalert.example", "future-default")
        keyring, now = Keyring(stand.folder / "state/keys"), datetime.now(UTC)
        readers, _ = keyring.readers(["owner@camalert.example"], now)
        for size in (200_000, 2_000_000):
            letter = Letter("<1@camalert.example>", now, "x", "x", os.urandom(size), "x.jpg")
            plain = build(letter, "camera", "camera@camalert.example", ["owner@camalert.example"])
            path = Path(home, "plain")
            path.write_bytes(plain)
            by_gpg = [
                *gpg,
                "--yes",
                "--trust-model",
                "always",
                "-z",
                "0",
                "--armor",
                "-o",
                f"{path}.asc",
            ]
            by_gpg += ["-r", "owner@camalert.example", "--sign", "--encrypt", str(path)]
            ours, theirs = [], []
            for _ in rounds(f"OpenPGP, {size // 1000} kB", 5):
                seal = functools.partial(
                    autocrypt.seal, plain, keyring.own(), readers.values(), now
                )
                ours.append(timed(seal))
                theirs.append(timed(functools.partial(_quiet, *by_gpg)))
            yield Row(f"sign and encrypt {size // 1000} kB, warm", ours, "ms", "gpg", theirs)
        subprocess.run(["gpgconf", "--homedir", home, "--kill", "all"], check=False)


def ring() -> Iterator[Row]:
    from ring import figures

    return (Row(**figure) for figure in figures(rounds))


def motion() -> Iterator[Row]:
    from motion import figures

    return (Row(**figure) for figure in figures(rounds))


PARTS = {"line": line, "mail": mail, "help": start, "openpgp": openpgp, "ring": ring}
PARTS["motion"] = motion


def main() -> None:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    wanted = sys.argv[1:] or list(PARTS)
    if unknown := [name for name in wanted if name not in PARTS]:
        sys.exit(f"bench: {unknown[0]}: no such part; there are {', '.join(PARTS)}")
    python = sys.version.split()[0]
    load = f"{os.cpu_count()} CPUs, load {os.getloadavg()[0]:.1f}"
    print(f"camalert bench, {load}, Python {python}; median (min to max)")
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # what is installed is compiled once
    compileall.compile_dir(camalert.__path__[0], quiet=1)
    for name in wanted:
        for row in PARTS[name]():
            print(row.text(), flush=True)


if __name__ == "__main__":
    main()
