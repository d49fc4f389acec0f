"""Notice what a head and a mouth do over a second or two: nod, shake, talk. Pure functions of a short past."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from assistant.vision.swings import Swing, swings

WINDOW_S: Final = 2.5
"""How much of the past is looked at."""

# Nods in conversation swing 5 to 20 degrees at 1 to 4 Hz, shakes wider and as fast (Hadar, Steiner & Rose, J. Nonverbal
# Behavior 1985). A glance down or aside and back is two swings; a nod or shake that is meant has three.
_LEAST_DEG: Final = 5.0  # from end to end
_LEAST_NOISES: Final = 4.0  # and so many times what the pose wavers by from frame to frame: 0.7 to 4 degrees by face
_LEAST_HZ: Final = 7.0  # frames a second: nods go up to 3 Hz, and two frames a period are the least that show them
_SPIKE_DEG: Final = 3.0  # beyond both its neighbours: one frame that is off; a fast nod's turn is rounder
_BLUR_S: Final = 0.05  # takes a third of the noise away and of a nod of 3 Hz, at 15 frames a second
_LEAST_SWINGS: Final = 3
_LONGEST_SWING_S: Final = 0.6
_LASTS_S: Final = 0.6  # so long after the last swing a gesture is over
_CLEARER: Final = 1.3  # how much wider one axis swings than the other where it is told which
_EVENNESS: Final = 0.5  # a swing smaller than this share of the widest is none: it is the head coming to rest

_TALK_LEAST: Final = 0.25  # change of the probability that the lips part or the jaw drops
_TALK_SWINGS: Final = 4  # two syllables with open and closed lips; a yawn or a laugh has one opening
_TALK_LONGEST_S: Final = 0.6  # a syllable lasts 0.1 to 0.4 s (Greenberg, Speech Communication 1999)


def gesture(
    times_s: Sequence[float],
    pitch_deg: Sequence[float],
    yaw_deg: Sequence[float],
    noise_deg: tuple[float, float] = (0.0, 0.0),
) -> str:
    """Return "nodding", "shaking" or "" for now; "" where frames come too slowly to tell.

    Args:
        times_s: of the samples, rising; the last is now.
        pitch_deg: as many.
        yaw_deg: as many.
        noise_deg: standard deviation of what pitch and yaw waver by from frame to frame; it differs much by face.
    """
    if sum(times_s[-1] - at_s < 1.0 for at_s in times_s) < _LEAST_HZ:
        return ""
    pitch, yaw = _blurred(times_s, pitch_deg, yaw_deg)
    least = [max(_LEAST_DEG, _LEAST_NOISES * noise) for noise in noise_deg]
    nod, shake = _width(times_s, pitch, least[0]), _width(times_s, yaw, least[1])
    if max(nod, shake) == 0.0:
        return ""
    nod_range, shake_range = max(nod, _spread(times_s, pitch)), max(shake, _spread(times_s, yaw))
    if nod and nod > _CLEARER * shake and nod_range > shake_range:
        return "nodding"
    return "shaking" if shake and shake > _CLEARER * nod and shake_range > nod_range else ""


def talking(times_s: Sequence[float], open_mouth: Sequence[float]) -> bool:
    """Tell whether a mouth opens and closes as in talking.

    Args:
        times_s: of the samples, rising; the last is now.
        open_mouth: probability of parted lips or a dropped jaw, of each frame alone.
    """
    found = _last_run(swings(times_s, open_mouth, _TALK_LEAST), times_s[-1], _TALK_LONGEST_S, 1.0)
    return len(found) >= _TALK_SWINGS


def _blurred(times_s: Sequence[float], *series: Sequence[float]) -> list[list[float]]:
    """Return each series with every value a weighted mean of those around it (a Gaussian in time)."""
    at = np.asarray(times_s)
    weights = np.exp(-(((at[:, None] - at) / _BLUR_S) ** 2) / 2)
    blurred: list[list[float]] = (
        (_calmed(np.asarray(series)) @ weights) / weights.sum(0)
    ).tolist()  # weights are symmetric
    return blurred


def _calmed(series: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return the series, (N, T), without the tips of spikes: one frame that is off is no swing."""
    if series.shape[1] < 3:
        return series
    before, middle, after = series[:, :-2], series[:, 1:-1], series[:, 2:]
    low, high = np.minimum(before, after) - _SPIKE_DEG, np.maximum(before, after) + _SPIKE_DEG
    return np.concatenate([series[:, :1], np.clip(middle, low, high), series[:, -1:]], axis=1)


def _width(times_s: Sequence[float], values: Sequence[float], least: float) -> float:
    """Return how wide a head swings to and fro just now; 0 where it does not."""
    run = _last_run(swings(times_s, values, least), times_s[-1], _LONGEST_SWING_S, _LASTS_S)
    widest = max((abs(swing.size) for swing in run), default=0.0)
    clear = [abs(swing.size) for swing in run if abs(swing.size) >= _EVENNESS * widest]
    return sum(clear) / len(clear) if len(clear) >= _LEAST_SWINGS else 0.0


def _spread(times_s: Sequence[float], values: Sequence[float]) -> float:
    """Return between which ends a value moved in the last second."""
    recent = [value for at_s, value in zip(times_s, values, strict=True) if times_s[-1] - at_s <= 1.0]
    return max(recent) - min(recent)


def _last_run(found: list[Swing], now_s: float, longest_s: float, lasts_s: float) -> list[Swing]:
    """Return the last swings that follow each other without a long one; none where they ended a while ago."""
    run: list[Swing] = []
    for swing in reversed(found):
        if swing.end_s - swing.start_s > longest_s:
            break
        run.append(swing)
    return run if run and now_s - run[0].end_s <= lasts_s else []
