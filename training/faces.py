"""Read the prepared cache of aligned crops, and make a network's input of it as the runtime does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, Self
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt

from assistant.errors import ModelError
from assistant.facs import AU_ORDER
from assistant.types import Floats
from training import cache
from training.augment import prepare
from training.splits import LeakError

_NEEDED: Final = ("names", "group", "part", "au", "split")


@dataclass(frozen=True, slots=True)
class Faces:
    """Hold faces of a cache.

    Attributes:
        crops: (N, C, C) uint8 aligned luminance with its margin.
        columns: arrays of N rows: `names`, `group` (the person), `part` (the source), `au` (N, 18) int8 with -2 not
            annotated, -1 unsure, 0 absent, 1 to 3 intensity, `split`; and `second`, `coder`, `usable`, `tone`, `age`
            where there are such.
        split_seed: of the split, where `checked` has read it.
    """

    crops: npt.NDArray[np.uint8]
    columns: Mapping[str, npt.NDArray[Any]]
    split_seed: int | None = None

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Open a cache; the crops stay on disk until they are used.

        Raises:
            ModelError: the folder is not one that `python -m training prepare` wrote.
        """
        remedy = "Make it with: python -m training prepare"
        try:
            crops = np.load(folder / "crops.npy", mmap_mode="r")
            with np.load(folder / "table.npz", allow_pickle=False) as table:
                columns = {name: table[name] for name in table.files}
        except (OSError, ValueError, EOFError, BadZipFile) as error:
            raise ModelError(f"The prepared data in {folder} cannot be read: {error}.", remedy) from error
        missing = [name for name in _NEEDED if name not in columns]
        if missing:
            raise ModelError(f"{folder / 'table.npz'} has no column {missing[0]!r}.", remedy)
        if columns["au"].shape != (len(crops), len(AU_ORDER)):
            raise ModelError(f"{folder}: {len(crops)} crops, but labels of shape {columns['au'].shape}.", remedy)
        rows = [name for name, column in columns.items() if len(column) == len(crops)]
        return cls(crops, {name: columns[name] for name in rows})

    @classmethod
    def checked(cls, folder: Path, *learned: Mapping[str, Any]) -> Self:
        """Open a cache to train or measure on, once it is what its manifest says and fits what was learned before.

        Args:
            folder: that `prepare` wrote.
            learned: settings of runs that are gone on with, measured or asked; a `split_seed` of theirs must be the
                cache's.

        Raises:
            DataError: a file is missing, damaged or not the manifest's.
            LeakError: a person is in two splits, a list was changed, or the run learned from another split.
            ModelError: as `load`.
        """
        now = cache.verify(folder)["seed"]
        for settings in learned:
            if (then := settings.get("split_seed", now)) != now:
                raise LeakError(
                    f"A run learned from data split with --seed {then}, but {folder} is split with --seed {now}: "
                    "it knows people of the other splits.",
                    f"Run python -m training prepare again with --seed {then}, or train that run again.",
                )
        return replace(cls.load(folder), split_seed=now)

    def __len__(self) -> int:
        return len(self.columns["au"])

    @property
    def source(self) -> npt.NDArray[np.str_]:
        """Name the data set each face is from: the first part of its name."""
        return np.array([str(name).split("/")[0] for name in self.columns["names"]])

    def where(self, rows: npt.NDArray[Any]) -> Self:
        """Return the faces of a boolean mask or of row numbers."""
        return replace(
            self, crops=self.crops[rows], columns={name: column[rows] for name, column in self.columns.items()}
        )

    def annotated(self, *splits: str) -> npt.NDArray[np.bool_]:
        """Return the mask of usable faces with annotated units, in the named splits or in all."""
        mask = (self.columns["au"] > -2).any(1)
        if "usable" in self.columns:
            mask &= self.columns["usable"].astype(bool)
        if splits:
            mask &= np.isin(self.columns["split"], splits)
        return np.asarray(mask, np.bool_)


def inputs(crops: npt.NDArray[np.uint8], size_px: int, channels: int) -> Floats:
    """Return (N, size_px, size_px, channels) float32: standardised grey, the same in every channel.

    Args:
        crops: (N, C, C) uint8 with their margin.
        size_px: side of the input.
        channels: of the input.
    """
    values = np.empty((len(crops), size_px, size_px, channels), np.float32)
    for row, crop in enumerate(crops):
        values[row] = prepare(crop, size_px)[..., None]
    return values
