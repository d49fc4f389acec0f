"""Measure what is told of a scene on clips where it is known: how many, where, how far, facing, nods and head shakes.

    python benchmarks/scene_truth.py --assets MAKEHUMAN [--cache DIR] [--seed 2] [--looks 10 11 12]
        [--counts 12 4 8 4 5] [--save FILE]

The runtime's detector, tracker and scene reader see every frame of `benchmarks/scene_clips.py`. Truth counts so:
- count: people of whose face at least 80 % is seen; frames in which a face is partly seen are left out. Told is how
  many people the scene holds in that frame.
- hour and distance: of each person in each such frame, against the nearest place in the picture that is told.
- facing: within 20 degrees is facing, beyond 35 is not; in between either is right. Within 0.5 s of a change and
  before somebody has been seen for 0.5 s, either is right. Somebody who faces the camera and is not found is missed.
- gestures: a nod or head shake that is told within its time or a second later is right, once; any other is false.
"""

from __future__ import annotations

import argparse
import datetime
import json
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from assistant.facs import EXPRESSIONS, UNCLEAR
from assistant.inference.hardware import fingerprint
from assistant.loop import NO_UNITS
from assistant.settings import Settings
from assistant.sight import STILL_BUDGET_MS, build_sight
from assistant.types import Expression, Face, FaceDetector, Person, Place, Scene
from assistant.vision.scene import SceneReader
from assistant.vision.tracker import Tracker
from benchmarks.scene_clips import HEIGHT_PX, HFOV_DEG, WIDTH_PX, Clip, Gesture, Heads, Seen, clips, frames
from training.render.head import Assets

COUNTS: Final = (12, 4, 8, 4, 5)
"""Clips of each kind: gesture, facing, crowd, crossing, empty."""
_WHOLE, _SOME = 0.8, 0.05  # shares of a face that are seen: enough to be found; too little to be
_FACING_DEG, _AWAY_DEG, _TURN_S = 20.0, 35.0, 0.5
_LATE_S: Final = 1.0
_NOTHING: Final = Expression(UNCLEAR, 0.0, (1 / len(EXPRESSIONS),) * len(EXPRESSIONS))


@dataclass(frozen=True, slots=True)
class Looked:
    """Hold one frame: its time, the faces that were tracked, and the truth."""

    at_s: float
    faces: tuple[Face, ...]
    seen: tuple[Seen, ...]


@dataclass(slots=True)
class Tally:
    """Count what was right."""

    count: list[bool] = field(default_factory=list)
    hour: list[bool] = field(default_factory=list)
    distance: list[float] = field(default_factory=list)
    facing: list[tuple[bool, bool]] = field(default_factory=list)
    gestures: dict[str, list[int]] = field(default_factory=lambda: {k: [0, 0, 0] for k in ("nodding", "shaking")})
    wrong: list[str] = field(default_factory=list)

    def report(self) -> dict[str, Any]:
        """Return shares and scores by name."""
        errors = np.abs(self.distance)
        both = [sum(each) for each in zip(*self.gestures.values(), strict=True)]
        facing = [sum(t and s for t, s in self.facing), sum(s and not t for t, s in self.facing)]
        facing.append(sum(t and not s for t, s in self.facing))
        return {
            "frames_counted": len(self.count),
            "count_right": _mean(self.count),
            "people_placed": len(self.hour),
            "hour_right": _mean(self.hour),
            "distance_within_15_percent": _mean(errors <= 0.15),
            "distance_error_median": float(np.median(errors)) if len(errors) else None,
            "distance_bias": float(np.median(self.distance)) if len(errors) else None,
            "facing_frames": len(self.facing),
            "facing_f1": _f1(*facing),
            "gesture_f1": _f1(*both),
            **{f"{kind}_f1": _f1(*counts) for kind, counts in self.gestures.items()},
            **{f"{kind}_right_false_missed": counts for kind, counts in self.gestures.items()},
        }


def _mean(values: Iterable[Any]) -> float | None:
    kept = list(values)
    return round(float(np.mean(kept)), 4) if kept else None


def _f1(right: int, false: int, missed: int) -> float | None:
    return round(2 * right / (2 * right + false + missed), 4) if right + false + missed else None


def look(clip: Clip, heads: Heads, detector: FaceDetector) -> Iterator[Looked]:
    """Yield what detector and tracker find in each frame of a clip."""
    tracker = Tracker()
    for frame, seen in frames(clip, heads):
        yield Looked(frame.captured_at_s, tracker.update(detector.detect(frame), frame.captured_at_s), seen)


def judge(clip: Clip, looked: Sequence[Looked], tally: Tally, reader: SceneReader | None = None) -> None:
    """Add one clip to a tally."""
    reader = SceneReader(HFOV_DEG) if reader is None else reader
    told: dict[int, list[tuple[float, str]]] = defaultdict(list)
    truths: dict[int, list[tuple[float, bool | None]]] = defaultdict(list)
    for frame in looked:
        faces = tuple(Person(face, NO_UNITS, _NOTHING) for face in frame.faces)
        people = reader.read(Scene(frame.at_s, WIDTH_PX, HEIGHT_PX, faces)).people
        clear = all(each.share >= _WHOLE or each.share < _SOME for each in frame.seen)
        whole = [each for each in frame.seen if each.share >= _WHOLE]
        if clear:
            tally.count.append(len(people) == len(whole))
            if not tally.count[-1]:
                tally.wrong.append(f"{clip.name} {frame.at_s:.2f} s: {len(people)} told of {len(whole)}")
        for each in whole:
            person = _match(each, people)
            truths[each.actor].append((frame.at_s, _truly_facing(each)))
            if person is not None and person.place is not None:
                if clear:
                    tally.hour.append(person.place.hour == Place(each.standing.bearing_deg, 0.0).hour)
                    tally.distance.append(person.place.distance_m / each.standing.distance_m - 1)
                told[each.actor].append((frame.at_s, person.manner.gesture))
            if _settled(truths[each.actor]):
                tally.facing.append((bool(truths[each.actor][-1][1]), bool(person and person.manner.facing)))
    for number, actor in enumerate(clip.actors):
        if clip.kind == "gesture":
            _judge_gestures(clip, actor.gestures, told[number], tally)


def _match(seen: Seen, people: Sequence[Person]) -> Person | None:
    """Return who is told of at the place of a true face, if anybody."""
    apart = [
        (float(np.hypot(_middle(p.face)[0] - seen.standing.x_px, _middle(p.face)[1] - seen.standing.y_px)), index)
        for index, p in enumerate(people)
    ]
    if not apart or min(apart)[0] > 1.2 * seen.standing.px_per_dm:
        return None
    return people[min(apart)[1]]


def _middle(face: Face) -> tuple[float, float]:
    left, top, right, bottom = face.box_xyxy
    return (left + right) / 2, (top + bottom) / 2


def _truly_facing(seen: Seen) -> bool | None:
    away = max(abs(seen.standing.yaw_deg), abs(seen.standing.pitch_deg))
    return True if away <= _FACING_DEG else False if away >= _AWAY_DEG else None


def _settled(truths: Sequence[tuple[float, bool | None]]) -> bool:
    """Tell whether somebody has been facing, or not, for long enough."""
    now_s, last = truths[-1]
    recent = [truth for at_s, truth in truths if now_s - at_s <= _TURN_S]
    return last is not None and now_s - truths[0][0] >= _TURN_S and all(truth == last for truth in recent)


def _judge_gestures(clip: Clip, true: Sequence[Gesture], told: Sequence[tuple[float, str]], tally: Tally) -> None:
    """Compare the beginnings of what was told with the true times."""
    left = list(true)
    for at_s, kind in _events(told):
        hit = next((g for g in left if g.kind == kind and g.start_s <= at_s <= g.end_s + _LATE_S), None)
        if hit is None:
            tally.gestures[kind][1] += 1
            tally.wrong.append(f"{clip.name} {at_s:.2f} s: {kind} told")
        else:
            left.remove(hit)
            tally.gestures[kind][0] += 1
    for missed in left:
        tally.gestures[missed.kind][2] += 1
        tally.wrong.append(f"{clip.name} {missed.start_s:.2f} to {missed.end_s:.2f} s: {missed.kind} missed")


def _events(told: Sequence[tuple[float, str]]) -> Iterator[tuple[float, str]]:
    """Yield when each gesture begins to be told; one that stops for less than half a second goes on."""
    last: dict[str, float] = {}
    for at_s, kind in told:
        if kind:
            if at_s - last.get(kind, -9.0) > 0.5:
                yield at_s, kind
            last[kind] = at_s


def measure(options: argparse.Namespace) -> tuple[dict[str, Any], list[str]]:
    """Return the figures of all clips together and of each kind, and what was wrong."""
    detector = build_sight(Settings(), STILL_BUDGET_MS).detector
    heads, tallies = Heads(Assets(options.assets), options.cache), defaultdict[str, Tally](Tally)
    for clip in clips(options.seed, options.looks, options.counts):
        looked = list(look(clip, heads, detector))
        for kind in ("all", clip.kind):
            judge(clip, looked, tallies[kind])
    return {kind: tally.report() for kind, tally in tallies.items()}, tallies["all"].wrong


def main() -> int:
    """Look at all clips and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--assets", type=Path, required=True, help="the MakeHuman asset folder")
    parser.add_argument("--cache", type=Path, help="keep drawn heads in this folder")
    parser.add_argument("--seed", type=int, default=2, help="of the clips; 1 was used to choose thresholds")
    parser.add_argument("--looks", type=int, nargs="+", default=[10, 11, 12], help="people; 0 and 1 chose thresholds")
    parser.add_argument(
        "--counts",
        type=int,
        nargs=5,
        default=COUNTS,
        help="of clips of gestures, facing, crowds, crossings and empty rooms (default: 12 4 8 4 5)",
    )
    parser.add_argument("--save", type=Path, help="write the figures to this file")
    options = parser.parse_args()
    figures, wrong = measure(options)
    report = {
        "date": datetime.date.today().isoformat(),
        "command": " ".join(["python benchmarks/scene_truth.py", *sys.argv[1:]]),
        "machine": fingerprint(),
        "figures": figures,
    }
    text = json.dumps(report, indent=1)
    print(text)
    print("\n".join(wrong), file=sys.stderr)
    if options.save is not None:
        options.save.write_text(text + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
