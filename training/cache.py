"""Write and check the prepared data: a folder that training, quantisation and evaluation read.

- crops.npy: (N, 144, 144) uint8 aligned luminance; can be memory-mapped
- table.npz: N rows of names, group (person), part (source), au and second (N, 18) int8, coder (whose codes `au` holds:
  0 the source's own, 1 those of the first list, and so on), emotion (N, 8), score (0 where no face was found), usable,
  split, thumb (N, 12, 12); with a teacher also blendshapes (N, 52), NaN where it found no face
- splits/train.txt, valid.txt, test.txt: names
- splits/manifest.json: sha256 of the lists and the table, counts; written last, so that without it nothing counts
- duplicates.csv: pairs of pictures found to repeat each other
"""

from __future__ import annotations

import csv
import hashlib
import json
import shutil
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from assistant.facs import AU_ORDER
from training.datasets.sample import DataError
from training.duplicates import Pair
from training.partial import MARGIN, SIZE_PX, writing
from training.splits import SPLITS, check_disjoint, check_lists, write_lists

FORMAT: Final = 1
REMEDY: Final = "Run python -m training prepare again."

Table = dict[str, npt.NDArray[Any]]


def write(
    folder: Path, table: Table, pairs: Sequence[Pair], facts: Mapping[str, Any], crops: Path | None
) -> dict[str, Any]:
    """Write everything beside its place, then put it there; return the manifest.

    A full disk or a kill before the last moment leaves what was there before.

    Args:
        folder: of the cache.
        table: as above.
        pairs: rows found to repeat each other.
        facts: what else the manifest should say.
        crops: file to move to `crops.npy`, or None where that stays.

    Raises:
        LeakError: a person is in two splits; nothing is written.
        OutputError: the folder cannot be written.
    """
    check_disjoint(table["names"].tolist(), table["group"].tolist(), table["split"].tolist())
    lists = folder / "splits.part"
    with writing(folder):
        shutil.rmtree(lists, ignore_errors=True)
        lists.mkdir(parents=True)
        hashes = write_lists(lists, table["names"], table["split"])
        _write_pairs(folder / "duplicates.csv.part", table["names"], pairs)
        table_hash = _write_table(folder, table)
        manifest = _manifest(table, hashes, table_hash, facts)
        (lists / "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")
        (folder / "splits" / "manifest.json").unlink(missing_ok=True)
        if crops is not None:
            crops.replace(folder / "crops.npy")
        (folder / "table.npz.part").replace(folder / "table.npz")
        (folder / "duplicates.csv.part").replace(folder / "duplicates.csv")
        shutil.rmtree(folder / "splits", ignore_errors=True)
        lists.replace(folder / "splits")
    return manifest


def add_columns(folder: Path, columns: Table) -> None:
    """Put further columns into the table of a finished cache.

    Raises:
        DataError: there is no finished cache.
        OutputError: the folder cannot be written.
    """
    manifest, table = read_manifest(folder), read_table(folder)
    with writing(folder):
        changed = {**manifest, "table_sha256": _write_table(folder, {**table, **columns})}
        part = folder / "splits" / "manifest.json.part"
        part.write_text(json.dumps(changed, indent=1) + "\n", encoding="utf-8")
        (folder / "splits" / "manifest.json").unlink()
        (folder / "table.npz.part").replace(folder / "table.npz")
        part.replace(folder / "splits" / "manifest.json")


def read_manifest(folder: Path) -> dict[str, Any]:
    """Return `splits/manifest.json`.

    Raises:
        DataError: it is missing or damaged: `prepare` did not finish.
    """
    path = folder / "splits" / "manifest.json"
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"{path} cannot be read: the data are not prepared, or not to the end.", REMEDY) from error
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        raise DataError(f"{path} is of another format than {FORMAT}.", REMEDY)
    return manifest


def read_table(folder: Path) -> Table:
    """Return all columns of `table.npz`.

    Raises:
        DataError: it is missing or damaged.
    """
    try:
        with (folder / "table.npz").open("rb") as file, np.load(file) as stored:
            return {name: stored[name] for name in stored.files}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise DataError(f"{folder / 'table.npz'} cannot be read: {error}.", REMEDY) from error


def verify(folder: Path) -> dict[str, Any]:
    """Check a cache before it is trained or measured on, and return its manifest.

    Raises:
        DataError: a file is missing, damaged or not the manifest's.
        LeakError: a person is in two splits, or a list was changed.
    """
    manifest, table = read_checked(folder)
    check_disjoint(table["names"].tolist(), table["group"].tolist(), table["split"].tolist())
    hashes = {split: manifest["splits"][split]["sha256"] for split in SPLITS}
    check_lists(folder / "splits", hashes, table["names"], table["split"])
    return manifest


def read_checked(folder: Path) -> tuple[dict[str, Any], Table]:
    """Return manifest and table after comparing them with each other and with the crops.

    Raises:
        DataError: a file is missing, damaged or not the manifest's.
    """
    manifest, table = read_manifest(folder), read_table(folder)
    if _sha256(folder / "table.npz") != manifest.get("table_sha256"):
        raise DataError(f"{folder / 'table.npz'} was changed: its sha256 is not the manifest's.", REMEDY)
    try:
        shape = np.load(folder / "crops.npy", mmap_mode="r").shape
    except (OSError, ValueError) as error:
        raise DataError(f"{folder / 'crops.npy'} cannot be read: {error}.", REMEDY) from error
    if shape != (len(table["names"]), SIZE_PX, SIZE_PX):
        raise DataError(f"{folder / 'crops.npy'} has the shape {shape}, not that of the table.", REMEDY)
    return manifest, table


def _write_table(folder: Path, table: Table) -> str:
    path = folder / "table.npz.part"
    with path.open("wb") as file:
        np.savez(file, **table)  # type: ignore[arg-type]  # stub takes allow_pickle from **kwds
    return _sha256(path)


def _write_pairs(path: Path, names: npt.NDArray[np.str_], pairs: Sequence[Pair]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        lines = csv.writer(file)
        lines.writerow(["one", "other", "correlation", "mirrored"])
        for pair in pairs:
            lines.writerow([names[pair.one], names[pair.other], f"{pair.correlation:.4f}", int(pair.mirrored)])


def _manifest(table: Table, hashes: Mapping[str, str], table_hash: str, facts: Mapping[str, Any]) -> dict[str, Any]:
    def summary(split: str) -> dict[str, Any]:
        rows = table["split"] == split
        groups = len(np.unique(table["group"][rows]))
        return {"sha256": hashes[split], "pictures": int(rows.sum()), "groups": groups, "units": _counts(table, rows)}

    return {
        "format": FORMAT,
        "size_px": SIZE_PX,
        "margin": MARGIN,
        **facts,
        "pictures": len(table["names"]),
        "table_sha256": table_hash,
        "splits": {split: summary(split) for split in SPLITS},
    }


def _counts(table: Table, rows: npt.NDArray[np.bool_]) -> dict[str, dict[str, dict[str, int]]]:
    """Return, by source and unit, how many usable coded pictures show it, do not, and do not say."""
    counts = {}
    for part in np.unique(table["part"][rows]).tolist():
        labels = table["au"][rows & (table["part"] == part) & table["usable"]]
        labels = labels[(labels >= -1).any(1)]
        if len(labels):
            counts[part] = {
                unit: {
                    "present": int((labels[:, place] > 0).sum()),
                    "absent": int((labels[:, place] == 0).sum()),
                    "missing": int((labels[:, place] < 0).sum()),
                }
                for place, unit in enumerate(AU_ORDER)
            }
    return counts


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
