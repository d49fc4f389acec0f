"""Steady a face's Action Units over time, so that one blurred frame does not make a movement come and go."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from assistant.types import ActionUnits

_FORGET_AFTER_S: Final = 2.0


@dataclass(frozen=True, slots=True)
class _Track:
    seen_at_s: float
    units: ActionUnits


class Smoother:
    """Average each track's probabilities with exponentially fading weights, at whatever rate frames come.

    A unit becomes present when its average reaches the threshold, and absent only `hysteresis` below it. Does nothing
    but arithmetic; not thread-safe.

    Args:
        thresholds: of each unit, in `facs.AU_ORDER`.
        half_life_s: after this time a face that changed shows half of the change. 0.15 s leaves a quarter of the noise
            between frames at 30 a second (the square root of s / (2 - s), s being the weight of a new frame).
        hysteresis: in probability; 0.1 is more than that remainder where frames differ by up to 0.3.
        forget_after_s: a track unseen for longer starts afresh.

    Raises:
        ValueError: a time or the hysteresis is negative.
    """

    def __init__(
        self,
        thresholds: Sequence[float],
        half_life_s: float = 0.15,
        hysteresis: float = 0.1,
        forget_after_s: float = _FORGET_AFTER_S,
    ) -> None:
        if half_life_s < 0 or hysteresis < 0 or forget_after_s < 0:
            raise ValueError("half life, hysteresis and forgetting must not be negative")
        self._thresholds = tuple(thresholds)
        self._half_life_s = half_life_s
        self._hysteresis = hysteresis
        self._forget_after_s = forget_after_s
        self._tracks: dict[int, _Track] = {}

    def smooth(self, track: int, units: ActionUnits, now_s: float) -> ActionUnits:
        """Return the steadied units of a track; the first of a track, and those of track 0, as they are.

        Args:
            track: the face's number; 0 is untracked and has no past.
            units: as estimated from this frame. None stays None.
            now_s: time of the frame, in seconds; time that stands still or goes back counts as none.
        """
        self._tracks = {
            number: past for number, past in self._tracks.items() if now_s - past.seen_at_s <= self._forget_after_s
        }
        if track == 0:
            return units
        past = self._tracks.get(track)
        if past is not None:
            units = self._blend(past.units, units, self._share(now_s - past.seen_at_s))
        self._tracks[track] = _Track(now_s, units)
        return units

    def _share(self, elapsed_s: float) -> float:
        """Return the new value's weight after a time: 1 - 2 ** (-time / half life)."""
        if self._half_life_s == 0:
            return 1.0
        return float(1.0 - 2.0 ** (-max(elapsed_s, 0.0) / self._half_life_s))

    def _blend(self, old: ActionUnits, new: ActionUnits, share: float) -> ActionUnits:
        probability = tuple(
            b if a is None or b is None else min(max(a + share * (b - a), min(a, b)), max(a, b))
            for a, b in zip(old.probability, new.probability, strict=True)
        )
        present = tuple(
            None if p is None else p >= (threshold - self._hysteresis if was else threshold)
            for p, was, threshold in zip(probability, old.present, self._thresholds, strict=True)
        )
        return ActionUnits(probability, present)
