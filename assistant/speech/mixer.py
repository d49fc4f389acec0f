"""Mix speech and earcons for two ears, as a sound device asks for them."""

from __future__ import annotations

import threading
from typing import Final

import numpy as np
import numpy.typing as npt

from assistant.speech.stereo import Stereo

LOWERED: Final = 0.35  # an earcon's loudness while words are heard: 9 dB less, still clear
FADE_S: Final = 0.005  # what is cut fades within: shorter is heard as a click


class Mixer:
    """Hold what is still to be heard. One thread adds, the sound device's own thread renders; a lock guards both.

    Args:
        rate_hz: samples a second of everything that is added.
    """

    def __init__(self, rate_hz: int) -> None:
        self.rate_hz = rate_hz
        self.volume = 1.0
        """Of speech, 0 to whatever int16 still holds."""
        self._lock = threading.Lock()
        self._speech: Stereo = np.zeros((0, 2), np.float32)
        self._chimes: list[Stereo] = []
        self._fading: Stereo = self._speech

    @property
    def busy(self) -> bool:
        """Whether words or earcons wait to be rendered."""
        with self._lock:
            return len(self._speech) > 0 or bool(self._chimes)

    def speak(self, sound: Stereo) -> None:
        """Start words, cutting those before."""
        with self._lock:
            self._fade_out()
            self._speech = sound * np.float32(self.volume)

    def chime(self, sound: Stereo) -> None:
        """Start an earcon beside whatever is heard; it is lowered while words are."""
        with self._lock:
            self._chimes.append(sound)

    def silence(self) -> None:
        """Cut everything, with a fade of 5 ms."""
        with self._lock:
            self._fade_out()
            self._chimes.clear()

    def render(self, frames: int) -> npt.NDArray[np.int16]:
        """Return the next (frames, 2) samples, with silence where nothing is left."""
        out = np.zeros((frames, 2), np.float32)
        with self._lock:
            words = min(len(self._speech), frames)
            out[:words] += self._speech[:words]
            self._speech = self._speech[words:]
            for chime in self._chimes:
                part = chime[:frames].copy()
                part[:words] *= LOWERED
                out[: len(part)] += part
            self._chimes = [chime[frames:] for chime in self._chimes if len(chime) > frames]
            fading = self._fading[:frames]
            out[: len(fading)] += fading
            self._fading = self._fading[frames:]
        return np.clip(out, -32_768, 32_767).astype(np.int16)

    def _fade_out(self) -> None:
        """Let a few milliseconds of the current words fade, and forget the rest."""
        tail = self._speech[: round(FADE_S * self.rate_hz)]
        self._fading = tail * np.linspace(1.0, 0.0, len(tail), dtype=np.float32)[:, None]
        self._speech = self._speech[:0]
