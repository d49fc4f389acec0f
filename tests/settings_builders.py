"""Make settings of every kind, for property tests."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from assistant.settings import Settings
from assistant.settings.keys import Key, keys, sections
from assistant.settings.schema import NO_EMOTIONS

_TEXT = st.text(st.characters(exclude_categories=["Cc", "Cs"]), max_size=30)
_PATTERNED: dict[str, st.SearchStrategy[str]] = {
    "inference.backend": st.from_regex(r"\A[a-z0-9_:.]{1,20}\Z"),
    "speech.language": st.from_regex(r"\A[a-z]{2}\Z"),
    "quiet_hours.start": st.times().map(lambda time: time.strftime("%H:%M")),
    "quiet_hours.end": st.times().map(lambda time: time.strftime("%H:%M")),
    "web.host": st.ip_addresses().map(str),
}


def value_of(key: Key) -> st.SearchStrategy[Any]:
    """Make any value that a key takes."""
    if key.path in _PATTERNED:
        return _PATTERNED[key.path]
    if key.name == "version":
        return st.just(key.default)
    if key.choices:
        return st.sampled_from(key.choices)
    if key.kind == "switch":
        return st.booleans()
    if key.kind == "whole number":
        return st.integers(int(key.least or 0), int(key.most or 0))
    if key.kind == "number":
        return st.floats(key.least, key.most)
    if key.section in ("camera", "inference") or key.name == "voice":
        return _TEXT.filter(bool)
    return st.just(key.default)  # a key of another's making: its own tests vary it


@st.composite
def any_settings(draw: st.DrawFn) -> Settings:
    """Make any settings that the schema takes."""
    document: dict[str, Any] = {name: {} for name in sections()}
    for key in keys().values():
        (document[key.section] if key.section else document)[key.name] = draw(value_of(key))
    if document["profile"] in NO_EMOTIONS:
        document["speech"]["emotions"] = False
    return Settings.model_validate(document)
