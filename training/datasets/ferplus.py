"""Read FER2013's faces with the ten votes of FER+ (Barsoum et al., 2016), packed as NumPy archives.

A folder of `train.npz`, `valid.npz` and, where there is one, `near_duplicates.csv` (group,image). Who is in the
pictures is not known, so a picture is a person of its own unless it repeats another.
"""

from __future__ import annotations

import csv
import zipfile
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from assistant.facs import EXPRESSIONS
from assistant.types import ImageRgb
from training.datasets.sample import DataError, Sample
from training.splits import Groups

PARTS: Final = ("train", "valid")
"""FER+'s own parts. The second is held out, so that figures on it stay comparable with others'."""


def samples(folder: Path) -> list[Sample]:
    """Return both parts of FER+.

    Raises:
        DataError: an archive is missing, damaged or of another form.
    """
    groups = _near_duplicates(folder / "near_duplicates.csv")
    found: list[Sample] = []
    for part in PARTS:
        archive = _load(folder / f"{part}.npz")
        columns = [str(column) for column in archive["vote_columns"]]
        order = [columns.index(label) for label in EXPRESSIONS]
        votes = archive["votes"][:, order].astype(np.float32)
        for index in _distinct(folder / f"{part}.npz", archive):
            stored = archive["names"][index]
            name = f"ferplus/{stored}"
            read = partial(_picture, archive["images"], index)
            person = groups.name_of(name)
            found.append(Sample(name, part, person, read, emotion=votes[index], held_out=part == "valid"))
    return found


def read_votes(folder: Path, part: str) -> tuple[list[str], npt.NDArray[np.float64]]:
    """Return the names of one part's samples and their votes (N, 10): `facs.EXPRESSIONS`, "unknown", "NF" (no face).

    Raises:
        DataError: the archive is missing, damaged or of another form.
    """
    path = folder / f"{part}.npz"
    archive = _load(path)
    rows = _distinct(path, archive)
    columns = [str(column) for column in archive["vote_columns"]]
    votes = [
        archive["votes"][rows, columns.index(label)] if label in columns else np.zeros(len(rows))
        for label in (*EXPRESSIONS, "unknown", "NF")
    ]
    return [f"ferplus/{archive['names'][row]}" for row in rows], np.stack(votes, 1).astype(np.float64)


def majority_by_rule(votes: npt.NDArray[np.float64]) -> npt.NDArray[np.int8]:
    """Return each face's label by the rule that FER+ is measured with, -1 where that drops the face.

    A single vote counts as none; a label needs more than half of what is left; what is unknown or no face is dropped
    (`majority` in ferplus.py of github.com/microsoft/FERPlus, of Barsoum et al., 2016).

    Args:
        votes: (N, 10) as from `read_votes`.
    """
    counted = np.where(votes > 1, votes, 0.0)
    best = counted.argmax(1)
    clear = (counted.max(1) > 0.5 * counted.sum(1)) & (best < len(EXPRESSIONS))
    return np.where(clear, best, -1).astype(np.int8)


def _picture(images: npt.NDArray[np.uint8], index: int) -> ImageRgb:
    return np.repeat(images[index][..., None], 3, axis=-1)


def _load(path: Path) -> dict[str, npt.NDArray[Any]]:
    remedy = "Give the folder that holds FER+ as train.npz and valid.npz; see docs/data.md."
    try:
        with path.open("rb") as file, np.load(file) as stored:
            archive = {key: stored[key] for key in ("images", "names", "votes", "vote_columns")}
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise DataError(f"The archive {path} cannot be read: {error}.", remedy) from error
    lengths = {len(archive[key]) for key in ("images", "names", "votes")}
    missing = set(EXPRESSIONS) - {str(column) for column in archive["vote_columns"]}
    if len(lengths) != 1 or missing or archive["images"].dtype != np.uint8 or archive["images"].ndim != 3:
        raise DataError(f"The archive {path} is not FER+ as images, names, votes and vote_columns.", remedy)
    return archive


def _distinct(path: Path, archive: dict[str, npt.NDArray[Any]]) -> list[int]:
    """Return the rows without those that repeat an earlier one in name and picture, as a few of FER+ do."""
    first: dict[str, int] = {}
    for index, name in enumerate(archive["names"].tolist()):
        before = first.setdefault(name, index)
        if before != index and not np.array_equal(archive["images"][before], archive["images"][index]):
            raise DataError(f"{path} has two different pictures called {name}.", "Rename one of them.")
    return list(first.values())


def _near_duplicates(path: Path) -> Groups:
    groups = Groups()
    if not path.is_file():
        return groups
    first: dict[str, str] = {}
    with path.open(newline="", encoding="utf-8") as file:
        for line in csv.DictReader(file):
            try:
                name = f"ferplus/{line['image']}"
                groups.join(first.setdefault(line["group"], name), name)
            except KeyError as error:
                raise DataError(f"{path} has no column {error}.", "It needs the columns group and image.") from error
    return groups
