"""Measure how soon and how steadily expressions are decided, on clips whose changes are known.

    python benchmarks/expression_time.py --london DIR [--assets MAKEHUMAN] [--model compact] [--save FILE]

Every frame goes through the runtime's detector, tracker and 8-bit model once; then each way of steadying gets the same
Action Units. A decision is the last label that was not unclear, as a wearer would have last been told.
- ours: the person's rest taken off, units averaged over time, unclear below the threshold: what `facecue run` does
- no rest: the same without the person's rest
- majority: the most frequent label of the last ten frames (background 4), each the most probable one
- each frame: no steadying
Latency counts from the first frame of a dissolve of 0.3 s to the first decision for what is then shown; a change is
missed if none comes in the 3 s until the next. Any other change of the decision is a false one.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from assistant.expression.neutral import PersonalSmoother
from assistant.expression.smoothing import Smoother
from assistant.facs import EXPRESSIONS, UNCLEAR
from assistant.settings import Settings
from assistant.sight import STILL_BUDGET_MS, Sight, build_sight
from assistant.types import ActionUnits
from assistant.vision.tracker import Tracker
from benchmarks.expression_clips import RATE_HZ, SEGMENT_S, Clip, london_clip, london_people, rested_clip
from training.render.head import Assets

WINDOW: Final = 10
RESTS: Final = (("AU04",), ("AU15",), ("AU04", "AU15"))

Reading = tuple[float, int, ActionUnits]
"""Time in seconds, track, units; a frame without a face has none."""
Decide = Callable[[Sequence[Reading]], list[str]]


@dataclass(frozen=True, slots=True)
class Timed:
    """Hold what one way of steadying did on one clip.

    Attributes:
        latencies_s: of each true change that was decided.
        changes: how many true changes there were.
        false: how many other changes of the decision.
        seconds: of the clip.
        at_rest: share of the frames in which a face at rest, watched for 2.5 s, is decided to be angry or sad.
    """

    latencies_s: tuple[float, ...]
    changes: int
    false: int
    seconds: float
    at_rest: float


def main(argv: list[str] | None = None) -> int:
    """Read every clip once, steady it in every way, print tables, and perhaps save them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--london", type=Path, required=True, help="ID_neutral.jpg and ID_smiling.jpg")
    parser.add_argument("--assets", type=Path, help="MakeHuman's, for rendered faces with a rest pose")
    parser.add_argument("--model", default="compact", help="of Action Units (%(default)s)")
    parser.add_argument("--every", type=int, default=1, help="take every Nth of the London people")
    parser.add_argument("--rested", type=int, default=9, help="rendered people (%(default)s)")
    parser.add_argument("--save", type=Path, help="write the figures as JSON")
    options = parser.parse_args(argv)
    settings = Settings()
    inference = settings.inference.model_copy(update={"model": options.model, "backend": "litert"})
    sight = build_sight(settings.model_copy(update={"inference": inference}), STILL_BUDGET_MS)
    people = london_people(options.london)[:: options.every]
    sets: dict[str, Iterable[Clip]] = {"London": (london_clip(options.london, person) for person in people)}
    if options.assets:
        assets = Assets(options.assets)
        sets["rendered, rest pose"] = (
            rested_clip(assets, number, RESTS[number % len(RESTS)]) for number in range(options.rested)
        )
    report = {name: summaries(sight, clips) for name, clips in sets.items()}
    print(as_text(report))
    if options.save:
        options.save.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    return 0


def summaries(sight: Sight, clips: Iterable[Clip]) -> dict[str, Any]:
    """Return what each way of steadying did on a set of clips."""
    found: dict[str, list[Timed]] = {name: [] for name in ways(sight)}
    for clip in clips:
        readings = read(sight, clip)
        for name, decide in ways(sight).items():
            found[name].append(timed(clip, [time_s for time_s, _, _ in readings], decide(readings)))
    return {name: summary(each) for name, each in found.items()}


def read(sight: Sight, clip: Clip) -> list[Reading]:
    """Return the units of the largest face of every frame in which one is found."""
    tracker, readings = Tracker(sight.forget_after_s), []
    for frame in clip.frames():
        faces = tracker.update(sight.detector.detect(frame), frame.captured_at_s)
        if faces:
            readings.append((frame.captured_at_s, faces[0].track, sight.au_model.estimate(frame, faces[0])))
    return readings


def ways(sight: Sight) -> dict[str, Decide]:
    """Return the ways of steadying that are compared."""
    thresholds = sight.au_model.thresholds

    def steadied(smoother: Smoother | PersonalSmoother) -> Decide:
        def decide(readings: Sequence[Reading]) -> list[str]:
            smoothed = (smoother.smooth(track, units, time_s) for time_s, track, units in readings)
            return held(sight.classifier.classify(units).label for units in smoothed)

        return decide

    return {
        "ours": steadied(PersonalSmoother(thresholds)),
        "no rest": steadied(Smoother(thresholds)),
        "majority": lambda readings: majority(most_probable(sight, readings)),
        "each frame": lambda readings: most_probable(sight, readings),
    }


def most_probable(sight: Sight, readings: Sequence[Reading]) -> list[str]:
    """Return the most probable label of each frame, however unsure."""
    shown = (sight.classifier.classify(units) for _, _, units in readings)
    return [EXPRESSIONS[int(np.argmax(expression.probabilities))] for expression in shown]


def held(labels: Iterable[str]) -> list[str]:
    """Return the labels, with the one before in place of an unclear one."""
    decisions: list[str] = []
    for label in labels:
        decisions.append((decisions[-1] if decisions else UNCLEAR) if label == UNCLEAR else label)
    return decisions


def majority(labels: Sequence[str]) -> list[str]:
    """Return the most frequent of the last ten labels, the latest of equals."""
    window: deque[str] = deque(maxlen=WINDOW)
    decisions = []
    for label in labels:
        window.appendleft(label)
        decisions.append(Counter(window).most_common(1)[0][0])
    return decisions


def timed(clip: Clip, times_s: Sequence[float], decisions: Sequence[str]) -> Timed:
    """Compare decisions with what the clip shows."""
    latencies, false, before, found = [], 0, UNCLEAR, -1
    for time_s, decision in zip(times_s, decisions, strict=True):
        number = min(int(time_s // SEGMENT_S), len(clip.labels) - 1)
        new = number > found and decision == clip.labels[number]
        if new:
            found = number
        if decision != before:
            if new and number and clip.labels[number] != clip.labels[number - 1]:
                latencies.append(time_s - number * SEGMENT_S)
            elif before != UNCLEAR:
                false += 1
        before = decision
    rested = [
        decision in ("anger", "sadness")
        for time_s, decision in zip(times_s, decisions, strict=True)
        if time_s >= 2.5 and clip.labels[min(int(time_s // SEGMENT_S), len(clip.labels) - 1)] in ("", "neutral")
    ]
    changes = sum(a != b and b != "" for a, b in zip(clip.labels, clip.labels[1:], strict=False))
    at_rest = float(np.mean(rested)) if rested else 0.0
    return Timed(tuple(latencies), changes, false, len(clip.labels) * SEGMENT_S, at_rest)


def summary(clips: Sequence[Timed]) -> dict[str, Any]:
    """Add up what was measured on several clips."""
    latencies = [latency for clip in clips for latency in clip.latencies_s]
    changes = sum(clip.changes for clip in clips)
    return {
        "clips": len(clips),
        "changes": changes,
        "missed": changes - len(latencies),
        "latency_s_median": float(np.median(latencies)) if latencies else None,
        "latency_s_p90": float(np.percentile(latencies, 90)) if latencies else None,
        "false_a_minute": 60.0 * sum(clip.false for clip in clips) / sum(clip.seconds for clip in clips),
        "at_rest_angry_or_sad": float(np.mean([clip.at_rest for clip in clips])),
        "frames_a_second": RATE_HZ,
    }


def as_text(report: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> str:
    """Return a Markdown table for each set of clips."""
    lines = []
    for name, rows in report.items():
        first = next(iter(rows.values()))
        lines += [f"{name}: {first['clips']} clips, {first['changes']} changes, {RATE_HZ} frames a second", ""]
        lines += ["| decided by | missed | latency, median | 90 % | false changes a minute | at rest angry or sad |"]
        lines += ["|---|---|---|---|---|---|"]
        for way, row in rows.items():
            seconds = [
                "-" if row[key] is None else f"{row[key]:.2f} s" for key in ("latency_s_median", "latency_s_p90")
            ]
            lines.append(
                f"| {way} | {row['missed']} | {' | '.join(seconds)} | {row['false_a_minute']:.2f} "
                f"| {row['at_rest_angry_or_sad']:.0%} |"
            )
        lines.append("")
    return "\n".join(lines)


if __name__ == "__main__":
    raise SystemExit(main())
