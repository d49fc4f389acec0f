"""Name what a face can do, by Action Units: the same in every language; the words are in the phrase files."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from assistant.facs import AU_ORDER
from assistant.types import ActionUnits

_CLEARLY: Final = 0.6  # a claim should be right more often than not, by a margin: silence beats a guess
_SMILING: Final = 0.35  # the unit that the model knows best: docs/experiments.md, "London pairs"
_VERY_CLEARLY: Final = 0.9  # where a mouth at rest or a hand before it is taken for the movement (docs/transcripts.md)


@dataclass(frozen=True, slots=True)
class Movement:
    """Say when a face shows a movement.

    Attributes:
        name: its key in the section [movement] of a phrase file.
        units: Action Units that must all be clearly present.
        without: Action Units that must not be present.
        cue: the switch that it belongs to.
        level: verbosity from which it is said unasked.
        clearly: least probability of each unit, whatever threshold is best for F1.
    """

    name: str
    units: tuple[str, ...]
    without: tuple[str, ...] = ()
    cue: str = "movement"
    level: int = 3
    clearly: float = _CLEARLY

    def evidence(self, shown: ActionUnits) -> dict[str, float] | None:
        """Return the units with their probabilities, or None where the face does not show it."""
        probability = dict(zip(AU_ORDER, shown.probability, strict=True))
        present = {au for au, there in zip(AU_ORDER, shown.present, strict=True) if there}
        clear = {au: p for au in self.units if (p := probability[au]) is not None and p >= self.clearly}
        return None if len(clear) < len(self.units) or present & set(self.without) else clear


# The most newsworthy first. Level 2 are smiles and strong changes, 3 plain movements, 4 those that are common and weak.
# Lips that merely part (AU25) are no news; the jaw must drop for a laugh, as teeth alone are a broad smile.
MOVEMENTS: Final = (
    Movement("laughing", ("AU06", "AU12", "AU26"), ("AU04", "AU15", "AU17"), "smile", 2),
    Movement("smiling_broadly", ("AU06", "AU12", "AU25"), ("AU04", "AU15", "AU17"), "smile", 2),
    Movement("smiling", ("AU12",), ("AU15",), "smile", 2, _SMILING),
    Movement("brows_raised_mouth_open", ("AU01", "AU02", "AU26"), level=2),
    Movement("mouth_corners_down", ("AU15",), ("AU12",), level=2, clearly=_VERY_CLEARLY),
    Movement("nose_wrinkled", ("AU09",), level=2),
    Movement("brows_lowered", ("AU04",), ("AU02",)),
    Movement("brows_raised", ("AU01", "AU02")),
    Movement("eyes_closed", ("AU43",), level=4),
    Movement("eyes_wide", ("AU05",), ("AU43",)),
    Movement("upper_lip_raised", ("AU10",), ("AU12",), level=4),
    Movement("inner_brows_raised", ("AU01",), ("AU02",), level=4),
    Movement("lips_stretched", ("AU20",), ("AU12",), level=4),
    Movement("mouth_open", ("AU26",), level=4),
    Movement("lips_pressed", ("AU24",), level=4),
    Movement("chin_raised", ("AU17",), level=4),
)
