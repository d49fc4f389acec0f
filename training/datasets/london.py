"""Read the Face Research Lab London Set (DeBruine & Jones, 2017): `ID_neutral.jpg` and `ID_smiling.jpg`."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from training.datasets.pictures import need_folder, read_picture
from training.datasets.sample import DataError, Sample


def samples(folder: Path) -> list[Sample]:
    """Return every picture; the number before the first underscore is the person.

    Raises:
        DataError: the folder or its pictures are missing.
    """
    pictures = sorted(need_folder(folder, "ID_neutral.jpg and ID_smiling.jpg").glob("*.jpg"))
    if not pictures:
        raise DataError(f"The folder {folder} holds no .jpg picture.", "Give the folder with the pictures.")
    return [
        Sample(
            name=f"london/{path.name}",
            part="london",
            person=f"london/{path.stem.split('_')[0]}",
            read=partial(read_picture, path),
            tight=False,
        )
        for path in pictures
    ]
