"""What the demo's camera sees: a porch at night, drawn, and somebody who walks across it."""

from pathlib import Path

from PIL import Image, ImageChops, ImageDraw, ImageFilter, ImageOps

SIZE = 1280, 720
LAMP = 640, 150
SKY, GARDEN, WALL, JOINT, FLOOR = "#6f7f9c", "#4f5d45", "#b9a78f", "#a08f78", "#8d7b66"
FRAME, DOOR, PANEL, GLASS = "#d8d2c4", "#7c4436", "#66362a", "#2c3a4c"
COAT, TROUSERS, SHADOW, FACE = "#3d4150", "#353a45", "#584b3d", "#b9a78f"
NIGHT, WARM = "#222c44", "#ffd9a0"


def film(folder: Path, *walkers: int | None) -> None:
    """Fill `folder` with a JPEG for each: somebody at that pixel of the width, or nobody."""
    folder.mkdir(exist_ok=True)
    for number, walker in enumerate(walkers):
        unfinished = folder / f"{number}.new"
        _porch(walker).save(unfinished, "JPEG", quality=80)
        unfinished.replace(folder / f"{number}.jpg")


def _porch(walker: int | None) -> Image.Image:
    picture = Image.new("RGB", SIZE, SKY)
    pen = ImageDraw.Draw(picture)
    pen.rectangle((960, 330, 1280, 720), fill=GARDEN)
    pen.rectangle((0, 0, 980, 560), fill=WALL)
    for top in range(0, 560, 28):
        pen.line((0, top, 980, top), fill=JOINT, width=3)
    pen.polygon(((0, 560), (980, 560), (1180, 720), (0, 720)), fill=FLOOR)
    for left in range(50, 980, 70):
        pen.line((left, 560, left * 1.2, 720), fill=JOINT, width=3)
    pen.rectangle((520, 190, 760, 560), fill=FRAME)
    pen.rectangle((536, 206, 744, 560), fill=DOOR)
    for left, top in ((556, 230), (652, 230), (556, 400), (652, 400)):
        pen.rectangle((left, top, left + 72, top + 140), fill=PANEL)
    pen.ellipse((722, 380, 738, 396), fill=FRAME)
    pen.rectangle((150, 190, 400, 420), fill=FRAME)
    for left in (164, 282):
        pen.rectangle((left, 204, left + 104, 406), fill=GLASS)
    if walker is not None:
        _figure(pen, walker)
    return _at_night(picture.filter(ImageFilter.GaussianBlur(1)))


def _figure(pen: ImageDraw.ImageDraw, x: int) -> None:
    pen.ellipse((x - 100, 650, x + 90, 684), fill=SHADOW)
    for hip, foot in ((-22, -50), (22, 44)):
        pen.line((x + hip, 480, x + foot, 665), fill=TROUSERS, width=42)
    pen.rounded_rectangle((x - 62, 300, x + 62, 520), 44, fill=COAT)
    pen.line((x - 46, 340, x - 96, 470), fill=COAT, width=34)
    pen.line((x + 46, 340, x + 100, 440), fill=COAT, width=34)
    pen.ellipse((x - 44, 218, x + 44, 322), fill=COAT)
    pen.ellipse((x - 6, 240, x + 40, 306), fill=FACE)


def _at_night(day: Image.Image) -> Image.Image:
    """The same by the light of the lamp, with the grain of a small camera."""
    glow = ImageOps.invert(Image.radial_gradient("L")).resize((1500, 1200))
    light = Image.new("RGB", SIZE, NIGHT)
    light.paste(WARM, (LAMP[0] - 750, LAMP[1] - 500), glow)
    night = ImageChops.multiply(day, light)
    ImageDraw.Draw(night).ellipse((620, 120, 660, 165), fill="#fff6df")
    grain = Image.effect_noise(SIZE, 5).convert("RGB")
    return ImageChops.add(night, grain, offset=-128)
