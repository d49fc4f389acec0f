"""Read the Extended Cohn-Kanade set in its original layout (Lucey et al., CVPR workshops 2010).

    cohn-kanade-images/S005/001/S005_001_00000001.png     a sequence from neutral to the peak
    FACS/S005/001/S005_001_00000011_facs.txt              of the last picture: FACS number and intensity a line

The peak was coded in full, so a unit that is not listed is absent; intensity 0 means that none was given. The first
picture of a sequence is neutral: every unit is absent. Access is by agreement; nothing of it may be passed on.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

from training.datasets.pictures import need_folder, pictures_in, read_picture
from training.datasets.sample import DataError, Row, Sample, at, grade, row_of, row_of_numbers


def samples(root: Path) -> list[Sample]:
    """Return the neutral and the peak picture of each coded sequence.

    Raises:
        DataError: a folder or picture is missing, or a label file is damaged.
    """
    labels = sorted(need_folder(root / "FACS", "S005/001/*_facs.txt").glob("*/*/*_facs.txt"))
    images = need_folder(root / "cohn-kanade-images", "S005/001/*.png")
    if not labels:
        raise DataError(f"The folder {root / 'FACS'} holds no *_facs.txt.", "Give the root of the original layout.")
    found: list[Sample] = []
    for label in labels:
        subject, sequence = label.parts[-3:-1]
        folder = images / subject / sequence
        peak = folder / f"{label.stem.removesuffix('_facs')}.png"
        if not peak.is_file():
            raise DataError(f"{label}: its picture {peak} is missing.", "Restore the picture or remove the label.")
        first = pictures_in(folder)[0]
        rows = {peak: _row(label)} if first == peak else {first: row_of({}, 0), peak: _row(label)}
        for path, row in rows.items():
            name = f"ckplus/{subject}/{sequence}/{path.name}"
            found.append(Sample(name, "ckplus", f"ckplus/{subject}", partial(read_picture, path), tight=False, au=row))
    return found


def _row(path: Path) -> Row:
    values: dict[int, int] = {}
    for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1):
        if not line.strip():
            continue
        try:
            unit, intensity = (int(float(cell)) for cell in line.split())
            values[unit] = max(grade(intensity), 1)
        except DataError as error:
            raise at(f"{path}, line {number}", error) from error
        except ValueError as error:
            raise DataError(
                f"{path}, line {number}: expected a FACS number and an intensity.", "Restore the file."
            ) from error
    try:
        return row_of_numbers(values, 0)
    except DataError as error:
        raise at(path, error) from error
