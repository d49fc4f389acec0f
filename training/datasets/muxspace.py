"""Read the press photographs of muxspace/facial_expressions: `PERSON_NNNN.jpg` and `labels.csv` (image,emotion)."""

from __future__ import annotations

import csv
from functools import partial
from pathlib import Path

import numpy as np

from assistant.facs import EXPRESSIONS
from assistant.types import Floats
from training.datasets.pictures import need_folder, read_picture
from training.datasets.sample import DataError, Sample


def samples(folder: Path) -> list[Sample]:
    """Return every picture with its emotion word as one vote, where the word is one of `facs.EXPRESSIONS`.

    Raises:
        DataError: the folder, its pictures or `labels.csv` are missing.
    """
    pictures = sorted(need_folder(folder, "PERSON_NNNN.jpg and labels.csv").glob("*.jpg"))
    if not pictures:
        raise DataError(f"The folder {folder} holds no .jpg picture.", "Give the folder with the pictures.")
    votes = _votes(folder / "labels.csv")
    return [
        Sample(
            name=f"muxspace/{path.name}",
            part="muxspace",
            person=f"muxspace/{path.stem.rsplit('_', 1)[0]}",
            read=partial(read_picture, path),
            emotion=votes.get(path.stem),
        )
        for path in pictures
    ]


def _votes(path: Path) -> dict[str, Floats]:
    try:
        with path.open(newline="", encoding="utf-8") as file:
            words = {line["image"]: line["emotion"] for line in csv.DictReader(file)}
    except (OSError, KeyError, UnicodeDecodeError) as error:
        raise DataError(f"{path} cannot be read: {error}.", "It needs the columns image and emotion.") from error
    identity = np.eye(len(EXPRESSIONS), dtype=np.float32)
    return {image: identity[EXPRESSIONS.index(word)] for image, word in words.items() if word in EXPRESSIONS}
