"""Change single keys in the text of a settings file, and keep everything else of it, comments too."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from typing import Any

import tomlkit
from tomlkit.exceptions import TOMLKitError

from assistant.errors import SettingsError
from assistant.settings.file import parse, read_document
from assistant.settings.keys import keys
from assistant.settings.layers import PROFILES, says
from assistant.settings.schema import VERSION


def with_values(text: str, values: Mapping[str, Any], name: str, profile: str | None = None) -> str:
    """Return a file's text with keys set to values.

    A value is written where it takes effect: with the profile that is chosen if that one says something about the key,
    in the device's own part otherwise.

    Args:
        text: of the file; "" for none yet.
        values: by path, such as {"speech.verbosity": 2}.
        name: of the file, for messages.
        profile: writes with this profile in any case.

    Raises:
        SettingsError: the text, a key or a value is wrong; nothing is changed.
    """
    document = read_document(text, name)
    chosen = values.get("profile", document.get("profile", "home"))
    toml = _up_to_date(text)
    for path, value in values.items():
        key = keys()[path]
        holder = profile or (chosen if _profile_says(document, chosen, path) else None)
        above = ["profiles", holder] if holder and key.section else []
        _table(toml, [*above, key.section] if key.section else [])[key.name] = value
    return _checked(toml, name)


def without(text: str, paths: set[str], name: str) -> str:
    """Return a file's text without these keys, in no layer of it: they have their defaults again.

    Raises:
        SettingsError: the text is wrong as it is.
    """
    toml = _up_to_date(text)
    own = toml.get("profiles", {})
    for path in paths:
        key = keys()[path]
        for layer in (toml, *own.values()):
            table = layer.get(key.section, {}) if key.section else layer
            table.pop(key.name, None)
    return _checked(toml, name)


def _profile_says(document: Mapping[str, Any], profile: str, path: str) -> bool:
    own = document.get("profiles", {}).get(profile, {})
    return says(PROFILES.get(profile, {}), path) or says(own, path)  # type: ignore[call-overload]


def _up_to_date(text: str) -> Any:
    """Return a file's text as tomlkit's document, in the form of today's version."""
    today = read_document(text, "")
    toml: Any = tomlkit.parse(text)
    if "version" not in toml:
        toml = tomlkit.parse(f"version = {VERSION}\n{text}")
    for name, value in today.items():
        if isinstance(value, Mapping):
            toml[name].update({key: inner for key, inner in value.items() if toml[name].get(key) != inner})
    toml["version"] = VERSION
    return toml


def _table(toml: Any, names: list[str]) -> MutableMapping[str, Any]:
    for name in names:
        if name not in toml:
            toml[name] = tomlkit.table(is_super_table=name in ("profiles", *PROFILES))
        toml = toml[name]
    return toml  # type: ignore[no-any-return]


def _checked(toml: Any, name: str) -> str:
    try:
        text = tomlkit.dumps(toml).rstrip() + "\n"
    except TOMLKitError as error:
        raise SettingsError(f"{name} cannot be changed: {error}.", "Change it with an editor.") from error
    parse(text, name)
    return text
