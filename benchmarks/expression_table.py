"""Make the table that the second stage is learned on: FER+ faces only, measured on the valid part of FER+.

    python -m training predict RUN --data CACHE --out predicted.npz
    python benchmarks/expression_table.py predicted.npz CACHE table.npz
    python -m training expression table.npz

Of repeated pictures in the measured part one is kept; people and duplicates of it are in no other part.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np


def main() -> int:
    """Select the faces and write units, votes, groups and splits."""
    if len(sys.argv) != 4:
        print(__doc__, file=sys.stderr)
        return 2
    predicted, cache, out = (Path(word) for word in sys.argv[1:])
    found, table = np.load(predicted), np.load(cache / "table.npz")
    if not np.array_equal(found["names"], table["names"]):
        print("The predictions are not of this cache; predict all splits of it.", file=sys.stderr)
        return 2
    ferplus = np.char.startswith(table["names"].astype(str), "ferplus/")
    measured = ferplus & (table["part"] == "valid")
    keep = ferplus & table["usable"] & ((table["split"] != "test") | measured)
    _, first = np.unique(table["group"][measured], return_index=True)
    repeated = np.setdiff1d(np.flatnonzero(measured), np.flatnonzero(measured)[first])
    keep[repeated] = False
    columns = {name: found[name][keep] for name in ("units", "votes", "groups", "splits")}
    np.savez_compressed(out, **columns)
    print(f"{int(keep.sum())} faces, {int((keep & measured).sum())} of them to measure on.")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
