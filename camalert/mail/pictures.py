"""Small pictures for the chat. The mail room's one door to Pillow; imported at first need."""

import contextlib
import io
import math
from collections.abc import Iterator

from PIL import Image, ImageDraw, ImageFile, ImageFont, ImageOps

from camalert.errors import BadData

PIXELS = 70_000_000
"""A picture with more is not opened: above what any camera here gives."""

PREVIEW = (320, 20_000)
"""Width in pixels and size in bytes that a preview keeps below."""

TILED = 1280
"""Width of a tiled picture in pixels, at most."""

QUALITIES = (75, 60, 45, 30, 15)


def preview(jpeg: bytes) -> bytes:
    """A small JPEG of `jpeg`. Raises BadData when it cannot be read."""
    width, limit = PREVIEW
    image = _shrunk(jpeg, (width, width))
    for quality in QUALITIES:
        small = _encoded(image, quality)
        if len(small) <= limit:
            break
    return small


def tile(pictures: list[tuple[str, bytes]]) -> bytes:
    """One JPEG of all `pictures` (name, JPEG), side by side with their names written on them.

    A single picture comes back as it is. One that cannot be read is a grey field that says so.
    """
    if len(pictures) == 1:
        return pictures[0][1]
    columns = math.ceil(math.sqrt(len(pictures)))
    width = TILED // columns
    fields = [_field(name, jpeg, width) for name, jpeg in pictures]
    height = max(field.height for field in fields)
    whole = Image.new("RGB", (columns * width, math.ceil(len(fields) / columns) * height))
    for n, field in enumerate(fields):
        whole.paste(field, (n % columns * width, n // columns * height))
    return _encoded(whole, QUALITIES[0])


def _field(name: str, jpeg: bytes, width: int) -> Image.Image:
    try:
        field = _shrunk(jpeg, (width, width))
    except BadData:
        field = Image.new("RGB", (width, width * 9 // 16), "dimgray")
        name = f"{name}: cannot be read"
    label = _label(name, field.width)
    field.paste(label, (0, 0))
    return field


def _label(text: str, width: int) -> Image.Image:
    """`text` in white on black, twice the size of Pillow's built-in font."""
    font = ImageFont.load_default()
    plain = text.encode("ascii", "replace").decode()
    _, _, right, bottom = ImageDraw.Draw(Image.new("L", (1, 1))).textbbox((0, 0), plain, font=font)
    label = Image.new("L", (math.ceil(right) + 4, math.ceil(bottom) + 4))
    ImageDraw.Draw(label).text((2, 2), plain, fill=255, font=font)
    large = label.resize((label.width * 2, label.height * 2))
    return large.crop((0, 0, min(large.width, width), large.height)).convert("RGB")


@contextlib.contextmanager
def _as_far_as_it_goes() -> Iterator[None]:
    """A picture that breaks off half-way shows what there is of it."""
    before, ImageFile.LOAD_TRUNCATED_IMAGES = ImageFile.LOAD_TRUNCATED_IMAGES, True
    try:
        yield
    finally:
        ImageFile.LOAD_TRUNCATED_IMAGES = before


def _shrunk(jpeg: bytes, size: tuple[int, int]) -> Image.Image:
    try:
        image = Image.open(io.BytesIO(jpeg), formats=("JPEG",))
        if image.width * image.height > PIXELS:
            raise BadData("picture", f"{image.width} x {image.height} pixels are too many")
        with _as_far_as_it_goes():
            image.thumbnail(size)  # for a JPEG it decodes at a fraction of the size already
        return ImageOps.exif_transpose(image).convert("RGB")
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise BadData("picture", f"cannot be read: {error}") from None


def _encoded(image: Image.Image, quality: int) -> bytes:
    stream = io.BytesIO()
    image.save(stream, "JPEG", quality=quality)
    return stream.getvalue()
