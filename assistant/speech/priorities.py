"""Say what words of one priority do to those of another, as speech-dispatcher documents it.

The rules are those of the Speech Synthesis Interface Protocol, version 0.2, section "Priority Categories"
(https://htmlpreview.github.io/?https://github.com/brailcom/speechd/blob/master/doc/ssip.html#Priority-Categories).
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Final

from assistant.types import Priority


class Outcome(Enum):
    """What becomes of words that arrive while others are being said."""

    CUTS = "the words being said are cancelled, and the new ones are said instead"
    WAITS = "the new words are postponed"
    GIVES_WAY = "the new words are cancelled"
    KEPT_AS_LAST = "the new words are cancelled, but said after all if they turn out to be the last of their series"


_CUTS, _WAITS, _AWAY, _LAST = Outcome.CUTS, Outcome.WAITS, Outcome.GIVES_WAY, Outcome.KEPT_AS_LAST
_ROWS: Final[dict[Priority, tuple[Outcome, ...]]] = {
    # arriving, while there is being said: PROGRESS, NOTIFICATION, TEXT, MESSAGE, IMPORTANT
    Priority.PROGRESS: (_LAST, _LAST, _LAST, _LAST, _LAST),
    Priority.NOTIFICATION: (_AWAY, _CUTS, _AWAY, _AWAY, _AWAY),
    Priority.TEXT: (_CUTS, _CUTS, _CUTS, _WAITS, _WAITS),
    Priority.MESSAGE: (_CUTS, _CUTS, _CUTS, _WAITS, _WAITS),
    Priority.IMPORTANT: (_CUTS, _CUTS, _CUTS, _CUTS, _WAITS),
}
OUTCOMES: Final[Mapping[tuple[Priority, Priority], Outcome]] = {
    (arriving, current): outcome
    for arriving, row in _ROWS.items()
    for current, outcome in zip(Priority, row, strict=True)
}
"""By the priorities of (the words that arrive, the words being said)."""

CANCELS_WAITING: Final[Mapping[Priority, frozenset[Priority]]] = {
    Priority.PROGRESS: frozenset(),
    Priority.NOTIFICATION: frozenset({Priority.NOTIFICATION}),
    Priority.TEXT: frozenset({Priority.TEXT, Priority.NOTIFICATION, Priority.PROGRESS}),
    Priority.MESSAGE: frozenset({Priority.TEXT, Priority.NOTIFICATION, Priority.PROGRESS}),
    Priority.IMPORTANT: frozenset({Priority.NOTIFICATION, Priority.PROGRESS}),
}
"""Which waiting words are cancelled by ones that arrive. All others stay postponed."""

GIVES_WAY_TO_WAITING: Final[Mapping[Priority, frozenset[Priority]]] = {
    Priority.PROGRESS: frozenset(Priority),
    Priority.NOTIFICATION: frozenset(Priority) - {Priority.NOTIFICATION},
    Priority.TEXT: frozenset(),
    Priority.MESSAGE: frozenset(),
    Priority.IMPORTANT: frozenset(),
}
"""Which waiting words cancel ones that arrive."""
