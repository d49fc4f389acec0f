"""Lay Action Units annotated by eye over pictures of other sources.

`annotations.jsonl` holds one object per picture and annotator: {"image": NAME, "annotator": WHO, "usable": true,
"au": {"AU01": 2}, "unsure": ["AU10"]}. Every one of the 18 codes that is not listed was judged absent. NAME is the
sample's, or its `digest`: a list that others may see then says nobody's name.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from training.datasets.sample import DataError, Row, Sample, at, row_of


@dataclass(frozen=True, slots=True)
class Annotation:
    """Hold what one annotator wrote of one picture."""

    row: Row
    usable: bool


def annotate(samples: Sequence[Sample], path: Path, number: int = 1) -> list[Sample]:
    """Return the samples with the rows of the first two annotators, in the order of the file.

    Codes that a sample has already, of its own or of an earlier list, come first.

    Args:
        samples: of all sources.
        path: the list, or a folder with an `annotations.jsonl`.
        number: of the list, from 1; it becomes the `coder` of samples that had no codes.

    Raises:
        DataError: the file is missing or damaged, names an unknown unit, or fits none of the samples.
    """
    annotations = read_annotations(path)
    called = {sample.name: called_by(sample.name, annotations) for sample in samples}
    if annotations and not any(called.values()):
        example = next(iter(annotations))
        raise DataError(
            f"None of the pictures in {path} is among the sources, for example {example}.",
            "Give the source of the pictures too, or leave the annotations out.",
        )
    return [
        sample if (name := called[sample.name]) is None else _with(sample, annotations[name], number)
        for sample in samples
    ]


def digest(name: str) -> str:
    """Return what stands for a picture's name in a list without names: 16 hexadecimal digits of its sha256."""
    return hashlib.sha256(name.encode()).hexdigest()[:16]


def called_by(name: str, annotations: Mapping[str, object]) -> str | None:
    """Return under which of its names a sample is annotated, if under any."""
    return next((one for one in (name, digest(name)) if one in annotations), None)


def read_annotations(path: Path) -> dict[str, list[Annotation]]:
    """Return the annotations by the name of the picture, in the order of the file.

    Raises:
        DataError: as `annotate`, naming the line.
    """
    path = path / "annotations.jsonl" if path.is_dir() else path
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"The annotations {path} cannot be read: {error}.", "Restore the file.") from error
    annotations: dict[str, list[Annotation]] = defaultdict(list)
    for number, line in enumerate(lines, 1):
        if line.strip():
            name, annotation = _parse(f"{path}, line {number}", line)
            annotations[name].append(annotation)
    return dict(annotations)


def _parse(place: str, line: str) -> tuple[str, Annotation]:
    try:
        record = json.loads(line)
        row = row_of(record["au"], 0, record.get("unsure", ()))
        return str(record["image"]), Annotation(row, bool(record.get("usable", True)))
    except DataError as error:
        raise at(place, error) from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(
            f"{place}: this is no annotation ({error}).", 'Write {"image": NAME, "au": {"AU01": 2}, "unsure": []}.'
        ) from error


def _with(sample: Sample, annotations: list[Annotation], number: int) -> Sample:
    had = [row for row in (sample.au, sample.second) if row is not None]
    first, second, *_ = [*had, *(annotation.row for annotation in annotations), None]
    usable = sample.usable and all(annotation.usable for annotation in annotations)
    coder = number if sample.au is None else sample.coder
    return replace(sample, au=first, second=second, coder=coder, usable=usable)
