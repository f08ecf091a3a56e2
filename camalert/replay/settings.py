"""The settings that footage is judged with: those in force, and those with something else."""

import dataclasses
from collections.abc import Mapping
from typing import Any, NamedTuple

from camalert import regions
from camalert.config import Camera, Config, Motion, Watch
from camalert.errors import BadUsage

REGIONS = ("zones", "masks")
RULES = ("minimum", "clear", "cooldown")


class Settings(NamedTuple):
    """What the detector goes by, and what makes an alarm of movement."""

    motion: Motion
    camera: Camera
    watch: Watch

    def told(self) -> dict[str, Any]:
        """By name, for people and for JSON."""
        parts = {name: getattr(self.camera, name) for name in REGIONS}
        return vars(self.motion) | parts | {name: getattr(self.watch, name) for name in RULES}


def in_force(config: Config, camera: str | None) -> Settings:
    """Those of the config, with the zones and masks of `camera`. Raises BadUsage for no camera."""
    if camera is None:
        return Settings(config.motion, Camera(name="footage", source="file"), config.watch)
    known = {each.name: each for each in config.camera}
    if camera not in known:
        named = ", ".join(known) or "none is configured"
        raise BadUsage(camera, "no such camera", f"known here: {named}")
    return Settings(config.motion, known[camera], config.watch)


def changed(settings: Settings, options: Mapping[str, Any]) -> Settings:
    """`settings` with the options that are given: None and empty ones change nothing.

    Raises BadUsage for what is no region.
    """
    for name in REGIONS:
        for region in options[name]:
            try:
                regions.parse(region)
            except ValueError as error:
                raise BadUsage(f"--{name[:-1]}", str(error)) from None
    numbers = {name: value for name, value in options.items() if value is not None}
    parts = {name: options[name] for name in REGIONS if options[name]}
    return Settings(
        dataclasses.replace(settings.motion, **_of(Motion, numbers)),
        dataclasses.replace(settings.camera, **parts),
        dataclasses.replace(settings.watch, **_of(Watch, numbers)),
    )


def _of(kind: type, options: Mapping[str, Any]) -> dict[str, Any]:
    """Those of the options that are fields of `kind`."""
    names = {field.name for field in dataclasses.fields(kind)}
    return {name: value for name, value in options.items() if name in names}
