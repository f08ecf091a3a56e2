"""A folder of fake programs in front of PATH, and pictures to feed them."""

import io
import os
import random
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from camalert.capture.backends import Shot
from camalert.config import Camera
from camalert.records import SystemClock

Fake = Callable[[str, str], Path]


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Fake:
    """Put a shell script on PATH as a camera's program; its arguments go to the file returned."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")

    def make(name: str, script: str) -> Path:
        said = tmp_path / f"{name}.arguments"
        text = f"#!/bin/sh\nfor word; do echo \"$word\"; done >'{said}'\n{script}\n"
        (folder / name).write_text(text, encoding="utf-8")
        (folder / name).chmod(0o755)
        return said

    return make


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    """A JPEG with detail everywhere, 64x48."""
    path = tmp_path / "photo.jpg"
    out = io.BytesIO()
    noise = random.Random(1).randbytes(64 * 48 * 3)
    Image.frombytes("RGB", (64, 48), noise).save(out, "JPEG")
    path.write_bytes(out.getvalue())
    return path


@pytest.fixture
def shot() -> Callable[..., Shot]:
    """A shot of the camera "cam" with so many seconds left."""

    def make(source: str, seconds: float = 20.0, **keys: object) -> Shot:
        camera = Camera(**({"name": "cam", "source": source, "deadline": seconds} | keys))  # type: ignore[arg-type]
        clock = SystemClock()
        return Shot(camera, clock.monotonic() + seconds, clock)

    return make
