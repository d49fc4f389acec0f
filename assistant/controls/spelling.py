"""Spell words, letter by letter and digit by digit."""

from __future__ import annotations

import unicodedata


def spelled(text: str) -> str:
    """Return each word's letters and digits, such as "A, t. 1, 2."; "" where there are none.

    The commas make a voice name each letter: without them espeak-ng reads "a t" as an article and a letter.
    """
    words = [", ".join(_letters(word)) for word in text.split()]
    return " ".join(f"{word}." for word in words if word)


def _letters(word: str) -> list[str]:
    """Return letters and digits; combining signs, as Hindi's vowels, stay with their letter; punctuation goes."""
    letters: list[str] = []
    for sign in word:
        if sign.isalnum():
            letters.append(sign)
        elif letters and unicodedata.category(sign).startswith("M"):
            letters[-1] += sign
    return letters
