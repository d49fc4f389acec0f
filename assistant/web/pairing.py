"""Judge the six digits that the device speaks: valid for two minutes, five tries, then a growing wait."""

from __future__ import annotations

import hmac
import secrets
from typing import Final, Literal

from assistant.clock import Clock

VALID_S: Final = 120.0
TRIES: Final = 5
_FIRST_WAIT_S: Final = 30.0
_LONGEST_WAIT_S: Final = 3600.0

Verdict = Literal["paired", "wrong", "no code", "wait"]


def new_code() -> str:
    """Return six random digits."""
    return f"{secrets.randbelow(10**6):06d}"


class Pairing:
    """Judge codes. At most one is valid at a time, it pairs once, and it is nowhere but here and in the wearer's ear.

    Five wrong tries end a code, and each code ended so doubles the wait before another one counts: 30 seconds, then
    60, up to an hour. A million codes at five tries a wait is no way in.

    Args:
        clock: tells seconds.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._code = ""
        self._until_s = 0.0
        self._tries = 0
        self._failures = 0
        self._wait_until_s = 0.0

    def open(self, code: str) -> None:
        """Let a new code be tried; the one before is void."""
        self._code, self._tries = code, 0
        self._until_s = self._clock.now_s() + VALID_S

    def attempt(self, typed: str) -> Verdict:
        """Judge what somebody typed; a right code is used up."""
        now_s = self._clock.now_s()
        if now_s < self._wait_until_s:
            return "wait"
        if not self._code or now_s >= self._until_s:
            self._code = ""
            return "no code"
        self._tries += 1
        digits = "".join(each for each in typed if each.isascii() and each.isdigit())[:7]
        if hmac.compare_digest(digits, self._code):
            self._code, self._failures = "", 0
            return "paired"
        if self._tries >= TRIES:
            self._code = ""
            self._failures += 1
            self._wait_until_s = now_s + min(_FIRST_WAIT_S * 2 ** (self._failures - 1), _LONGEST_WAIT_S)
        return "wrong"

    def wait_s(self) -> float:
        """Return how long nothing is judged from now."""
        return max(self._wait_until_s - self._clock.now_s(), 0.0)

    def tries_left(self) -> int:
        """Return how often the present code may still be tried."""
        return TRIES - self._tries if self._code else 0
