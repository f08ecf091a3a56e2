"""What the owner sees, as a picture: the messages as bubbles of a chat, not Delta Chat itself."""

import io
import textwrap
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

WIDTH, MARGIN, LINE = 480, 16, 22
BACKGROUND, BUBBLE, HEAD, INK, FAINT = "#e6e2dc", "#ffffff", "#415e6b", "#1d1d1d", "#7a7a7a"


def draw(name: str, messages: list[tuple[str, str, bytes | None]], target: Path) -> None:
    """Draw the chat with `name` into the PNG `target`; a message is (clock time, text, JPEG)."""
    font = ImageFont.load_default(15)
    bubbles = [_bubble(when, text, jpeg, font) for when, text, jpeg in messages]
    height = 56 + sum(bubble.height + 12 for bubble in bubbles) + MARGIN
    chat = Image.new("RGB", (WIDTH, height), BACKGROUND)
    pen = ImageDraw.Draw(chat)
    pen.rectangle((0, 0, WIDTH, 44), fill=HEAD)
    pen.ellipse((MARGIN, 8, MARGIN + 28, 36), fill="#8fb3c2")
    pen.text((MARGIN + 9, 12), name[0], font=font, fill="white")
    pen.text((MARGIN + 40, 12), name, font=font, fill="white")
    top = 56
    for bubble in bubbles:
        chat.paste(bubble, (MARGIN, top))
        top += bubble.height + 12
    chat.quantize(128).save(target, optimize=True)


def _bubble(when: str, text: str, jpeg: bytes | None, font: ImageFont.FreeTypeFont) -> Image.Image:
    inside = WIDTH - 5 * MARGIN
    lines = [part for line in text.splitlines() for part in textwrap.wrap(line, 52) or [""]]
    picture = Image.open(io.BytesIO(jpeg)) if jpeg else None
    if picture:
        picture.thumbnail((inside, inside))
    height = 12 + (picture.height + 8 if picture else 0) + LINE * (len(lines) + 1)
    bubble = Image.new("RGB", (inside + 24, height), BUBBLE)
    pen = ImageDraw.Draw(bubble)
    top = 10
    if picture:
        bubble.paste(picture, (12, top))
        top += picture.height + 8
    for line in lines:
        pen.text((12, top), line, font=font, fill=INK)
        top += LINE
    _padlock(pen, inside - 48, top + 1)
    pen.text((inside - 30, top - 2), when, font=font, fill=FAINT)
    return bubble


def _padlock(pen: ImageDraw.ImageDraw, left: int, top: int) -> None:
    pen.arc((left + 2, top, left + 10, top + 10), 180, 360, fill=FAINT, width=2)
    pen.rectangle((left, top + 5, left + 12, top + 13), fill=FAINT)
