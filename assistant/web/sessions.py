"""Know who is paired: signed cookies over a table that ends with the process and can be emptied by the wearer."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass, field
from typing import Final

from itsdangerous import BadSignature, Signer

from assistant.clock import Clock

LASTS_S: Final = 12 * 3600.0
_MOST: Final = 8


@dataclass(slots=True)
class Session:
    """Hold one paired browser: the name typed there, its token against forged forms, and a message to show next."""

    number: str
    name: str
    since_s: float
    csrf: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    message: str = ""


class Sessions:
    """Hold the paired browsers. A cookie counts while its signature is right and its session is in the table.

    The key is made anew by every process and never leaves it, so nothing of an earlier one can be replayed.

    Args:
        clock: tells seconds.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._signer = Signer(secrets.token_bytes(32), salt="facecue.session", digest_method=hashlib.sha256)
        self._visits = Signer(secrets.token_bytes(32), salt="facecue.visit", digest_method=hashlib.sha256)
        self._table: dict[str, Session] = {}

    def start(self, name: str) -> tuple[str, Session]:
        """Add a browser; return its cookie and session. The oldest makes room for a ninth."""
        self._forget_old()
        taken = {session.name for session in self._table.values()}
        names = [name, *(f"{name} {number}" for number in range(2, _MOST + 2))]
        session = Session(secrets.token_urlsafe(24), next(n for n in names if n not in taken), self._clock.now_s())
        while len(self._table) >= _MOST:
            del self._table[min(self._table, key=lambda number: self._table[number].since_s)]
        self._table[session.number] = session
        return self._signer.sign(session.number).decode(), session

    def find(self, cookie: str) -> Session | None:
        """Return the session that a cookie stands for; None for a forged, ended or expired one."""
        self._forget_old()
        try:
            return self._table.get(self._signer.unsign(cookie).decode())
        except (BadSignature, UnicodeError):
            return None

    def end(self, session: Session) -> None:
        """Forget one browser."""
        self._table.pop(session.number, None)

    def end_all(self) -> None:
        """Forget every browser."""
        self._table.clear()

    def names(self) -> tuple[str, ...]:
        """Return who is paired, the oldest first."""
        self._forget_old()
        return tuple(session.name for session in self._table.values())

    def visit(self) -> str:
        """Return a cookie for a browser that is not paired yet, so that its form can be told from a forged one."""
        return self._visits.sign(secrets.token_urlsafe(18)).decode()

    def visited(self, cookie: str) -> bool:
        """Tell whether this process gave that cookie."""
        return self._visits.validate(cookie)

    def _forget_old(self) -> None:
        before_s = self._clock.now_s() - LASTS_S
        self._table = {number: each for number, each in self._table.items() if each.since_s > before_s}
