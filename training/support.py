"""Refuse prepared data that nothing can be learned from or measured on, and say what would help."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from assistant.facs import AU_ORDER
from training.datasets.sample import DataError, unit_index
from training.splits import SPLITS, Strings, assign

_SEEDS: Final = range(1, 201)


def check_support(table: Mapping[str, npt.NDArray[Any]], held_out: Sequence[bool], seed: int, allowed: str) -> None:
    """Make sure that each split has two people, and each coded unit somebody who shows it in every split.

    Where every picture must be in test, the data are for measuring alone, and nothing is asked of the other splits.

    Args:
        table: columns au, usable, group and split.
        held_out: for each row, whether it must be in test.
        seed: of the split.
        allowed: units that may lack cases, "AU23,AU24" or "all".

    Raises:
        DataError: it is not so; the remedy names a seed that helps, where one of the first 200 does.
    """
    excused = set(AU_ORDER) if allowed == "all" else {AU_ORDER[unit_index(c.strip())] for c in allowed.split(",") if c}
    coded = table["usable"] & (table["au"] >= -1).any(1)
    rows = coded if coded.any() else np.ones(len(coded), np.bool_)
    au, groups = table["au"][rows], table["group"][rows]
    fault = _fault(au, groups, table["split"][rows], excused)
    if fault is None or all(held_out):
        return
    pinned = set(table["group"][np.asarray(held_out)].tolist())
    kept = [group in pinned for group in groups.tolist()]
    helps = next((s for s in _SEEDS if s != seed and _works(au, groups, kept, s, excused)), None)
    remedy = "Add people or labels" if helps is None else f"Use --seed {helps}, or add people or labels"
    missing = sorted(_lacking(au, table["split"][rows]) - excused)
    if missing:
        names = ",".join(sorted({unit for _, unit in missing} | excused)) if allowed != "all" else "all"
        remedy += f", or go on without: --allow-empty {names}"
    raise DataError(fault, f"{remedy}.")


def _works(au: npt.NDArray[Any], groups: Strings, held_out: Sequence[bool], seed: int, excused: set[str]) -> bool:
    return _fault(au, groups, assign(groups.tolist(), held_out, seed), excused) is None


def _fault(au: npt.NDArray[Any], groups: Strings, splits: Strings, excused: set[str]) -> str | None:
    for split in SPLITS:
        people = len(np.unique(groups[splits == split]))
        if people < 2:
            return f"The {split} split has {people or 'no'} {'person' if people == 1 else 'people'} with labels."
    lacking: dict[str, list[str]] = {}
    for split, unit in sorted(_lacking(au, splits), key=lambda pair: (pair[1], SPLITS.index(pair[0]))):
        if unit not in excused:
            lacking.setdefault(unit, []).append(split)
    if lacking:
        return "Nobody shows " + "; ".join(f"{unit} in {', '.join(found)}" for unit, found in lacking.items()) + "."
    return None


def _lacking(au: npt.NDArray[Any], splits: Strings) -> set[tuple[str, str]]:
    """Return split and unit where a unit is coded somewhere, but nobody in the split shows it."""
    lacking = set()
    for place, unit in enumerate(AU_ORDER):
        if (au[:, place] >= 0).any():
            lacking |= {(split, unit) for split in SPLITS if not (au[splits == split, place] > 0).any()}
    return lacking
