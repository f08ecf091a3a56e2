"""JPEG to a small gray picture for the detector. The only module of motion that knows Pillow.

libjpeg decodes luma alone at an eighth of the size (`draft`), which is most of what makes it quick.
"""

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image, JpegImagePlugin

from camalert.errors import BadData

CELLS = 80
"""The width that is aimed at."""
MOST_PIXELS = 100_000_000
MOST_BUFFERED = 25_000_000
"""A JPEG of several scans is held in memory whole, two bytes a sample, however small it gets."""
MOST_SCANS = 100
"""A scan of a few bytes may cost as much time as a whole picture."""


def luma(data: bytes) -> NDArray[np.uint8]:
    """The JPEG in `data` as rows x columns of gray (0 to 255), about `CELLS` wide.

    Raises BadData where it is no JPEG, cut off, broken, or too large.
    """
    stream = io.BytesIO(data)
    try:
        with JpegImagePlugin.JpegImageFile(stream) as image:
            _check(image, data, stream.tell())
            return _cells(image)
    except (OSError, SyntaxError, ValueError, MemoryError) as error:
        reason = "not a JPEG" if isinstance(error, SyntaxError) else str(error)
        raise BadData("picture", reason) from None


def _check(image: Image.Image, data: bytes, start: int) -> None:
    """Raise BadData where decoding could take too much. The first scan's data is at `start`."""
    width, height = image.size
    scan = data.rfind(b"\xff\xda", 0, start)
    whole = data[scan + 4] == len(image.getbands()) and not image.info.get("progressive")
    most = MOST_PIXELS if whole else MOST_BUFFERED
    if width * height > most:
        raise BadData("picture", f"{width}x{height} pixels, at most {most}")
    if not whole and data.count(b"\xff\xda", scan) > MOST_SCANS:
        raise BadData("picture", f"more than {MOST_SCANS} scans")


def _cells(image: Image.Image) -> NDArray[np.uint8]:
    width, height = image.size
    image.draft("L", (CELLS, max(1, CELLS * height // width)))
    small = image if image.mode == "L" else image.convert("L")
    factor = max(1, round(small.width / CELLS))
    return np.asarray(small.reduce(factor) if factor > 1 else small)
