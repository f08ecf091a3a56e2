"""The contact sheet: the pictures that tell two settings apart, as one PNG.

The only place of this room that knows Pillow.
"""

import dataclasses
import functools
import io
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from PIL import Image, ImageDraw, ImageFont, ImageOps

from camalert import regions
from camalert.errors import BadData
from camalert.replay.events import Found

COLUMNS, WIDTH, GAP = 4, 340, 14
CAPTION, HEAD, LINE = 66, 30, 22
PAPER, INK, FAINT = "#16181c", "#f2f2f2", "#9aa0aa"
BEFORE, AFTER, ZONE, MASK = "#ffa030", "#30d0ff", "#60e060", "#ff60c0"
HIDDEN = "#000000"
BADGES = {
    (True, True): ("both", "#5a606a"),
    (True, False): ("only before", "#b8401c"),
    (False, True): ("only after", "#0f7d9c"),
    (False, False): ("neither", "#3a3e46"),
}
MOST = 60
"""Thumbnails on a sheet."""

MOST_PIXELS = 100_000_000


class Thumbnail(NamedTuple):
    """A picture of the sheet, with its number, time and label as text, and both verdicts."""

    picture: bytes
    number: int
    time: str
    label: str
    before: Found
    after: Found


@dataclasses.dataclass(frozen=True)
class Outlines:
    """Regions that are drawn over each picture; what lies in a privacy mask is not shown."""

    zones: tuple[str, ...] = ()
    masks: tuple[str, ...] = ()
    privacy_masks: tuple[str, ...] = ()


def draw(title: Sequence[str], thumbnails: Sequence[Thumbnail], outlines: Outlines) -> bytes:
    """The sheet as a PNG: the lines of `title`, a legend, and a caption below each picture."""
    made = [_picture(thumbnail, outlines) for thumbnail in thumbnails]
    columns = max(1, min(COLUMNS, len(made)))
    rows = [made[n : n + columns] for n in range(0, len(made), columns)]
    heights = [max(picture.height for picture in row) + CAPTION + GAP for row in rows]
    top = 2 * GAP + HEAD * len(title) + LINE + GAP
    # The title wants room, also where there are one or two pictures only.
    width = GAP + max(3, columns) * (WIDTH + GAP)
    sheet = Image.new("RGB", (width, top + sum(heights) + GAP), PAPER)
    pen = ImageDraw.Draw(sheet)
    for n, line in enumerate(title):
        _fitting(pen, (GAP, GAP + n * HEAD), line, 21 if n == 0 else 17, width - 2 * GAP)
    _legend(pen, GAP, 2 * GAP + HEAD * len(title), outlines)
    numbered = iter(thumbnails)
    for row, height in zip(rows, heights, strict=True):
        for column, picture in enumerate(row):
            left = GAP + column * (WIDTH + GAP)
            sheet.paste(picture, (left, top))
            _caption(pen, left, top + picture.height, next(numbered))
        top += height
    out = io.BytesIO()
    sheet.save(out, "PNG")
    return out.getvalue()


def _picture(thumbnail: Thumbnail, outlines: Outlines) -> Image.Image:
    """The picture at its width on the sheet, with the regions and both boxes drawn in."""
    try:
        image = Image.open(io.BytesIO(thumbnail.picture), formats=("JPEG",))
        if image.width * image.height > MOST_PIXELS:
            raise BadData(f"picture {thumbnail.number}", "is too large")
        image.draft("RGB", (WIDTH, WIDTH))
        upright = ImageOps.exif_transpose(image).convert("RGB")
        height = max(1, min(2 * WIDTH, WIDTH * upright.height // upright.width))
        small = upright.resize((WIDTH, height), Image.Resampling.BILINEAR)
    except (OSError, SyntaxError, ValueError) as error:
        raise BadData(f"picture {thumbnail.number}", f"not a JPEG: {error}") from None
    pen = ImageDraw.Draw(small, "RGBA")
    for texts, colour, veil in (
        (outlines.privacy_masks, HIDDEN, "ff"),
        (outlines.zones, ZONE, "00"),
        (outlines.masks, MASK, "40"),
    ):
        for corners in map(regions.parse, texts):
            points = [(x * (WIDTH - 1) / 100, y * (height - 1) / 100) for x, y in corners]
            pen.polygon(points, fill=colour + veil)
            pen.line([*points, points[0]], fill=colour, width=2)
    for found, colour, beside in ((thumbnail.before, BEFORE, 2), (thumbnail.after, AFTER, 0)):
        if found.box:
            left, top, right, bottom = found.box
            box = [left * WIDTH / 100, top * height / 100]
            box += [right * WIDTH / 100 - 1, bottom * height / 100 - 1]
            outer = [box[0] - beside, box[1] - beside, box[2] + beside, box[3] + beside]
            pen.rectangle(outer, outline=colour, width=2)
    return small


def _caption(pen: ImageDraw.ImageDraw, left: int, top: int, thumbnail: Thumbnail) -> None:
    """Time and number with a badge; then both verdicts; a strip in the badge's colour above."""
    before, after = thumbnail.before, thumbnail.after
    words, colour = BADGES[before.moved, after.moved]
    pen.rectangle((left, top, left + WIDTH - 1, top + 3), fill=colour)
    pen.text((left, top + 8), thumbnail.time, fill=INK, font=_font(18))
    number = f"no. {thumbnail.number}   {thumbnail.label}"
    across = left + pen.textlength(thumbnail.time, font=_font(18)) + 10
    pen.text((across, top + 11), number, fill=FAINT, font=_font(14))
    wide = pen.textlength(words, font=_font(14)) + 14
    edge = left + WIDTH
    pen.rounded_rectangle((edge - wide, top + 9, edge - 1, top + 31), 5, fill=colour)
    pen.text((edge - wide + 7, top + 11), words, fill=INK, font=_font(14))
    halves = ((left, "before", before, BEFORE), (left + WIDTH // 2, "after", after, AFTER))
    for at, name, found, mark in halves:
        pen.rectangle((at, top + 43, at + 11, top + 54), outline=mark, width=2)
        said = f"{found.score:.1f} ({found.area:.2f} %)" if found.moved else "quiet"
        ink = INK if found.moved else FAINT
        pen.text((at + 18, top + 39), f"{name}: {said}", fill=ink, font=_font(15))


def _legend(pen: ImageDraw.ImageDraw, left: int, top: int, outlines: Outlines) -> None:
    for colour, fill, words in _marks(outlines):
        pen.rectangle((left, top + 3, left + 11, top + 14), fill=fill, outline=colour, width=2)
        pen.text((left + 18, top - 1), words, fill=FAINT, font=_font(15))
        left += 18 + int(pen.textlength(words, font=_font(15))) + 24


def _marks(outlines: Outlines) -> Iterator[tuple[str, str | None, str]]:
    """Of each mark the colour of its edge, that of its inside, and what it means."""
    yield BEFORE, None, "moved, before"
    yield AFTER, None, "moved, after"
    if outlines.zones:
        yield ZONE, None, "zone"
    if outlines.masks:
        yield MASK, None, "mask"
    if outlines.privacy_masks:
        yield FAINT, HIDDEN, "privacy mask"


def _fitting(
    pen: ImageDraw.ImageDraw, at: tuple[int, int], words: str, size: int, width: int
) -> None:
    """Write `words` in one line, cut off with dots where they are longer than `width` pixels."""
    font = _font(size)
    if pen.textlength(words, font=font) > width:
        while words and pen.textlength(words + " ...", font=font) > width:
            words = words[:-1]
        words += " ..."
    pen.text(at, words, fill=INK, font=font)


@functools.cache
def _font(size: int) -> Any:
    """A font that scales: Pillow's own (from 10.1 on), DejaVu where the system has it, or none."""
    try:
        return ImageFont.load_default(size)
    except TypeError:
        pass
    try:
        return ImageFont.truetype("DejaVuSans.ttf", size)
    except OSError:
        return ImageFont.load_default()
