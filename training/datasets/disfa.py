"""Read DISFA and DISFA+ in their original layouts (Mavadati et al., IEEE TAC 2013; CVPR workshops 2016).

    DISFA   ActionUnit_Labels/SN001/SN001_au1.txt          "frame,intensity" a line, frames from 1, intensity 0 to 5
            Video_LeftCamera/LeftVideoSN001_comp.avi       or a folder of pictures: LeftVideoSN001_comp/, SN001/
    DISFA+  Labels/SN001/TRIAL/AU1.txt                     "000.jpg intensity" a line
            Images/SN001/TRIAL/000.jpg

The people of DISFA+ are also in DISFA, under the same numbers, and are kept together. Access is by agreement with the
University of Denver; nothing of it may be passed on.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final, Literal

from assistant.types import ImageRgb
from training.datasets.pictures import Clip, need_folder, pictures_in, read_picture, trailing_number
from training.datasets.sample import MISSING, DataError, Sample, at, grade, row_of_numbers

Trace = Literal["unsure", "absent", "present"]
"""What intensity A counts as: "unsure" leaves it out of training, "absent" is how the DISFA papers count (present
from B, that is 2, on), "present" is FACS."""

_TRACE: Final[dict[Trace, int]] = {"unsure": MISSING, "absent": 0, "present": 1}
_CAMERAS: Final = ("Video_LeftCamera", "Videos_LeftCamera", "Images")
_NUMBER: Final = re.compile(r"au_?(\d+)$", re.IGNORECASE)
_LINE: Final = re.compile(r"^\s*(\S+?)\s*[,\s]\s*(\d+)\s*$")
_REMEDY: Final = "Restore the file from the original distribution."


def samples(root: Path, trace: Trace = "unsure") -> list[Sample]:
    """Return every coded frame of DISFA's left camera; units that DISFA does not code are missing.

    Raises:
        DataError: a folder or clip is missing, or a label file is damaged.
    """
    labels = need_folder(root / "ActionUnit_Labels", "SN001/SN001_au1.txt and its like")
    found: list[Sample] = []
    for folder in _folders(labels):
        subject = folder.name
        read = _reader(root, subject)
        for frame, values in _coded(folder, trace).items():
            number = trailing_number(Path(frame))
            if number is None:
                raise DataError(f"{folder}: the frame {frame!r} is no number.", _REMEDY)
            name = f"disfa/{subject}/{number:05d}"
            row = row_of_numbers(values, MISSING)
            reading = partial(read, number)
            found.append(Sample(name, "disfa", f"disfa/{subject}", reading, tight=False, au=row))
    return found


def plus_samples(root: Path, trace: Trace = "unsure") -> list[Sample]:
    """Return every coded picture of DISFA+; units that it does not code are missing.

    Raises:
        DataError: a folder or picture is missing, or a label file is damaged.
    """
    labels = need_folder(root / "Labels", "SN001/TRIAL/AU1.txt and its like")
    images = need_folder(root / "Images", "SN001/TRIAL/000.jpg and its like")
    found: list[Sample] = []
    for folder in _folders(labels):
        for trial in _folders(folder):
            for file, values in _coded(trial, trace).items():
                inside = f"{folder.name}/{trial.name}/{file}"
                row = row_of_numbers(values, MISSING)
                read = partial(read_picture, images / inside)
                found.append(Sample(f"disfaplus/{inside}", "disfaplus", f"disfa/{folder.name}", read, False, au=row))
    return found


def _folders(folder: Path) -> list[Path]:
    found = sorted(path for path in folder.iterdir() if path.is_dir())
    if not found:
        raise DataError(f"The folder {folder} holds no folder of labels.", "Give the root of the original layout.")
    return found


def _coded(folder: Path, trace: Trace) -> dict[str, dict[int, int]]:
    """Return intensity by FACS number for each frame or file named in a folder of AU files."""
    coded: dict[str, dict[int, int]] = defaultdict(dict)
    for path in sorted(folder.glob("*.txt")):
        matched = _NUMBER.search(path.stem)
        if matched is None:
            continue
        for place, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1):
            cells = _LINE.match(line)
            if cells is not None:
                coded[cells[1]][int(matched[1])] = _intensity(f"{path}, line {place}", int(cells[2]), trace)
            elif line.strip() and place > 2:  # DISFA+ files may begin with up to two lines of heading
                raise DataError(f"{path}, line {place}: expected a frame and an intensity.", _REMEDY)
    if not coded:
        raise DataError(f"The folder {folder} holds no label file like SN001_au1.txt or AU1.txt.", _REMEDY)
    return coded


def _intensity(place: str, stored: int, trace: Trace) -> int:
    try:
        return _TRACE[trace] if stored == 1 else grade(stored)
    except DataError as error:
        raise at(place, error) from error


def _reader(root: Path, subject: str) -> Callable[[int], ImageRgb]:
    """Return what reads frame N, counted from 1, of a subject's left camera."""
    stem = f"LeftVideo{subject}_comp"
    for camera in _CAMERAS:
        clips = sorted((root / camera).glob(f"{stem}.*")) if (root / camera).is_dir() else []
        if clips and clips[0].is_file():
            clip = Clip(clips[0])
            return lambda number: clip.read(number - 1)
        for folder in (root / camera / stem, root / camera / subject):
            if folder.is_dir():
                return partial(_from_folder, folder, {trailing_number(path): path for path in pictures_in(folder)})
    raise DataError(
        f"There is neither {stem}.avi nor a folder {stem} or {subject} in {root / _CAMERAS[0]}.",
        "Give the root of the original layout.",
    )


def _from_folder(folder: Path, pictures: dict[int | None, Path], number: int) -> ImageRgb:
    if number not in pictures:
        raise DataError(f"{folder} has no picture of frame {number}.", "Extract all frames, counted from 1.")
    return read_picture(pictures[number])
