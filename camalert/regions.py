"""Parts of a picture, in percent of its width and height: zones, masks, privacy masks.

A region is written as its corners, `x,y` from the top left, with spaces between them: two are the
opposite corners of a box, three and more a polygon.
"""

import math
import re

Point = tuple[float, float]
Region = tuple[Point, ...]
"""The corners of a polygon in order, each x and y from 0 to 100 percent."""

MOST_CORNERS = 64
_CORNER = re.compile(r"([+-]?[0-9]+(?:\.[0-9]+)?),([+-]?[0-9]+(?:\.[0-9]+)?)")


def parse(text: str) -> Region:
    """The region that `text` names, a box as its four corners.

    Raises ValueError, with the reason, for what is no region, lies outside the picture or holds
    nothing of it.
    """
    corners = [_corner(word) for word in text.split()]
    if not 2 <= len(corners) <= MOST_CORNERS:
        raise ValueError(
            f"{text!r} is no region: 2 corners are a box, 3 to {MOST_CORNERS} a polygon,"
            " such as '0,50 100,100'"
        )
    if len(corners) == 2:
        (left, top), (right, bottom) = corners
        corners = [(left, top), (right, top), (right, bottom), (left, bottom)]
    if area(tuple(corners)) == 0:
        raise ValueError(f"{text!r} is a region without any size")
    return tuple(corners)


def _corner(word: str) -> Point:
    found = _CORNER.fullmatch(word)
    if not found:
        raise ValueError(f"{word!r} is no corner: x,y in percent, such as 12.5,80")
    x, y = float(found[1]), float(found[2])
    if not (0 <= x <= 100 and 0 <= y <= 100):
        raise ValueError(f"{word!r} lies outside the picture: x and y are from 0 to 100 percent")
    return x, y


def area(region: Region) -> float:
    """The area by Gauss's formula, in percent of the width times percent of the height.

    Also 0 where the halves of a crossed polygon are equal.
    """
    pairs = zip(region, (*region[1:], region[0]), strict=True)
    return abs(math.fsum(x * b - a * y for (x, y), (a, b) in pairs)) / 2


def holds(region: Region, point: Point) -> bool:
    """Whether `point` lies in the region, by the even-odd rule."""
    (x, y), inside = point, False
    for (left, top), (right, bottom) in zip(region, (*region[1:], region[0]), strict=True):
        if (top > y) != (bottom > y):
            inside ^= x < left + (y - top) * (right - left) / (bottom - top)
    return inside
