"""Read BP4D in its original layout (Zhang et al., Image and Vision Computing 2014).

    AUCoding/AU_OCC/F001_T1.csv      first row: a cell, then FACS numbers; then a frame number and 0, 1 or 9 (unknown)
    Sequences/F001/T1/0001.jpg       texture pictures; the number of digits differs from task to task

BP4D+ has the same form. Access is by agreement with Binghamton University; nothing of it may be passed on.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Final

from training.datasets.pictures import need_folder, pictures_in, read_picture, trailing_number
from training.datasets.sample import MISSING, DataError, Row, Sample, at, row_of_numbers

_STORED: Final = {"0": 0, "1": 1, "9": MISSING}
_REMEDY: Final = "Restore the file from the original distribution."


def samples(root: Path) -> list[Sample]:
    """Return every coded frame that has a picture; units that BP4D does not code are missing.

    Raises:
        DataError: a folder is missing, a table is damaged, or no coded frame has a picture.
    """
    tables = sorted(need_folder(root / "AUCoding" / "AU_OCC", "F001_T1.csv and its like").glob("*.csv"))
    sequences = need_folder(root / "Sequences", "F001/T1/0001.jpg and its like")
    found: list[Sample] = []
    for table in tables:
        subject, _, task = table.stem.partition("_")
        folder = sequences / subject / task
        pictures = {trailing_number(path): path for path in pictures_in(folder)} if folder.is_dir() else {}
        for frame, row in _rows(table):
            if (path := pictures.get(frame)) is not None:
                name = f"bp4d/{subject}/{task}/{path.name}"
                found.append(Sample(name, "bp4d", f"bp4d/{subject}", partial(read_picture, path), tight=False, au=row))
    if not found:
        raise DataError(f"No frame coded in {root / 'AUCoding'} has a picture in {sequences}.", "See docs/data.md.")
    return found


def _rows(path: Path) -> Iterator[tuple[int, Row]]:
    """Yield frame number and row of each line."""
    with path.open(newline="", encoding="utf-8-sig") as file:
        lines = csv.reader(file)
        try:
            numbers = [int(cell) for cell in next(lines)[1:]]
        except (StopIteration, ValueError) as error:
            raise DataError(f"{path}, line 1: this is no row of FACS numbers.", _REMEDY) from error
        for line in lines:
            place = f"{path}, line {lines.line_num}"
            try:
                values = {number: _STORED[cell.strip()] for number, cell in zip(numbers, line[1:], strict=True)}
                yield int(line[0]), row_of_numbers(values, MISSING)
            except DataError as error:
                raise at(place, error) from error
            except (KeyError, ValueError, IndexError) as error:
                raise DataError(f"{place}: expected a frame and one of 0, 1, 9 a unit.", _REMEDY) from error
