"""JPEG to numbers: a small gray picture for the detector, all pixels for the classic methods.

The only module of motion that knows Pillow. libjpeg decodes luma alone at an eighth of the size,
which is most of what makes it quick; a plain JPEG goes straight to it, without Pillow's own reading
of its segments and the modules which that loads.
"""

import io
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from camalert.errors import BadData
from camalert.motion import header

if TYPE_CHECKING:
    from PIL.JpegImagePlugin import JpegImageFile

CELLS = 80
"""The width that is aimed at."""
SCALES = (8, 4, 2)
"""What libjpeg can divide a picture's sides by while it decodes."""
MOST_PIXELS = 100_000_000
MOST_BUFFERED = 25_000_000
"""A JPEG of several scans is held in memory whole, two bytes a sample, however small it gets."""
MOST_SCANS = 100
"""A scan of a few bytes may cost as much time as a whole picture."""


def luma(data: bytes) -> NDArray[np.uint8]:
    """The JPEG in `data` as rows x columns of gray (0 to 255), about `CELLS` wide.

    Raises BadData where it is no JPEG, cut off, broken, or too large.
    """
    small = _straight(data) or _small(data)
    factor = max(1, round(small.width / CELLS))
    if factor > 1:
        small = small.reduce(factor)
    return np.frombuffer(small.tobytes(), np.uint8).reshape(small.height, small.width)


def rgb(data: bytes) -> NDArray[np.uint8]:
    """The JPEG in `data` as rows x columns x red, green, blue (0 to 255), of its full size.

    Raises BadData as `luma`, and for more than `MOST_BUFFERED` pixels.
    """
    whole = _decoded(data, lambda image: image.convert("RGB"), MOST_BUFFERED)
    return np.frombuffer(whole.tobytes(), np.uint8).reshape(whole.height, whole.width, 3)


def sample() -> bytes:
    """A JPEG that shows nothing in particular, of 256 x 256 pixels."""
    stream = io.BytesIO()
    Image.linear_gradient("L").save(stream, "JPEG")
    return stream.getvalue()


def _straight(data: bytes) -> Image.Image | None:
    """A plain JPEG in gray, by libjpeg alone; None where it is not plain, or not in order."""
    found = header.read(data)
    if found is None or found.width * found.height > MOST_PIXELS:
        return None
    width, height = found.width, found.height
    most = min(width // CELLS, height // _rows(width, height))
    scale = next((scale for scale in SCALES if scale <= most), 1)
    size = -(-width // scale), -(-height // scale)
    try:
        return Image.frombytes("L", size, data, "jpeg", ("L", "", scale, 0))
    except (OSError, ValueError, MemoryError):
        return None


def _rows(width: int, height: int) -> int:
    return max(1, CELLS * height // width)


def _small(data: bytes) -> Image.Image:
    def draft(image: "JpegImageFile") -> Image.Image:
        image.draft("L", (CELLS, _rows(*image.size)))
        return image if image.mode == "L" else image.convert("L")

    return _decoded(data, draft, MOST_PIXELS)


def _decoded(
    data: bytes, decode: Callable[["JpegImageFile"], Image.Image], most: int
) -> Image.Image:
    """What `decode` makes of the JPEG in `data`, of at most `most` pixels."""
    from PIL.JpegImagePlugin import JpegImageFile  # only here: most pictures need none of it

    stream = io.BytesIO(data)
    try:
        with JpegImageFile(stream) as image:
            _check(image, data, stream.tell(), most)
            decoded = decode(image)
            decoded.load()
            return decoded
    except (OSError, SyntaxError, ValueError, MemoryError) as error:
        reason = "not a JPEG" if isinstance(error, SyntaxError) else str(error)
        raise BadData("picture", reason) from None


def _check(image: Image.Image, data: bytes, start: int, most: int) -> None:
    """Raise BadData where decoding could take too much. The first scan's data is at `start`."""
    width, height = image.size
    scan = data.rfind(b"\xff\xda", 0, start)
    whole = data[scan + 4] == len(image.getbands()) and not image.info.get("progressive")
    most = most if whole else MOST_BUFFERED
    if width * height > most:
        raise BadData("picture", f"{width}x{height} pixels, at most {most}")
    if not whole and data.count(b"\xff\xda", scan) > MOST_SCANS:
        raise BadData("picture", f"more than {MOST_SCANS} scans")
