"""Open models so that one that fails or hangs is replaced. Part of the composition root, for `sight` alone."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from assistant.camera.quiet import silent_stderr
from assistant.errors import BackendError
from assistant.inference import choose, discover, manifest
from assistant.inference.fallback import FallbackRunner, Opener
from assistant.inference.watched import WatchedRunner
from assistant.types import TensorRunner

LOAD_S: Final = 60.0
"""Longest time a model may take to load at the start, when a cold SD card is read and an accelerator is woken."""
RELOAD_S: Final = 0.7
"""And while the wearer waits: after a deadline of 1.2 s it leaves them blind for less than 2 s."""


@dataclass(frozen=True, slots=True)
class Listener:
    """Hear of failures that were met.

    Attributes:
        fallback: told the failure and the name of the back end that goes on.
        restart: told the failure of a back end that was loaded anew.
    """

    fallback: Callable[[BackendError, str], None]
    restart: Callable[[BackendError], None]


def _print_loss(error: BackendError, backend: str) -> None:
    print(f"Facecue: {error} Going on without it, on {backend}.", file=sys.stderr, flush=True)


def _print_restart(error: BackendError) -> None:
    print(f"Facecue: {error} It was loaded anew.", file=sys.stderr, flush=True)


PRINTING: Final = Listener(_print_loss, _print_restart)
"""For commands without a speaker."""


def open_supervised(folder: Path, backend: str, threads: int = 1, listener: Listener = PRINTING) -> FallbackRunner:
    """Load a model on a back end, with those that take over where it fails.

    The file is compared with its manifest each time, also when it is loaded anew.

    Raises:
        ModelError: it is missing or altered.
        FacecueError: no back end could load it.
    """
    loaded = False

    def open_on(name: str) -> TensorRunner:
        nonlocal loaded
        path = folder / manifest.verify(folder).file
        with silent_stderr():  # the runtimes greet there
            runner = WatchedRunner(
                name, lambda: choose.open_backend(name, path, threads), open_s=RELOAD_S if loaded else LOAD_S
            )
        loaded = True
        return runner

    def opener(name: str) -> Opener:
        return name, lambda: open_on(name)

    return FallbackRunner([opener(name) for name in discover.chain(backend)], listener.fallback, listener.restart)
