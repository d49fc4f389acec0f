"""Read official portraits of members of the United States Congress: one picture a person, without labels."""

from __future__ import annotations

from pathlib import Path

from training.datasets.pictures import portraits
from training.datasets.sample import Sample


def samples(folder: Path) -> list[Sample]:
    """Return every portrait; each is a person of its own.

    Raises:
        DataError: the folder or its pictures are missing.
    """
    return portraits(folder, "congress", "one .jpg a person", lambda path: path.name)
