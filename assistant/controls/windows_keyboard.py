"""Read single keys from a Windows console."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Final, Protocol, Self

from assistant.controls.keyboard import decode

_POLL_S: Final = 0.03  # a console cannot be waited for together with an end; a third of what an answer may take
_PREFIXES: Final = ("\x00", "\xe0")
_AFTER_PREFIX: Final = {
    "H": "up", "P": "down", "M": "right", "K": "left", "G": "home", "O": "end", "I": "pageup", "Q": "pagedown",
    "R": "insert", "S": "delete",
}  # fmt: skip


class Console(Protocol):
    """Give keys: what `msvcrt` offers and this module uses."""

    def kbhit(self) -> bool:
        """Tell whether a key waits."""
        ...

    def getwch(self) -> str:
        """Return a key's sign, without showing it."""
        ...


class WindowsKeyboard:
    """Read keys in a thread of its own, and tell their names from there.

    Args:
        press: told each key's name.
        console: the module `msvcrt`.
    """

    def __init__(self, press: Callable[[str], None], console: Console) -> None:
        self._press, self._console = press, console
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._read, name="keyboard", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End the thread. May be called twice."""
        self._closed.set()
        self._thread.join()

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close."""
        self.close()

    def _read(self) -> None:
        while not self._closed.wait(_POLL_S):
            while self._console.kbhit():
                sign = self._console.getwch()
                if sign in _PREFIXES:
                    names = [_AFTER_PREFIX.get(self._console.getwch(), "")]
                else:
                    names = decode(sign)
                for name in filter(None, names):
                    self._press(name)
