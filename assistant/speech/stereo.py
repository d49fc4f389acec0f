"""Place mono sound between two ears."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from assistant.types import Speech

Stereo = npt.NDArray[np.float32]
"""(N, 2) float32, left and right, in the range of int16."""


def panned(pcm: npt.NDArray[np.int16], pan: float) -> Stereo:
    """Return mono samples as stereo, as loud wherever they are.

    Constant-power panning (Roads, The Computer Music Tutorial, 1996): the squares of both gains add up to 1. They are
    scaled so that the middle keeps its loudness in each ear; the nearer ear is limited by what int16 holds.

    Args:
        pcm: (N,) int16.
        pan: -1 left to 1 right.
    """
    angle = (min(max(pan, -1.0), 1.0) + 1.0) * np.pi / 4
    gains = np.array([np.cos(angle), np.sin(angle)]) * np.sqrt(2.0)
    return np.asarray(np.clip(np.outer(pcm, gains), -32_768, 32_767), np.float32)


def at_rate(speech: Speech, rate_hz: int) -> npt.NDArray[np.int16]:
    """Return the samples at another rate, by linear interpolation: enough for a voice."""
    if speech.rate_hz == rate_hz or not len(speech.pcm):
        return speech.pcm
    times_s = np.arange(round(speech.seconds * rate_hz)) / rate_hz
    return np.interp(times_s, np.arange(len(speech.pcm)) / speech.rate_hz, speech.pcm).astype(np.int16)
