"""Measure frames a second from clip to words, one face at 640x480, beside the PyPI package `fer` in the same run.

    python benchmarks/end_to_end.py                             Facecue alone
    python benchmarks/end_to_end.py --fer-python PATH           beside fer, installed for the Python at PATH
    python benchmarks/end_to_end.py --json                      the same as one JSON object
    python benchmarks/end_to_end.py --save                      the same in benchmarks/results/DATE-end-to-end.json

`fer` brings TensorFlow and another OpenCV, so give it an environment of its own; --no-deps spares gigabytes of CUDA
that its default detector does not use:

    python3 -m venv fer-env
    fer-env/bin/pip install tensorflow "opencv-contrib-python>=4.10,<5" requests Pillow "setuptools<81"
    fer-env/bin/pip install --no-deps fer

The clip is made here from scikit-image's photograph of an astronaut (NASA, public domain), moved a little as a head
camera would see it. Facecue runs as `facecue run --speed max --mute`: detection, tracking, Action Units, expression,
what is worth saying, speech synthesis. `fer` runs detection and emotion on the same frames. Rounds alternate; close
other programs first. Options that this script does not know go to `facecue run`: --model, --backend, --settings.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import platform
import subprocess
import sys
import tempfile
from datetime import date
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from assistant.inference.hardware import fingerprint

ROOT = Path(__file__).resolve().parents[1]
FRAMES = 300
FER_FRAMES = 60
"""`fer` is slower; a fifth of the clip is enough for its median."""
_FER = """
import json, sys, time, statistics
import cv2
try:
    from fer.fer import FER
except ImportError:
    from fer import FER
detector = FER()
capture = cv2.VideoCapture(sys.argv[1])
times, faces = [], 0
for number in range(int(sys.argv[2]) + 3):
    given, image = capture.read()
    if not given:
        break
    start = time.perf_counter()
    found = detector.detect_emotions(image)
    if number >= 3:
        times.append(time.perf_counter() - start)
        faces += len(found)
print(json.dumps({"frames": len(times), "fps": len(times) / sum(times), "frame_ms_p50": 1e3 * statistics.median(times),
                  "faces": faces}))
"""


def make_clip(path: Path) -> None:
    """Write 10 s at 30 frames a second: a person nods and sways a little, near the middle."""
    from skimage import data

    photo = np.ascontiguousarray(data.astronaut()[:, :, ::-1])
    writer = cv2.VideoWriter(str(path), cv2.CAP_FFMPEG, cv2.VideoWriter.fourcc(*"mp4v"), 30.0, (640, 480))
    for number in range(FRAMES):
        scale = 1.0 + 0.1 * math.sin(number / 40)
        x, y = 95 + 25 * math.sin(number / 25), 10 + 10 * math.sin(number / 18)
        matrix = np.array([[scale, 0, x], [0, scale, y]], np.float64)
        writer.write(cv2.warpAffine(photo, matrix, (640, 480), borderValue=(150, 160, 170)))
    writer.release()


def run_facecue(clip: Path, options: list[str]) -> dict[str, Any]:
    """Run the command line on the clip; return its report."""
    command = [sys.executable, "-m", "assistant", "run", "--source", str(clip), "--speed", "max", "--mute", "--json"]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run([*command, *options], env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"facecue ended with status {done.returncode}: {done.stderr.strip()}")
    report: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return report


def run_fer(python: str, clip: Path) -> dict[str, Any]:
    """Run `fer` on the clip's frames with another Python; return what it measured."""
    command = [python, "-c", _FER, str(clip), str(FER_FRAMES)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        sys.exit(
            f"fer cannot be run with {python}: {last}\n"
            f"How to install it is in the first lines of {Path(__file__).name}."
        )
    report: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return report


def measure(rounds: int, fer_python: str | None, options: list[str]) -> dict[str, Any]:
    """Alternate between both, and keep the median round of each."""
    load_before = os.getloadavg()[0]
    found: dict[str, list[dict[str, Any]]] = {"facecue": [], "fer": []}
    with tempfile.TemporaryDirectory() as folder:
        clip = Path(folder) / "one-face-640x480.mp4"
        make_clip(clip)
        run_facecue(clip, options)  # measures the back ends once, so that no round does
        for _ in range(rounds):
            found["facecue"].append(run_facecue(clip, options))
            if fer_python:
                found["fer"].append(run_fer(fer_python, clip))
    results = {name: sorted(runs, key=lambda run: run["fps"])[len(runs) // 2] for name, runs in found.items() if runs}
    spread = {name: [round(run["fps"], 1) for run in runs] for name, runs in found.items() if runs}
    return {
        "date": date.today().isoformat(),
        "device": fingerprint(),
        "python": platform.python_version(),
        "rounds": rounds,
        "load_before": load_before,
        "results": results,
        "fps_of_each_round": spread,
    }


def table(outcome: dict[str, Any]) -> str:
    """Return the result as plain lines."""
    lines = [f"{'program':<10}{'frames/s':>10}{'ms a frame (median)':>22}   each round"]
    for name, run in outcome["results"].items():
        rounds = ", ".join(str(fps) for fps in outcome["fps_of_each_round"][name])
        lines.append(f"{name:<10}{run['fps']:>10.1f}{run['frame_ms_p50']:>22.1f}   {rounds}")
    own = outcome["results"]["facecue"]
    lines.append(
        f"Facecue: {own['model']} on {own['backend']}; detection {own['detect_ms_p50']} ms, AUs {own['au_ms_p50']} ms."
    )
    if "fer" not in outcome["results"]:
        lines.append("fer was not measured: see --fer-python in this file's first lines.")
    if outcome["load_before"] > 0.5:
        lines.append(f"The machine was busy before (load {outcome['load_before']:.1f}): these figures are too low.")
    return "\n".join(lines)


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3, help="how often each is run; the median counts (3)")
    parser.add_argument("--fer-python", metavar="PATH", help="the Python that has fer installed")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--save", action="store_true", help="write benchmarks/results/DATE-end-to-end.json")
    arguments, options = parser.parse_known_args()
    outcome = measure(max(1, arguments.rounds), arguments.fer_python, options)
    print(json.dumps(outcome) if arguments.json else table(outcome))
    if arguments.save:
        path = ROOT / "benchmarks" / "results" / f"{outcome['date']}-end-to-end.json"
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(outcome, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
