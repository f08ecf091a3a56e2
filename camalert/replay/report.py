"""What came of a footage, as text for people and as JSON. Pure."""

import dataclasses
from typing import Any

from camalert.replay.events import Event
from camalert.replay.judging import Outcome, Side
from camalert.replay.scores import Label

HEAD = ("START", "SECONDS", "BEFORE", "AFTER", "AREA %", "BOX %")


def moment(seconds: float) -> str:
    """Minutes and seconds, with hours where there are any: 4:07.25, 1:02:07.25."""
    # Hundredths first, so that 59.999 s become a minute, not 60 seconds.
    hundredths = round(seconds * 100)
    minutes, rest = divmod(hundredths, 6000)
    hours, minutes = divmod(minutes, 60)
    short = f"{minutes:02}" if hours else f"{minutes}"
    return (f"{hours}:" if hours else "") + f"{short}:{rest / 100:05.2f}"


def text(outcome: Outcome, same: bool, labels: list[Label] | None = None) -> str:
    """A table of the alarms, and a summary. `same` says that nothing but `before` was asked for."""
    footage, count = outcome.footage, len(outcome.before.found)
    length = moment(outcome.seconds(count))
    lines = [f"{footage.name}: {count} pictures, {footage.rate:.4g} a second, {length} long"]
    if rows := _rows(outcome, labels):
        lines += ["", *_table(HEAD + ("LABEL",) * bool(labels), rows), ""]
    lines.append(f"before: {_summary(outcome.before)}")
    if same:
        lines.append("after: the same, for no other setting is given")
    else:
        lines.append(f"after: {_summary(outcome.after)}")
        lines.append(f"differ: {outcome.differ} pictures")
    if outcome.unread:
        lines.append(f"unreadable: {outcome.unread} pictures, left out")
    return "\n".join(lines)


def _rows(outcome: Outcome, labels: list[Label] | None) -> list[tuple[str, ...]]:
    rows = []
    for row in outcome.rows:
        side, alarms = (outcome.after, row.after) if row.after else (outcome.before, row.before)
        peak = side.found[max(alarms, key=lambda event: side.found[event.peak].score).peak]
        cells = (
            moment(outcome.seconds(row.first)),
            f"{outcome.seconds(row.last - row.first):.1f}",
            _alarms(outcome.before, row.before),
            _alarms(outcome.after, row.after),
            f"{peak.area:.2f}",
            " ".join(f"{edge:g}" for edge in peak.box or ()),
        )
        rows.append(cells + ((_shown(labels[row.first : row.last + 1]),) if labels else ()))
    return rows


def _alarms(side: Side, alarms: tuple[Event, ...]) -> str:
    if not alarms:
        return "-"
    peak = max(side.found[event.peak].score for event in alarms)
    times = f"{len(alarms)} x " if len(alarms) > 1 else ""
    return f"{times}alarm, {peak:.1f}"


def _shown(labels: list[Label]) -> str:
    """What the labels say of an alarm: the events it holds, or what else there was to see."""
    if numbers := sorted({label.event for label in labels if label.event >= 0}):
        return "event " + ", ".join(map(str, numbers))
    return "false" if any(label.label == 0 for label in labels) else "not scored"


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in (head, *rows)
    ]


def _summary(side: Side) -> str:
    moved = sum(verdict.moved for verdict in side.found)
    said = f"{count_of(len(side.alarms), 'alarm')}, {moved} pictures moved"
    if not (score := side.score):
        return said
    return (
        f"{said}; precision {score.precision:.3f}, recall {score.recall:.3f}, F1 {score.f1:.3f}, "
        f"{score.found} of {count_of(score.events, 'event')} found, "
        f"{count_of(score.false_runs, 'false-alarm run')}"
    )


def count_of(number: int, thing: str) -> str:
    """`1 alarm`, `2 alarms`."""
    return f"{number} {thing}{'s' * (number != 1)}"


def as_json(outcome: Outcome, settings: tuple[dict[str, Any], dict[str, Any]]) -> dict[str, Any]:
    """The same as a JSON object; `settings` are those before and after. Times are in seconds."""
    footage = outcome.footage
    sides = {
        name: {"settings": said} | _side(outcome, side)
        for name, side, said in (
            ("before", outcome.before, settings[0]),
            ("after", outcome.after, settings[1]),
        )
    }
    return {
        "footage": footage.name,
        "pictures": len(outcome.before.found),
        "rate": footage.rate,
        "unreadable": outcome.unread,
        "differ": outcome.differ,
        **sides,
    }


def _side(outcome: Outcome, side: Side) -> dict[str, Any]:
    alarms = []
    for event in side.alarms:
        peak = side.found[event.peak]
        alarms.append(
            {
                "start": round(outcome.seconds(event.first), 3),
                "seconds": round(outcome.seconds(event.last - event.first), 3),
                "first": event.first,
                "last": event.last,
                "peak": event.peak,
                "score": peak.score,
                "area": peak.area,
                "box": peak.box,
            }
        )
    told: dict[str, Any] = {
        "moved": sum(verdict.moved for verdict in side.found),
        "alarms": alarms,
    }
    if score := side.score:
        rates = {name: round(getattr(score, name), 4) for name in ("precision", "recall", "f1")}
        told["labels"] = dataclasses.asdict(score) | rates
    return told
