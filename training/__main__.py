"""Dispatch `python -m training COMMAND` to the module that does it.

A command's module offers `add_arguments(parser)` and `run(options) -> int`, and loads frameworks inside `run` only,
so that `--help` answers at once. It is imported when its command is asked for.
"""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Sequence
from typing import Final

from assistant.errors import FacecueError

COMMANDS: Final[dict[str, tuple[str, str]]] = {
    "prepare": ("training.prepare", "read, merge, de-duplicate and align data sets; write person-disjoint splits"),
    "sheets": ("training.sheets", "draw sheets of faces to code by eye"),
    "codes": ("training.codes", "read what was coded on sheets, and compare it with what others coded"),
    "render": ("training.render.write", "draw faces whose Action Units are known, to measure on"),
    "train": ("training.fit", "train a recipe"),
    "head": ("training.head", "retrain only the AU head on features of a frozen trunk"),
    "blend": ("training.blend", "put weights between those before and after a stage, so that less is forgotten"),
    "predict": ("training.predict", "write a network's unit probabilities, to teach another or the second stage"),
    "unpack": ("training.unpack", "make a run of a shipped model, to retrain its head"),
    "calibrate": ("training.calibrate", "fit probabilities and thresholds, judged on held-out people"),
    "quantize": ("training.quantize", "make the 8-bit model"),
    "export": ("training.export", "write the model for a device"),
    "evaluate": ("training.evaluate", "measure a model on people it has not seen"),
    "expression": ("training.expression", "learn the second stage from predicted units and emotion votes"),
    "card": ("training.card", "write the model card from the measured numbers"),
}
INTERRUPTED: Final = 130  # the shell's status of a program ended by Ctrl-C


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status; say an error in one sentence, without a traceback."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if not words or words[0] not in COMMANDS:
        _overview().parse_args(words or ["--help"])
    module_name, summary = COMMANDS[words[0]]
    try:
        module = importlib.import_module(module_name)
        parser = argparse.ArgumentParser(prog=f"python -m training {words[0]}", description=_sentence(summary))
        module.add_arguments(parser)
        return int(module.run(parser.parse_args(words[1:])))
    except FacecueError as error:
        print(f"{error.cause} {error.remedy}", file=sys.stderr)
        return error.exit_status
    except KeyboardInterrupt:
        print("Interrupted. The same command continues where it can.", file=sys.stderr)
        return INTERRUPTED


def _overview() -> argparse.ArgumentParser:
    lines = [f"  {name:<10} {summary}" for name, (_, summary) in COMMANDS.items()]
    parser = argparse.ArgumentParser(
        prog="python -m training",
        description="Train, quantise and measure Facecue's models.",
        epilog="commands:\n" + "\n".join(lines) + "\n\nCOMMAND --help shows the options of one.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("command", metavar="COMMAND", choices=tuple(COMMANDS))
    return parser


def _sentence(summary: str) -> str:
    return summary[0].upper() + summary[1:] + "."


if __name__ == "__main__":
    raise SystemExit(main())
