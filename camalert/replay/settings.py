"""The settings that footage is judged with: those in force, and those with something else."""

import dataclasses
from collections.abc import Mapping
from typing import Any, NamedTuple

from camalert.config import Camera, Config, Motion, Watch
from camalert.errors import BadUsage

REGIONS = ("zones", "masks")
RULES = ("minimum", "clear", "cooldown")


class Settings(NamedTuple):
    """What the detector goes by, and what makes an alarm of movement."""

    motion: Motion
    camera: Camera
    watch: Watch

    def told(self, area: float, threshold: float) -> dict[str, Any]:
        """By name, for people and for JSON; with the numbers that the preset comes to."""
        motion = vars(self.motion) | {"preset": self.camera.preset or self.motion.preset}
        parts = {name: getattr(self.camera, name) for name in (*REGIONS, "privacy_masks")}
        rules = {name: getattr(self.watch, name) for name in RULES}
        return motion | {"area": area, "threshold": threshold} | parts | rules


def in_force(config: Config, camera: str | None) -> Settings:
    """Those of the config, with the zones and masks of `camera`. Raises BadUsage for no camera."""
    if camera is None:
        return Settings(config.motion, Camera(name="footage", source="file"), config.watch)
    known = {each.name: each for each in config.camera}
    if camera not in known:
        named = ", ".join(known) or "none is configured"
        raise BadUsage(camera, "no such camera", f"known here: {named}")
    return Settings(config.motion, known[camera], config.watch)


def changed(
    settings: Settings, motion: Motion, camera: Camera, options: Mapping[str, Any]
) -> Settings:
    """`settings` with `motion`, `camera` and, where they are given, the regions and the rules.

    In `options` None and () change nothing.
    """
    parts = {name: options[name] for name in REGIONS if options[name]}
    rules = {name: options[name] for name in RULES if options[name] is not None}
    watch = dataclasses.replace(settings.watch, **rules)
    return Settings(motion, dataclasses.replace(camera, **parts), watch)
