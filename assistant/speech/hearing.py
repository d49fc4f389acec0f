"""Know from two numbers a moment whether somebody speaks, and how loud it is. Pure; keeps no sound."""

from __future__ import annotations

import threading
from typing import Final

SURE: Final = 0.5  # of a moment being speech: the threshold that Silero's authors give
MOMENTS: Final = 3  # in a row, 32 ms each: a cough or a clatter is shorter
HOLD_S: Final = 0.7  # between two words of one who speaks; turns in talk follow after about 0.2 s
OWN_TAIL_S: Final = 0.4  # how long our own words ring on, on their way through loudspeaker and microphone
DEAF_AFTER_S: Final = 1.0  # without numbers: nothing is known, and nothing is held back
QUIET_DB: Final = -50.0  # of full scale: a quiet room through a headset's microphone, roughly; microphones differ
LOMBARD: Final = 0.5
"""dB that people raise their voice by for each dB of noise (Lane and Tranel 1971, "The Lombard sign and the role of
hearing in speech")."""
MOST_DB: Final = 6.0  # twice the samples: more of an espeak-ng voice is clipped
_SLOWNESS: Final = 0.011  # share of the newest moment in the mean: 3 s of noise are followed, a slammed door is not


class Courtesy:
    """Take in what a microphone's process measures, and say whether to wait and how loud to speak.

    `hear` may be called from any thread; a lock guards all.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._in_a_row = 0
        self._spoke_s = self._heard_s = self._own_until_s = float("-inf")
        self._noise_db: float | None = None

    def hear(self, speech: float, level_db: float, now_s: float) -> None:
        """Take in one moment.

        Args:
            speech: probability that somebody speaks, 0 to 1.
            level_db: loudness, relative to full scale.
            now_s: when.
        """
        with self._lock:
            self._heard_s = now_s
            if now_s < self._own_until_s:
                self._in_a_row = 0
            elif speech >= SURE:
                self._in_a_row += 1
                if self._in_a_row >= MOMENTS:
                    self._spoke_s = now_s
            else:
                self._in_a_row = 0
                before_db = level_db if self._noise_db is None else self._noise_db
                self._noise_db = before_db + (level_db - before_db) * _SLOWNESS

    def own_words(self, until_s: float) -> None:
        """Learn until when our own words are heard: they are nobody's speech, and no noise."""
        with self._lock:
            self._own_until_s = until_s + OWN_TAIL_S

    def somebody_speaks(self, now_s: float) -> bool:
        """Tell whether somebody speaks; no where nothing was heard of the microphone for a while."""
        with self._lock:
            return now_s - self._spoke_s < HOLD_S and now_s - self._heard_s < DEAF_AFTER_S

    @property
    def gain(self) -> float:
        """How much louder to speak than in a quiet room, in whole dB: 1 to 2."""
        with self._lock:
            over_db = 0.0 if self._noise_db is None else self._noise_db - QUIET_DB
        return float(10 ** (round(min(max(over_db * LOMBARD, 0.0), MOST_DB)) / 20))
