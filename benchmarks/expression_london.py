"""Measure what is said of the London pairs: the same person neutral and smiling, through the runtime.

    python benchmarks/expression_london.py DIR CACHE [--model compact] [--save FILE]

CACHE tells by its splits whose pictures the networks learned Action Units from; nobody's expression was learned.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from assistant.facs import UNCLEAR
from assistant.settings import Settings
from assistant.sight import STILL_BUDGET_MS, Sight, build_sight
from assistant.speech.movements import MOVEMENTS
from benchmarks.expression_clips import london_people
from training.cache import read_table


def main(argv: list[str] | None = None) -> int:
    """Read all pictures and print what was said of them, by whether the person was in training."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("london", type=Path)
    parser.add_argument("cache", type=Path)
    parser.add_argument("--model", default="compact", help="of Action Units (%(default)s)")
    parser.add_argument("--save", type=Path, help="write the figures as JSON")
    options = parser.parse_args(argv)
    settings = Settings()
    inference = settings.inference.model_copy(update={"model": options.model, "backend": "litert"})
    sight = build_sight(settings.model_copy(update={"inference": inference}), STILL_BUDGET_MS)
    table = read_table(options.cache)
    split = dict(zip(table["names"].tolist(), table["split"].tolist(), strict=True))
    people = london_people(options.london)
    learned = [person for person in people if split.get(f"london/{person}_neutral.jpg") == "train"]
    groups = {
        "everybody": people,
        "learned from": learned,
        "held out": [person for person in people if person not in learned],
    }
    said = {
        name: {p: say(sight, options.london / f"{p}_{name}.jpg") for p in people} for name in ("neutral", "smiling")
    }
    report = {name: rates(said, members) for name, members in groups.items()}
    for name, row in report.items():
        print(f"{name}, {row['people']} people:")
        for key in ("smiling_called_smiling", "smiling_called_happiness", "neutral_called_smiling"):
            print(f"  {key.replace('_', ' ')}: {row[key]:.1%}")
        print(f"  neutral called any emotion: {row['neutral_called_emotion']:.1%}")
        print(f"  expression of neutral {row['said_of_neutral']}, of smiling {row['said_of_smiling']}")
    if options.save:
        options.save.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    return 0


def say(sight: Sight, path: Path) -> tuple[str, bool]:
    """Return the expression of the picture's first face, unclear where none is found, and whether a smile is said."""
    _, people = next(iter(sight.look(path)))
    if not people:
        return UNCLEAR, False
    shown = people[0]
    smiles = any(movement.evidence(shown.units) for movement in MOVEMENTS if movement.cue == "smile")
    return shown.expression.label, smiles


def rates(said: dict[str, dict[str, tuple[str, bool]]], people: list[str]) -> dict[str, Any]:
    """Return how often a smile was called one, and a neutral face anything but neutral or unclear."""
    neutral, smiling = ([said[name][person][0] for person in people] for name in ("neutral", "smiling"))
    smiles = {name: float(np.mean([said[name][person][1] for person in people])) for name in said}
    return {
        "people": len(people),
        "smiling_called_smiling": smiles["smiling"],
        "neutral_called_smiling": smiles["neutral"],
        "smiling_called_happiness": float(np.mean([one == "happiness" for one in smiling])),
        "neutral_called_emotion": float(np.mean([one not in ("neutral", UNCLEAR) for one in neutral])),
        "said_of_neutral": dict(Counter(neutral)),
        "said_of_smiling": dict(Counter(smiling)),
    }


if __name__ == "__main__":
    raise SystemExit(main())
