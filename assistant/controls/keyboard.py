"""Read single keys from the terminal that Facecue was started in, and leave that terminal as it was."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import sys
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any, Final

from assistant.controls.reader import Reader

try:
    import termios
    import tty
except ImportError:  # Windows; `assistant.controls.windows_keyboard` reads its keys
    termios = tty = None  # type: ignore[assignment]

_REST_OF_SEQUENCE_S: Final = 0.05  # an arrow's bytes come together, also over ssh; a lone escape is followed by none
_BACKGROUND_S: Final = 0.5  # how often a job in the background looks whether it was brought to the front
_LONGEST: Final = 64

_SEQUENCES: Final = {
    "[A": "up", "[B": "down", "[C": "right", "[D": "left", "OA": "up", "OB": "down", "OC": "right", "OD": "left",
    "[H": "home", "[F": "end", "OH": "home", "OF": "end", "[1~": "home", "[4~": "end", "[2~": "insert",
    "[3~": "delete", "[5~": "pageup", "[6~": "pagedown", "OP": "f1", "OQ": "f2", "OR": "f3", "OS": "f4",
    "[15~": "f5", "[17~": "f6", "[18~": "f7", "[19~": "f8", "[20~": "f9", "[21~": "f10", "[23~": "f11",
    "[24~": "f12",
}  # fmt: skip
"""What terminals send after the escape (xterm's control sequences; Linux' console too)."""
_SIGNS: Final = {
    " ": "space", "\n": "enter", "\r": "enter", "\t": "tab", "\x7f": "backspace", "\x08": "backspace", "+": "plus",
    "-": "minus", "=": "equal", "?": "question", ",": "comma", ".": "dot", "/": "slash", ";": "semicolon",
    "\x1b": "esc",
}  # fmt: skip


def decode(typed: str) -> list[str]:
    """Return the names of the keys behind what a terminal sent; keys without a name are left out."""
    names = []
    at = 0
    while at < len(typed):
        length = _sequence(typed, at)
        if length:
            names.append(_SEQUENCES.get(typed[at + 1 : at + length], ""))
        else:
            length = 1
            names.append(_SIGNS.get(typed[at], typed[at].lower() if typed[at].isalnum() else ""))
        at += length
    return [name for name in names if name]


def _sequence(typed: str, at: int) -> int:
    """Return the length of the escape sequence that begins here, 0 where none does."""
    if typed[at] != "\x1b" or typed[at + 1 : at + 2] not in ("[", "O"):
        return 0
    for end in range(at + 2, len(typed)):
        if typed[end].isalpha() or typed[end] == "~":
            return end + 1 - at
    return len(typed) - at


class Keyboard(Reader):
    """Read keys in a thread of its own, and tell their names from there.

    The terminal stays in cbreak mode meanwhile: keys come at once and are not shown, Ctrl-C and Ctrl-Z work as ever. It
    is restored by `close`, before the process is stopped with Ctrl-Z, and not touched in the background. Make and
    close it in the main thread, which alone may set a signal's action.

    Args:
        press: told each key's name.
        fd: of the terminal; None takes standard input.
    """

    def __init__(self, press: Callable[[str], None], fd: int | None = None) -> None:
        self._press = press
        self._fd = sys.stdin.fileno() if fd is None else fd
        self._before: list[Any] = termios.tcgetattr(self._fd)
        super().__init__("keyboard")
        self._signals: dict[int, Any] = {}
        if threading.current_thread() is threading.main_thread():
            for number, action in ((signal.SIGTSTP, self._stopped), (signal.SIGCONT, self._continued)):
                self._signals[number] = signal.signal(number, action)
        self._enter()
        self._thread.start()

    @property
    def in_front(self) -> bool:
        """Whether the terminal is ours: a job in the background that reads or sets it is stopped by the system."""
        try:
            return os.tcgetpgrp(self._fd) == os.getpgrp()
        except OSError:  # gone
            return False

    def _let_go(self) -> None:
        """Restore the terminal."""
        for number, action in self._signals.items():
            signal.signal(number, action)
        self._leave()

    def _enter(self) -> None:
        if self.in_front:
            with contextlib.suppress(termios.error):
                tty.setcbreak(self._fd, termios.TCSANOW)

    def _leave(self) -> None:
        if self.in_front:
            with contextlib.suppress(termios.error):
                termios.tcsetattr(self._fd, termios.TCSANOW, self._before)

    def _stopped(self, number: int, _frame: FrameType | None) -> None:
        """Give the terminal back, stop as anybody would, and go on here when continued."""
        self._leave()
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
        signal.signal(number, self._stopped)
        self._enter()

    def _continued(self, _number: int, _frame: FrameType | None) -> None:
        """Take the terminal again, whatever stopped us."""
        if not self._closed.is_set():
            self._enter()

    def _read(self) -> None:
        """Run the thread."""
        while not self._closed.is_set():
            if not self.in_front:
                self._wait(_BACKGROUND_S, self._wake_read)
                continue
            if self._fd not in self._wait(_BACKGROUND_S, self._fd, self._wake_read) or not self.in_front:
                continue
            typed = self._take()
            if not typed:  # the terminal is gone
                return
            for name in decode(typed):
                self._press(name)

    def _take(self) -> str:
        """Return what was typed; "" at the end."""
        try:
            typed = os.read(self._fd, _LONGEST)
            if typed == b"\x1b" and self._wait(_REST_OF_SEQUENCE_S, self._fd):
                typed += os.read(self._fd, _LONGEST)
        except OSError:
            return ""
        return typed.decode("utf-8", "ignore")

    def _wait(self, seconds: float, *fds: int) -> list[int]:
        """Return which of the files can be read, once one can."""
        try:
            return select.select(fds, (), (), seconds)[0]
        except (OSError, ValueError):
            return list(fds)
