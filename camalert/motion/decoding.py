"""JPEG to a small gray picture for the detector. The only module of motion that knows Pillow.

libjpeg decodes luma alone at an eighth of the size (`draft`), which is most of what makes it quick.
"""

import io

import numpy as np
from numpy.typing import NDArray
from PIL import JpegImagePlugin

from camalert.errors import BadData

CELLS = 80
"""The width that is aimed at."""
MOST_PIXELS = 100_000_000
MOST_PROGRESSIVE = 25_000_000
"""A progressive JPEG is held in memory whole, however small it is decoded: 2 bytes a sample."""
MOST_SCANS = 100
"""Each scan may cost as much as a whole picture, and be made of a few bytes."""


def luma(data: bytes) -> NDArray[np.uint8]:
    """The JPEG in `data` as rows x columns of gray (0 to 255), about `CELLS` wide.

    Raises BadData where it is no JPEG, cut off, broken, or too large.
    """
    if data.count(b"\xff\xda") > MOST_SCANS:
        raise BadData("picture", f"has more than {MOST_SCANS} scans")
    try:
        with JpegImagePlugin.JpegImageFile(io.BytesIO(data)) as image:
            return _cells(image)
    except BadData:
        raise
    except (OSError, SyntaxError, ValueError, MemoryError) as error:
        reason = "not a JPEG" if isinstance(error, SyntaxError) else str(error)
        raise BadData("picture", reason) from None


def _cells(image: JpegImagePlugin.JpegImageFile) -> NDArray[np.uint8]:
    width, height = image.size
    most = MOST_PROGRESSIVE if image.info.get("progressive") else MOST_PIXELS
    if width * height > most:
        raise BadData("picture", f"{width}x{height} pixels, at most {most}")
    image.draft("L", (CELLS, max(1, CELLS * height // width)))
    small = image if image.mode == "L" else image.convert("L")
    factor = max(1, round(small.width / CELLS))
    if factor > 1:
        small = small.reduce(factor)
    return np.asarray(small)
