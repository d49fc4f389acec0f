"""Hold what can be said of one person, and how much of news each kind of it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

CUES: Final = frozenset("arrival departure facing smile movement gesture talking approach eyes_closed".split())
"""What can be switched on and off."""
DEFAULT_CUES: Final = CUES - {"eyes_closed"}
"""Closed eyes are off: they are closed for many reasons, and it is rarely the wearer's business."""


class Rank(IntEnum):
    """Order what is news, the most newsworthy first."""

    ARRIVAL = 1
    FACING = 2
    GESTURE = 3
    EMOTION = 4
    SMILE = 5
    STRONG = 6
    EYES_CLOSED = 7
    MOVEMENT = 8
    DEPARTURE = 9
    AWAY = 10
    TALKING = 11
    APPROACH = 12
    MINOR = 13


@dataclass(frozen=True, slots=True)
class Claim:
    """Hold one thing that can be said of a person.

    Attributes:
        key: what it is, in no language.
        words: what is said.
        evidence: numbers behind it, by name: Action Units and probabilities, angles, metres.
        rank: how newsworthy it is.
        cue: the switch that it belongs to; one of `CUES`.
        level: verbosity from which it is said unasked, 1 to 4.
        fuller: the same with its reasons, the fullest first.
        order: among those of the same rank.
        lasts_s: how long it must be shown without a break before it counts; 0 where that was seen to before.
        again_after_s: how soon the same may be said of the same person, after it ended and began anew.
    """

    key: str
    words: str
    evidence: Mapping[str, float]
    rank: Rank
    cue: str = "movement"
    level: int = 3
    fuller: tuple[str, ...] = ()
    order: int = 0
    lasts_s: float = 0.6
    again_after_s: float = 10.0

    @property
    def salience(self) -> tuple[int, int]:
        """Its place in order, the most newsworthy first."""
        return self.rank, self.order

    @property
    def units(self) -> frozenset[str]:
        """The Action Units in the evidence."""
        return frozenset(name for name in self.evidence if name.startswith("AU"))

    def tells(self, other: Claim) -> bool:
        """Tell whether who hears this needs not hear the other: "laughing" tells of smiling too."""
        return self.key == other.key or (bool(other.units) and other.units <= self.units)
