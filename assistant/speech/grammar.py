"""Apply what differs between languages beyond words: plural forms (CLDR's rules, by Babel) and capital letters."""

from __future__ import annotations

import functools
import unicodedata
from collections.abc import Callable, Mapping
from typing import Final, Literal, cast

Category = Literal["zero", "one", "two", "few", "many", "other"]
"""CLDR's plural categories (Unicode Technical Standard 35, part 3)."""

_CAPITALS: Final[Mapping[str, Mapping[str, str]]] = {
    "tr": {"i": "İ"},
    "az": {"i": "İ"},
    "nl": {"ij": "IJ", "é": "E"},
}
"""First letters whose capitals are not those of Unicode's default, by language (Unicode's SpecialCasing; in Dutch the
letter ij, and an accent of stress, which a capital does not bear: één, Eén)."""

_TWO_IS: Final = ("tr", "az")


def plural(language: str, forms: Mapping[Category, str], number: float, words: str = "", **more: str) -> str:
    """Return the form of a phrase that belongs to a number, filled in.

    Args:
        language: a language code, such as "cs".
        forms: the phrase by plural category; "other" is there.
        number: what is counted, 0 or more.
        words: the number as it is said; in figures by default.
        **more: what else stands in braces.
    """
    return forms.get(category(language, number), forms["other"]).format(n=words or f"{number:g}", **more)


def category(language: str, number: float) -> Category:
    """Return CLDR's plural category of a number, such as "few"."""
    return cast(Category, _rule(language)(number))


@functools.cache
def categories(language: str) -> frozenset[Category]:
    """Return the categories of the whole numbers from 0 to 120: those that a phrase about people needs."""
    return frozenset(category(language, number) for number in range(121))


@functools.cache
def _rule(language: str) -> Callable[[float], str]:
    from babel import Locale  # 0.1 s

    return Locale.parse(language).plural_form


def capitalised(language: str, text: str) -> str:
    """Return the text with a capital first letter."""
    for first, capital in _CAPITALS.get(language, {}).items():
        if text.startswith(first):
            return capital + text[len(first) :]
    return text[:1].upper() + text[1:]


def folded(language: str, text: str) -> str:
    """Return the text for comparing, without case; Turkish has an i and a dotless one, each with its capital."""
    if language in _TWO_IS:
        text = text.replace("I", "ı").replace("İ", "i")
    return unicodedata.normalize("NFC", text.casefold())
