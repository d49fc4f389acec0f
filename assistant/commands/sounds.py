"""Learn the short sounds: each is named, then played."""

from __future__ import annotations

import argparse
import sys

from assistant import languages
from assistant.commands import options
from assistant.errors import SettingsError
from assistant.speech.earcons import NAMES


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `facecue sounds`."""
    parser.add_argument("name", nargs="*", metavar="NAME", help=f"only these: {', '.join(NAMES)}")
    options.add_speech(parser, verbosity=False)
    parser.add_argument("--mute", action="store_true", help="print only")
    parser.add_argument("--json", action="store_true", help="print one object, name and meaning, and play nothing")


def run(arguments: argparse.Namespace) -> int:
    """Print and say what each sound means, and play it."""
    names = tuple(arguments.name) or NAMES
    if unknown := [name for name in names if name not in NAMES]:
        raise SettingsError(f"There is no sound {unknown[0]!r}.", f"Use one of: {', '.join(NAMES)}.")
    settings = options.read_settings(arguments)
    words = languages.phrases(settings.speech.language)
    meanings = {name: words.sound(name) for name in names}
    if arguments.json:
        options.print_json(meanings)
        return 0
    if arguments.mute:
        print("\n".join(f"{name}: {meaning}" for name, meaning in meanings.items()), flush=True)
        return 0
    from assistant.voice import Aloud  # here, so that help and lists do not wait for the voice's packages

    with Aloud(settings) as aloud:
        for sentence in aloud.missing:
            print(f"Facecue: {sentence}", file=sys.stderr, flush=True)
        for name, meaning in meanings.items():
            print(f"{name}: {meaning}", flush=True)
            aloud.say(meaning)
            aloud.sound(name)
    return 0
