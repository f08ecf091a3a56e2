"""All of this room that needs pixels, and with them Pillow: the test pattern, privacy masks, light.

The pattern is a camera without hardware: colour bars over a grid, the camera's name and the time,
and a disc that runs round an ellipse once in 7.3 s: from one second to the next it is always
somewhere else.
"""

import contextlib
import io
import math
import struct
from collections.abc import Iterator, Sequence
from datetime import datetime

from PIL import Image, ImageDraw, ImageOps, ImageStat, JpegImagePlugin

from camalert.capture import jpeg
from camalert.errors import BadData
from camalert.regions import Region

PERIOD = 7.3
BARS = ("#c0c0c0", "#c0c000", "#00c0c0", "#00c000", "#c000c0", "#c00000", "#0000c0")


def draw(name: str, now: datetime, size: tuple[int, int], quality: int = 85) -> bytes:
    """The pattern of the camera `name` at the time `now` as a JPEG of `size` pixels.

    The same arguments give the same bytes.
    """
    width, height = size
    image = Image.new("RGB", size, "#202020")
    pen = ImageDraw.Draw(image)
    for number, colour in enumerate(BARS):
        left, right = width * number // 7, width * (number + 1) // 7
        pen.rectangle((left, 0, right - 1, height * 2 // 3), fill=colour)
    step = max(4, height // 24)
    for x in range(0, width, step):
        pen.line((x, 0, x, height), fill="#808080")
    for y in range(0, height, step):
        pen.line((0, y, width, y), fill="#808080")
    _write(image, f"{name}  {now:%Y-%m-%d %H:%M:%S}")
    turn = math.tau * (now.timestamp() % PERIOD) / PERIOD
    across, down = width * (0.5 + 0.38 * math.cos(turn)), height * (0.45 + 0.32 * math.sin(turn))
    radius = height / 10
    disc = (across - radius, down - radius, across + radius, down + radius)
    pen.ellipse(disc, fill="white", outline="black")
    out = io.BytesIO()
    image.save(out, "JPEG", quality=quality)
    return out.getvalue()


def _write(image: Image.Image, text: str) -> None:
    """`text` along the lower edge, as wide as the picture allows; the only font has one size."""
    width, height = image.size
    small = Image.new("L", (6 * len(text) + 4, 12))
    ImageDraw.Draw(small).text((2, 0), text, fill=255)
    small = small.crop(small.getbbox())
    scale = min(width * 0.9 / small.width, height * 0.08 / small.height)
    mask = small.resize((max(1, int(small.width * scale)), max(1, int(small.height * scale))))
    image.paste("white", ((width - mask.width) // 2, int(height * 0.86)), mask)


def burn(data: bytes, masks: Sequence[Region], quality: int) -> bytes:
    """The JPEG in `data` upright, with the regions `masks` black, encoded anew.

    A pixel that a region touches is black. Raises BadData where that cannot be done.
    """
    with _opened(data) as image:
        upright = ImageOps.exif_transpose(image)
        shown = upright if upright.mode in ("L", "RGB") else upright.convert("RGB")
        pen, (width, height) = ImageDraw.Draw(shown), shown.size
        for region in masks:
            corners = [(x * width / 100, y * height / 100) for x, y in region]
            pen.polygon(corners, fill=0, outline=0, width=2)
        out = io.BytesIO()
        shown.save(out, "JPEG", quality=quality, exif=b"")
    return out.getvalue()


def light(data: bytes) -> float:
    """The mean luma (0 to 255) of the JPEG in `data`. Raises BadData where it has none."""
    with _opened(data, small=True) as image:
        return float(ImageStat.Stat(image.convert("L")).mean[0])


@contextlib.contextmanager
def _opened(data: bytes, small: bool = False) -> Iterator[Image.Image]:
    """The JPEG decoded, `small`: in gray, at an eighth of its size."""
    jpeg.inspect(data)
    try:
        with JpegImagePlugin.JpegImageFile(io.BytesIO(data)) as image:
            if small:
                image.draft("L", (max(1, image.width // 8), max(1, image.height // 8)))
            image.load()
            yield image
    except (OSError, SyntaxError, ValueError, MemoryError, struct.error) as error:
        raise BadData("JPEG", f"cannot be decoded: {error}") from None
