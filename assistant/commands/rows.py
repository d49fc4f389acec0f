"""Write one row a face, as CSV or JSON lines with the same flat keys, valid after every row."""

from __future__ import annotations

import contextlib
import csv
import json
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Final, Self, TextIO

from assistant.errors import OutputError, SettingsError
from assistant.facs import AU_ORDER, EXPRESSIONS
from assistant.types import Face, Person

Value = str | int | float | None
Row = dict[str, Value]

KEYS: Final[tuple[str, ...]] = (
    *("source", "frame", "time_s", "track", "x1", "y1", "x2", "y2", "score", "yaw_deg", "pitch_deg", "roll_deg"),
    *AU_ORDER,
    *EXPRESSIONS,
    *("expression", "confidence"),
)


def row(source: str, frame: int, time_s: float, person: Person) -> Row:
    """Return one face as a flat row; what is not known is None.

    Args:
        source: file the face is in, as the person named it.
        frame: index in the clip; 0 for a picture.
        time_s: in the clip; 0 for a picture.
        person: the face and what it shows. A score of 0 means that no detector found it: then score and head
            pose are not known.
    """
    face, expression = person.face, person.expression
    values = (
        *(source, frame, round(time_s, 3), face.track),
        *(round(edge, 2) for edge in face.box_xyxy),
        *_found(face),
        *(None if p is None else round(p, 4) for p in person.units.probability),
        *(round(p, 4) for p in expression.probabilities),
        *(expression.label, round(expression.confidence, 4)),
    )
    return dict(zip(KEYS, values, strict=True))


def _found(face: Face) -> tuple[float | None, ...]:
    if not face.score:
        return (None,) * 4
    return tuple(round(value, 4) for value in (face.score, face.yaw_deg, face.pitch_deg, face.roll_deg))


class Table:
    """Write rows to a file. Each row is on disk before the next, so that a kill leaves whole rows.

    Args:
        path: ends in .csv or .jsonl.

    Raises:
        SettingsError: it ends in something else.
        OutputError: it cannot be written.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        suffix = path.suffix.lower()
        if suffix not in (".csv", ".jsonl"):
            raise SettingsError(f"--output {path} ends in neither .csv nor .jsonl.", "Name it like faces.csv.")
        try:
            self._file: TextIO = path.open("w", encoding="utf-8", newline="")
        except OSError as error:
            raise self._unwritable(error) from error
        self._put: Callable[[Row], object] = self._put_json
        if suffix == ".csv":
            writer = csv.DictWriter(self._file, KEYS)
            self._put = writer.writerow
            try:
                self._guarded(writer.writeheader)
            except OutputError:
                self._abandon()
                raise

    def add(self, values: Row) -> None:
        """Append one row.

        Raises:
            OutputError: the disk is full or gone; rows written before are kept.
        """
        self._guarded(lambda: self._put(values))

    def _put_json(self, values: Row) -> None:
        self._file.write(json.dumps(values, ensure_ascii=False, allow_nan=False) + "\n")

    def _guarded(self, write: Callable[[], object]) -> None:
        try:
            write()
            self._file.flush()
        except OSError as error:
            raise self._unwritable(error) from error

    def _abandon(self) -> None:
        """Close a file that cannot take what it still holds."""
        with contextlib.suppress(OSError):
            self._file.close()

    def _unwritable(self, error: OSError) -> OutputError:
        return OutputError(
            f"{self._path} cannot be written: {error.strerror}.", "Choose another folder, or free some space."
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._abandon()  # every row was flushed, or its failure told
