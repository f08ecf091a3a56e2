"""What each camera's view is known again by after a restart, kept in the state folder.

A sketch is 160 numbers, how many edges each of 80 parts of the picture has: no picture, and too
coarse to make out what is in it, for a thief reads the card.
"""

import logging
from pathlib import Path

from camalert import durable

log = logging.getLogger("camalert")


class Sketches:
    """The sketches in `folder`, one small file a camera, written when a view has been learnt."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def load(self, camera: str) -> bytes:
        """The sketch of `camera`; b"" where none can be read."""
        try:
            return self._path(camera).read_bytes()
        except OSError:
            return b""

    def save(self, camera: str, sketch: bytes) -> None:
        """Keep `sketch`; where that fails it is said, and the view is watched all the same."""
        try:
            durable.replace(self._path(camera), sketch)
        except OSError as error:
            log.warning("%s: not kept: %s", self._path(camera), error.strerror)

    def _path(self, camera: str) -> Path:
        return self.folder / f"{camera.replace(' ', '_')}.sketch"
