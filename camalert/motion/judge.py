"""One camera's pictures, judged as its config says: JPEG in, verdict out."""

from collections.abc import Iterable

from camalert import regions
from camalert.config import Camera, Motion
from camalert.motion import decoding
from camalert.motion.detector import Detector, Luma
from camalert.motion.verdict import Verdict


class Judge:
    """Judges the pictures of one camera, one after the other; the first is the background."""

    def __init__(self, detector: Detector) -> None:
        self._detector = detector
        self.luma: Luma | None = None
        """The last picture as rows x columns of gray (uint8), about 80 wide; None before it."""

    def update(self, jpeg: bytes) -> Verdict:
        """Judge the picture in `jpeg` and learn from it.

        Raises BadData where it is no JPEG, cut off, broken, or too large; nothing is learnt then.
        """
        self.luma = decoding.luma(jpeg)
        return self._detector.update(self.luma)


def judge(motion: Motion, camera: Camera | None = None, masks: Iterable[str] = ()) -> Judge:
    """A judge for `camera`, or for pictures of which no camera is known.

    `masks` are further regions in which nothing counts. Raises ValueError, with the reason, for a
    text that is no region.
    """
    zones = [regions.parse(text) for text in (camera.zones if camera else ())]
    hidden = [regions.parse(text) for text in (*(camera.masks if camera else ()), *masks)]
    return Judge(Detector(motion.area, motion.threshold, zones, hidden))
