"""A judge for each camera, by the config in force and what the command line says otherwise."""

import dataclasses
import functools
from collections.abc import Callable, Hashable, Sequence
from typing import Any

from camalert.config import Camera, Config, Motion
from camalert.errors import BadConfig, BadUsage
from camalert.motion import decoding
from camalert.motion.judge import Judge, judge

CAMERAS = 64
"""That are told apart; of more, the one not seen for longest starts anew."""

UNSET = -1.0


def known(config: Config, name: str) -> str:
    """`name`, where a camera of the config has it. Raises BadUsage."""
    names = [camera.name for camera in config.camera]
    if name not in names:
        here = ", ".join(names) or "none is configured"
        raise BadUsage(name, "no such camera", f"known here: {here}")
    return name


class Judges:
    """The judges of all cameras; one begins anew when its config changes.

    `options` are keys of [motion] in place of the config's, where they are not None; `zones` and
    `masks` are regions in place of the camera's; `camera` is whose the pictures without a camera's
    name are. Raises BadUsage where the config has none of that name, and BadUsage or BadConfig
    where zones and masks leave nothing to watch.
    """

    def __init__(
        self,
        config: Callable[[], Config],
        options: dict[str, Any],
        zones: Sequence[str] = (),
        masks: Sequence[str] = (),
        camera: str | None = None,
    ) -> None:
        self._camera = camera and known(config(), camera)
        self._config, self._zones, self._masks = config, zones, masks
        self._options = {name: value for name, value in options.items() if value is not None}
        self._made = functools.lru_cache(CAMERAS)(self._make)
        for name in (None, *(each.name for each in config().camera)):
            self.of(name)

    def of(self, which: Hashable) -> Judge:
        """The judge for the camera named `which`, or for what else tells pictures apart."""
        config = self._config()
        name = which if isinstance(which, str) else self._camera
        camera = next((camera for camera in config.camera if camera.name == name), None)
        return self._made(which, config.motion, camera)

    def _make(self, which: Hashable, motion: Motion, camera: Camera | None) -> Judge:
        motion, camera = in_force(motion, camera, self._options)
        try:
            return judge(motion, camera, zones=self._zones, masks=self._masks)
        except ValueError as error:
            if self._zones or self._masks:
                raise BadUsage("--zone, --mask", str(error)) from None
            raise BadConfig(f"camera {camera.name if camera else which}", str(error)) from None


def rehearse() -> None:
    """Judge two pictures that show nothing."""
    made, picture = judge(Motion()), decoding.sample()
    for _ in range(2):
        made.update(picture)


def in_force(
    motion: Motion, camera: Camera | None, options: dict[str, Any]
) -> tuple[Motion, Camera | None]:
    """`motion` with `options` in place of its own, and `camera` as far as it still counts.

    A preset among them also goes before the camera's, and before the config's numbers; these are
    those of the config's method, too.
    """
    if "preset" in options and camera:
        camera = dataclasses.replace(camera, preset="")
    if "preset" in options or options.get("method", motion.method) != motion.method:
        motion = dataclasses.replace(motion, area=UNSET, threshold=UNSET)
    return dataclasses.replace(motion, **options), camera
