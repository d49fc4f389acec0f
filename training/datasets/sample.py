"""Say what every data set adapter gives: one `Sample` a picture, its pixels read only when asked for."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Final

import numpy as np
import numpy.typing as npt

from assistant.errors import FacecueError
from assistant.facs import AU_ORDER
from assistant.types import Floats, ImageRgb

Row = npt.NDArray[np.int8]
"""(18,) int8 in `facs.AU_ORDER`: `NOT_ANNOTATED`, `MISSING`, 0 absent, 1 slight (FACS A-B, or present without an
intensity), 2 marked (C), 3 strong (D-E)."""

NOT_ANNOTATED: Final = -2
"""The picture was never coded for Action Units."""
MISSING: Final = -1
"""The picture was coded, but not this unit, or not for sure: neither present nor absent."""

_FACS_NUMBERS: Final = range(1, 100)  # main codes, head and eye codes, gross behaviour and visibility codes
_BELONGS_TO: Final[dict[int, int]] = {27: 26}  # mouth stretch is the far end of jaw drop: see `facs.AU_NAMES`
_GRADE: Final[dict[int, int]] = {0: 0, 1: 1, 2: 1, 3: 2, 4: 3, 5: 3}


class DataError(FacecueError):
    """A data set, a picture or a label in it is damaged, missing or unknown."""

    exit_status: ClassVar[int] = 9


@dataclass(frozen=True, slots=True)
class Sample:
    """Hold one picture of one face and what is known of it.

    Attributes:
        name: unique, "source/picture".
        part: of which source or part of a source, for counts.
        person: who it is, or which group of repeated pictures where nobody knows; never in two splits.
        read: returns the picture, (H, W, 3) uint8 RGB; raises `DataError`.
        tight: the picture is cut closely around one face, so the detector needs a border put around it.
        box_xyxy: where the face is, in pixels, where the source says so.
        au: the first annotator's row, or None where not annotated.
        second: a second annotator's row, or None.
        coder: who gave `au`: 0 where it came with the picture, else the number of the list, from 1 in the order given.
        emotion: (8,) float32 votes in the order of `facs.EXPRESSIONS`, or None.
        usable: False where an annotator found that the picture cannot be coded.
        held_out: the source itself keeps this picture back for measuring; it goes to test.
        facts: words by which results are told apart, like {"tone": "dark"}; each becomes a column of the table.
    """

    name: str
    part: str
    person: str
    read: Callable[[], ImageRgb]
    tight: bool = True
    box_xyxy: tuple[float, float, float, float] | None = None
    au: Row | None = None
    second: Row | None = None
    coder: int = 0
    emotion: Floats | None = None
    usable: bool = True
    held_out: bool = False
    facts: Mapping[str, str] = field(default_factory=dict)


def row_of(intensities: Mapping[str, int], unlisted: int, unsure: Sequence[str] = ()) -> Row:
    """Return a row from codes of this project.

    Args:
        intensities: 0 to 3 or `MISSING` by code, like {"AU06": 2}.
        unlisted: what a code that is not listed means: 0 (judged absent) or `MISSING` (not coded).
        unsure: codes that become `MISSING`.

    Raises:
        DataError: a code is unknown or an intensity is out of range; add file and line with `at`.
    """
    row = np.full(len(AU_ORDER), unlisted, np.int8)
    for code, value in intensities.items():
        if isinstance(value, bool) or value not in (MISSING, 0, 1, 2, 3):
            raise DataError(f"{code} has the intensity {value!r}.", "Write 0, 1, 2 or 3, or -1 for not known.")
        row[unit_index(code)] = value
    for code in unsure:
        row[unit_index(code)] = MISSING
    return row


def unit_index(code: str) -> int:
    """Return the position of a code in `facs.AU_ORDER`.

    Raises:
        DataError: the code is unknown; the remedy names the nearest.
    """
    if code in AU_ORDER:
        return AU_ORDER.index(code)
    digits = "".join(character for character in str(code) if character in "0123456789")
    padded = f"AU{digits:0>2}"
    close = [padded] if padded in AU_ORDER else difflib.get_close_matches(str(code).upper(), AU_ORDER, 1)
    hint = f"Did you mean {close[0]}? " if close else ""
    raise DataError(f"The Action Unit {code!r} is unknown.", f"{hint}Known: {', '.join(AU_ORDER)}.")


def row_of_numbers(values: Mapping[int, int], unlisted: int) -> Row:
    """Return a row from FACS numbers, as research sets write them; codes that this project does not use are left out.

    Args:
        values: 0 to 3 or `MISSING` by FACS number; of AU26 and AU27 the stronger counts.
        unlisted: as in `row_of`.

    Raises:
        DataError: a number is no FACS code.
    """
    row = np.full(len(AU_ORDER), unlisted, np.int8)
    told: set[int] = set()
    for number, value in values.items():
        if number not in _FACS_NUMBERS:
            raise DataError(f"The Action Unit {number} is unknown.", "Write FACS numbers from 1 to 99.")
        if number in _BELONGS_TO and value <= 0:
            continue  # a mouth that is not stretched may still be open
        code = f"AU{_BELONGS_TO.get(number, number):02d}"
        if code in AU_ORDER:
            index = AU_ORDER.index(code)
            row[index] = max(int(row[index]), value) if index in told else value
            told.add(index)
    return row


def grade(intensity: int) -> int:
    """Map FACS intensity 0 to 5 (absent, A to E) to 0 to 3.

    Raises:
        DataError: the intensity is out of range.
    """
    if intensity not in _GRADE:
        raise DataError(f"The intensity {intensity} is out of range.", "FACS intensities are 0 to 5.")
    return _GRADE[intensity]


def at(place: object, error: DataError) -> DataError:
    """Return the same error with the file and line it came from in front."""
    return DataError(f"{place}: {error.cause}", error.remedy)
