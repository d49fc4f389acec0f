"""Speak with the device over one socket: a line of JSON each way, and nothing that could hold a picture.

The page's process asks ("state", "change", "undo", "preview", "export", "import", "paired", "sessions"), each question
with a number that its answer repeats. The device tells, unasked, of a code that may be typed and of sessions to end.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import socket
from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol

LONGEST: Final = 1 << 20
"""Bytes of one line; more is no message of ours."""
_ANSWER_S: Final = 5.0

Message = Mapping[str, Any]


class Device(Protocol):
    """Answer the page's questions."""

    async def ask(self, question: str, **what: Any) -> dict[str, Any]:
        """Return the answer.

        Raises:
            ConnectionError: the device has gone, or does not answer.
        """
        ...


def encoded(message: Message) -> bytes:
    """Return a message as a line."""
    return json.dumps(message, ensure_ascii=False, allow_nan=False).encode("utf-8") + b"\n"


class Link:
    """Ask the device, from the page's process. Belongs to one event loop.

    Args:
        on_told: called with what the device tells unasked.
        on_gone: called once when the device has ended.
    """

    def __init__(self, on_told: Callable[[Message], None], on_gone: Callable[[], None]) -> None:
        self._on_told, self._on_gone = on_told, on_gone
        self._numbers = itertools.count(1)
        self._asked: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def connect(self, end: socket.socket) -> None:
        """Take this process's end of the socket."""
        self._reader, self._writer = await asyncio.open_connection(sock=end, limit=LONGEST)

    async def follow(self) -> None:
        """Read until the device ends."""
        assert self._reader is not None
        try:
            while line := await self._reader.readline():
                self._take(json.loads(line))
        except (OSError, ValueError):
            pass  # cut off in the middle: it has gone
        finally:
            for waiting in self._asked.values():
                waiting.cancel()
            self._on_gone()

    async def ask(self, question: str, **what: Any) -> dict[str, Any]:
        """Return the device's answer.

        Raises:
            ConnectionError: it has gone, or takes longer than five seconds.
        """
        if self._writer is None:
            raise ConnectionError("the device is not there yet")
        number = next(self._numbers)
        self._asked[number] = asyncio.get_running_loop().create_future()
        try:
            self._writer.write(encoded({"number": number, "question": question, **what}))
            await self._writer.drain()
            return await asyncio.wait_for(self._asked[number], _ANSWER_S)
        except (TimeoutError, asyncio.CancelledError) as error:
            raise ConnectionError("the device does not answer") from error
        finally:
            del self._asked[number]

    def _take(self, message: dict[str, Any]) -> None:
        waiting = self._asked.get(message.pop("number", 0))
        if waiting is None:
            self._on_told(message)
        elif not waiting.done():
            waiting.set_result(message)
