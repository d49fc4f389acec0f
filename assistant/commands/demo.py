"""Show the whole loop on a photograph that a dependency carries: no camera, sound card or network is needed."""

from __future__ import annotations

import argparse

from assistant.commands import options
from assistant.commands import run as run_command


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `facecue demo`."""
    parser.set_defaults(source="demo")
    options.add_speech(parser)
    options.add_outputs(parser)
    options.add_keys(parser)


def run(arguments: argparse.Namespace) -> int:
    """Do what `facecue run --source demo` does."""
    return run_command.run(arguments)
