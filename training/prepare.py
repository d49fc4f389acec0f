"""Read data sets and make the prepared cache: `python -m training prepare`.

Merged, de-duplicated, aligned by the runtime's own function, split so that no person is in two splits.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from assistant.clock import Clock, SystemClock
from assistant.errors import OutputError
from assistant.facs import AU_ORDER, EXPRESSIONS
from assistant.types import ImageRgb
from assistant.vision.align import align_face, whole_image_landmarks
from training import cache
from training.datasets.gather import KINDS, gather, wanted
from training.datasets.sample import NOT_ANNOTATED, DataError, Sample
from training.duplicates import Pair, find_pairs, thumbnail
from training.partial import MARGIN, SIZE_PX, Crops, Partial, writing
from training.progress import Progress
from training.splits import Groups, Strings, assign
from training.support import check_support

if TYPE_CHECKING:
    from training.locate import Locate

MODELS: Final = Path(__file__).resolve().parent.parent / "models"
_OF_THE_CROPS: Final = ("blendshapes",)  # columns that stay when only labels or the split change
_BOX_BORDER: Final = 0.25  # of the box, put around it before the face is looked for: boxes often cut off the chin


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    add = parser.add_argument
    add("--data", type=Path, metavar="ROOT", help="folder with ferplus/, muxspace/, london/, congress/ and au/")
    add("--source", action="append", default=[], metavar="KIND=PATH", help=f"KIND: {', '.join(KINDS)}; repeatable")
    add("--out", type=Path, required=True, metavar="FOLDER", help="where the prepared data go")
    add("--seed", type=int, default=0, help="of the split (default: 0)")
    add("--every", type=int, default=1, metavar="N", help="of bp4d, disfa and disfaplus take every Nth frame")
    add("--trace", choices=("unsure", "absent", "present"), default="unsure", help="what DISFA's intensity A counts as")
    add("--allow-empty", default="", metavar="UNITS", help="units that may lack cases in a split: AU23,AU24 or all")
    add("--skip-bad", action="store_true", help="leave out pictures that cannot be read instead of stopping")
    add("--fresh", action="store_true", help="read every picture again, even where the last run already did")
    add("--teacher", type=Path, metavar="FILE", help="add blendshapes of MediaPipe's face_landmarker.task")
    add("--models", type=Path, default=MODELS, metavar="FOLDER", help="with the face detectors")


def run(options: argparse.Namespace) -> int:
    """Prepare the data; a second run with the same sources continues, or only splits anew."""
    prepare(options, SystemClock())
    return 0


def prepare(options: argparse.Namespace, clock: Clock, locate: Locate | None = None) -> dict[str, Any]:
    """Do what `run` does, with a clock and a face finder of the caller's, and return the manifest.

    Raises:
        FacecueError: the data, the models or the disk are at fault; what was cut so far stays.
    """
    sources = wanted(options.data, options.source)
    samples = gather(sources, options.every, options.trace)
    pictures = [(kind, str(path.resolve())) for kind, path in sources if kind != "annotated"]
    boxes = [(sample.name, sample.box_xyxy) for sample in samples if sample.box_xyxy is not None]
    text = json.dumps([cache.FORMAT, SIZE_PX, pictures, *([boxes] if boxes else [])])
    request = hashlib.sha256(text.encode()).hexdigest()
    if options.fresh:
        with writing(options.out):
            shutil.rmtree(options.out / ".partial", ignore_errors=True)
    reused = None if options.fresh else _reuse(options.out, request, samples)
    if reused is None:
        _check_space(options.out, len(samples))
        with Partial(options.out / ".partial", request) as partial:
            _cut_all(samples, partial, locate or _locator(options.models), options.skip_bad, clock)
            rows, thumbs = partial.rows, partial.finish()
            manifest = _finish(options, samples, sources, request, rows, thumbs, partial.crops_path, {})
        partial.remove()
    else:
        print("The crops of the last run are used again.")
        rows, old = reused
        seen = {name: old[name] for name in _OF_THE_CROPS if name in old}
        manifest = _finish(options, samples, sources, request, rows, old["thumb"], None, seen)
    if options.teacher is not None:
        from training.datasets.pseudo import add_blendshapes

        add_blendshapes(options.out, samples, options.teacher, clock)
    return manifest


def _locator(models: Path) -> Locate:
    """Import the detector on use: the environment of the teacher need not have it."""
    from training.locate import open_locator

    return open_locator(models)


def cut(sample: Sample, image_rgb: ImageRgb, locate: Locate) -> tuple[Crops, float]:
    """Return the aligned crop, (144, 144) uint8, and the detector's score; 0 where the face was not found.

    Where it was not, the landmarks are taken to be where they usually lie in a picture of one face.
    """
    height, width = image_rgb.shape[:2]
    left, top, right, bottom = sample.box_xyxy or (0.0, 0.0, float(width), float(height))
    if sample.box_xyxy is None:
        face = locate(image_rgb, sample.tight)
        offset = np.zeros(2, np.float32)
    else:
        x, y = _BOX_BORDER * (right - left), _BOX_BORDER * (bottom - top)
        x1, y1 = (int(np.clip(v, 0, most - 1)) for v, most in ((left - x, width), (top - y, height)))
        x2, y2 = (int(np.clip(v, low + 1, most)) for v, low, most in ((right + x, x1, width), (bottom + y, y1, height)))
        face = locate(np.ascontiguousarray(image_rgb[y1:y2, x1:x2]), True)
        offset = np.array([x1, y1], np.float32)
    if face is not None:
        return align_face(image_rgb, face.landmarks_xy + offset, SIZE_PX, MARGIN), face.score
    usual = whole_image_landmarks(round(bottom - top), round(right - left)) + np.array([left, top], np.float32)
    return align_face(image_rgb, usual, SIZE_PX, MARGIN), 0.0


def _cut_all(samples: Sequence[Sample], partial: Partial, locate: Locate, skip_bad: bool, clock: Clock) -> None:
    """Cut every picture that the last, unfinished run did not."""
    same = 0
    while same < min(len(partial.rows), len(samples)) and partial.rows[same][0] == samples[same].name:
        same += 1
    partial.keep(partial.rows[:same])
    if same:
        print(f"{same} pictures were cut before; continuing.")
    progress = Progress("pictures", len(samples) - same, clock)
    for sample in samples[same:]:
        try:
            image = sample.read()
        except DataError as error:
            if not skip_bad:
                raise
            print(f"Left out: {error.cause}")
            partial.skip(sample.name)
        else:
            crop, score = cut(sample, image, locate)
            partial.add(sample.name, crop, thumbnail(image), score)
        progress.step()


def _reuse(
    folder: Path, request: str, samples: Sequence[Sample]
) -> tuple[list[tuple[str, float | None]], dict[str, npt.NDArray[Any]]] | None:
    """Return rows and table of a finished cache of the same pictures, or None."""
    try:
        manifest, table = cache.read_checked(folder)
    except DataError:
        return None
    scores: dict[str, float | None] = dict.fromkeys(manifest.get("unreadable", []))
    scores |= dict(zip(table["names"].tolist(), table["score"].tolist(), strict=True))
    if manifest.get("request") != request or set(scores) != {sample.name for sample in samples}:
        return None
    unreadable: list[tuple[str, float | None]] = [(name, None) for name, score in scores.items() if score is None]
    return [(str(name), scores[name]) for name in table["names"].tolist()] + unreadable, table


def _finish(
    options: argparse.Namespace,
    samples: Sequence[Sample],
    sources: Sequence[tuple[str, Path]],
    request: str,
    rows: list[tuple[str, float | None]],
    thumbs: Crops,
    crops: Path | None,
    seen: dict[str, npt.NDArray[Any]],
) -> dict[str, Any]:
    """Group, split, check and write; `seen` are further columns of the same rows."""
    by_name = {sample.name: sample for sample in samples}
    kept = [(by_name[name], score) for name, score in rows if score is not None]
    if not kept:
        raise DataError("Not one picture could be read.", "Give the folder of the pictures.")
    groups, pairs = _group([sample for sample, _ in kept], thumbs)
    held_out = [sample.held_out for sample, _ in kept]
    table = _table(kept, groups, thumbs, assign(groups.tolist(), held_out, options.seed)) | seen
    check_support(table, held_out, options.seed, options.allow_empty)
    facts = {
        "seed": options.seed,
        "request": request,
        "sources": [{"kind": kind, "name": path.resolve().name} for kind, path in sources],
        "no_face_found": int((table["score"] == 0).sum()),
        "unreadable": [name for name, score in rows if score is None],
        "duplicate_pairs": len(pairs),
    }
    manifest = cache.write(options.out, table, pairs, facts, crops)
    _report(options.out, manifest)
    return manifest


def _group(samples: Sequence[Sample], thumbs: Crops) -> tuple[Strings, list[Pair]]:
    """Join people who share a photograph; return the group of each row and the pairs that joined some."""
    people = [sample.person for sample in samples]
    _, numbers = np.unique(np.array(people), return_inverse=True)
    joined = Groups()
    pairs = [pair for pair in find_pairs(thumbs, numbers) if joined.join(people[pair.one], people[pair.other])]
    return np.array([joined.name_of(person) for person in people]), pairs


def _table(
    kept: Sequence[tuple[Sample, float]], groups: Strings, thumbs: Crops, splits: Strings
) -> dict[str, npt.NDArray[Any]]:
    none = np.full(len(AU_ORDER), NOT_ANNOTATED, np.int8)
    silent = np.zeros(len(EXPRESSIONS), np.float32)
    found = [sample.usable and (score > 0 or sample.tight or sample.box_xyxy is not None) for sample, score in kept]
    return {
        "names": np.array([sample.name for sample, _ in kept]),
        "group": groups,
        "part": np.array([sample.part for sample, _ in kept]),
        "au": np.stack([none if sample.au is None else sample.au for sample, _ in kept]),
        "second": np.stack([none if sample.second is None else sample.second for sample, _ in kept]),
        "coder": np.array([sample.coder for sample, _ in kept], np.int16),
        "emotion": np.stack([silent if sample.emotion is None else sample.emotion for sample, _ in kept]),
        "score": np.array([score for _, score in kept], np.float32),
        "usable": np.array(found),
        "split": splits,
        "thumb": thumbs,
        **{fact: np.array([sample.facts.get(fact, "") for sample, _ in kept]) for fact in _facts(kept)},
    }


def _facts(kept: Sequence[tuple[Sample, float]]) -> list[str]:
    return sorted({fact for sample, _ in kept for fact in sample.facts})


def _check_space(folder: Path, pictures: int) -> None:
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
    needed, free = pictures * SIZE_PX * SIZE_PX * 1.05, shutil.disk_usage(folder).free
    if free < needed:
        raise OutputError(
            f"{pictures} crops need {needed / 1e9:.2f} GB, but the disk of {folder} has {free / 1e9:.2f} GB free.",
            "Free some space or give another --out.",
        )


def _report(folder: Path, manifest: dict[str, Any]) -> None:
    print(f"{manifest['pictures']} pictures in {folder}; no face found in {manifest['no_face_found']}.")
    print(f"{manifest['duplicate_pairs']} groups were joined by a repeated picture: see duplicates.csv.")
    for split, summary in manifest["splits"].items():
        coded = sum(sum(units["AU12"].values()) for units in summary["units"].values())
        print(f"{split:<5}  {summary['pictures']:>6} pictures  {summary['groups']:>6} groups  {coded:>6} coded")
