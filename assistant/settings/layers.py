"""Lay what a device's file says over what a profile says: shipped defaults, device, profile, then the command line."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from assistant.settings.keys import keys
from assistant.settings.schema import NO_EMOTIONS, Profile

Document = Mapping[str, Any]

PROFILES: Final[Mapping[Profile, Mapping[str, Mapping[str, Any]]]] = {
    "home": {},
    "work": {"speech": {"emotions": False}},
    "school": {"speech": {"emotions": False}},
    "quiet": {"speech": {"verbosity": 1, "emotions": False}},
}
"""What each profile says as it comes; the table [profiles.NAME.SECTION] of a file adds to it."""


def layered(document: Document, quiet_hours: bool = False) -> dict[str, Any]:
    """Return one document of all layers of a file, to be checked by the schema.

    Args:
        document: a file's, as today's version writes it.
        quiet_hours: whether the profile quiet holds over the chosen one.
    """
    profile = document.get("profile", "home")
    result: dict[str, Any] = {key: value for key, value in document.items() if key != "profiles"}
    for _, layer in _layers(document, profile, quiet_hours):
        result = merged(result, layer)
    if quiet_hours and profile in NO_EMOTIONS:
        result = merged(result, {"speech": {"emotions": False}})
    return result


def _layers(document: Document, profile: object, quiet_hours: bool) -> list[tuple[str, Document]]:
    own = document.get("profiles", {})
    names = [profile, "quiet"] if quiet_hours else [profile]
    layers: list[tuple[str, Document]] = []
    for name in names:
        if isinstance(name, str) and name in PROFILES:
            layers += [(f"profile {name}", PROFILES[name]), (f"profile {name}", own.get(name, {}))]  # type: ignore[index]
    return layers


def merged(below: Document, above: Document) -> dict[str, Any]:
    """Return a document in which what `above` says hides what `below` says, table by table."""
    result = dict(below)
    for key, value in above.items():
        old = result.get(key)
        result[key] = merged(old, value) if isinstance(old, Mapping) and isinstance(value, Mapping) else value
    return result


def source(path: str, document: Document, quiet_hours: bool = False) -> str:
    """Return which layer a key's value comes from: "default", "device" or "profile NAME"."""
    found = "device" if says(document, path) else "default"
    for name, layer in _layers(document, document.get("profile", "home"), quiet_hours):
        found = name if says(layer, path) else found
    return found


def says(layer: Document, path: str) -> bool:
    """Tell whether a layer says anything about a key."""
    key = keys()[path]
    table = layer.get(key.section, {}) if key.section else layer
    return isinstance(table, Mapping) and key.name in table
