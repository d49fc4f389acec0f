"""Bring the text of older settings files up to today's schema."""

from __future__ import annotations

from typing import Any, Final

from assistant.settings.schema import VERSION

_VERBOSITY: Final = {"quiet": 1, "normal": 2, "detailed": 4}  # version 1 knew words


def migrate(document: dict[str, Any]) -> dict[str, Any]:
    """Return a parsed file as today's version writes it; changes nothing that it does not know.

    A file without a version is taken for the oldest, and only what is written in the old way is changed.
    """
    if document.get("version", 1) == 1:
        document = _numbered_verbosity(document) | {"version": VERSION}
    return document


def _numbered_verbosity(document: dict[str, Any]) -> dict[str, Any]:
    speech = document.get("speech")
    if not isinstance(speech, dict) or not isinstance(speech.get("verbosity"), str):
        return document
    word = speech["verbosity"]
    return document | {"speech": speech | {"verbosity": _VERBOSITY.get(word, word)}}
