"""Stand in where no voice can be had: a sound in place of words."""

from __future__ import annotations

import numpy as np

from assistant.speech import earcons
from assistant.types import Speech


class NullVoice:
    """Say by an earcon that there is something to read, and let words take their time.

    Args:
        words_per_minute: how fast they would be spoken.
    """

    name = "text"

    def __init__(self, words_per_minute: int = 260) -> None:
        self._word_s = 60.0 / words_per_minute

    def synthesise(self, text: str) -> Speech:
        """Return an earcon, and silence for as long as the words would last; nothing for no words."""
        sound = earcons.earcon(earcons.ERROR)
        words = len(text.split())
        silence = np.zeros(round(words * self._word_s * sound.rate_hz), np.int16)
        return Speech(np.concatenate([sound.pcm, silence]) if words else silence, sound.rate_hz)

    def close(self) -> None:
        """Do nothing."""
