"""Fuzz what reads text of others, led by coverage: `python -m tests.fuzz_text settings -max_total_time=60`.

Names: settings, manifest, weights, timings, phrases. It needs the package atheris, which is not among the developers'
extras: `pip install atheris`. The suite's own fuzzing, `tests/unit/test_fuzz.py`, needs nothing.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["assistant", "tomlkit", "tomllib", "json"]):
    from assistant.errors import FacecueError
    from assistant.expression.classifier import read_weights
    from assistant.inference import choose, manifest
    from assistant.settings import parse
    from assistant.speech import phrase_file


def targets(folder: Path) -> dict[str, Callable[[bytes], object]]:
    """Return what is fuzzed, by name."""

    def written(name: str, read: Callable[[Path], object]) -> Callable[[bytes], object]:
        def fuzz(content: bytes) -> object:
            path = folder / name
            path.write_bytes(content)
            return read(path)

        return fuzz

    return {
        "settings": lambda content: parse(content.decode("utf-8", "replace"), "my.toml"),
        "manifest": written("manifest.json", lambda path: manifest.verify(path.parent)),
        "weights": written("model.json", read_weights),
        "timings": written("backends.json", lambda path: choose._recall(path, "here")),
        "phrases": written("xx.toml", phrase_file.read),
    }


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        fuzz = targets(Path(folder))[sys.argv.pop(1)]

        def once(content: bytes) -> None:
            try:
                fuzz(content)
            except FacecueError as error:
                if not (error.cause and error.remedy):
                    raise AssertionError("told without cause or remedy") from error

        atheris.Setup(sys.argv, once)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
