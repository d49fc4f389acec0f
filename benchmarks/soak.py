"""Run the whole program for hours, and tell whether memory, handles or threads grow, or frames slow down.

    python benchmarks/soak.py --hours 24 --clock fast     24 simulated hours; one frame in --every is really looked at
    python benchmarks/soak.py --hours 1 --clock real      one real hour, every frame looked at
    ... --save                                            also write benchmarks/results/DATE-soak-CLOCK.json and .png

It is `facecue run` but for the camera: the demo's scene again and again, --fps frames a second, with the voice at work
and no sound output. The first tenth warms up: caches fill, the timings of the last 10,000 frames are kept. Ends with
status 1 where a bar is not held. The plot needs matplotlib.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from datetime import date
from pathlib import Path
from statistics import median
from typing import Any, Literal

from assistant import app, board
from assistant import run as composition
from assistant.camera.demo import DemoCamera
from assistant.clock import ManualClock
from assistant.inference.hardware import fingerprint
from assistant.settings import Settings
from assistant.types import ActionUnits, Face, FaceDetector, Frame

ROOT = Path(__file__).resolve().parents[1]
MOST_GROWTH_MB = 5.0
STEADY = 0.10
"""Share by which frames a second may fall from the beginning to the end of a real-time run."""


@dataclass(frozen=True)
class Sample:
    """Hold one look at the program from outside.

    Attributes:
        hours: since the start, of the run's clock.
        rss_mb: resident memory of the program; 1 MB is 1,000,000 bytes.
        handles: open files, sockets and pipes.
        threads: of the process, also those that are not Python's.
        fps: frames a real second since the sample before.
    """

    hours: float
    rss_mb: float
    handles: int
    threads: int
    fps: float


class SoakCamera:
    """Show the demo's scene again and again, and look at the program while it does.

    Args:
        hours: how long, of the run's clock.
        fps: frames a second of that clock.
        real: whether that clock is the real one.
        every_s: real or simulated seconds between samples.
        log: takes each sample as a line of JSON at once, so that a run that is cut off tells what it saw.
    """

    name, live = "the demo, again and again", False

    def __init__(self, hours: float, fps: float, real: bool, every_s: float, log: Path | None = None) -> None:
        self._seconds, self._fps, self._real, self._every_s, self._log = hours * 3600, fps, real, every_s, log
        shots = list(DemoCamera(ManualClock(), "max").frames())
        step = max(round(15 / fps), 1)
        self._pictures = [frame.image_rgb for frame in shots[::step]]
        self.samples: list[Sample] = []

    def frames(self) -> Iterator[Frame]:
        """Yield frames until the time is over."""
        start_s = looked_s = time.monotonic()
        count, looked, next_s = round(self._seconds * self._fps), 0, self._every_s
        for index in range(count):
            at_s = index / self._fps
            if self._real:
                time.sleep(max(start_s + at_s - time.monotonic(), 0.0))
                at_s = time.monotonic() - start_s
                if at_s > self._seconds:
                    return
            yield Frame(index, at_s, self._pictures[index % len(self._pictures)], "soak")
            if at_s >= next_s:
                now_s = time.monotonic()
                self._keep(_look(at_s / 3600, (index - looked) / (now_s - looked_s)))
                looked, looked_s, next_s = index, now_s, next_s + self._every_s

    def close(self) -> None:
        """Do nothing."""

    def _keep(self, sample: Sample) -> None:
        self.samples.append(sample)
        if self._log is not None:
            with self._log.open("a", encoding="utf-8") as log:
                log.write(json.dumps(asdict(sample)) + "\n")


def _look(hours: float, fps: float) -> Sample:
    handles, threads = len(os.listdir("/proc/self/fd")), len(os.listdir("/proc/self/task"))  # noqa: PTH208
    return Sample(round(hours, 4), round(board.resident_mb() or 0.0, 2), handles, threads, round(fps, 2))


class Sampled:
    """Look at one frame in so many, and answer the same until the next: for simulated hours."""

    def __init__(self, detector: FaceDetector, au_model: Any, every: int) -> None:
        self._detector, self._au_model, self._every = detector, au_model, every
        self._seen: dict[int, tuple[Face, ...]] = {}
        self._units: dict[int, ActionUnits] = {}
        self.thresholds = au_model.thresholds
        self.looks = self.inferences = 0

    def detect(self, frame: Frame) -> tuple[Face, ...]:
        """Return the faces of a frame, or those last found in the same picture."""
        key = id(frame.image_rgb)  # the camera keeps its pictures, so that no other gets the same number
        if self._every == 1 or key not in self._seen or frame.index % self._every == 0:
            found = self._detector.detect(frame)
            self.looks += 1
            if self._every == 1:
                return found
            self._seen[key] = found
        return self._seen[key]

    def estimate(self, frame: Frame, face: Face) -> ActionUnits:
        """Return the units of a face, or those last estimated in the same picture."""
        key = id(frame.image_rgb)
        if self._every == 1 or key not in self._units or frame.index % self._every == 0:
            units = self._au_model.estimate(frame, face)
            self.inferences += 1
            if self._every == 1:
                return units
            self._units[key] = units
        return self._units[key]


def soak(hours: float, clock: Literal["fast", "real"], fps: float, every: int, log: Path | None) -> dict[str, Any]:
    """Run, and return samples and verdicts."""
    real = clock == "real"
    camera = SoakCamera(hours, fps, real, hours * 3600 / 120, log)
    sampled: list[Sampled] = []
    build = composition.build_sight

    def build_sampled(*arguments: Any) -> Any:
        sight = build(*arguments)
        sampled.append(Sampled(sight.detector, sight.au_model, 1 if real else every))
        return replace(sight, detector=sampled[0], au_model=sampled[0])

    patched: Any = composition
    patched.open_source = lambda *_: camera
    patched.build_sight = build_sampled
    load_before, start_s = os.getloadavg()[0], time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        request = app.Request(transcript=Path(folder) / "said.jsonl", mute=True, speed="real" if real else "max")
        report = app.watch(Settings(), request, lambda line: None)
        transcript_bytes = (Path(folder) / "said.jsonl").stat().st_size
    return {
        "date": date.today().isoformat(),
        "command": " ".join(["python", *sys.argv]),
        "device": fingerprint(),
        "python": platform.python_version(),
        "load_before": load_before,
        "load_after": os.getloadavg()[0],
        "hours": hours,
        "clock": clock,
        "real_seconds": round(time.monotonic() - start_s, 1),
        "frames": report["frames"],
        "looks": sampled[0].looks,
        "inferences": sampled[0].inferences,
        "utterances": report["utterances"],
        "transcript_bytes": transcript_bytes,
        "frame_ms_p50": report["frame_ms_p50"],
        "frame_ms_p95": report["frame_ms_p95"],
        "bars": judge(camera.samples, real),
        "samples": [asdict(sample) for sample in camera.samples],
    }


def _tenth(samples: list[Any], number: int) -> list[Any]:
    """Return one tenth of the samples; the first is 0."""
    length = max(len(samples) // 10, 1)
    return samples[-length:] if number == 9 else samples[number * length : (number + 1) * length]


def judge(samples: list[Sample], real: bool) -> dict[str, dict[str, Any]]:
    """Compare the last tenth of the samples with the second tenth, after warming up."""
    early, late = _tenth(samples, 1), _tenth(samples, 9)

    def change(name: str) -> float:
        return round(median(getattr(s, name) for s in late) - median(getattr(s, name) for s in early), 2)

    bars = {
        "rss_growth_mb": {
            "measured": change("rss_mb"),
            "bar": MOST_GROWTH_MB,
            "held": change("rss_mb") <= MOST_GROWTH_MB,
        },
        "handles_growth": {"measured": change("handles"), "bar": 0, "held": change("handles") <= 0},
        "threads_growth": {"measured": change("threads"), "bar": 0, "held": change("threads") <= 0},
    }
    if real:  # simulated time passes as fast as the machine lets it, which says nothing of steadiness
        share = round(1 - median(s.fps for s in late) / median(s.fps for s in early), 3)
        bars["fps_lost"] = {"measured": share, "bar": STEADY, "held": share <= STEADY}
    return bars


def plot(outcome: dict[str, Any], path: Path) -> None:
    """Draw memory, with the bar as a dashed line, handles, threads and frame rate over the hours."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    samples = outcome["samples"]
    hours = [sample["hours"] for sample in samples]
    warm_mb = median(sample["rss_mb"] for sample in _tenth(samples, 1))
    figure, axes = pyplot.subplots(4, 1, sharex=True, figsize=(8, 8))
    axes[0].plot(hours, [sample["rss_mb"] - warm_mb for sample in samples])
    axes[0].axhline(MOST_GROWTH_MB, linestyle="--", color="black")
    axes[0].set_ylim(-1.5 * MOST_GROWTH_MB, 1.5 * MOST_GROWTH_MB)
    axes[0].set_ylabel("MB more than\nafter warming up")
    rows = (("handles", "open handles"), ("threads", "threads"), ("fps", "frames a real second"))
    for axis, (name, label) in zip(axes[1:], rows, strict=True):
        values = [sample[name] for sample in samples]
        axis.plot(hours, values)
        axis.set_ylim(0, 1.2 * max(values))
        axis.set_ylabel(label)
    axes[-1].set_xlabel(f"hours ({outcome['clock']} clock)")
    title = f"{outcome['frames']} frames, {outcome['utterances']} utterances, {outcome['date']}; {warm_mb:.0f} MB"
    figure.suptitle(title)
    figure.tight_layout()
    figure.savefig(path, dpi=80)
    pyplot.close(figure)


def main() -> None:
    """Run, print the verdicts, and end with 1 where a bar is not held."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--hours", type=float, default=24.0, help="how long, of the run's clock (24)")
    parser.add_argument("--clock", choices=("fast", "real"), default="fast", help="simulated or real hours")
    parser.add_argument("--fps", type=float, default=5.0, help="frames a second of that clock (5)")
    parser.add_argument("--every", type=int, default=100, help="fast clock: really look at one frame in so many (100)")
    parser.add_argument("--save", action="store_true", help="write JSON and plot to benchmarks/results")
    parser.add_argument("--log", type=Path, help="append each sample to this file as it is taken")
    arguments = parser.parse_args()
    outcome = soak(arguments.hours, arguments.clock, arguments.fps, arguments.every, arguments.log)
    if arguments.save:
        stem = ROOT / "benchmarks" / "results" / f"{outcome['date']}-soak-{arguments.clock}"
        stem.with_suffix(".json").write_text(json.dumps(outcome, indent=1) + "\n", encoding="utf-8")
        plot(outcome, stem.with_suffix(".png"))
    print(
        f"{outcome['frames']} frames in {outcome['real_seconds']} s, {outcome['inferences']} inferences, "
        f"{outcome['utterances']} utterances, {threading.active_count()} Python threads left"
    )
    for name, bar in outcome["bars"].items():
        print(f"{name}: {bar['measured']} (at most {bar['bar']}): {'held' if bar['held'] else 'NOT HELD'}")
    if outcome["load_before"] > 0.5:
        print(f"The machine was busy (load {outcome['load_before']:.1f} before, {outcome['load_after']:.1f} after).")
    sys.exit(0 if all(bar["held"] for bar in outcome["bars"].values()) else 1)


if __name__ == "__main__":
    main()
