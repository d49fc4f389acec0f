"""Measure speed, start, memory, size and idle load of the whole program, beside its peers in the same run.

    python -m benchmarks.speed                                 Facecue alone
    python -m benchmarks.speed --fer PYTHON --facex PYTHON --mediapipe PYTHON --task FILE --human FOLDER
    python -m benchmarks.speed --json                          one JSON object
    python -m benchmarks.speed --save                          also write benchmarks/results/DATE-speed.json

Programs take turns, round by round, on the same frames, so that what else the machine does meets all alike; a ratio is
the median of the rounds' own ratios. Facecue runs as `facecue run --speed max --mute`: it decodes the clip, finds,
tracks and reads faces, decides what is worth saying and lets the voice speak it, and all of that is in its frames a
second. A peer is given decoded frames, and its first three do not count. How to install each is in docs/benchmarks.md.

Close other programs first. Options that are not known here go to `facecue run`: --model, --backend, --settings. Linux.
Ends with status 1 where a bar is not held.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import tempfile
import tomllib
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from statistics import median
from typing import Any, Final

import numpy as np

from assistant.inference.hardware import fingerprint
from benchmarks import processes
from benchmarks.peers import PEERS, PROGRAMS, Peer
from benchmarks.scenes import NOBODY, SCENES, Scene, write_clip, write_raw

ROOT: Final = Path(__file__).resolve().parents[1]
RESULTS: Final = ROOT / "benchmarks" / "results"
FRAMES: Final = 300
"""Of a clip: 10 s at 30 frames a second."""
PEER_FRAMES: Final = 40
"""The slowest peer takes a fifth of a second a frame."""
_WARM_UP: Final = 3
_IDLE_S: Final = (7.0, 17.0)  # since its start: nobody was in view for some seconds, and idling has set in
_IDLE_FRAMES: Final = 18 * 30
_ENVIRONMENT: Final = {"PYTHONPATH": str(ROOT)}

BARS: Final = (
    ("frames a second, one face 640x480", ("programs", "1-face-640x480", "facecue", "fps"), 60.0, True),
    ("times the rate of fer, one face 640x480", ("ratios", "1-face-640x480", "fer"), 5.0, True),
    ("frames a second, five faces 640x480", ("programs", "5-faces-640x480", "facecue", "fps"), 25.0, True),
    ("seconds from start to first frame", ("programs", "1-face-640x480", "facecue", "start_s"), 1.5, False),
    ("MB of memory, voice included", ("programs", "1-face-640x480", "facecue", "peak_mb"), 250.0, False),
    ("share of a core, nobody in view", ("idle_core",), 0.25, False),
    ("ms from event to sound, p95", ("event_to_sound_ms_p95",), 150.0, False),
)
"""What is promised: words, where it is in the report, the limit, and whether more is better."""


def run_facecue(clip: Path, options: Sequence[str]) -> dict[str, Any]:
    """Run the whole program on a clip; return one round's figures.

    Raises:
        SystemExit: it failed.
    """
    command = [sys.executable, "-m", "benchmarks.programs.facecue", str(clip), *options]
    done = processes.run(command, _ENVIRONMENT)
    if done.status:
        sys.exit(f"facecue ended with status {done.status}: {done.complaint}")
    report = json.loads(done.output.splitlines()[-1])
    stages = {verb: percentiles(times) for verb, times in report["stages_ms"].items() if times}
    return {
        "version": _version(),
        "fps": rate(report["done_s"]),
        "frame_ms_p50": report["frame_ms_p50"],
        "frame_ms_p95": report["frame_ms_p95"],
        "faces_a_frame": report["faces"] / report["frames"],
        "start_s": report["done_s"][0] - done.began_s,
        "peak_mb": done.peak_mb,
        "backend": report["backend"],
        "model": report["model"],
        "stages_ms": stages,
    }


def run_peer(command: Sequence[str]) -> dict[str, Any] | str:
    """Run a peer on raw frames; return one round's figures, or why it failed."""
    done = processes.run(command)
    if done.status:
        return done.complaint
    report = json.loads(done.output.splitlines()[-1])
    times_ms = report["frame_ms"][_WARM_UP:]
    p50, p95 = percentiles(times_ms)
    return {
        "version": report["version"],
        "fps": 1e3 * len(times_ms) / sum(times_ms),
        "frame_ms_p50": p50,
        "frame_ms_p95": p95,
        "faces_a_frame": report["faces"] / len(report["frame_ms"]),
        "start_s": report["first_s"] - done.began_s,
        "peak_mb": done.peak_mb,
    }


def measure_scene(
    scene: Scene, rounds: int, peers: dict[str, tuple[Peer, str, str]], options: Sequence[str], skipped: dict[str, str]
) -> dict[str, list[dict[str, Any]]]:
    """Let the programs take turns on one scene; return each one's rounds. A peer that fails goes into `skipped`."""
    found: dict[str, list[dict[str, Any]]] = {"facecue": []}
    with tempfile.TemporaryDirectory(prefix="facecue-speed-") as folder:
        clip, raw = Path(folder) / f"{scene.name}.mp4", Path(folder) / f"{scene.name}.bgr"
        write_clip(scene, FRAMES, clip)
        write_raw(clip, PEER_FRAMES + _WARM_UP, raw)
        for _ in range(rounds):
            found["facecue"].append(run_facecue(clip, options))
            for name, (peer, place, model) in peers.items():
                if name in skipped:
                    continue
                outcome = run_peer(peer.command(place, model, raw, scene.width_px, scene.height_px))
                if isinstance(outcome, str):
                    skipped[name] = outcome
                    found.pop(name, None)
                else:
                    found.setdefault(name, []).append(outcome)
    return found


def measure_idle(options: Sequence[str]) -> float:
    """Return the share of a core that is in use at 30 frames a second with nobody in view."""
    with tempfile.TemporaryDirectory(prefix="facecue-speed-") as folder:
        clip = Path(folder) / "nobody.mp4"
        write_clip(NOBODY, _IDLE_FRAMES, clip)
        command = [sys.executable, "-m", "benchmarks.programs.facecue", str(clip), "--speed", "real", *options]
        done = processes.run(command, _ENVIRONMENT)
    if done.status:
        sys.exit(f"facecue ended with status {done.status}: {done.complaint}")
    return done.cpu_share(*_IDLE_S)


def measure_sound() -> dict[str, Any] | str:
    """Return what `benchmarks.playback` measures on a recorded sink, or why it cannot."""
    done = processes.run([sys.executable, "-m", "benchmarks.playback"], _ENVIRONMENT)
    if done.status:
        return done.complaint
    measured: dict[str, Any] = json.loads(done.output)
    return measured


def installed_mb(python: str, names: Sequence[str]) -> float | None:
    """Return the size of packages with all they need, where a Python has them installed."""
    done = processes.run([python, str(PROGRAMS / "installed.py"), *names])
    return round(int(done.output) / 1e6) if done.status == 0 and int(done.output) else None


def folder_mb(folder: Path) -> int:
    """Return the size of a folder's files."""
    return round(sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6)


def own_mb() -> float | None:
    """Return the size of Facecue with its models and of what it needs, extras left out."""
    with (ROOT / "pyproject.toml").open("rb") as file:
        needs = [line.split(">=")[0] for line in tomllib.load(file)["project"]["dependencies"]]
    others = installed_mb(sys.executable, needs)
    own = sum(folder_mb(ROOT / name) for name in ("assistant", "models", "config"))
    return None if others is None else others + own


def summarise(found: dict[str, list[dict[str, Any]]]) -> tuple[dict[str, dict[str, Any]], dict[str, float]]:
    """Return each program's middle round with the spread, and Facecue's ratio to each peer."""
    programs = {}
    for name, rounds in found.items():
        programs[name] = sorted(rounds, key=lambda each: each["fps"])[len(rounds) // 2] | {
            "fps_of_each_round": [round(each["fps"], 1) for each in rounds],
            "start_s": median(each["start_s"] for each in rounds),
            "peak_mb": median(each["peak_mb"] for each in rounds),
        }
    own = [each["fps"] for each in found["facecue"]]
    ratios = {
        name: round(median(a / b["fps"] for a, b in zip(own, rounds, strict=False)), 2)
        for name, rounds in found.items()
        if name != "facecue"
    }
    return programs, ratios


def judge(report: dict[str, Any]) -> list[dict[str, Any]]:
    """Hold the report against what is promised; "held" is None where it was not measured."""
    verdicts = []
    for words, path, limit, more_is_better in BARS:
        value: Any = report
        for key in path:
            value = value.get(key) if isinstance(value, dict) else None
        held = None if value is None else bool(value >= limit if more_is_better else value <= limit)
        verdicts.append({"what": words, "measured": value, "limit": limit, "at_least": more_is_better, "held": held})
    return verdicts


def rate(done_s: Sequence[float]) -> float:
    """Return frames a second from when each was done, without the first three, as of the peers."""
    return (len(done_s) - _WARM_UP) / (done_s[-1] - done_s[_WARM_UP - 1])


def percentiles(times_ms: Sequence[float]) -> tuple[float, float]:
    """Return the median and the 95th percentile."""
    p50, p95 = np.percentile(times_ms, [50, 95])
    return round(float(p50), 3), round(float(p95), 3)


def measure(arguments: argparse.Namespace, options: Sequence[str]) -> dict[str, Any]:
    """Measure everything that was not left out."""
    skipped: dict[str, str] = {}
    peers: dict[str, tuple[Peer, str, str]] = {}
    for peer in PEERS:
        place, model = (getattr(arguments, option.strip("-"), None) or "" for option in (peer.option, peer.model))
        reason = peer.missing(place, model)
        if reason:
            skipped[peer.name] = reason
        else:
            peers[peer.name] = (peer, place, model)
    report: dict[str, Any] = {
        "date": date.today().isoformat(),
        "command": " ".join(["python -m benchmarks.speed", *sys.argv[1:]]),
        "device": fingerprint(),
        "python": platform.python_version(),
        "note": arguments.note,
        "rounds": arguments.rounds,
        "load_before": round(os.getloadavg()[0], 2),
        "programs": {},
        "ratios": {},
        "skipped": skipped,
    }
    scenes = [scene for scene in SCENES if not arguments.scenes or scene.name in arguments.scenes]
    for scene in scenes:
        found = measure_scene(scene, arguments.rounds, peers, options, skipped)
        report["programs"][scene.name], report["ratios"][scene.name] = summarise(found)
    if not arguments.quick:
        report["idle_core"] = round(measure_idle(options), 3)
        report["sound"] = measure_sound()
        report["event_to_sound_ms_p95"] = _event_to_sound(report)
        report["installed_mb"] = _installed(peers)
    report["load_after"] = round(os.getloadavg()[0], 2)
    report["bars"] = judge(report)
    return report


def _event_to_sound(report: dict[str, Any]) -> float | None:
    """Add the 95th percentiles of a frame and of the way from decision to sound: not too small, as percentiles go."""
    first = next(iter(report["programs"].values()))["facecue"]["frame_ms_p95"]
    sound = report["sound"]
    return round(first + sound["first_audible_ms"]["95"], 1) if isinstance(sound, dict) else None


def _installed(peers: dict[str, tuple[Peer, str, str]]) -> dict[str, float | None]:
    sizes: dict[str, float | None] = {"facecue": own_mb()}
    for name, (peer, place, model) in peers.items():
        if peer.interpreter == "node":
            sizes[name] = folder_mb(Path(place) / "node_modules")
        else:
            sizes[name] = installed_mb(place, [name])
            if model and sizes[name] is not None:
                sizes[name] = (sizes[name] or 0) + round(Path(model).stat().st_size / 1e6)
    return sizes


def _version() -> str:
    import assistant

    return assistant.__version__


def table(report: dict[str, Any]) -> str:
    """Return the report as plain lines that a screen reader can follow."""
    device = report["device"]
    lines = [f"{report['date']}, {device['cpu']}, {device['cores']} cores, load before {report['load_before']}"]
    lines += [report["note"]] if report["note"] else []
    for scene, programs in report["programs"].items():
        lines += [
            "",
            f"{scene:<18}{'frames/s':>9}{'ms p50':>9}{'ms p95':>9}{'faces':>7}{'start s':>9}{'MB':>7}  each round",
        ]
        for name, run in programs.items():
            ratio = f", Facecue {report['ratios'][scene][name]} times" if name != "facecue" else ""
            if run["faces_a_frame"] < 0.5 * programs["facecue"]["faces_a_frame"]:
                ratio = ", finds less than half of the faces: no ratio"
            lines.append(
                f"{name:<18}{run['fps']:>9.1f}{run['frame_ms_p50']:>9.1f}{run['frame_ms_p95']:>9.1f}"
                f"{run['faces_a_frame']:>7.1f}{run['start_s']:>9.2f}{run['peak_mb']:>7.0f}"
                f"  {', '.join(str(fps) for fps in run['fps_of_each_round'])}{ratio}"
            )
        own = programs["facecue"]
        stages = ", ".join(f"{verb} {p50:.2f} ({p95:.2f})" for verb, (p50, p95) in own["stages_ms"].items())
        lines.append(f"Facecue: {own['model']} on {own['backend']}; ms of each stage, p50 (p95): {stages}")
    lines += ["", *(f"{name}: not measured: {reason}" for name, reason in report["skipped"].items())]
    for name, megabytes in report.get("installed_mb", {}).items():
        lines.append(f"installed size of {name}: {'not measured' if megabytes is None else f'{megabytes:.0f} MB'}")
    if isinstance(report.get("sound"), str):
        lines.append(f"decision to sound: not measured: {report['sound']}")
    for bar in report["bars"]:
        verdict = {True: "held", False: "NOT HELD", None: "not measured"}[bar["held"]]
        measured = "" if bar["measured"] is None else f"{bar['measured']:.2f}, "
        lines.append(
            f"{bar['what']}: {measured}at {'least' if bar['at_least'] else 'most'} {bar['limit']:g}: {verdict}"
        )
    if report["load_before"] > 0.5:
        lines.append("The machine was busy: rates are too low, times too long; ratios are fairer than either.")
    return "\n".join(lines)


def main() -> int:
    """Measure, print, and end with 1 where a bar is not held."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0], allow_abbrev=False)
    parser.add_argument("--rounds", type=int, default=3, help="how often each program is run on a scene (3)")
    parser.add_argument("--scenes", nargs="+", choices=[scene.name for scene in SCENES], help="only these")
    parser.add_argument("--quick", action="store_true", help="leave out idle load, sound and sizes")
    for peer in PEERS:
        words = "folder with node_modules" if peer.interpreter == "node" else "Python"
        parser.add_argument(peer.option, metavar="PATH", help=f"the {words} that has {peer.name} installed")
        if peer.model:
            parser.add_argument(peer.model, metavar="FILE", help=f"the model of {peer.name}")
    parser.add_argument(
        "--note", default="", help="what the reader must know of the machine's state; kept in the report"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--save", action="store_true", help="write benchmarks/results/DATE-speed.json")
    arguments, options = parser.parse_known_args()
    report = measure(arguments, options)
    print(json.dumps(report) if arguments.json else table(report))
    if arguments.save:
        path = RESULTS / f"{report['date']}-speed.json"
        path.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    return 1 if any(bar["held"] is False for bar in report["bars"]) else 0


if __name__ == "__main__":
    sys.exit(main())
