"""Keep unprompted speech short: so many words in any ten seconds, whatever happens."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from assistant.types import Utterance

_SLOWEST_WORD_S: Final = 1.0  # 0.75 s at the slowest setting, 80 words a minute, and pauses


@dataclass(slots=True)
class _Reserved:
    utterance: Utterance
    words: int
    latest_end_s: float


class WordBudget:
    """Count words against a limit in any window of time.

    An utterance counts whole for every moment at which any of it may be heard. When it is only decided, that is until
    it has expired and been said slowly; once `spoken` tells when it was, until its end. So the limit holds for the
    times at which words are really spoken, wherever the window lies, whether or not the speaker tells them.

    Args:
        most_words: the limit.
        window_s: length of the window.
    """

    def __init__(self, most_words: int, window_s: float = 10.0) -> None:
        self._most_words = most_words
        self._window_s = window_s
        self._reserved: list[_Reserved] = []

    def limit(self, most_words: int) -> None:
        """Set another limit; what was decided on before counts still."""
        self._most_words = most_words

    def left(self, now_s: float) -> int:
        """Return how many words may be decided on now."""
        self._reserved = [each for each in self._reserved if each.latest_end_s >= now_s - self._window_s]
        return self._most_words - sum(each.words for each in self._reserved)

    def reserve(self, utterance: Utterance) -> None:
        """Count an utterance that was decided on."""
        words = count_words(utterance.text)
        end_s = utterance.expires_at_s + words * _SLOWEST_WORD_S
        self._reserved.append(_Reserved(utterance, words, end_s))

    def spoken(self, utterance: Utterance, start_s: float, seconds: float) -> None:
        """Learn when an utterance is really heard."""
        for each in self._reserved:
            if each.utterance is utterance:
                each.latest_end_s = start_s + seconds

    def release(self, utterance: Utterance) -> None:
        """Learn that an utterance will not be heard."""
        self._reserved = [each for each in self._reserved if each.utterance is not utterance]


def count_words(text: str) -> int:
    """Return the number of words, as a listener counts them."""
    return sum(any(letter.isalnum() for letter in part) for part in text.split())
