"""Read pictures of one's own: a CSV or JSONL list of labels, or a folder of pictures without labels.

CSV: columns `image`, `person`, then any of `AU01` to `AU43`, and optionally `box` ("left top right bottom", pixels).
A cell is 0 (absent), 1 to 3 or A to E (present), or empty or -1 (not known). A unit without a column is not known.
JSONL: {"image": "a.jpg", "person": "P1", "au": {"AU12": 2, "AU04": 0}, "unsure": ["AU06"], "box": [0, 0, 90, 90]} a
line; a unit that is not listed is not known. Pictures are relative to the folder of the list.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Final

from training.datasets.pictures import pictures_in, read_picture
from training.datasets.sample import MISSING, DataError, Row, Sample, at, grade, row_of, unit_index

LISTS: Final = ("labels.csv", "labels.jsonl")
_PLAIN: Final = ("image", "person", "box")
_LETTERS: Final = "ABCDE"
_FORM: Final = 'It needs the columns image and person, and one a unit, like "AU12"; see docs/data.md.'


def samples(path: Path) -> list[Sample]:
    """Return the pictures of a list, or of a folder: by its labels.csv or labels.jsonl, else without labels.

    In a folder without a list, the first folder below it is the person; a picture that lies in none is a person of
    its own.

    Raises:
        DataError: nothing is there, a line is wrong (the line is named), or a listed picture is missing.
    """
    if path.is_dir():
        listed = next((path / name for name in LISTS if (path / name).is_file()), None)
        return _unlabelled(path) if listed is None else samples(listed)
    if path.suffix.lower() not in (".csv", ".jsonl"):
        raise DataError(f"{path} is neither a folder, a .csv nor a .jsonl file.", "Give one of them.")
    source = path.resolve().parent.name
    found = []
    for place, record in _csv(path) if path.suffix.lower() == ".csv" else _jsonl(path):
        try:
            found.append(_sample(path.parent, source, record))
        except DataError as error:
            raise at(place, error) from error
    if not found:
        raise DataError(f"{path} lists no picture.", _FORM)
    return found


def _sample(folder: Path, source: str, record: Mapping[str, Any]) -> Sample:
    image, person = (str(record.get(key) or "").strip() for key in ("image", "person"))
    if not image or not person:
        raise DataError(
            f"The {'person' if image else 'image'} is empty.", "Name both; without persons the splits would leak."
        )
    if not (folder / image).is_file():
        raise DataError(f"The picture {folder / image} is missing.", "Correct the path or remove the line.")
    row = record["row"]
    return Sample(
        name=f"{source}/{image}",
        part=source,
        person=f"{source}/{person}",
        read=partial(read_picture, folder / image),
        tight=False,
        box_xyxy=_box(record.get("box")),
        au=None if (row == MISSING).all() else row,
    )


def _csv(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file, skipinitialspace=True)
            columns = [name for name in reader.fieldnames or () if name not in _PLAIN]
            _check_columns(path, reader.fieldnames or (), columns)
            for line in reader:
                place = f"{path}, line {reader.line_num}"
                try:
                    units = {name: _cell(name, line[name] or "") for name in columns}
                    yield place, {**line, "row": row_of(units, MISSING)}
                except DataError as error:
                    raise at(place, error) from error
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"The list {path} cannot be read: {error}.", "Save it as UTF-8 CSV.") from error


def _check_columns(path: Path, all_columns: Any, units: list[str]) -> None:
    missing = {"image", "person"} - set(all_columns)
    if missing:
        raise DataError(f"{path}, line 1: the column {sorted(missing)[0]} is missing.", _FORM)
    for name in units:
        try:
            unit_index(name)
        except DataError as error:
            raise at(f"{path}, line 1", error) from error


def _cell(code: str, text: str) -> int:
    text = text.strip().upper()
    if text in ("", "-1"):
        return MISSING
    if len(text) == 1 and text in _LETTERS:
        return grade(_LETTERS.index(text) + 1)
    if text in ("0", "1", "2", "3"):
        return int(text)
    raise DataError(f"{code} is {text!r}.", "Write 0, 1 to 3, A to E, or nothing for not known.")


def _jsonl(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"The list {path} cannot be read: {error}.", "Save it as UTF-8.") from error
    for number, line in enumerate(lines, 1):
        if line.strip():
            place = f"{path}, line {number}"
            yield place, _record(place, line)


def _record(place: str, line: str) -> dict[str, Any]:
    try:
        record = json.loads(line)
        row: Row = row_of(record["au"], MISSING, record.get("unsure", ()))
        return {**record, "row": row}
    except DataError as error:
        raise at(place, error) from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(
            f"{place}: this is no record ({error}).", 'Write {"image": "a.jpg", "person": "P1", "au": {"AU12": 2}}.'
        ) from error


def _box(value: Any) -> tuple[float, float, float, float] | None:
    if value is None or value == "":
        return None
    try:
        left, top, right, bottom = (float(part) for part in (value.split() if isinstance(value, str) else value))
    except (TypeError, ValueError) as error:
        raise DataError(f"The box {value!r} is not four numbers.", "Write left top right bottom in pixels.") from error
    if right - left < 1 or bottom - top < 1:
        raise DataError(f"The box {value!r} is empty.", "Write left top right bottom in pixels.")
    return left, top, right, bottom


def _unlabelled(folder: Path) -> list[Sample]:
    pictures = pictures_in(folder)
    if not pictures:
        raise DataError(f"The folder {folder} holds no picture.", "Give a folder with pictures, or a list of labels.")
    source = folder.resolve().name
    found = []
    for path in pictures:
        inside = path.relative_to(folder)
        name = f"{source}/{inside.as_posix()}"
        person = f"{source}/{inside.parts[0]}" if len(inside.parts) > 1 else name
        found.append(Sample(name, source, person, partial(read_picture, path), tight=False))
    return found
