"""Measure what is said of the London pairs: the same person neutral and smiling, through the runtime.

    python benchmarks/expression_london.py DIR CACHE [--model compact] [--save FILE]

"photographs": each picture alone, as `facecue describe` reads it. "clips": the person neutral, smiling, and neutral
again, 3 s each, seen by a moving camera with the person's rest learned, as `facecue run` does; what is said in most
frames of the last 1.5 s of smiling, and of being neutral again, counts. CACHE tells by its splits whose pictures the
networks learned Action Units from; nobody's expression was learned.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from assistant.expression.neutral import PersonalSmoother
from assistant.facs import UNCLEAR
from assistant.settings import Settings
from assistant.sight import STILL_BUDGET_MS, Sight, build_sight
from assistant.speech.movements import MOVEMENTS
from assistant.types import ActionUnits
from benchmarks.expression_clips import SEGMENT_S, Clip, london_clip, london_people
from benchmarks.expression_time import read
from training.cache import read_table

SHOWN: Final = ("neutral", "smiling")
"""Of each person there is a picture of both; a clip shows them in turn."""


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
    people = london_people(options.london)
    groups = by_split(people, options.cache)
    pictures = {name: {p: say(sight, options.london / f"{p}_{name}.jpg") for p in people} for name in SHOWN}
    watched = {p: say_clip(sight, london_clip(options.london, p)) for p in people}
    clips = {name: {p: watched[p][name] for p in people} for name in SHOWN}
    report = {
        f"{kind}, {name}": rates(said, members)
        for kind, said in (("photographs", pictures), ("clips", clips))
        for name, members in groups.items()
    }
    show(report)
    if options.save:
        options.save.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    return 0


def by_split(people: list[str], cache: Path) -> dict[str, list[str]]:
    """Divide the people by whether the networks learned Action Units from their pictures."""
    table = read_table(cache)
    split = dict(zip(table["names"].tolist(), table["split"].tolist(), strict=True))
    learned = [person for person in people if split.get(f"london/{person}_neutral.jpg") == "train"]
    held_out = [person for person in people if person not in learned]
    return {"everybody": people, "learned from": learned, "held out": held_out}


def say(sight: Sight, path: Path) -> tuple[str, bool]:
    """Return the expression of the picture's first face, unclear where none is found, and whether a smile is said."""
    _, people = next(iter(sight.look(path)))
    if not people:
        return UNCLEAR, False
    return people[0].expression.label, smiles(people[0].units)


def say_clip(sight: Sight, clip: Clip) -> dict[str, tuple[str, bool]]:
    """Return what is said in most frames of each state's end."""
    smoother = PersonalSmoother(sight.au_model.thresholds)
    seen: dict[str, list[tuple[str, bool]]] = {name: [] for name in SHOWN}
    for time_s, track, units in read(sight, clip):
        units = smoother.smooth(track, units, time_s)
        if time_s >= SEGMENT_S and time_s % SEGMENT_S >= SEGMENT_S / 2:
            name = SHOWN[int(time_s // SEGMENT_S) % 2]
            seen[name].append((sight.classifier.classify(units).label, smiles(units)))
    return {
        name: (
            Counter(label for label, _ in said).most_common(1)[0][0],
            bool(np.mean([smile for _, smile in said]) > 0.5),
        )
        for name, said in seen.items()
    }


def smiles(units: ActionUnits) -> bool:
    """Tell whether a smile of any kind would be said."""
    return any(movement.evidence(units) for movement in MOVEMENTS if movement.cue == "smile")


def show(report: Mapping[str, Mapping[str, Any]]) -> None:
    """Print the rates."""
    for name, row in report.items():
        print(f"{name}, {row['people']} people:")
        for key in ("smiling_called_smiling", "smiling_called_happiness", "neutral_called_smiling"):
            print(f"  {key.replace('_', ' ')}: {row[key]:.1%}")
        print(f"  neutral called any emotion: {row['neutral_called_emotion']:.1%}")
        print(f"  expression of neutral {row['said_of_neutral']}, of smiling {row['said_of_smiling']}")


def rates(said: dict[str, dict[str, tuple[str, bool]]], people: list[str]) -> dict[str, Any]:
    """Return how often a smile was called one, and a neutral face anything but neutral or unclear."""
    neutral, smiling = ([said[name][person][0] for person in people] for name in ("neutral", "smiling"))
    smiled = {name: float(np.mean([said[name][person][1] for person in people])) for name in said}
    return {
        "people": len(people),
        "smiling_called_smiling": smiled["smiling"],
        "neutral_called_smiling": smiled["neutral"],
        "smiling_called_happiness": float(np.mean([one == "happiness" for one in smiling])),
        "neutral_called_emotion": float(np.mean([one not in ("neutral", UNCLEAR) for one in neutral])),
        "said_of_neutral": dict(Counter(neutral)),
        "said_of_smiling": dict(Counter(smiling)),
    }


if __name__ == "__main__":
    raise SystemExit(main())
