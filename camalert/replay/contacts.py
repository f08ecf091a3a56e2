"""Which pictures go on the contact sheet, and what is written there."""

import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from camalert import handover
from camalert.errors import BadUsage, CannotCreate
from camalert.replay import sheet as drawing
from camalert.replay.events import telling
from camalert.replay.judging import Outcome, chosen
from camalert.replay.report import count_of, moment
from camalert.replay.scores import Label

WORDS = {1: "moving", 0: "nothing", -1: "not scored"}


def expect(path: Path) -> None:
    """See that a sheet can be written to `path`, before anything is judged for it.

    Raises BadUsage where it is no name of a PNG, CannotCreate.
    """
    if path.suffix.lower() != ".png":
        raise BadUsage(str(path), "the sheet is a PNG", "name it so: sheet.png")
    if path.is_dir():
        raise CannotCreate(str(path), "is a folder")
    try:
        tempfile.TemporaryFile(dir=path.parent).close()
    except OSError as error:
        raise CannotCreate(str(path), error.strerror or str(error)) from None


def write(
    path: Path,
    outcome: Outcome,
    pictures: Iterable[bytes],
    settings: tuple[dict[str, Any], dict[str, Any]],
    labels: list[Label] | None,
) -> None:
    """Write the `sheet` to `path`. Raises CannotCreate, too."""
    handover.write(path.parent, path.name, sheet(outcome, pictures, settings, labels))


def sheet(
    outcome: Outcome,
    pictures: Iterable[bytes],
    settings: tuple[dict[str, Any], dict[str, Any]],
    labels: list[Label] | None,
) -> bytes:
    """The sheet of `outcome` as a PNG. `pictures` are those of the footage again.

    Raises what the footage raises, and BadData for a picture that is none.
    """
    before, after = outcome.before.found, outcome.after.found
    numbers = telling(before, after, outcome.rows, drawing.MOST)
    thumbnails = [
        drawing.Thumbnail(
            picture,
            n,
            moment(outcome.seconds(n)),
            f"label: {WORDS[labels[n].label]}" if labels else "",
            before[n],
            after[n],
        )
        for n, picture in chosen(pictures, numbers)
    ]
    regions = (settings[1][name] for name in ("zones", "masks", "privacy_masks"))
    outlines = drawing.Outlines(*regions)
    return drawing.draw(_title(outcome, settings), thumbnails, outlines)


def _title(outcome: Outcome, settings: tuple[dict[str, Any], dict[str, Any]]) -> list[str]:
    count = len(outcome.before.found)
    first = f"{outcome.footage.name}: {count} pictures, {outcome.differ} judged differently"
    old, new = settings
    # Only what differs is told; where nothing does, all of it.
    keys = [key for key in old if old[key] != new[key]] or [key for key in old if old[key] != ()]
    lines = [first]
    for name, side, said in (("before", outcome.before, old), ("after", outcome.after, new)):
        values = ", ".join(f"{key} {_value(said[key])}" for key in keys)
        lines.append(f"{name}: {count_of(len(side.alarms), 'alarm')} with {values}")
    return lines


def _value(value: Any) -> str:
    if isinstance(value, tuple):
        return "; ".join(value) or "none"
    return f"{value:g}" if isinstance(value, float) else str(value)
