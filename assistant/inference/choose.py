"""Choose back end and model by measuring on the device, once, and remember what was measured."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import platformdirs

from assistant.errors import DependencyError, ModelError
from assistant.inference import discover, hardware
from assistant.inference.discover import Backend, open_backend
from assistant.inference.manifest import Manifest, verify
from assistant.inference.measure import Candidate, measure

__all__ = ["AUTO", "BUDGET_MS", "Candidate", "Choice", "choose_backend", "default_cache_file", "open_backend"]

AUTO: Final = "auto"
BUDGET_MS: Final = 40.0
"""Longest time a face may take for the preferred model to be used: with detection it leaves 20 frames a second."""

_REMEMBERED: Final = 16  # choices kept in the file


@dataclass(frozen=True, slots=True)
class Choice:
    """Hold the back end and model to use.

    Attributes:
        backend: its name; give it to `open_backend`.
        model_name: as in the manifest.
        folder: of the model.
        ms: milliseconds a face takes on this device.
        reason: why, in words.
        candidates: everything that was measured or could not be.
        remembered: whether the times come from an earlier start.
    """

    backend: str
    model_name: str
    folder: Path
    ms: float
    reason: str
    candidates: tuple[Candidate, ...]
    remembered: bool = False


def default_cache_file() -> Path:
    """Return where measured times are remembered for this user."""
    return Path(platformdirs.user_cache_dir("facecue", appauthor=False)) / "backends.json"


def choose_backend(
    folders: Sequence[Path],
    cache_file: Path | None = None,
    *,
    threads: int = 1,
    backend: str = AUTO,
    budget_ms: float = BUDGET_MS,
    backends: Callable[[], Sequence[Backend]] = discover.discover,
    timer: Callable[[], float] = time.perf_counter,
) -> Choice:
    """Choose the best model that is fast enough here, and the back end that runs it fastest.

    Blocks for one or two seconds the first time; afterwards the times are read from `cache_file` until a model, a
    package, the processor or the accelerators change.

    Args:
        folders: model folders, best quality first; those that do not exist are passed over.
        cache_file: a JSON file to remember in; a damaged or unwritable one is ignored. None remembers nothing.
        threads: given to the back ends.
        backend: `AUTO`, or the only one to be considered.
        budget_ms: longest time a face may take with any but the fastest model.
        backends: finds the back ends.
        timer: tells seconds.

    Raises:
        ModelError: no model is there, or one is damaged.
        DependencyError: the back end asked for, or every back end, cannot be used; the remedy names what to install.
    """
    models = _models(folders)
    looks = {name: model.looks for name, (_, model) in models.items()}
    key = _key({name: [model.sha256, looks[name]] for name, (_, model) in models.items()}, threads)
    candidates = _recall(cache_file, key)
    remembered = candidates is not None and _answers(candidates, backend)
    if not remembered or candidates is None:
        paths = {name: folder / model.file for name, (folder, model) in models.items()}
        found = backends()
        if backend != AUTO:
            discover.find(backend, found)
        candidates = measure(paths, looks, found, threads, timer)
        _remember(cache_file, key, candidates)
    name, best, reason = _decide(candidates, list(models), backend, budget_ms)
    assert best.ms is not None  # `_decide` returns measured candidates only
    return Choice(best.backend, name, models[name][0], best.ms, reason, candidates, remembered)


def _models(folders: Sequence[Path]) -> dict[str, tuple[Path, Manifest]]:
    """Return folder and verified manifest of each model that is there, by name, in the same order."""
    models = {}
    for folder in folders:
        if folder.is_dir():
            manifest = verify(folder)
            models[manifest.name] = (folder, manifest)
    if not models:
        where = ", ".join(str(folder) for folder in folders)
        raise ModelError(f"No Action Unit model is there ({where}).", "Reinstall facecue.")
    return models


def _decide(
    candidates: Sequence[Candidate], names: Sequence[str], backend: str, budget_ms: float
) -> tuple[str, Candidate, str]:
    """Return model name, candidate and reason: the first model within the budget, else the fastest."""
    allowed = [c for c in candidates if backend in (AUTO, c.backend)]
    fastest = {
        name: min(mine, key=lambda c: c.ms or 0.0)
        for name in names
        if (mine := [c for c in allowed if c.model_name == name and c.ms is not None])
    }
    if not fastest:
        problems = dict.fromkeys(c.problem for c in allowed if c.problem)
        cause = "No back end can run the model." if backend == AUTO else f"The back end {backend} cannot run the model."
        raise DependencyError(cause, " ".join(problems))
    within = next((name for name, c in fastest.items() if (c.ms or 0.0) <= budget_ms), None)
    name = within or min(fastest, key=lambda model: fastest[model].ms or 0.0)
    return name, fastest[name], _reason(name, fastest, allowed, budget_ms, backend)


def _reason(
    name: str, fastest: dict[str, Candidate], allowed: Sequence[Candidate], budget_ms: float, backend: str
) -> str:
    """Put the choice into words: first the back end, then the model."""
    best = fastest[name]
    others = [f"{c.backend} {c.ms:.1f} ms" for c in allowed if c.model_name == name and c.ms is not None and c != best]
    why = "asked for" if backend != AUTO else ("the fastest here" if others else "the only one usable here")
    compared = f" ({', '.join(others)})" if others else ""
    text = f"{best.backend} is {why}{compared} and runs {name} in {best.ms:.1f} ms"
    passed = [f"{other} takes {c.ms:.1f} ms" for other, c in fastest.items() if other != name]
    if not passed:
        return f"{text}, the only model there is."
    if (best.ms or 0.0) > budget_ms:
        return f"{text}, more than {budget_ms:g} ms, but the other model is slower: {', '.join(passed)}."
    if name == next(iter(fastest)):
        return f"{text}, the preferred model, within {budget_ms:g} ms."
    return f"{text}; {', '.join(passed)}, more than {budget_ms:g} ms."


def _key(models: dict[str, list[Any]], threads: int) -> str:
    document = {"models": models, "threads": threads, "device": hardware.fingerprint()}
    return hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()


def _answers(candidates: Sequence[Candidate], backend: str) -> bool:
    """Tell whether remembered times decide; a back end that failed and is asked for by name is tried again."""
    return any(c.ms is not None and backend in (AUTO, c.backend) for c in candidates)


def _recall(cache_file: Path | None, key: str) -> tuple[Candidate, ...] | None:
    """Return what was measured under the same conditions, or None; a damaged file is as good as none."""
    try:
        return tuple(_candidate(fields) for fields in _read(cache_file)[key])
    except (KeyError, TypeError, ValueError):
        return None


def _candidate(fields: dict[str, Any]) -> Candidate:
    candidate = Candidate(**fields)
    if candidate.ms is not None and not 0 < float(candidate.ms) < 1e6:
        raise ValueError("no time")
    return candidate


def _read(cache_file: Path | None) -> dict[str, Any]:
    if cache_file is None:
        return {}
    try:
        document = json.loads(cache_file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}


def _remember(cache_file: Path | None, key: str, candidates: Sequence[Candidate]) -> None:
    """Add to the file in one step; where it cannot be written the next start measures again."""
    if cache_file is None:
        return
    entries = {name: value for name, value in _read(cache_file).items() if name != key}
    entries[key] = [asdict(candidate) for candidate in candidates]
    kept = dict(list(entries.items())[-_REMEMBERED:])
    temporary = cache_file.with_name(cache_file.name + ".part")
    try:
        cache_file.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_text(json.dumps(kept, indent=1), encoding="utf-8")
        temporary.replace(cache_file)
    except OSError:
        return
