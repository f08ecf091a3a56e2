"""The panel at work: its decisions made durable, and turned into records for the line."""

import dataclasses
import logging
from collections.abc import Callable, Iterator
from typing import Any

from camalert.alarm.notes import ALARM_ID, Notes, Reminders, next_attempt
from camalert.alarm.panel import MOVEMENT, ChangedMode, Confirmed, Outcome, Over, Panel, Raised
from camalert.alarm.state import mode_file, read_mode, write_mode
from camalert.config import Config
from camalert.errors import CamalertError
from camalert.records import (
    AlarmConfirmed,
    AlarmOver,
    AlarmRaised,
    AlarmSuppressed,
    Clock,
    HeartbeatDue,
    ModeChanged,
    Noted,
    Record,
    envelope,
)

log = logging.getLogger("camalert")

LONGEST_CAUSE, MOST_SENSORS, LONGEST_NAME = 200, 12, 32
"""What an alarm says at most: anybody may write into the line, and its record must fit."""


class ControlUnit:
    """The panel with its notes, its mode file and its clock, and the records that come of them.

    `config` is asked anew for each batch. With `only_entries` (the line's FIFO, where anybody may
    write) records of other types, and fields that belong to later stages, are dropped.
    """

    def __init__(self, config: Callable[[], Config], clock: Clock, only_entries: bool) -> None:
        now = config()
        self.config, self.clock, self.only_entries = config, clock, only_entries
        self.notes, self.reminders = Notes(now.folder("spool", "notes")), Reminders()
        self.mode_file = mode_file(now)
        self.panel = Panel(read_mode(self.mode_file) or now.panel.mode, now.panel.cooldown)
        self._alarms: dict[str, str] = {}
        self._configure()

    def unfinished(self) -> Iterator[Record]:
        """The alarms that were noted and not finished, each with its attempts counted."""
        for alarm in list(self.notes.pending()):
            again = next_attempt(alarm)
            if again is None:
                self.notes.set_aside(alarm.id)
                cause = (
                    f"set aside after {alarm.attempt} tries, alarm of {alarm.time}: {alarm.cause}"
                )
                again = self._alarm(cause, alarm.sensors, text_only=True)
            yield self._note(again)
            if isinstance(again, AlarmRaised):
                self.panel.resume(self.clock.monotonic())

    def decide(self, batch: list[Record]) -> list[Record]:
        """What is passed on for `batch`, alarms first; they are durable when this returns."""
        self._configure()
        passed: list[Record] = []
        for record in filter(self._admitted, batch):
            outcome = self.panel.handle(record, self.clock.monotonic())
            if self._let_through(record):
                passed.append(self._stamped(record))
            if outcome:
                passed.append(self._record(outcome))
        return sorted(passed, key=lambda record: not isinstance(record, Noted))

    def _configure(self) -> None:
        config = self.config()
        roles = {camera.name: camera.motion for camera in config.camera}
        self.panel.cooldown = config.panel.cooldown
        self.panel.role = lambda camera: roles.get(camera) or config.panel.motion
        self.panel.agreement.window = config.panel.confirm_window
        self.panel.troubles.cooldown = config.panel.trouble_cooldown

    def look_after(self) -> list[Record]:
        """Alarms that are due by time: a trigger that holds on, a note that is still there."""
        now = self.clock.monotonic()
        outcome = self.panel.remind(now)
        due = [self._record(outcome)] if outcome else []
        overdue = self.reminders.due(now)
        left = {alarm.id: alarm for alarm in self.notes.pending()} if overdue else {}
        for alarm in overdue:
            if alarm in left:
                log.warning("alarm %s: not all in the spool yet; passed on again", alarm)
                self.reminders.passed_on(alarm, now)
                due.append(left[alarm])
            else:
                self.reminders.done(alarm)
        return due

    def patience(self) -> float | None:
        """Seconds until `look_after` has something to do."""
        deadlines = [self.panel.deadline(), self.reminders.deadline()]
        waiting = [deadline for deadline in deadlines if deadline is not None]
        return max(0.0, min(waiting) - self.clock.monotonic()) if waiting else None

    def _admitted(self, record: Record) -> bool:
        if self.only_entries and not (type(record).entry and ALARM_ID.fullmatch(record.id)):
            log.warning("%s: not a record that may come in here; dropped", record.type)
            return False
        return True

    def _let_through(self, record: Record) -> bool:
        return self.panel.recording or record.type == "heartbeat.due"

    def _stamped(self, record: Record) -> Record:
        """`record` without what only later stages may say; a heartbeat with the mode."""
        if self.only_entries:
            record = dataclasses.replace(record, error=None, extra={})
        if isinstance(record, HeartbeatDue):
            record = dataclasses.replace(record, mode=self.panel.mode)
        return record

    def _record(self, outcome: Outcome) -> Record:
        if isinstance(outcome, Raised):
            alarm = self._alarm(outcome.cause, outcome.sensors, confirmed=outcome.confirmed)
            self._alarms[outcome.subject] = alarm.id
            return self._note(alarm)
        if isinstance(outcome, Confirmed | Over):
            return self._note(self._sequel(outcome))
        stamp = envelope("alarm-panel", self.clock)
        if isinstance(outcome, ChangedMode):
            try:
                write_mode(self.mode_file, outcome.mode)
            except CamalertError as error:
                log.error("%s", error)
            return ModeChanged(**stamp, mode=outcome.mode, was=outcome.was, who=outcome.who)
        return AlarmSuppressed(**stamp, cause=outcome.cause, reason=outcome.reason)

    def _alarm(self, cause: str, sensors: tuple[str, ...], **more: Any) -> AlarmRaised:
        return AlarmRaised(**self._told(cause, sensors), **more)

    def _told(self, cause: str, sensors: tuple[str, ...]) -> dict[str, Any]:
        named = tuple(name[:LONGEST_NAME] for name in sensors[:MOST_SENSORS])
        stamp = envelope(named[0] if named else "alarm-panel", self.clock)
        return {**stamp, "cause": cause[:LONGEST_CAUSE], "sensors": named}

    def _sequel(self, outcome: Confirmed | Over) -> Noted:
        kind = AlarmConfirmed if isinstance(outcome, Confirmed) else AlarmOver
        alarm = self._alarms[outcome.subject]
        if outcome.subject != MOVEMENT:
            del self._alarms[outcome.subject]
        return kind(**self._told(outcome.cause, outcome.sensors), alarm=alarm)

    def _note(self, alarm: Noted) -> Noted:
        try:
            self.notes.write(alarm)
        except CamalertError as error:
            log.error("%s; the alarm is passed on all the same", error)
            return dataclasses.replace(alarm, noted=False)
        self.reminders.passed_on(alarm.id, self.clock.monotonic())
        return alarm
