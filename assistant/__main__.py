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

import assistant
from assistant.commands import analyze, demo, describe, doctor, options, run
from assistant.errors import FacecueError

INTERRUPTED, PIPE_CLOSED, UNEXPECTED = 130, 141, 70


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        argv: arguments without the program's name; None takes the process's own.

    Returns:
        The exit status; the table is in README.md.
    """
    arguments = _parser().parse_args(argv)
    _end_on_signals()
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
        prog="facecue", description=f"{assistant.__doc__} Start with: facecue demo", allow_abbrev=False
    )
    parser.add_argument("--version", action="version", version=f"facecue {assistant.__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for module in (demo, run, describe, analyze, doctor):
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

        app.speak_error(error)


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
