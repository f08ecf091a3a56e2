"""How a key of the config is declared; camalert.config has them all."""

import dataclasses
import re
from collections.abc import Callable
from typing import Any


def key(
    default: Any = dataclasses.MISSING,
    *,
    meaning: str,
    unit: str = "",
    low: float | None = None,
    high: float | None = None,
    choices: tuple[str, ...] = (),
    pattern: re.Pattern[str] | None = None,
    check: Callable[[str], object] | None = None,
) -> Any:
    """A config key: `default` (none: the key is required), what it means, its unit and bounds.

    `check` raises ValueError, with the reason, for a text that it does not take.
    """
    said = {"meaning": meaning, "default": default, "unit": unit}
    limits = {"low": low, "high": high, "choices": choices, "pattern": pattern, "check": check}
    return dataclasses.field(default=default, metadata=said | limits)
