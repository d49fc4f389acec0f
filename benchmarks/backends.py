"""Time every usable back end on every Action Unit model, and check the choice that `auto` makes.

    python benchmarks/backends.py                    a table
    python benchmarks/backends.py --json             one JSON object
    python benchmarks/backends.py --save             the same in benchmarks/results/DATE-backends.json

Close other programs first. Back ends take turns, run by run, so that what else the machine does meets all alike.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

from assistant.errors import FacecueError
from assistant.inference.choose import Choice, choose_backend
from assistant.inference.discover import Backend, discover
from assistant.inference.hardware import fingerprint
from assistant.inference.manifest import Manifest, verify
from assistant.sight import rank
from assistant.types import TensorRunner

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks" / "results"
WARM_UP = 5


def au_folders(models: Path) -> list[Path]:
    """Return the folders of Action Unit models, as the program ranks them."""
    found = [path.parent for path in sorted(models.glob("*/manifest.json"))]
    return list(rank([folder for folder in found if Manifest.load(folder).task == "action_units"]))


def compare(
    folder: Path, backends: Sequence[Backend], threads: int, runs: int, timer: Callable[[], float]
) -> list[dict[str, Any]]:
    """Return one row a back end: percentiles in milliseconds over `runs` faces, or the problem."""
    manifest = verify(folder)
    runners: dict[str, TensorRunner] = {}
    rows: dict[str, dict[str, Any]] = {}
    for backend in backends:
        rows[backend.name] = {"model": manifest.name, "backend": backend.name, "threads": threads}
        try:
            if backend.problem:
                rows[backend.name]["problem"] = backend.problem
            else:
                runners[backend.name] = backend.open(folder / manifest.file, threads)
        except FacecueError as error:
            rows[backend.name]["problem"] = str(error)
    for name, times in _take_turns(runners, runs, timer, manifest.looks).items():
        p25, p50, p95 = (round(float(ms), 3) for ms in np.percentile(times, [25, 50, 95]))
        rows[name] |= {"ms_p25": p25, "ms_p50": p50, "ms_p95": p95, "runs": len(times)}
    return list(rows.values())


def check_choice(rows: Sequence[dict[str, Any]], choice: Choice) -> dict[str, Any]:
    """Hold a choice against what was measured here."""
    mine = [row for row in rows if row["model"] == choice.model_name and "ms_p50" in row]
    times = {row["backend"]: row["ms_p50"] for row in mine}
    return {
        "backend": choice.backend,
        "model": choice.model_name,
        "reason": choice.reason,
        "slower_than_best_percent": round(100 * (times[choice.backend] / min(times.values()) - 1), 1),
    }


def table(report: dict[str, Any]) -> str:
    """Return the report as plain text, a line a measurement, that a screen reader can follow."""
    lines = [f"{report['date']}, {report['device']['cpu']}, {report['device']['cores']} cores", ""]
    lines.append(f"{'model':<12}{'back end':<14}{'threads':>8}{'ms p25':>10}{'ms p50':>10}{'ms p95':>10}")
    for row in report["rows"]:
        start = f"{row['model']:<12}{row['backend']:<14}{row['threads']:>8}"
        if "problem" in row:
            lines.append(f"{start}  {row['problem']}")
        else:
            lines.append(f"{start}{row['ms_p25']:>10.2f}{row['ms_p50']:>10.2f}{row['ms_p95']:>10.2f}")
    choice = report["choice"]
    lines += ["", f"auto: {choice['reason']}"]
    lines.append(f"Slower than the best measured here by {choice['slower_than_best_percent']} %.")
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Time every usable back end on every Action Unit model.")
    parser.add_argument("--models", type=Path, default=ROOT / "models", help="folder of model folders")
    parser.add_argument("--threads", type=int, default=1, help="of every back end (%(default)s)")
    parser.add_argument("--runs", type=int, default=60, help="of each (%(default)s)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--save", action="store_true", help="also write benchmarks/results/DATE-backends.json")
    options = parser.parse_args(arguments)
    try:
        report = measure_all(options.models, options.threads, options.runs)
    except FacecueError as error:
        print(f"{error.cause} {error.remedy}", file=sys.stderr)
        return error.exit_status
    print(json.dumps(report) if options.json else table(report))
    if options.save:
        RESULTS.mkdir(exist_ok=True)
        path = RESULTS / f"{report['date']}-backends.json"
        path.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
        print(f"Wrote {path}.", file=sys.stderr)
    return 0


def measure_all(models: Path, threads: int, runs: int) -> dict[str, Any]:
    """Return the whole report.

    Raises:
        FacecueError: a model is damaged, or no back end can be used.
    """
    folders, backends = au_folders(models), discover()
    choice = choose_backend(folders, None, threads=threads)  # before anything else has run, as at a start
    rows = [row for folder in folders for row in compare(folder, backends, threads, runs, time.perf_counter)]
    return {
        "date": date.today().isoformat(),
        "device": fingerprint(),
        "rows": rows,
        "choice": check_choice(rows, choice),
    }


def _take_turns(
    runners: dict[str, TensorRunner], runs: int, timer: Callable[[], float], looks: int
) -> dict[str, list[float]]:
    """Return the milliseconds of each face, which takes so many inferences, after a few faces that do not count."""
    times: dict[str, list[float]] = {name: [] for name in runners}
    random = np.random.default_rng(0)
    for done in range(WARM_UP + runs):
        for name, runner in runners.items():
            arrays = [random.integers(-100, 100, spec.shape).astype(spec.dtype) for spec in runner.inputs]
            before = timer()
            for _ in range(looks):
                runner.run(*arrays)
            if done >= WARM_UP:
                times[name].append((timer() - before) * 1000)
    return times


if __name__ == "__main__":
    raise SystemExit(main())
