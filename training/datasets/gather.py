"""Collect the samples of all sources that a person asked for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from training.datasets import bp4d, ckplus, congress, disfa, ferplus, london, manifest, muxspace, rendered
from training.datasets.annotated import annotate
from training.datasets.sample import DataError, Sample

_READERS: Final[dict[str, Callable[[Path], list[Sample]]]] = {
    "ferplus": ferplus.samples,
    "muxspace": muxspace.samples,
    "london": london.samples,
    "congress": congress.samples,
    "manifest": manifest.samples,
    "folder": manifest.samples,
    "bp4d": bp4d.samples,
    "ckplus": ckplus.samples,
    "rendered": rendered.samples,
}
_GRADED: Final[dict[str, Callable[[Path, disfa.Trace], list[Sample]]]] = {
    "disfa": disfa.samples,
    "disfaplus": disfa.plus_samples,
}
_CLIPS: Final = ("bp4d", "disfa", "disfaplus")
_ROOT: Final = (("ferplus", "ferplus"), ("muxspace", "muxspace"), ("london", "london"), ("congress", "congress"))
KINDS: Final = (*_READERS, *_GRADED, "annotated")
"""What may stand before the = of --source. "annotated" lays labels over pictures of the other sources."""

Wanted = list[tuple[str, Path]]


def wanted(root: Path | None, sources: Sequence[str]) -> Wanted:
    """Return kind and path of every source: those found under a data root, then those named one by one.

    Raises:
        DataError: a source is not of the form KIND=PATH, nothing is there, or nothing was asked for.
    """
    found: Wanted = []
    if root is not None:
        found = [(kind, root / name) for kind, name in (*_ROOT, ("annotated", "au")) if (root / name).is_dir()]
        if not found:
            raise DataError(f"{root} holds none of the known folders.", "See docs/data.md, or use --source KIND=PATH.")
    for source in sources:
        kind, equals, path = source.partition("=")
        if kind not in KINDS or not equals or not path:
            raise DataError(f"--source {source} is not understood.", f"Write KIND=PATH; KIND: {', '.join(KINDS)}.")
        if not Path(path).exists():
            raise DataError(f"{path} is missing.", f"Correct the path after --source {kind}=.")
        found.append((kind, Path(path)))
    if not found:
        raise DataError("No data were given.", "Use --data ROOT or --source KIND=PATH.")
    return found


def gather(sources: Wanted, every: int = 1, trace: disfa.Trace = "unsure") -> list[Sample]:
    """Return the samples of all sources, with annotations laid over them.

    Args:
        sources: from `wanted`.
        every: of sets made of clips, take every Nth frame: neighbours are nearly the same picture.
        trace: what DISFA's intensity A counts as.

    Raises:
        DataError: a source is damaged, or two sources give the same name.
    """
    if every < 1:
        raise DataError(f"--every is {every}.", "Write 1 or more.")
    samples: list[Sample] = []
    for kind, path in sources:
        if kind == "annotated":
            continue
        read = _GRADED[kind](path, trace) if kind in _GRADED else _READERS[kind](path)
        samples += read[:: every if kind in _CLIPS else 1]
    _check_names(samples)
    for number, path in enumerate((path for kind, path in sources if kind == "annotated"), 1):
        samples = annotate(samples, path, number)
    return samples


def _check_names(samples: Sequence[Sample]) -> None:
    seen: set[str] = set()
    for sample in samples:
        if sample.name in seen:
            raise DataError(f"Two pictures are called {sample.name}.", "Rename a folder, or list each picture once.")
        if "\n" in sample.name or "\t" in sample.name:
            raise DataError(f"The name {sample.name!r} has a tab or a line break.", "Rename the picture.")
        seen.add(sample.name)
