"""Read what was coded by eye on sheets of faces, and write annotations: `python -m training codes`.

The sheets are those of `python -m training sheets`; the form of a line is in docs/annotating.md.
"""

from __future__ import annotations

import argparse
import csv
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import numpy as np

from assistant.facs import AU_ORDER
from training import metrics
from training.datasets.annotated import called_by, digest, read_annotations
from training.datasets.sample import DataError, Row, at, row_of
from training.metrics import MISSING
from training.partial import writing
from training.sheets import INDEX

_CODE: Final = re.compile(r"(\?)?(\d{1,2})(?:=([123]))?")


def read(folder: Path) -> dict[str, tuple[Row, bool]]:
    """Return the coded row, and whether the face can be coded, by the name of the picture; uncoded sheets are left out.

    Raises:
        DataError: there is no index, or a line is wrong, missing or there twice; sheet and line are named.
    """
    places = _index(folder)
    coded: dict[str, tuple[Row, bool]] = {}
    for sheet, names in places.items():
        path = folder / f"{sheet}.txt"
        if not path.exists():
            continue
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise DataError(f"{path} cannot be read: {error}.", "Save it as UTF-8 text.") from error
        left = dict(names)
        for number, line in enumerate(lines, 1):
            if line.strip():
                try:
                    place, row, usable = _line(line)
                    name = left.pop(place)
                except KeyError as error:
                    raise DataError(
                        f"{path}, line {number}: face {error} is not on the sheet, or is coded twice.",
                        "Write one line a face, with the number above it.",
                    ) from error
                except DataError as error:
                    raise at(f"{path}, line {number}", error) from error
                coded[name] = (row, usable)
        if left:
            raise DataError(f"{path}: face {min(left)} has no line.", 'Write its units, or "none", or "bad".')
    return coded


def _index(folder: Path) -> dict[str, dict[int, str]]:
    try:
        with (folder / INDEX).open(newline="", encoding="utf-8") as file:
            sheets: dict[str, dict[int, str]] = {}
            for line in csv.DictReader(file):
                sheets.setdefault(line["sheet"], {})[int(line["place"])] = line["image"]
    except (OSError, UnicodeDecodeError, csv.Error, KeyError, ValueError, TypeError) as error:
        raise DataError(f"{folder / INDEX} cannot be read: {error}.", "See: python -m training sheets") from error
    return sheets


def _line(line: str) -> tuple[int, Row, bool]:
    """Return place, row and whether the face can be coded, of a line like "2: 6=2 12=3 ?26=1"."""
    place, colon, rest = line.partition(":")
    words = rest.split()
    if not colon or not place.strip().isdigit() or not words:
        raise DataError(f"{line.strip()!r} is not understood.", 'Write it like "2: 6=2 12=3 ?26=1".')
    if words in (["none"], ["bad"]):
        return int(place), row_of({}, 0), words == ["none"]
    units: dict[str, int] = {}
    unsure: list[str] = []
    for word in words:
        found = _CODE.fullmatch(word)
        if found is None:
            raise DataError(f"{word!r} is not understood.", "Write a unit and its strength: 12=2, or ?12=1.")
        code = f"AU{int(found[2]):02d}"
        units[code] = int(found[3] or 1)
        if found[1]:
            unsure.append(code)
    return int(place), row_of(units, 0, unsure), True


def agreement(mine: Mapping[str, Row], others: Mapping[str, Row]) -> dict[str, tuple[int, float]]:
    """Return `metrics.agreement` of my rows with the others', by name, on the pictures that both coded."""
    names = sorted(mine.keys() & others.keys())
    if not names:
        return {}
    truth, said = (metrics.occurrence(np.stack([rows[name] for name in names])) for rows in (others, mine))
    return metrics.agreement(truth, said)


def record(name: str, row: Row, usable: bool, annotator: str) -> str:
    """Return the line of `annotations.jsonl` for one face."""
    units = {unit: int(value) for unit, value in zip(AU_ORDER, row, strict=True) if value > 0}
    unsure = [unit for unit, value in zip(AU_ORDER, row, strict=True) if value == MISSING]
    told = {"unsure": unsure} if unsure else {}
    return json.dumps({"image": name, "annotator": annotator, "usable": usable, "au": units, **told})


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("folders", metavar="FOLDER", nargs="+", type=Path, help="with sheets, index.csv and coded .txt")
    parser.add_argument("--annotator", required=True, help="who coded them; any word")
    parser.add_argument("--out", type=Path, help="file to write, annotations.jsonl")
    parser.add_argument("--against", type=Path, metavar="FILE", help="annotations of others, to compare with")
    parser.add_argument("--hide-names", action="store_true", help="write a digest in place of each picture's name")


def run(options: argparse.Namespace) -> int:
    """Read the sheets, write the annotations and say how far they agree with others'."""
    coded: dict[str, tuple[Row, bool]] = {}
    for folder in options.folders:
        coded |= read(folder)
    if not coded:
        raise DataError("No sheet is coded.", "Write a .txt file beside a sheet; see docs/annotating.md.")
    if options.against is not None:
        _compare({name: row for name, (row, usable) in coded.items() if usable}, options.against)
    if options.out is not None:
        lines = [
            record(digest(name) if options.hide_names else name, row, usable, options.annotator)
            for name, (row, usable) in coded.items()
        ]
        with writing(options.out):
            options.out.write_text("\n".join(sorted(lines)) + "\n", encoding="utf-8")
    print(f"{len(coded)} faces are coded; {sum(not usable for _, usable in coded.values())} of them cannot be.")
    return 0


def _compare(mine: Mapping[str, Row], path: Path) -> None:
    told = read_annotations(path)
    firsts = {name: told[key][0] for name in mine if (key := called_by(name, told)) is not None}
    others = {name: first.row for name, first in firsts.items() if first.usable}
    agreed = agreement(mine, others)
    print(f"{len(mine.keys() & others.keys())} faces are in {path} too.")
    for unit, (cases, score) in agreed.items():
        print(f"{unit}: F1 {score:.2f} against {cases} cases")
    if agreed:
        print(f"Mean over {len(agreed)} units: F1 {np.mean([score for _, score in agreed.values()]):.3f}")
