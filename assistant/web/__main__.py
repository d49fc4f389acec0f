"""Be the page's process; `host.PageHost` starts it. It has one socket to the device, and no other way to it."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import signal
import socket

from assistant.web.server import be_polite, serve


def main() -> None:
    """Serve until the device ends."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", type=int, required=True, help="number of the inherited socket")
    parser.add_argument("--host", required=True)
    parser.add_argument("--port", type=int, required=True)
    arguments = parser.parse_args()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the device, whose end is ours
    be_polite()
    with contextlib.suppress(ConnectionError):
        asyncio.run(serve(socket.socket(fileno=arguments.device), arguments.host, arguments.port))


if __name__ == "__main__":
    main()
