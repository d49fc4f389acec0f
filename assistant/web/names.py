"""Make a name that somebody typed fit to be spoken."""

from __future__ import annotations

import unicodedata
from typing import Final

LONGEST: Final = 30
_PUNCTUATION: Final = "'’-."


def speakable(typed: str) -> str:
    """Return a name of letters, digits, single spaces and a few marks, at most 30 long; "" where nothing is left.

    It is read out by a speech engine, and shown: markup, control characters and endless names have no place in it.
    """
    plain = unicodedata.normalize("NFC", typed[: 10 * LONGEST])
    kept = [each if unicodedata.category(each)[0] in "LMN" or each in _PUNCTUATION else " " for each in plain]
    name = " ".join("".join(kept).split())[:LONGEST].strip()
    return name if any(unicodedata.category(each)[0] in "LN" for each in name) else ""
