"""Troubles of cameras, each an alarm of its own: told once, whatever movement does. Pure."""

import dataclasses

MOST = 64
"""Troubles remembered at once: anybody may write into the line."""


@dataclasses.dataclass
class _Trouble:
    camera: str
    cause: str
    told: bool = False


class Troubles:
    """The troubles that hold, by their key. `cooldown`: seconds between two alarms of a camera.

    A trouble that comes within it, or in a mode in which nobody is told, is told when it may be,
    if it still holds then.
    """

    def __init__(self, cooldown: float = 600.0) -> None:
        self.cooldown = cooldown
        self._held: dict[str, _Trouble] = {}
        self._quiet_until: dict[str, float] = {}

    def begins(self, key: str, camera: str, cause: str) -> None:
        """The trouble `key` of `camera` holds from now on."""
        if key not in self._held:
            while len(self._held) >= MOST:
                self._held.pop(next(iter(self._held)))
            self._held[key] = _Trouble(camera, cause)

    def ends(self, key: str) -> bool:
        """It is over; whether it was told."""
        trouble = self._held.pop(key, None)
        return trouble is not None and trouble.told

    def tell(self, now: float) -> tuple[str, str, str] | None:
        """Key, camera and cause of a trouble to be told at `now`; it counts as told then."""
        for key, trouble in self._held.items():
            if not trouble.told and now >= self._due(trouble):
                trouble.told = True
                self._quiet_until[trouble.camera] = now + self.cooldown
                self._forget_old(now)
                return key, trouble.camera, trouble.cause
        return None

    def deadline(self) -> float | None:
        """When `tell` has something to say, where it has."""
        return min((self._due(held) for held in self._held.values() if not held.told), default=None)

    def is_quiet(self, camera: str, now: float) -> bool:
        """Whether the cooldown of `camera` goes on."""
        return now < self._quiet_until.get(camera, float("-inf"))

    def _due(self, trouble: _Trouble) -> float:
        return self._quiet_until.get(trouble.camera, float("-inf"))

    def _forget_old(self, now: float) -> None:
        self._quiet_until = {name: end for name, end in self._quiet_until.items() if end > now}
