"""Understand the command line, and end in a clear sentence and an exit status whatever happens."""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import sys
import threading
import traceback
from collections.abc import Sequence
from types import FrameType
from typing import Final

import assistant
from assistant.commands import analyze, demo, describe, doctor, options, preview, run, settings, sounds, voices
from assistant.dumps import forbid_dumps
from assistant.errors import FacecueError

INTERRUPTED, PIPE_CLOSED, UNEXPECTED = 130, 141, 70


_EXAMPLES: Final = """\
examples:
  facecue demo                                  see and hear what it does; needs no camera
  facecue run                                   look through the first camera, until Ctrl-C
  facecue run --source clip.mp4 --transcript said.jsonl --speed max --mute
  facecue describe photo.jpg                    one sentence
  facecue analyze pictures/ --output faces.csv  every face as a row of numbers
  facecue settings set speech.verbosity 3       how much is said; facecue settings serve opens the page for it
  facecue demo --language de --verbosity 1      in another language, and less of it; facecue voices lists them
  facecue doctor                                what works here, and what to do about the rest

facecue COMMAND --help lists a command's options.
exit status: 0 done, 2 wrong option or setting, 3 source, 4 model, 5 output, 6 something not installed,
7 voice, 8 accelerator, 70 unexpected, 130 stopped with Ctrl-C; doctor: 1 when the main job cannot be done."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        argv: arguments without the program's name; None takes the process's own.

    Returns:
        The exit status; the table is in README.md.
    """
    arguments = _parser().parse_args(argv)
    _end_on_signals()
    forbid_dumps()
    try:
        status: int = arguments.run(arguments)
        sys.stdout.flush()
    except FacecueError as error:
        print(f"Facecue: {error}", file=sys.stderr, flush=True)
        _speak(error, arguments)
        return error.exit_status
    except KeyboardInterrupt:
        print("Facecue: stopped.", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output has gone; nothing more may be written there, not even at the interpreter's end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return PIPE_CLOSED
    except Exception as error:  # the last resort: a blind person cannot make sense of a traceback that is read aloud
        return _unexpected(error, arguments.debug)
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="facecue",
        description=assistant.__doc__,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"facecue {assistant.__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for module in (demo, run, describe, analyze, doctor, settings, preview, sounds, voices):
        words = (module.__doc__ or "").strip()
        name = module.__name__.rpartition(".")[2]
        sub = commands.add_parser(name, help=words.splitlines()[0], description=words, allow_abbrev=False)
        module.add_arguments(sub)
        options.add_common(sub)
        sub.set_defaults(run=module.run)
    return parser


def _end_on_signals() -> None:
    """Let the system's polite requests to end run the same clean-up as Ctrl-C."""

    def end(number: int, _: FrameType | None) -> None:
        raise SystemExit(128 + number)

    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, end)


def _speak(error: FacecueError, arguments: argparse.Namespace) -> None:
    """Say an error's short sentence, where the command speaks and there is a voice."""
    if getattr(arguments, "mute", True):
        return
    with contextlib.suppress(FacecueError, KeyboardInterrupt):
        from assistant import app  # here, because a broken installation must still get its printed sentence

        app.speak_error(error, arguments.settings, getattr(arguments, "language", None))


def _unexpected(error: Exception, debug: bool) -> int:
    words = str(error) or type(error).__name__
    print(
        f"Facecue: something unexpected went wrong: {words}. Run the same command with --debug and report what it "
        "prints, with the output of: facecue doctor",
        file=sys.stderr,
    )
    if debug:
        traceback.print_exception(error)
    return UNEXPECTED


if __name__ == "__main__":
    sys.exit(main())
