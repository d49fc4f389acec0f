"""Say how a voice speaks: speed, pitch, loudness, punctuation. Standard library only: voice processes read it too."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Prosody:
    """Hold how a voice speaks; a voice that lacks a control leaves it as it is.

    Attributes:
        words_per_minute: 80 to 500. 260: listeners used to synthetic speech take 250 to 450.
        pitch: 0 low to 100 high; 50 is the voice's own.
        volume: percent of the voice's own loudness, 0 to 200.
        punctuation: which punctuation is spoken by name.
    """

    words_per_minute: int = 260
    pitch: int = 50
    volume: int = 100
    punctuation: Literal["none", "some", "all"] = "none"

    def encoded(self) -> str:
        """Return it as an argument of a voice's process."""
        return json.dumps(asdict(self))

    @staticmethod
    def decoded(argument: str) -> Prosody:
        """Return what `encoded` gave."""
        return Prosody(**json.loads(argument))
