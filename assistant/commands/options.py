"""Declare the options that several commands share, and turn them into settings."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from assistant import languages
from assistant.controls.keys import DEFAULTS
from assistant.errors import OutputError, SettingsError
from assistant.settings import Settings, load, override
from assistant.settings.schema import ControlSettings
from assistant.settings.store import Store


def add_common(parser: argparse.ArgumentParser) -> None:
    """Add what every command takes."""
    group = parser.add_argument_group("general")
    group.add_argument("--settings", type=Path, metavar="FILE", help="read this settings file instead of your own")
    group.add_argument("--model", metavar="NAME", help="Action Unit model: a shipped one's name, or a folder of yours")
    group.add_argument("--backend", metavar="NAME", help="what computes: auto, or a back end that doctor lists")
    group.add_argument("--debug", action="store_true", help="show the technical details of an unexpected failure")


def add_outputs(parser: argparse.ArgumentParser) -> None:
    """Add what the commands that run the loop take."""
    parser.add_argument("--transcript", type=Path, metavar="FILE", help="write every utterance as JSON lines")
    parser.add_argument("--wav", type=Path, metavar="FILE", help="write what was spoken as sound")
    parser.add_argument("--overlay", type=Path, metavar="FILE", help="write a video with boxes, AUs and expression")
    parser.add_argument("--mute", action="store_true", help="play no sound; print only")
    parser.add_argument("--json", action="store_true", help="end with one line of JSON: counts and timings")
    parser.add_argument(
        "--speed",
        choices=("real", "max"),
        default="real",
        help="files in real time (default), or as fast as they go in their own time",
    )


def add_speech(parser: argparse.ArgumentParser, verbosity: bool = True) -> None:
    """Add what every command takes that speaks; `verbosity` where it speaks of faces."""
    parser.add_argument("--language", metavar="CODE", help="speak this language; facecue voices lists them")
    if verbosity:
        parser.add_argument(
            "--verbosity", type=int, choices=(1, 2, 3, 4), help="how much is said; facecue preview lets you hear it"
        )


def add_keys(parser: argparse.ArgumentParser) -> None:
    """Say in the help which key does what while it runs."""
    every = ControlSettings.model_fields
    lines = [f"  {names.split()[0]:8} {every[action].title}" for action, names in DEFAULTS.items()]
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = "keys while it runs in a terminal, unless the settings say otherwise:\n" + "\n".join(lines)


def read_settings(arguments: argparse.Namespace) -> Settings:
    """Load the settings and lay the command line's options over them.

    Raises:
        SettingsError: the file or an option is wrong.
    """
    return _with_options(load(arguments.settings), arguments)


def _with_options(settings: Settings, arguments: argparse.Namespace) -> Settings:
    """Lay over the settings what the command line says, of the options that the command has."""
    settings = override(settings, "inference", model=arguments.model, backend=arguments.backend)
    language, verbosity = getattr(arguments, "language", None), getattr(arguments, "verbosity", None)
    if language is not None:
        languages.phrases(language)  # here, where the mistake is told with the languages that there are
    return override(settings, "speech", language=language, verbosity=verbosity)


def open_store(arguments: argparse.Namespace, more: Callable[[Settings], Settings]) -> Store:
    """Open the settings of a command that goes on for long; a person's own file may be wrong, a named one not.

    Args:
        arguments: of the command line.
        more: lays further options over what the file says.

    Raises:
        SettingsError: an option is wrong, or the file that was named.
    """
    if arguments.settings is not None:
        load(arguments.settings)
    return Store(arguments.settings, lambda settings: more(_with_options(settings, arguments)))


def check_outputs(outputs: Mapping[str, Path | None], inputs: tuple[Path, ...] = ()) -> None:
    """Make sure before any work that every named output can be written.

    Args:
        outputs: path by option, such as {"--wav": Path("a.wav")}; None is left out.
        inputs: files that are read and must not be overwritten.

    Raises:
        OutputError: a folder is missing, or writing is not allowed, or the disk is full.
        SettingsError: two outputs are one file, or an output is an input.
    """
    seen = {path.resolve(): "an input" for path in inputs}
    for option, path in outputs.items():
        if path is None:
            continue
        if other := seen.get(path.resolve()):
            raise SettingsError(f"{option} {path} is also {other}.", "Name another file.")
        seen[path.resolve()] = option
        _try_to_write(path)


def _try_to_write(path: Path) -> None:
    """Write and remove a little where there is no file; where there is one, open it for appending and leave it."""
    try:
        if path.is_dir():
            raise OutputError(f"{path} is a folder.", "Name a file in it.")
        if not path.parent.is_dir():
            raise OutputError(f"There is no folder {path.parent}.", f"Make it first: mkdir -p {path.parent}")
        existed = path.exists()
        with path.open("ab") as file:
            if not existed:
                file.write(bytes(4096))
        if not existed:
            path.unlink()
    except OSError as error:
        raise OutputError(
            f"{path} cannot be written: {error.strerror}.", "Choose another folder or name, or free some space."
        ) from error


def print_json(document: Mapping[str, Any]) -> None:
    """Print one object on one line of standard output."""
    print(json.dumps(document, ensure_ascii=False, allow_nan=False), flush=True)
