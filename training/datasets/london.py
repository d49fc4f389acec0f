"""Read the Face Research Lab London Set (DeBruine & Jones, 2017): `ID_neutral.jpg` and `ID_smiling.jpg`."""

from __future__ import annotations

from pathlib import Path

from training.datasets.pictures import portraits
from training.datasets.sample import Sample


def samples(folder: Path) -> list[Sample]:
    """Return every picture; the number before the first underscore is the person.

    Raises:
        DataError: the folder or its pictures are missing.
    """
    return portraits(folder, "london", "ID_neutral.jpg and ID_smiling.jpg", lambda path: path.stem.split("_")[0])
