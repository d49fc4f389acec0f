"""Name what a face can do, by Action Units: the same in every language; the words are in the phrase files."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

_CLEARLY: Final = 0.6  # a claim should be right more often than not, by a margin


@dataclass(frozen=True, slots=True)
class Movement:
    """Hold one movement and the units that show it.

    Attributes:
        name: its key in the section [movement] of a phrase file.
        all: units that are all shown.
        none: units of which none is shown.
        minor: common and weak: said only while there is room for more words, and never with an arrival.
        clearly: the probability that each unit in `all` must have; silence beats a guess.
    """

    name: str
    all: tuple[str, ...]
    none: tuple[str, ...] = ()
    minor: bool = False
    clearly: float = _CLEARLY


MOVEMENTS: Final = (
    Movement("laughing", ("AU06", "AU12", "AU26"), ("AU04", "AU15", "AU17")),  # the jaw drops; teeth alone are a smile
    Movement("smiling_broadly", ("AU06", "AU12", "AU25"), ("AU04", "AU15", "AU17")),
    Movement("smiling", ("AU12",), ("AU15",)),
    Movement("brows_raised_mouth_open", ("AU01", "AU02", "AU26")),
    Movement("mouth_corners_down", ("AU15",), ("AU12",)),
    Movement("nose_wrinkled", ("AU09",)),
    Movement("brows_lowered", ("AU04",), ("AU02",)),
    Movement("brows_raised", ("AU01", "AU02")),
    Movement("eyes_closed", ("AU43",)),
    Movement("eyes_wide", ("AU05",), ("AU43",)),
    Movement("upper_lip_raised", ("AU10",), ("AU12",), minor=True),
    Movement("inner_brows_raised", ("AU01",), ("AU02",), minor=True),
    Movement("lips_stretched", ("AU20",), ("AU12",), minor=True),
    Movement("mouth_open", ("AU26",), minor=True),
    Movement("lips_pressed", ("AU24",), minor=True),
    Movement("chin_raised", ("AU17",), minor=True),
)
"""All movements, the most newsworthy first. Lips that merely part (AU25) are no news."""
