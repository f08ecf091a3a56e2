"""The file that holds the labels of a footage."""

from pathlib import Path

from camalert.errors import BadData, BadUsage
from camalert.replay import scores
from camalert.replay.scores import Label


def read(path: Path) -> list[Label]:
    """The labels in the CSV file `path`; see scores.labels. Raises BadUsage, BadData."""
    try:
        with path.open(encoding="utf-8", newline="") as file:
            return scores.labels(file)
    except OSError as error:
        raise BadUsage(str(path), error.strerror or str(error)) from None
    except ValueError as error:  # also what is not UTF-8
        raise BadData(str(path), str(error)) from None
