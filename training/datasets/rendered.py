"""Read faces that `python -m training render` drew: their Action Units are known exactly, but they are not real.

All go to test, so that a model's figures by tone, age, light and pose can be told apart. To train on such faces, render
others with another seed and read those as a plain list: `--source manifest=FOLDER/manifest.jsonl`.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Final

from training.datasets import manifest
from training.datasets.pictures import need_folder
from training.datasets.sample import DataError, Sample

FACTS: Final = ("tone", "age", "light", "pose")


def samples(folder: Path) -> list[Sample]:
    """Return every picture of manifest.jsonl, with what it is to be reported by.

    Raises:
        DataError: the list or a picture is missing or damaged.
    """
    path = need_folder(folder, "manifest.jsonl and its pictures") / "manifest.jsonl"
    listed = manifest.samples(path)
    records = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    found = []
    for sample, record in zip(listed, records, strict=True):
        facts = record.get("facts")
        if not isinstance(facts, dict) or any(not isinstance(facts.get(name), str) for name in FACTS):
            raise DataError(f"{path}: {record['image']} does not say {', '.join(FACTS)}.", "Render the faces again.")
        found.append(
            replace(
                sample,
                name=f"rendered/{record['image']}",
                part="rendered",
                person=f"rendered/{record['person']}",
                facts={name: facts[name] for name in FACTS},
                held_out=True,
            )
        )
    return found
