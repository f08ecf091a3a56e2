"""alarm-panel: decide what becomes an alarm, and note it on disk before it is passed on."""

import click

from camalert import cli


@cli.command(example="watch-pir | alarm-panel | log-event")
@click.option("--listen", is_flag=True, help="Read the FIFO `events` of the run folder, not stdin.")
def main(settings: cli.Settings, listen: bool) -> None:
    """Read what sensors report, and raise alarms.

    Which records become an alarm depends on the mode (off, monitor, alert; see `arm`, `disarm` and
    `mode`) and on the cooldown. Each alarm is noted on disk before it is passed on; alarms that an
    earlier run noted and did not finish are passed on again first.
    """
    from camalert.alarm.control_unit import ControlUnit
    from camalert.records import SystemClock

    if not listen:
        cli.input_expected("a stream of records from watch-pir, watch-button or watch-frames")
    run = settings.config.folder("run")
    if listen:
        lock = cli.hold_lock(run / "alarm-panel.lock", "alarm-panel")  # noqa: F841 (held until exit)
    unit = ControlUnit(lambda: settings.config, SystemClock(), only_entries=listen)
    line = cli.RecordLine(listen=run / "events" if listen else None)
    for record in unit.unfinished():
        line.write(record)
    for batch in line.batches(timeout=unit.patience):
        for record in [*unit.decide(batch), *unit.look_after()]:
            line.write(record)
