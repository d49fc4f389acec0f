"""Hear what each level of verbosity would say about the same scene."""

from __future__ import annotations

import argparse
import contextlib
import sys
from typing import TYPE_CHECKING

from assistant import languages
from assistant.commands import options
from assistant.speech.preview import preview

if TYPE_CHECKING:
    from assistant.types import Utterance
    from assistant.voice import Aloud

_LEVELS = (1, 2, 3, 4)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `facecue preview`."""
    options.add_speech(parser)
    parser.add_argument("--mute", action="store_true", help="print only")
    parser.add_argument("--json", action="store_true", help="print one object, sentences by level, and play nothing")


def run(arguments: argparse.Namespace) -> int:
    """Print and say, for each level or the one that is asked for, its name and its sentences."""
    settings = options.read_settings(arguments)
    wanted, words = settings.speech, languages.phrases(settings.speech.language)
    cues = frozenset(name for name, on in settings.cues.model_dump().items() if on)
    levels = (arguments.verbosity,) if arguments.verbosity else _LEVELS
    said = {level: preview(words, level, cues, wanted.emotions, wanted.max_words_per_10_s) for level in levels}
    if arguments.json:
        options.print_json({str(level): [utterance.text for utterance in each] for level, each in said.items()})
        return 0
    with contextlib.ExitStack() as closing:
        aloud: Aloud | None = None
        if not arguments.mute:
            from assistant import voice  # here, so that help and lists do not wait for the voice's packages

            aloud = closing.enter_context(voice.Aloud(settings))
            for sentence in aloud.missing:
                print(f"Facecue: {sentence}", file=sys.stderr, flush=True)
        for level, each in said.items():
            _tell(words.control.levels[level - 1], each, aloud)
    return 0


def _tell(name: str, said: tuple[Utterance, ...], aloud: Aloud | None) -> None:
    print(name, flush=True)
    if aloud is not None:
        aloud.say(name)
    for utterance in said:
        print(f"  {utterance.text}", flush=True)
        if aloud is not None:
            aloud.say(utterance.text, utterance.earcon, utterance.pan)
