"""Judge the phrases of a language by the rules that every language keeps; docs/languages.md tells them."""

from __future__ import annotations

import re
import statistics
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from assistant.speech import grammar
from assistant.speech.budget import count_words
from assistant.speech.catalogue import Catalogue

MOST_WORDS: Final = 9
MOST_MEDIAN_WORDS: Final = 5
_ENDS: Final = (".", "?", "!", "।", "。", "？")
_FULLER: Final = (
    "sentence.doing",
    "sentence.both",
    "sentence.because_both",
)  # said only where the whole sentence keeps the limit
_MARKS: Final = ".,:;?!¿¡\"'’()।"
_NOT_SPOKEN: Final = ("language", "rules")


def complaints(words: Catalogue, english: Catalogue) -> tuple[str, ...]:
    """Return what is wrong with the phrases of a language, a sentence each; nothing where all is well.

    Args:
        words: the language. Its keys and braces were checked when it was read.
        english: the pattern for where a sentence ends.
    """
    spoken = dict(phrases(words))
    return (
        *_plurals(words),
        *_repeated(words),
        *_punctuation(spoken, dict(phrases(english))),
        *_lengths(words, spoken),
        *_forbidden(words, spoken),
        *_hedges(words),
    )


def phrases(words: Catalogue) -> Iterator[tuple[str, str]]:
    """Yield every phrase that is spoken with its key, such as "people.count.few"."""
    for section, content in words.model_dump().items():
        if section not in _NOT_SPOKEN:
            yield from _leaves(section, content)


def _leaves(key: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield key, value
        return
    for part, each in value.items() if isinstance(value, dict) else enumerate(value, 1):
        yield from _leaves(f"{key}.{part}", each)


def filled(words: Catalogue) -> dict[str, str]:
    """Return every phrase with its braces filled with the longest words that may stand there.

    What the policy says only where there is room for it is filled with the shortest: it must be possible to say it.
    """
    longest, shortest = _fillings(words, max), _fillings(words, min)
    return {key: phrase.format(**(shortest if key in _FULLER else longest)) for key, phrase in phrases(words)}


def _fillings(words: Catalogue, pick: Callable[..., str]) -> Mapping[str, str]:
    """Return words for each brace: the most, or the fewest, as `pick` is max or min."""
    distance = pick(_values(words.distance), key=count_words)
    direction = pick(words.direction.hours, key=count_words)
    movement = pick([*_values(words.manner), *_values(words.movement), *_values(words.emotion)], key=count_words)
    unit = pick(_values(words.unit), key=count_words)
    return {
        "n": pick(words.people.numbers, key=count_words),
        "who": pick(words.people.another, words.people.count["other"], key=count_words),
        "words": words.people.more,
        "distance": distance,
        "direction": direction,
        "place": words.sentence.place.format(distance=distance, direction=direction),
        "cue": pick(_values(words.cue), key=count_words),
        "key": pick(_values(words.key), key=count_words),
        "code": "1",
        "text": movement,
        "name": "Anna",
        "names": "Anna",
        "by": words.page.a_file,
        "action": pick(_values(words.action), key=count_words),
        "movement": movement,
        "unit": unit,
        "other": unit,
    }


def _values(section: Any) -> list[str]:
    return [phrase for _, phrase in _leaves("", section.model_dump())]


def _plurals(words: Catalogue) -> Iterator[str]:
    """Find plural forms that are missing, or that no number takes."""
    needed = grammar.categories(words.language.code) | {"other"}
    for section, content in words.model_dump().items():
        for key, forms in content.items():
            if isinstance(forms, dict) and set(forms) != needed:
                yield f"{section}.{key} needs exactly the forms {', '.join(sorted(needed))}."


def _repeated(words: Catalogue) -> Iterator[str]:
    """Find two numbers, or two hours, that are said alike."""
    for key, several in (("people.numbers", words.people.numbers), ("direction.hours", words.direction.hours)):
        if len(set(several)) < len(several):
            yield f"{key} says the same twice."


def _punctuation(spoken: Mapping[str, str], english: Mapping[str, str]) -> Iterator[str]:
    """Find sentences without an end, parts of sentences with one, and stray spaces."""
    for key, phrase in spoken.items():
        pattern = english.get(key) or english[key.rpartition(".")[0] + ".other"]
        if phrase.endswith(_ENDS) != pattern.endswith(_ENDS):
            yield f"{key} = {phrase!r} must {'' if pattern.endswith(_ENDS) else 'not '}end like a sentence."
        if phrase != " ".join(phrase.split()):
            yield f"{key} = {phrase!r} has spaces too many."


def _lengths(words: Catalogue, spoken: Mapping[str, str]) -> Iterator[str]:
    """Find phrases that are too long when filled."""
    counts = {key: count_words(phrase) for key, phrase in filled(words).items()}
    for key, count in counts.items():
        if count > MOST_WORDS:
            yield f"{key} = {spoken[key]!r} can have {count} words; at most {MOST_WORDS}."
    if (median := statistics.median(counts.values())) > MOST_MEDIAN_WORDS:
        yield f"Half of the phrases have more than {median:g} words; at most {MOST_MEDIAN_WORDS}."


def _forbidden(words: Catalogue, spoken: Mapping[str, str]) -> Iterator[str]:
    """Find words about who somebody is, and words of feeling outside the section [emotion]."""
    for kind, stems in words.rules.model_dump().items():
        if kind == "hedges":
            continue
        for key, phrase in spoken.items():
            if kind == "feeling" and key.startswith("emotion."):
                continue
            for stem in stems:
                if _holds(words.language.code, phrase, stem):
                    yield f"{key} = {phrase!r} tells of {kind}: {stem!r} is not said."


def _hedges(words: Catalogue) -> Iterator[str]:
    """Find words of feeling that are said as if they were known."""
    for key, phrase in _leaves("emotion", words.emotion.model_dump()):
        if not any(_holds(words.language.code, phrase, hedge) for hedge in words.rules.hedges):
            yield f"{key} = {phrase!r} is not hedged: it needs one of {', '.join(words.rules.hedges)}."


def _holds(language: str, phrase: str, stem: str) -> bool:
    """Tell whether a phrase holds a word; a stem that ends with "*" is the beginning of one."""
    parts = grammar.folded(language, phrase).split()
    words = {word.strip(_MARKS) for part in parts for word in (part, *re.split(r"['’-]", part))}
    wanted = grammar.folded(language, stem)
    if wanted.endswith("*"):
        return any(word.startswith(wanted[:-1]) for word in words)
    return wanted in words
