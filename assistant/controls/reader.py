"""Run what reads keys in a thread of its own, and end it at once when asked."""

from __future__ import annotations

import os
import threading
from typing import Self


class Reader:
    """Own a thread that waits for files to read, `_wake_read` among them, which can be read once the end has come.

    A subclass gives `_read`, which goes on until `_closed` is set, and `_let_go`; it starts `_thread` when it is ready.

    Args:
        name: of the thread.
    """

    def __init__(self, name: str) -> None:
        self._closed = threading.Event()
        self._wake_read, self._wake_write = os.pipe()
        self._thread = threading.Thread(target=self._read, name=name, daemon=True)

    def close(self) -> None:
        """End the thread, and let go what it read from. May be called twice."""
        if self._closed.is_set():
            return
        self._closed.set()
        os.write(self._wake_write, b"x")
        self._thread.join()
        self._let_go()
        os.close(self._wake_read)
        os.close(self._wake_write)

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close."""
        self.close()

    def _read(self) -> None:
        """Run the thread."""
        raise NotImplementedError

    def _let_go(self) -> None:
        """Leave what was read from as it was; the thread has ended."""
        raise NotImplementedError
