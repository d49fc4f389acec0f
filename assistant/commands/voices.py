"""List what can speak here: engines, voices, and the languages whose every word is there."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING

from assistant import languages
from assistant.commands import options

if TYPE_CHECKING:
    from assistant.engines import Engine


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `facecue voices`."""
    options.add_speech(parser, verbosity=False)
    parser.add_argument("--all", action="store_true", help="also list the voices of the engines that do not speak now")
    parser.add_argument("--json", action="store_true", help="print one object: engines with their voices, languages")


def run(arguments: argparse.Namespace) -> int:
    """Print engines, languages and voices, a line each."""
    settings = options.read_settings(arguments)
    from assistant.engines import engines  # here, so that help does not wait for the voices

    code = languages.phrases(settings.speech.language).language
    found, complete = engines(settings), languages.complete_languages()
    if arguments.json:
        rows = [{**asdict(language), "set": language.code == code} for language in complete]
        options.print_json({"engines": [asdict(engine) for engine in found], "languages": rows})
    else:
        print("\n".join(_lines(found, complete, code, arguments.all)), flush=True)
    return 0


def _lines(
    found: tuple[Engine, ...], complete: tuple[languages.Language, ...], code: str, all_voices: bool
) -> Iterator[str]:
    for engine in found:
        remedy = f" What to do: {engine.remedy}" if engine.remedy else ""
        state = engine.detail if engine.works else f"Not available. {engine.detail}"
        yield f"Engine {engine.name}: {state}{remedy}{' This one speaks.' if engine.speaks else ''}"
    if not any(engine.speaks for engine in found):
        yield "No engine speaks: words are printed."
    yield f"{len(complete)} languages are complete; speak one with --language CODE:"
    for language in complete:
        mark = " This one is set." if language.code == code else ""
        yield f"{language.code}: {language.english_name}, {language.name}; espeak's voice {language.voice}.{mark}"
    for engine in found:
        if engine.voices and (engine.speaks or all_voices):
            yield f"Voices of {engine.name}: {', '.join(engine.voices)}."
