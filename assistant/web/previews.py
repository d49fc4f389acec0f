"""Find the words that let one hear what a setting does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from assistant.settings.keys import keys

_VOICE: Final = "This is how I sound now."


def preview(path: str, values: Mapping[str, Any]) -> str:
    """Return what to say to show a key at its value in `values`; "" where there is nothing to hear.

    A key of several choices has a line of its preview for each.
    """
    key = keys().get(path)
    if key is None:
        return ""
    if key.choices and key.preview:
        lines = key.preview.split("\n")
        return lines[key.choices.index(values[path])] if values.get(path) in key.choices else ""
    return key.preview or (_VOICE if key.part == "voice" and key.remote else "")
