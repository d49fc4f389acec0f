"""Time 742 pictures through each Action Unit model and back end, as the study of still pictures did with its networks.

    python -m benchmarks.pictures FOLDER             pictures below FOLDER, evenly chosen among their sorted paths
    python -m benchmarks.pictures FOLDER --save      also write benchmarks/results/DATE-pictures.json

Two figures each: the network alone, on crops that are cut out before; and all of it, from the file to the expression.
Faces are found once a picture, by the default detector; where there is none, the middle of the picture is read, so
that every network gets every picture. One thread.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any, Final

from assistant import app, locate
from assistant.camera.pictures import read_picture
from assistant.errors import FacecueError
from assistant.expression.classifier import ExpressionModel
from assistant.inference.au_model import QuantisedActionUnitModel
from assistant.inference.discover import discover
from assistant.inference.hardware import fingerprint
from assistant.inference.manifest import verify
from assistant.settings import Settings
from assistant.types import Face, Frame
from assistant.vision import align
from benchmarks.backends import au_folders

ROOT: Final = Path(__file__).resolve().parents[1]
COUNT: Final = 742
SUFFIXES: Final = (".jpg", ".jpeg", ".png")


def choose(folder: Path, count: int) -> list[Path]:
    """Return so many pictures, evenly spread over the sorted paths below a folder.

    Raises:
        SystemExit: there are fewer.
    """
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES)
    if len(paths) < count:
        sys.exit(f"There are {len(paths)} pictures below {folder}, and {count} are needed.")
    return [paths[number * len(paths) // count] for number in range(count)]


def find(paths: Sequence[Path]) -> tuple[list[Face], int, float]:
    """Return the largest face of each picture, in how many there was one, and the seconds that took with reading."""
    detector = app.build_sight(Settings()).detector
    faces, found, start_s = [], 0, time.perf_counter()
    for path in paths:
        image = read_picture(path)
        seen = detector.detect(Frame(0, 0.0, image, str(path)))
        found += bool(seen)
        height_px, width_px = image.shape[:2]
        whole = Face((0.0, 0.0, width_px, height_px), align.whole_image_landmarks(height_px, width_px), 0.0)
        faces.append(max(seen, key=lambda face: face.width_px, default=whole))
    return faces, found, time.perf_counter() - start_s


def measure(paths: Sequence[Path]) -> dict[str, Any]:
    """Return seconds for all pictures by model and back end."""
    faces, found, finding_s = find(paths)
    expression = ExpressionModel(locate.model_folder("expression"))
    rows: list[dict[str, Any]] = []
    for folder in au_folders(ROOT / "models"):
        manifest = verify(folder)
        for backend in discover():
            row: dict[str, Any] = {"model": manifest.name, "backend": backend.name}
            rows.append(row)
            try:
                if backend.problem:
                    row["problem"] = backend.problem
                    continue
                runner = backend.open(folder / manifest.file, 1)
                model = QuantisedActionUnitModel(runner, manifest, align.align_face, align.normalise)
                row |= _time(model, expression, paths, faces)
                row["whole_s"] = round(finding_s + row["reading_s"], 2)
            except FacecueError as error:
                row["problem"] = str(error)
    return {
        "date": date.today().isoformat(),
        "command": " ".join(["python -m benchmarks.pictures", *sys.argv[1:]]),
        "device": fingerprint(),
        "load_before": round(os.getloadavg()[0], 2),
        "pictures": len(paths),
        "with_a_face": found,
        "finding_s": round(finding_s, 2),
        "rows": rows,
    }


def _time(
    model: QuantisedActionUnitModel, expression: ExpressionModel, paths: Sequence[Path], faces: Sequence[Face]
) -> dict[str, float]:
    """Return seconds of the network alone, and of aligning, network and expression."""
    network_s = reading_s = 0.0
    for path, face in zip(paths, faces, strict=True):
        image = read_picture(path)
        start_s = time.perf_counter()
        crop = align.align_face(image, face.landmarks_xy, model.size_px)
        aligned_s = time.perf_counter()
        units = model.estimate_crop(crop)
        estimated_s = time.perf_counter()
        expression.classify(units)
        network_s += estimated_s - aligned_s
        reading_s += time.perf_counter() - start_s
    return {"network_s": round(network_s, 2), "reading_s": round(reading_s, 2)}


def table(report: dict[str, Any]) -> str:
    """Return the report as plain lines."""
    lines = [
        f"{report['date']}, {report['device']['cpu']}, one thread, load before {report['load_before']}",
        f"{report['pictures']} pictures, a face in {report['with_a_face']}; opening them and finding faces: "
        f"{report['finding_s']:.1f} s",
        f"{'network':<12}{'back end':<12}{'network alone':>16}{'picture to expression':>24}",
    ]
    for row in report["rows"]:
        start = f"{row['model']:<12}{row['backend']:<12}"
        if "problem" in row:
            lines.append(f"{start}  not measured: {row['problem']}")
        else:
            network, whole = f"{row['network_s']:.1f} s", f"{row['whole_s']:.1f} s"
            lines.append(f"{start}{network:>16}{whole:>24}")
    return "\n".join(lines)


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--count", type=int, default=COUNT, help="how many pictures (%(default)s)")
    parser.add_argument("--save", action="store_true", help="write benchmarks/results/DATE-pictures.json")
    arguments = parser.parse_args()
    report = measure(choose(arguments.folder, arguments.count))
    print(table(report))
    if arguments.save:
        path = ROOT / "benchmarks" / "results" / f"{report['date']}-pictures.json"
        path.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
