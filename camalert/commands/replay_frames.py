"""replay-frames: what would have alarmed, with the settings in force and with others."""

import sys
from contextlib import nullcontext
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from camalert import cli
from camalert.errors import BadConfig, BadData, BadUsage

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from camalert.config import Watch
    from camalert.replay.events import Event, Found
    from camalert.replay.footage import Footage
    from camalert.replay.judging import Outcome
    from camalert.replay.scores import Label
    from camalert.replay.settings import Settings

PRESETS = click.Choice(("low", "medium", "high"))
METHODS = click.Choice(("cells", "pixel", "area"))
THUMBNAILS = click.Choice(("auto", "only", "never"))
Seconds = cli.Number(0, 3600)
BAR = 200  # pictures from which on a bar is shown


@cli.command(example="replay-frames --threshold 6 --sheet drive.png drive.mp4")
@click.argument("paths", nargs=-1, required=True, type=cli.PATH, metavar="CLIP|FOLDER...")
@click.option("--preset", type=PRESETS, help="How easily, after.")
@click.option("--area", metavar="PERCENT", type=cli.Number(0.01, 100), help="Least part, after.")
@click.option("--threshold", metavar="NUMBER", type=cli.Number(1, 100), help="Least change, after.")
@click.option("--method", type=METHODS, help="The detector or a classic, after.")
@click.option("--thumbnail", type=THUMBNAILS, help="The one in the EXIF, after.")
@click.option(
    "--zone", "zones", multiple=True, metavar="REGION", type=cli.REGION, help="Only here."
)
@click.option("--mask", "masks", multiple=True, metavar="REGION", type=cli.REGION, help="Not here.")
@click.option("--camera", metavar="NAME", help="Whose zones, masks and preset hold.")
@click.option("--rate", metavar="NUMBER", type=cli.Number(0.001, 1000), help="Pictures a second.")
@click.option("--minimum", metavar="SECONDS", type=Seconds, help="Movement lasts so long, after.")
@click.option(
    "--clear", metavar="SECONDS", type=cli.Number(0.1, 3600), help="Quiet ends an alarm, after."
)
@click.option("--cooldown", metavar="SECONDS", type=Seconds, help="Then no other, after.")
@click.option("--labels", metavar="FILE", type=cli.PATH, help="CSV: what each picture shows.")
@click.option("--sheet", metavar="FILE", type=cli.PATH, help="A contact sheet (PNG) to look at.")
@click.option("--json", "as_json", is_flag=True, help="A line of JSON for each footage.")
def main(settings: cli.Settings, paths: tuple["Path", ...], **options: Any) -> None:
    """Run recorded footage through the detector, before and after: with the config's settings, and
    with those given here. Exit 1 where nothing would have alarmed after.
    """
    import json

    from camalert.replay import contacts, footage, labelled, report

    before, after = _settings(settings, options)
    found = footage.find(paths, options["rate"])
    for name in ("labels", "sheet"):
        if options[name] and len(found) > 1:
            raise BadUsage(f"--{name}", f"is for one footage, and there are {len(found)}")
    if options["sheet"]:
        contacts.expect(options["sheet"])
    labels = labelled.read(options["labels"]) if options["labels"] else None
    alarmed, trouble = False, None
    for each in found:
        outcome = _outcome(each, before, after, labels)
        alarmed = alarmed or bool(outcome.after.alarms)
        if options["as_json"]:
            told = report.as_json(outcome, (_told(before), _told(after)))
            cli.write_all(json.dumps(told).encode() + b"\n")
        else:
            click.echo(report.text(outcome, before == after, labels))
        if options["sheet"]:
            _sheet(outcome, (before, after), options["sheet"], labels)
        if outcome.trouble:
            trouble = outcome.trouble
            cli.log.error("%s", trouble)
    if trouble:
        raise SystemExit(trouble.code)
    raise SystemExit(0 if alarmed else 1)


def _settings(settings: cli.Settings, options: dict[str, Any]) -> "tuple[Settings, Settings]":
    """Those in force, and those with the options. Raises BadUsage or BadConfig, see Judges."""
    from camalert.motion.judges import in_force as settled
    from camalert.replay.settings import changed, in_force

    before = in_force(settings.config, options["camera"])
    given = {key: options[key] for key in vars(before.motion) if options.get(key) is not None}
    motion, camera = settled(before.motion, before.camera, given)
    return before, changed(before, motion, camera or before.camera, options)


def _told(settings: "Settings") -> dict[str, Any]:
    from camalert.motion.judge import numbers

    return settings.told(*numbers(settings.motion, settings.camera))


def _outcome(
    footage: "Footage", before: "Settings", after: "Settings", labels: "list[Label] | None"
) -> "Outcome":
    from camalert.capture import jpeg
    from camalert.motion.judge import judge
    from camalert.replay import judging

    pictures = footage.pictures(jpeg.frames)
    shown = sys.stderr.isatty() and (footage.count is None or footage.count >= BAR)
    bar = click.progressbar(pictures, length=footage.count, file=sys.stderr, update_min_steps=20)
    sides = []
    for each, wrong in ((before, BadConfig), (after, BadUsage)):
        try:
            made = judge(each.motion, each.camera)
        except ValueError as error:
            raise wrong("zones, masks", str(error)) from None
        sides.append(judging.Judging(made, partial(_alarms, each.watch)))
    with bar if shown else nullcontext(pictures) as read:
        outcome = judging.judged(footage, read, sides[0], sides[1] if after != before else None)
    count = len(outcome.before.found)
    if outcome.unread == count and not outcome.trouble:
        raise BadData(footage.name, "no picture in it could be read")
    return judging.scored(outcome, labels) if labels and not outcome.trouble else outcome


def _alarms(watch: "Watch", found: "Sequence[Found]", rate: float) -> "list[Event]":
    from camalert.motion.events import Limits
    from camalert.motion.spans import spans
    from camalert.motion.verdict import Verdict
    from camalert.replay.events import Event

    limits = Limits(watch.minimum, watch.clear, watch.cooldown)
    verdicts = [Verdict(each.moved, each.score, each.area, each.box) for each in found]
    return [Event(*span) for span in spans(verdicts, rate, limits)]


def _sheet(
    outcome: "Outcome",
    chosen: "tuple[Settings, Settings]",
    path: "Path",
    labels: "list[Label] | None",
) -> None:
    from camalert.capture import jpeg
    from camalert.replay import contacts

    pictures = outcome.footage.pictures(jpeg.frames)
    contacts.write(path, outcome, pictures, (_told(chosen[0]), _told(chosen[1])), labels)
