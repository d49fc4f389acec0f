"""Make short sounds that say something before, beside or without words. All are computed here: no recording is used."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from assistant.types import Speech

STARTED: Final = "started"
PAUSED: Final = "paused"
RESUMED: Final = "resumed"
PERSON_ARRIVED: Final = "person_arrived"
PERSON_LEFT: Final = "person_left"
SMILED: Final = "smiled"
CAMERA_LOST: Final = "camera_lost"
LOW_LIGHT: Final = "low_light"
ERROR: Final = "error"
KEY: Final = "key"

OF_CUE: Final[Mapping[str, str]] = {"arrival": PERSON_ARRIVED, "departure": PERSON_LEFT, "smile": SMILED}
"""Which one comes before the words of a cue."""


@dataclass(frozen=True, slots=True)
class _Note:
    """A tone that may glide, with overtones that make it rough, and a pause after it."""

    from_hz: float
    to_hz: float
    seconds: float
    overtones: int = 0
    pause_s: float = 0.0


# What is good rises, what ends falls; what is wrong is low and rough. Each is under a third of a second.
_NOTES: Final[Mapping[str, tuple[_Note, ...]]] = {
    STARTED: (_Note(523, 523, 0.05), _Note(659, 659, 0.05), _Note(1_047, 1_047, 0.16)),
    PAUSED: (_Note(784, 784, 0.07), _Note(523, 523, 0.1)),
    RESUMED: (_Note(523, 523, 0.07), _Note(784, 784, 0.1)),
    PERSON_ARRIVED: (_Note(988, 988, 0.04, pause_s=0.02), _Note(988, 988, 0.06)),
    PERSON_LEFT: (_Note(660, 440, 0.14),),
    SMILED: (_Note(700, 1_400, 0.1),),
    CAMERA_LOST: (_Note(392, 392, 0.07, 3), _Note(311, 311, 0.07, 3), _Note(233, 233, 0.1, 3)),
    LOW_LIGHT: (_Note(330, 165, 0.25, 1),),
    ERROR: (_Note(196, 196, 0.09, 4, pause_s=0.04), _Note(196, 196, 0.09, 4)),
    KEY: (_Note(1_760, 1_760, 0.03),),
}
NAMES: Final = tuple(_NOTES)
"""All of them; section [sound] of the phrase files says what each means."""
_FADE_S: Final = 0.008  # without it a tone begins and ends with a click
_LOUDNESS: Final = 0.25  # of full scale: clear beside speech, not startling in an ear


def earcon(name: str, rate_hz: int = 22_050) -> Speech:
    """Return a short sound, mono int16.

    Args:
        name: one of `NAMES`.
        rate_hz: samples a second; that of the speech it is joined to.

    Raises:
        KeyError: there is no such sound.
    """
    sound = np.concatenate([_tone(note, rate_hz) for note in _NOTES[name]])
    return Speech((sound * _LOUDNESS * 32_767).astype(np.int16), rate_hz)


def before(name: str, speech: Speech) -> Speech:
    """Return the sound followed by the words; the words alone where `name` is ""."""
    if not name:
        return speech
    return Speech(np.concatenate([earcon(name, speech.rate_hz).pcm, speech.pcm]), speech.rate_hz)


def _tone(note: _Note, rate_hz: int) -> npt.NDArray[np.float64]:
    """Return one note and its pause, in [-1, 1]."""
    count = round(note.seconds * rate_hz)
    time_s = np.arange(count) / rate_hz
    phase = 2 * np.pi * np.cumsum(np.linspace(note.from_hz, note.to_hz, count)) / rate_hz
    partials = np.arange(1, note.overtones + 2)
    wave = (np.sin(np.outer(phase, partials)) / partials).sum(1)
    fade = np.clip(np.minimum(time_s, note.seconds - time_s) / _FADE_S, 0.0, 1.0)
    return np.concatenate([wave / np.abs(wave).max() * fade, np.zeros(round(note.pause_s * rate_hz))])
