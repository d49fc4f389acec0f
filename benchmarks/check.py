"""Hold the work of each stage against this kind of machine's reference, so that neither loss nor gain goes unseen.

    python -m benchmarks.check                 status 0: as before; 1: something changed; 3: no reference here yet
    python -m benchmarks.check --save          keep what is measured now as the reference of this kind of machine

What is compared is processor time, as a multiple of a yardstick (fixed work that shares no code with the program) that
is run before and after each measurement: other programs on the machine slow both alike. A change in either direction
fails: what is slower is a loss, and what is suddenly faster may have left out its work; whoever made it faster on
purpose saves a new reference with it. Waiting is not seen here: `benchmarks.speed` measures that.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from statistics import median
from typing import Any, Final

import cv2
import numpy as np

from assistant import app
from assistant.inference.hardware import fingerprint
from assistant.settings import Settings, override
from assistant.types import Frame
from benchmarks.scenes import SCENES, Scene, frames, write_clip

REFERENCES: Final = Path(__file__).parent / "references"
TOLERANCE: Final = 0.3
"""Share by which a multiple may differ from its reference; docs/benchmarks.md tells from which spread it comes."""
_FRAMES: Final = 20
_KIND: Final = ("model name", "cpu family", "model", "Model", "Hardware", "CPU part")  # of /proc/cpuinfo

Work = Callable[[], object]


@dataclass(frozen=True, slots=True)
class Measured:
    """Hold one piece of work: how often the yardstick fits into it, how steady that was, and its processor time."""

    multiple: float
    spread: float
    cpu_ms: float


def machine_kind(cpuinfo: str) -> dict[str, object]:
    """Return what two machines of the same speed have in common, from what /proc/cpuinfo says."""
    values = {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in cpuinfo.splitlines())}
    device = fingerprint()
    return {"cores": device["cores"], "machine": device["machine"]} | {
        key: values[key] for key in _KIND if values.get(key)
    }


def yardstick() -> None:
    """Do some of everything: interpreted code, arithmetic on arrays, filtering of a picture."""
    total = 0
    for number in range(60_000):
        total += number & 7
    values = np.linspace(0.0, 1.0, 100_000, dtype=np.float32)
    for _ in range(8):
        values = np.sqrt(np.exp(-values))
    picture = np.full((480, 640), total % 255, np.uint8)
    for _ in range(4):
        picture = cv2.medianBlur(picture, 5)


def measure(work: Mapping[str, Work], rounds: int, yard: Work = yardstick) -> dict[str, Measured]:
    """Measure each piece of work between two yardsticks, in turn; medians over the rounds count."""
    multiples: dict[str, list[float]] = {name: [] for name in work}
    times_ms: dict[str, list[float]] = {name: [] for name in work}
    for done in range(rounds + 1):
        before_s = _cpu_s(yard)
        for name, each in work.items():
            took_s, after_s = _cpu_s(each), _cpu_s(yard)
            if done:  # the first round warms up
                multiples[name].append(2 * took_s / (before_s + after_s))
                times_ms[name].append(1e3 * took_s)
            before_s = after_s
    return {
        name: Measured(
            round(median(each), 4),
            round(median(abs(value / median(each) - 1) for value in each), 4),
            round(median(times_ms[name]), 3),
        )
        for name, each in multiples.items()
    }


def differences(reference: Mapping[str, float], measured: Mapping[str, float], tolerance: float) -> list[str]:
    """Return a sentence for each piece of work that is not as it was; none where all are."""
    said = [f"{name}: is in the reference, and was not measured" for name in reference if name not in measured]
    for name, multiple in measured.items():
        if name not in reference:
            said.append(f"{name}: has no reference; --save keeps one")
            continue
        change = multiple / reference[name] - 1
        if change > tolerance:
            said.append(f"{name}: slower than the reference by {100 * change:.0f} %")
        elif 1 / (1 + change) - 1 > tolerance:
            said.append(
                f"{name}: takes {-100 * change:.0f} % less than the reference: find out whether work was left out; "
                "if it is faster on purpose, keep that with --save"
            )
    return said


def load_reference(kind: Mapping[str, object], folder: Path = REFERENCES) -> dict[str, Any] | None:
    """Return the reference of a kind of machine, or None."""
    for path in sorted(folder.glob("*.json")):
        reference: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        if reference["kind"] == dict(kind):
            return reference
    return None


def save_reference(kind: Mapping[str, object], found: Mapping[str, Measured], folder: Path = REFERENCES) -> Path:
    """Write the reference of a kind of machine; replace the one before."""
    folder.mkdir(exist_ok=True)
    words = " ".join(str(value) for value in kind.values())
    path = folder / ("-".join("".join(c if c.isalnum() else " " for c in words.lower()).split()) + ".json")
    work = {
        name: {"multiple": each.multiple, "spread": each.spread, "cpu_ms": each.cpu_ms} for name, each in found.items()
    }
    reference = {"date": date.today().isoformat(), "kind": dict(kind), "packages": fingerprint()["packages"]}
    path.write_text(json.dumps(reference | {"work": work}, indent=1) + "\n", encoding="utf-8")
    return path


def work_of(folder: Path) -> dict[str, Work]:
    """Return the pieces of work: each stage that computes, and the whole program."""
    settings = override(Settings(), "inference", model="compact", backend="litert")
    sight = app.build_sight(settings)
    pictures = {scene.name: _pictures(scene) for scene in SCENES}
    first = Frame(0, 0.0, pictures[SCENES[0].name][0], "check")
    face = sight.detector.detect(first)[0]
    clip = folder / "one.mp4"
    write_clip(SCENES[0], 2 * _FRAMES, clip)
    whole = override(settings, "camera", source=str(clip))
    request = app.Request(mute=True, speed="max")

    def look(name: str) -> object:
        detect = sight.detector.detect
        return [detect(Frame(n, n / 30, image, name)) for n, image in enumerate(pictures[name])]

    work: dict[str, Work] = {
        f"find faces, {name}, {_FRAMES} frames": lambda name=name: look(name)  # type: ignore[misc]
        for name in pictures
    }
    work["read a face, 50 times"] = lambda: [sight.read(first, face) for _ in range(50)]
    work[f"the whole program, {2 * _FRAMES} frames, from loading the models to the last word"] = lambda: app.watch(
        whole, request, lambda line: None
    )
    return work


def _pictures(scene: Scene) -> list[Any]:
    return [np.ascontiguousarray(image[:, :, ::-1]) for image in frames(scene, _FRAMES)]


def _cpu_s(work: Work) -> float:
    """Return the processor time of all of this process's threads."""
    before_s = time.process_time()
    work()
    return time.process_time() - before_s


def main() -> int:
    """Measure and compare."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=9, help="how often each piece of work is done (9)")
    parser.add_argument("--save", action="store_true", help="keep what is measured as this kind of machine's reference")
    arguments = parser.parse_args()
    kind = machine_kind(Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace"))
    with tempfile.TemporaryDirectory(prefix="facecue-check-") as folder:
        found = measure(work_of(Path(folder)), max(arguments.rounds, 3))
    reference = load_reference(kind)
    kept = {name: each["multiple"] for name, each in reference["work"].items()} if reference else {}
    for name, each in found.items():
        before = f", reference {kept[name]:.2f}" if name in kept else ""
        print(f"{name}: {each.multiple:.2f} yardsticks (spread {each.spread:.0%}, {each.cpu_ms:.0f} ms of CPU){before}")
    if arguments.save:
        print(f"Kept in {save_reference(kind, found)}.")
        return 0
    if reference is None:
        print("There is no reference for this kind of machine:", ", ".join(f"{k} {v}" for k, v in kind.items()))
        print("On a machine without other work, --save keeps what is measured as the reference.")
        return 3
    said = differences(kept, {name: each.multiple for name, each in found.items()}, TOLERANCE)
    print("\n".join(said) if said else f"As on {reference['date']}, within {TOLERANCE:.0%}.")
    return 1 if said else 0


if __name__ == "__main__":
    sys.exit(main())
