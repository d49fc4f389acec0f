"""Draw sheets of faces to code by eye: `python -m training sheets`.

A sheet is a picture of sixteen faces, numbered row by row. Who codes writes one line a face into a text file beside
it, by the guide in docs/annotating.md; `python -m training codes` reads them (`training/codes.py`).
"""

from __future__ import annotations

import argparse
import csv
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
import numpy.typing as npt

from assistant.errors import SettingsError
from training.datasets.sample import NOT_ANNOTATED, DataError
from training.faces import Faces
from training.fit import soft_units
from training.partial import writing

INDEX: Final = "index.csv"
FACES: Final = 16
_ACROSS: Final = 4
_FACE_PX: Final = 240
_BAR_PX: Final = 26  # above each face, with its number
_GAP_PX: Final = 6


def draw(crops: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Return one sheet.

    Args:
        crops: (N, S, S) uint8 luminance, N up to sixteen.

    Returns:
        (1064, 978) uint8 picture, black numbers on white above the faces.
    """
    rows = FACES // _ACROSS
    step = _FACE_PX + _BAR_PX
    sheet = np.full((rows * step, _ACROSS * (_FACE_PX + _GAP_PX) - _GAP_PX), 255, np.uint8)
    for place, crop in enumerate(crops):
        top, left = place // _ACROSS * step, place % _ACROSS * (_FACE_PX + _GAP_PX)
        face = cv2.resize(crop, (_FACE_PX, _FACE_PX), interpolation=cv2.INTER_CUBIC)
        sheet[top + _BAR_PX : top + step, left : left + _FACE_PX] = face
        cv2.putText(sheet, str(place + 1), (left + 4, top + 20), cv2.FONT_HERSHEY_SIMPLEX, 0.7, (0,), 2)
    return sheet


def unsure_first(units: npt.NDArray[np.floating[Any]]) -> npt.NDArray[np.intp]:
    """Return the order of faces, those first about which a network is least sure.

    Args:
        units: (N, 18) probabilities; NaN for a unit that the network does not know.

    Returns:
        (N,) indices by the falling sum of the units' binary entropies.
    """
    p = np.clip(np.nan_to_num(units, nan=0.0), 1e-6, 1 - 1e-6)
    return np.argsort((p * np.log(p) + (1 - p) * np.log(1 - p)).sum(1), kind="stable")


def write(faces: Faces, folder: Path) -> int:
    """Write the sheets of these faces and an index of who is where, and return how many sheets.

    Raises:
        OutputError: the folder cannot be written.
        SettingsError: it holds sheets already.
    """
    if (folder / INDEX).exists():
        raise SettingsError(f"{folder} holds sheets already.", "Choose another folder with --out.")
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        for first in range(0, len(faces), FACES):
            _, picture = cv2.imencode(".png", draw(faces.crops[first : first + FACES]))
            (folder / f"{first // FACES + 1:03d}.png").write_bytes(picture.tobytes())
        with (folder / INDEX).open("w", newline="", encoding="utf-8") as file:
            table = csv.writer(file)
            table.writerow(("sheet", "place", "image"))
            for number, name in enumerate(faces.columns["names"]):
                table.writerow((f"{number // FACES + 1:03d}", number % FACES + 1, name))
    return -(-len(faces) // FACES)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `sheets`."""
    parser.add_argument("--data", type=Path, default=Path("cache"), help="folder that prepare wrote")
    parser.add_argument("--out", type=Path, required=True, help="folder to write the sheets into")
    parser.add_argument("--count", type=int, default=320, help="faces to draw (default: 320, twenty sheets)")
    parser.add_argument("--split", default="train", choices=("train", "valid"), help="which faces (default: train)")
    parser.add_argument("--source", help="only this source, like muxspace")
    parser.add_argument("--again", action="store_true", help="draw faces that are coded already, to compare codes")
    parser.add_argument("--unsure", type=Path, metavar="FILE", help="of predict: faces it is least sure about come in")
    parser.add_argument("--seed", type=int, default=0, help="of the order, and of the choice without --unsure")


def run(options: argparse.Namespace) -> int:
    """Draw the sheets and say what to do with them."""
    faces = Faces.load(options.data)
    columns = faces.columns
    coded = (columns["au"] != NOT_ANNOTATED).any(1)
    free = (columns["split"] == options.split) & (coded == options.again)
    if "usable" in columns:
        free &= columns["usable"].astype(bool)
    if options.source:
        free &= faces.source == options.source
    rows = np.flatnonzero(free)
    random = np.random.default_rng(options.seed)
    if options.unsure is None:
        chosen = random.permutation(rows)[: options.count]
    else:
        told = soft_units([options.unsure], faces)[rows]
        chosen = random.permutation(rows[unsure_first(told)][: options.count])
    if not len(chosen):
        raise DataError("There is no such face.", "Choose another --split or --source, or add pictures.")
    sheets = write(faces.where(chosen), options.out)
    print(f"Drew {len(chosen)} faces on {sheets} sheets in {options.out}. Code them by docs/annotating.md, then:")
    print(f"python -m training codes {options.out} --annotator NAME --out annotations.jsonl")
    return 0
