"""Refuse what no honest browser sends before the page's own code sees it, and set the headers that bind a browser."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections import OrderedDict
from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from assistant.clock import Clock

LONGEST_BODY: Final = 64 * 1024
"""Bytes: a settings file of all keys has about 7 KiB."""
_BODY_S: Final = 10.0
_BURST: Final = 120.0  # requests of one address at once; a page is two
_PER_S: Final = 10.0
_ADDRESSES: Final = 1000

HEADERS: Final = {  # with no-referrer, browsers would send forms with "Origin: null", as a foreign frame does
    "content-security-policy": "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=()",
    "cache-control": "no-store",
}


def own_host(host: str, local_network: bool) -> bool:
    """Tell whether a Host header names this machine in a way that no foreign name server can arrange.

    DNS rebinding lets a stranger's name point here; an address in digits cannot be rebound, nor can our own name.
    """
    if not host or set(host) & set("/\\@?# "):
        return False
    own = {"localhost"}
    if local_network:
        own |= {socket.gethostname().lower(), f"{socket.gethostname().lower()}.local"}
    try:
        name = urlsplit(f"//{host}").hostname or ""
        return name in own or ipaddress.ip_address(name).is_loopback or local_network
    except ValueError:  # no address in digits
        return False


class Guard:
    """Stand before an ASGI application: Host, origin, size, time and rate of requests, and headers of answers.

    Args:
        application: what is guarded.
        clock: tells seconds.
        local_network: whether the page is open to more than this machine.
    """

    def __init__(self, application: ASGIApp, clock: Clock, local_network: bool) -> None:
        self._application, self._clock, self._local_network = application, clock, local_network
        self._budgets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or let the application answer."""
        if scope["type"] != "http":
            return  # neither lifespan nor WebSockets have a use here
        guarded = _with_headers(send)
        refusal = self._refusal(scope)
        if refusal is not None:
            await refusal(scope, receive, guarded)
            return
        try:
            body = await asyncio.wait_for(_body(receive), _BODY_S)
        except (TimeoutError, ConnectionError):
            body = None
        if body is None:
            await PlainTextResponse("That is too much, or too slow.", 413)(scope, receive, guarded)
            return
        await self._application(scope, _replay(body, receive), guarded)

    def _refusal(self, scope: Scope) -> PlainTextResponse | None:
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        if len(headers.getlist("host")) != 1 or not own_host(host, self._local_network):
            return PlainTextResponse("Open the page by its address in digits.", 421)
        if not self._within_rate(scope["client"][0] if scope.get("client") else ""):
            return PlainTextResponse("Too many requests; wait a little.", 429, {"retry-after": "10"})
        if scope["method"] not in ("GET", "HEAD", "POST"):
            return PlainTextResponse("The page knows GET and POST.", 405)
        if scope["method"] == "POST" and not _same_origin(headers, host):
            return PlainTextResponse("Another site sent this; nothing was changed.", 403)
        length = headers.get("content-length", "0")
        if not length.isdecimal() or int(length) > LONGEST_BODY:
            return PlainTextResponse("That is too much.", 413)
        return None

    def _within_rate(self, address: str) -> bool:
        """Take one request from an address's budget, a bucket that fills by ten a second; refusals cost nothing."""
        now_s = self._clock.now_s()
        left, at_s = self._budgets.pop(address, (_BURST, now_s))
        left = min(_BURST, left + (now_s - at_s) * _PER_S)
        self._budgets[address] = (left - 1 if left >= 1 else left, now_s)
        while len(self._budgets) > _ADDRESSES:
            self._budgets.popitem(last=False)
        return left >= 1


def _same_origin(headers: Headers, host: str) -> bool:
    origin = headers.get("origin")
    if headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        return False
    return origin is None or origin == f"http://{host}"


async def _body(receive: Receive) -> bytes | None:
    """Return the whole body; None where it is longer than any form."""
    body = b""
    while True:
        message = await receive()
        if message["type"] != "http.request":
            raise ConnectionError
        body += bytes(message.get("body", b""))
        if len(body) > LONGEST_BODY:
            return None
        if not message.get("more_body"):
            return body


def _replay(body: bytes, receive: Receive) -> Receive:
    told = False

    async def again() -> Message:
        nonlocal told
        if told:
            return await receive()
        told = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again


def _with_headers(send: Send) -> Send:
    async def guarded(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers.setdefault(name, value)
        await send(message)

    return guarded
