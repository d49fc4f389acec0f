"""Measure every face of many pictures and clips, as a table for research."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Container, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from assistant.clock import Clock, SystemClock
from assistant.commands import options
from assistant.commands.rows import Table, row
from assistant.errors import SourceError

if TYPE_CHECKING:
    from assistant.app import Sight

_EVERY_S: Final = 5.0  # between progress lines: a screen reader can finish one and still let its user work


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `facecue analyze`."""
    parser.add_argument("paths", nargs="+", type=Path, metavar="PATH", help="pictures, clips, or folders of them")
    parser.add_argument("--output", required=True, type=Path, metavar="FILE", help="FILE.csv or FILE.jsonl")
    parser.add_argument("--whole-image", action="store_true", help="each picture is one face crop and gives one row")


def run(arguments: argparse.Namespace) -> int:
    """Write one row a face; name what cannot be read, go on, and say so in the exit status."""
    settings = options.read_settings(arguments)
    options.check_outputs({"--output": arguments.output}, tuple(arguments.paths))
    from assistant import app  # here, so that help and wrong options do not wait for OpenCV

    files, missing = _files(arguments.paths, app.PICTURE_SUFFIXES | app.CLIP_SUFFIXES)
    for error in missing:
        _warn(error)
    sight = app.build_sight(settings, app.STILL_BUDGET_MS)
    with Table(arguments.output) as table:
        outcome = analyse(files, sight, table, arguments.whole_image, Progress(len(files), SystemClock()))
    unread = outcome.unread + len(missing)
    print(f"{outcome.rows} faces in {outcome.read} files written to {arguments.output}.", file=sys.stderr)
    if unread:
        print(f"Facecue: {unread} could not be read; they are named above.", file=sys.stderr)
        return SourceError.exit_status
    return 0


@dataclass(slots=True)
class Outcome:
    """Count files and rows."""

    read: int = 0
    unread: int = 0
    rows: int = 0


class Progress:
    """Say every few seconds how far it is: plain lines, which a screen reader can follow.

    Args:
        total: files to be done.
        clock: real time.
        say: takes a line; prints on the standard error stream by default.
    """

    def __init__(self, total: int, clock: Clock, say: Callable[[str], None] | None = None) -> None:
        self._total, self._clock = total, clock
        self._say = say or (lambda line: print(line, file=sys.stderr, flush=True))
        self._start_s = self._said_s = clock.now_s()

    def at(self, done: int, detail: str = "") -> None:
        """Tell how many files are done, and where in the next one it is."""
        now_s = self._clock.now_s()
        if now_s - self._said_s < _EVERY_S:
            return
        self._said_s = now_s
        left = f", about {(now_s - self._start_s) / done * (self._total - done):.0f} s left" if done else ""
        self._say(f"{done} of {self._total} files{detail}{left}")


def analyse(files: Sequence[Path], sight: Sight, table: Table, whole_image: bool, progress: Progress) -> Outcome:
    """Write the faces of every file.

    Raises:
        FacecueError: a model or the output failed for good; rows written before are kept.
    """
    outcome = Outcome()
    for number, path in enumerate(files):
        progress.at(number)
        try:
            for frame, people in sight.look(path, whole_image):
                for person in people:
                    table.add(row(str(path), frame.index, frame.captured_at_s, person))
                    outcome.rows += 1
                progress.at(number, f", at {frame.captured_at_s:.0f} s of {path.name}" if frame.index else "")
        except SourceError as error:
            outcome.unread += 1
            _warn(error)
        else:
            outcome.read += 1
    return outcome


def _files(paths: Sequence[Path], suffixes: Container[str]) -> tuple[list[Path], list[SourceError]]:
    """Return the files to read, folders searched throughout, and what is not there."""
    files: list[Path] = []
    missing = []
    for path in paths:
        found = list(_in_folder(path, suffixes)) if path.is_dir() else [path]
        if not path.exists():
            missing.append(SourceError(f"There is no {path}.", "Check its name."))
        elif not found:
            missing.append(SourceError(f"The folder {path} holds no pictures or clips.", "Check its name."))
        else:
            files += found
    return files, missing


def _in_folder(folder: Path, suffixes: Container[str]) -> Iterator[Path]:
    """Yield pictures and clips of a folder and those below it, in alphabetical order, hidden ones left out."""
    for path in sorted(folder.rglob("*")):
        hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
        if not hidden and path.is_file() and path.suffix.lower() in suffixes:
            yield path


def _warn(error: SourceError) -> None:
    print(f"Facecue: {error}", file=sys.stderr, flush=True)
