"""Learn what a person's face looks like at rest, so that low brows or a drooping mouth are not taken for a mood.

FACS counts a movement from the neutral face of the very person, but a model that sees one picture knows only faces
on average. A rest is what stays: of each unit the level that a track's face is above nearly all the time.

Three limits keep an expression from becoming somebody's neutral. Only units that a resting face can fake are learned,
none of those that make a smile, a surprise or speech, so whoever smiles from the first moment goes on smiling. Only a
low quantile counts, so a frown that comes and goes leaves no trace. And the shift is bounded, so a strong frown is
seen even on a face that has never shown anything else. Numbers stay in memory, and only as long as the track.

The other way round, a slight smile is told from the very person's rest: on a face whose lip corners the model is surer
are at rest than on average, they need to move less.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from assistant.expression.classifier import log_odds
from assistant.expression.smoothing import Smoother
from assistant.facs import index
from assistant.types import ActionUnits

LEARNED: Final = ("AU04", "AU10", "AU14", "AU15", "AU17", "AU23", "AU24")
"""Low or drawn brows, deep folds beside the nose, and lips that are thin, pressed or turned down at rest. Lids are left
out, because tired lids droop for a time and the drowsiness cue reads them."""
SMILE: Final = "AU12"
_COLUMNS: Final = np.array([index(unit) for unit in (*LEARNED, SMILE)])


@dataclass(slots=True)
class _Rest:
    """Hold a track's log-odds of the learned units, some a second, with the times of the first and the last."""

    began_s: float
    seen_s: float
    kept_s: float = -math.inf
    odds: deque[tuple[float, ...]] = field(default_factory=deque)
    shift: tuple[float, ...] = (0.0,) * len(_COLUMNS)


class Neutral:
    """Take each track's rest off its Action Units. Does nothing but arithmetic; not thread-safe.

    Args:
        thresholds: of each unit, in `facs.AU_ORDER`.
        after_s: how long a face is watched before its rest is believed; it is improved from then on.
        quantile: of the log-odds seen so far that counts as rest. At 0.2 a movement has to last four fifths of the time
            to be learned.
        rest: probability that the model gives a unit of an average resting face at most; only what is above counts.
        most: largest shift, in log-odds. 2.5 turns a probability of 0.55 into 0.09, and 0.98 into 0.80.
        lift: how far the lip corners of a face that rests below `rest` are lifted at most, in log-odds. 2.5 turns a
            probability of 0.12 into 0.62, and never lifts the rest itself above `rest`.
        memory_s: rest is learned from about the last minute.
        forget_after_s: a track unseen for longer starts afresh.
    """

    def __init__(
        self,
        thresholds: Sequence[float],
        after_s: float = 2.0,
        quantile: float = 0.2,
        rest: float = 0.1,
        most: float = 2.5,
        lift: float = 2.5,
        memory_s: float = 60.0,
        forget_after_s: float = 2.0,
    ) -> None:
        self._thresholds, self._after_s, self._quantile = tuple(thresholds), after_s, quantile
        self._rest = math.log(rest / (1.0 - rest))
        self._least_shift = np.array([0.0] * len(LEARNED) + [-lift])
        self._most_shift = np.array([most] * len(LEARNED) + [0.0])
        self._every_s, self._count = 0.25, max(int(memory_s / 0.25), 1)
        self._forget_after_s = forget_after_s
        self._tracks: dict[int, _Rest] = {}

    def correct(self, track: int, units: ActionUnits, now_s: float) -> ActionUnits:
        """Return the units less the track's rest, and learn from them; those of track 0 as they are.

        Args:
            track: the face's number; 0 is untracked.
            units: as estimated from this frame. None stays None.
            now_s: time of the frame, in seconds.
        """
        self._tracks = {
            number: rest for number, rest in self._tracks.items() if now_s - rest.seen_s <= self._forget_after_s
        }
        if track == 0 or all(p is None for p in units.probability):
            return units
        rest = self._tracks.setdefault(track, _Rest(now_s, now_s))
        rest.seen_s = now_s
        if now_s - rest.kept_s >= self._every_s:
            self._learn(rest, units, now_s)
        return self._less(units, rest.shift)

    def _learn(self, rest: _Rest, units: ActionUnits, now_s: float) -> None:
        known = [units.probability[column] for column in _COLUMNS]
        odds = log_odds(np.array([math.nan if p is None else p for p in known], np.float64))
        rest.odds.append(tuple(float(value) for value in odds))
        rest.kept_s = now_s
        while len(rest.odds) > self._count:
            rest.odds.popleft()
        if now_s - rest.began_s >= self._after_s:
            level = np.quantile(np.array(rest.odds), self._quantile, axis=0)  # NaN for a unit that is not known
            shift = np.clip(np.nan_to_num(level - self._rest), self._least_shift, self._most_shift)
            rest.shift = tuple(float(value) for value in shift)

    def _less(self, units: ActionUnits, shift: tuple[float, ...]) -> ActionUnits:
        probability, present = list(units.probability), list(units.present)
        for column, by in zip(_COLUMNS.tolist(), shift, strict=True):
            p = probability[column]
            if p is not None and by != 0.0:
                odds = float(log_odds(np.array(p))) - by
                probability[column] = 1.0 / (1.0 + math.exp(-odds))
                present[column] = probability[column] >= self._thresholds[column]
        return ActionUnits(tuple(probability), tuple(present))


class PersonalSmoother:
    """Take each person's rest off, then steady what is left: what the loop calls once a face.

    Args:
        thresholds: of each unit, in `facs.AU_ORDER`.
        forget_after_s: a track unseen for longer starts afresh.
    """

    def __init__(self, thresholds: Sequence[float], forget_after_s: float = 2.0) -> None:
        self._neutral = Neutral(thresholds, forget_after_s=forget_after_s)
        self._smoother = Smoother(thresholds, forget_after_s=forget_after_s)

    def smooth(self, track: int, units: ActionUnits, now_s: float) -> ActionUnits:
        """Return what a track's units are, given this frame and those before."""
        return self._smoother.smooth(track, self._neutral.correct(track, units, now_s), now_s)
