"""Say in plain words why something was said or held back; the transcript's own words are for developers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from assistant.settings.keys import keys

_SAID: Final[Mapping[str, str]] = {
    "alert": "the wearer must know",
    "answer": "the wearer asked",
    "light": "the wearer must know",
    "preview": "somebody asked for an example on this page",
    "settings": "settings were changed, or somebody was paired",
    "started": "Facecue began",
}
_HELD_BACK: Final[Mapping[str, str]] = {
    "below confidence": "not sure enough",
    "busy": "more urgent words were being said",
    "cue off": "this kind of news is switched off",
    "displaced": "newer words took its place",
    "expired": "it came too late",
    "interrupted": "the sound was interrupted",
    "just spoken of": "something was said of this person a moment ago",
    "no voice": "the voice did not work",
    "not settled": "it did not last long enough",
    "rate limit": "enough was said in these ten seconds",
    "repeated": "it was said before",
    "stopped": "the wearer pressed stop",
    "untrue": "it was no longer so",
    "verbosity": "more than the chosen level says",
}


def plain(reason: str, spoken: bool) -> str:
    """Return a reason in words for everybody; as it is where it is none of the known."""
    if spoken:
        cue = keys().get(f"cues.{reason}")
        return _SAID.get(reason) or (cue.label.lower() if cue else reason)
    return _HELD_BACK.get(reason, reason)
