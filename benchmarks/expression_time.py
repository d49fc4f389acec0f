"""Measure how soon and how steadily expressions are decided, on clips whose changes are known.

    python benchmarks/expression_time.py --london DIR [--assets MAKEHUMAN] [--model compact] [--save FILE]

Every frame goes through the runtime's detector, tracker and 8-bit model once; then each way of steadying gets the same
Action Units. A decision is the last label that was not unclear, as a wearer would have last been told.
- ours: the person's rest taken off, units averaged over time, unclear below the threshold: what `facecue run` does
- no rest: the same without the person's rest
- majority: the most frequent label of the last ten frames (background 4), each the most probable one
- each frame: no steadying
Latency counts from the first frame of a dissolve of 0.3 s to the first decision for what is then shown; a change is
missed if none comes in the 3 s until the next. Any other change of the decision is a false one. "At rest" are frames of
a neutral face that was watched for 2.5 s: the share decided to be angry or sad, and the share of which lowered brows or
mouth corners would be said.
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
from assistant.speech.movements import MOVEMENTS
from assistant.types import ActionUnits
from assistant.vision.tracker import Tracker
from benchmarks.expression_clips import RATE_HZ, SEGMENT_S, Clip, london_clip, london_people, rested_clip
from training.render.head import Assets

WINDOW: Final = 10
RESTED_S: Final = 2.5
RESTS: Final = (("AU04",), ("AU15", "AU17"), ("AU04", "AU15"))
LOW: Final = tuple(movement for movement in MOVEMENTS if movement.name in ("brows_lowered", "mouth_corners_down"))

Reading = tuple[float, int, ActionUnits]
"""Time in seconds, track, units; a frame without a face has none."""
Decided = tuple[str, ActionUnits]
"""The decision at a frame, and the units that movements would be said from."""
Decide = Callable[[Sequence[Reading]], list[Decided]]


@dataclass(frozen=True, slots=True)
class Timed:
    """Hold what one way of steadying did on one clip.

    Attributes:
        latencies_s: of each true change that was decided.
        changes: how many true changes there were.
        false: how many other changes of the decision.
        seconds: of the clip.
        angry_or_sad: share of the frames at rest.
        low: share of the frames at rest of which lowered brows or mouth corners would be said.
    """

    latencies_s: tuple[float, ...]
    changes: int
    false: int
    seconds: float
    angry_or_sad: float
    low: float


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
        def decide(readings: Sequence[Reading]) -> list[Decided]:
            smoothed = [smoother.smooth(track, units, time_s) for time_s, track, units in readings]
            labels = held(sight.classifier.classify(units).label for units in smoothed)
            return list(zip(labels, smoothed, strict=True))

        return decide

    def unsteadied(choose: Callable[[Sequence[str]], Sequence[str]]) -> Decide:
        def decide(readings: Sequence[Reading]) -> list[Decided]:
            labels = choose(most_probable(sight, readings))
            return [(label, units) for label, (_, _, units) in zip(labels, readings, strict=True)]

        return decide

    return {
        "ours": steadied(PersonalSmoother(thresholds)),
        "no rest": steadied(Smoother(thresholds)),
        "majority": unsteadied(majority),
        "each frame": unsteadied(lambda labels: labels),
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


def timed(clip: Clip, times_s: Sequence[float], decided: Sequence[Decided]) -> Timed:
    """Compare decisions with what the clip shows."""
    latencies, false, before, found = [], 0, UNCLEAR, -1
    for time_s, (decision, _) in zip(times_s, decided, strict=True):
        number = segment(clip, time_s)
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
        (decision in ("anger", "sadness"), any(movement.evidence(units) for movement in LOW))
        for time_s, (decision, units) in zip(times_s, decided, strict=True)
        if time_s >= RESTED_S and clip.labels[segment(clip, time_s)] == "neutral"
    ]
    changes = sum(a != b for a, b in zip(clip.labels, clip.labels[1:], strict=False))
    angry_or_sad, low = np.mean(rested, axis=0).tolist()
    return Timed(tuple(latencies), changes, false, len(clip.labels) * SEGMENT_S, angry_or_sad, low)


def segment(clip: Clip, time_s: float) -> int:
    """Return the number of the picture that is shown."""
    return min(int(time_s // SEGMENT_S), len(clip.labels) - 1)


def summary(clips: Sequence[Timed]) -> dict[str, Any]:
    """Add up what was measured on several clips."""
    latencies = [latency for clip in clips for latency in clip.latencies_s]
    changes = sum(clip.changes for clip in clips)
    with_missed = [*latencies, *[np.inf] * (changes - len(latencies))]
    median = float(np.median(with_missed)) if with_missed else np.inf
    return {
        "clips": len(clips),
        "changes": changes,
        "missed": changes - len(latencies),
        "latency_s_median": float(np.median(latencies)) if latencies else None,
        "latency_s_median_missed_as_never": median if np.isfinite(median) else None,
        "latency_s_p90": float(np.percentile(latencies, 90)) if latencies else None,
        "false_a_minute": 60.0 * sum(clip.false for clip in clips) / sum(clip.seconds for clip in clips),
        "at_rest_angry_or_sad": float(np.mean([clip.angry_or_sad for clip in clips])),
        "at_rest_brows_or_corners_low": float(np.mean([clip.low for clip in clips])),
        "frames_a_second": RATE_HZ,
    }


def as_text(report: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> str:
    """Return a Markdown table for each set of clips."""
    lines = []
    for name, rows in report.items():
        first = next(iter(rows.values()))
        lines += [f"{name}: {first['clips']} clips, {first['changes']} changes, {RATE_HZ} frames a second", ""]
        lines += ["| decided by | missed | latency, median | with missed as never | 90 % | false a minute "]
        lines[-1] += "| at rest angry or sad | at rest brows or corners low |"
        lines += ["|---|---|---|---|---|---|---|---|"]
        for way, row in rows.items():
            seconds = ["-" if row[key] is None else f"{row[key]:.2f} s" for key in row if key.startswith("latency_s")]
            lines.append(
                f"| {way} | {row['missed']} | {' | '.join(seconds)} | {row['false_a_minute']:.2f} "
                f"| {row['at_rest_angry_or_sad']:.0%} | {row['at_rest_brows_or_corners_low']:.0%} |"
            )
        lines.append("")
    return "\n".join(lines)


if __name__ == "__main__":
    raise SystemExit(main())
