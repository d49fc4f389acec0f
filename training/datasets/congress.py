"""Read official portraits of members of the United States Congress: one picture a person, without labels."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from training.datasets.pictures import need_folder, read_picture
from training.datasets.sample import DataError, Sample


def samples(folder: Path) -> list[Sample]:
    """Return every portrait; each is a person of its own.

    Raises:
        DataError: the folder or its pictures are missing.
    """
    pictures = sorted(need_folder(folder, "one .jpg a person").glob("*.jpg"))
    if not pictures:
        raise DataError(f"The folder {folder} holds no .jpg picture.", "Give the folder with the pictures.")
    return [
        Sample(
            name=f"congress/{path.name}",
            part="congress",
            person=f"congress/{path.name}",
            read=partial(read_picture, path),
            tight=False,
        )
        for path in pictures
    ]
