"""Run the page's process: listen, follow the device, and let no connection last or multiply."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections import Counter
from typing import Any, Final

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from assistant.clock import SystemClock
from assistant.web.guard import Guard
from assistant.web.link import Link, Message
from assistant.web.page import Page
from assistant.web.pairing import Pairing
from assistant.web.sessions import Sessions

_FIRST_S: Final = 10.0  # for the first whole request of a connection
_LONGEST_S: Final = 60.0  # for all of them
_PER_ADDRESS: Final = 32
_IN_ALL: Final = 128
_POLITE: Final = 10  # niceness: whatever is sent here, the loop's process goes first

_open: Counter[str] = Counter()


class Connection(H11Protocol):
    """Serve one connection: at most 32 of one address and 128 in all, ten seconds for a request, a minute to live."""

    def connection_made(self, transport: Any) -> None:
        """Begin, unless there are too many."""
        self._address = str((transport.get_extra_info("peername") or ("",))[0])
        _open[self._address] += 1
        super().connection_made(transport)
        if _open[self._address] > _PER_ADDRESS or _open.total() > _IN_ALL:
            transport.abort()
            return
        loop = asyncio.get_running_loop()
        self._ends = [loop.call_later(_FIRST_S, self._end_idle), loop.call_later(_LONGEST_S, transport.abort)]

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget it."""
        _open[self._address] -= 1
        _open.__iadd__(Counter())  # drops what has come to zero
        for end in getattr(self, "_ends", ()):
            end.cancel()
        super().connection_lost(exc)

    def _end_idle(self) -> None:
        if self.cycle is None:
            self.transport.abort()


async def serve(device: socket.socket, host: str, port: int) -> None:
    """Serve the page until the device ends.

    Args:
        device: this process's end of the socket to it.
        host: address to listen at; 127.0.0.1 for this machine alone.
        port: 0 for any that is free.
    """
    clock = SystemClock()
    pairing, sessions = Pairing(clock), Sessions(clock)

    def told(message: Message) -> None:
        if message.get("told") == "code":
            pairing.open(message["code"])
        elif message.get("told") == "end sessions":
            sessions.end_all()

    def gone() -> None:
        server.should_exit = True

    link = Link(told, gone)
    page = Page(link, pairing, sessions, clock)
    local_network = host not in ("127.0.0.1", "::1")
    config = uvicorn.Config(
        Guard(page.application(), clock, local_network),
        http=Connection,
        ws="none",
        lifespan="off",
        log_level="error",
        access_log=False,
        server_header=False,
        date_header=False,
        timeout_keep_alive=5,
        timeout_graceful_shutdown=1,
        h11_max_incomplete_event_size=16 * 1024,
    )
    server = uvicorn.Server(config)
    await link.connect(device)
    following = asyncio.create_task(link.follow())
    try:
        listening = socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError as error:
        await link.ask("failed", why=f"The page cannot listen at {host}, port {port}: {error.strerror}.")
        return
    await link.ask("listening", port=listening.getsockname()[1])
    await server.serve(sockets=[listening])
    following.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await following


def be_polite() -> None:
    """Give way to the loop's process, where the system lets one."""
    with contextlib.suppress(OSError):
        os.nice(_POLITE)
