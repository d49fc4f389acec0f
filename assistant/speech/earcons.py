"""Make short sounds that say something before, or without, words."""

from __future__ import annotations

from typing import Final

import numpy as np

from assistant.types import Speech

ALERT: Final = "alert"
"""Two rising tones: listen."""
FAILED: Final = "failed"
"""Two falling tones: there is something to say and no voice to say it."""

_TONES_HZ: Final = {ALERT: (660.0, 880.0), FAILED: (440.0, 330.0)}
_TONE_S: Final = 0.09  # two of them stay under a fifth of a second, shorter than a word
_FADE_S: Final = 0.01  # without it a tone begins and ends with a click
_LOUDNESS: Final = 0.25  # of full scale: clear beside speech, not startling in an ear


def earcon(name: str, rate_hz: int = 22_050) -> Speech:
    """Return a short sound, mono int16.

    Args:
        name: `ALERT` or `FAILED`.
        rate_hz: samples a second; that of the speech it is joined to.

    Raises:
        KeyError: there is no such sound.
    """
    time_s = np.arange(round(_TONE_S * rate_hz)) / rate_hz
    fade = np.clip(np.minimum(time_s, _TONE_S - time_s) / _FADE_S, 0.0, 1.0)
    tones = [np.sin(2 * np.pi * tone_hz * time_s) * fade for tone_hz in _TONES_HZ[name]]
    return Speech((np.concatenate(tones) * _LOUDNESS * 32_767).astype(np.int16), rate_hz)


def before(name: str, speech: Speech) -> Speech:
    """Return the sound followed by the words; the words alone where `name` is ""."""
    if not name:
        return speech
    return Speech(np.concatenate([earcon(name, speech.rate_hz).pcm, speech.pcm]), speech.rate_hz)
