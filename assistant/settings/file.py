"""Read a person's file so that a mistake is told with its place and its remedy."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import tomlkit
from pydantic import ValidationError
from tomlkit.exceptions import TOMLKitError

from assistant import locate
from assistant.errors import SettingsError
from assistant.settings.keys import keys, sections
from assistant.settings.layers import PROFILES, layered, merged
from assistant.settings.migrate import migrate
from assistant.settings.schema import Settings


def load(path: Path | None = None) -> Settings:
    """Read a settings file; without one, the person's own if there is one, else the defaults.

    Args:
        path: a file somebody named; None looks in the place for the person's own.

    Raises:
        SettingsError: the named file cannot be read, or a line in the file is wrong; tell the person.
    """
    if path is None:
        path = locate.user_settings()
        if not path.is_file():
            return Settings()
    return parse(read_text(path), str(path))


def read_text(path: Path) -> str:
    """Return a file's text.

    Raises:
        SettingsError: it cannot be read or is no text; tell the person.
    """
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise SettingsError(f"{path} is not UTF-8 text.", "Save it as UTF-8.") from error
    except OSError as error:
        raise SettingsError(f"{path} cannot be read: {error.strerror}.", "Check its name and its rights.") from error


def parse(text: str, name: str) -> Settings:
    """Check the text of a settings file, and return what holds with its profile.

    Args:
        text: TOML.
        name: of the file, for messages.

    Raises:
        SettingsError: it is not TOML, or a key or value is wrong.
    """
    return resolve(read_document(text, name), text, name)


def read_document(text: str, name: str) -> dict[str, Any]:
    """Return a file's text as today's schema writes it, its keys and values not yet checked.

    Raises:
        SettingsError: it is not TOML.
    """
    try:
        document: dict[str, Any] = tomlkit.parse(text).unwrap()
    except (TOMLKitError, RecursionError, ValueError) as error:  # ValueError: a date that does not exist
        place = f", line {line}" if (line := getattr(error, "line", None)) else ""
        why = re.sub(r" at line \d+ col \d+$", "", str(error)).rstrip(".")
        raise SettingsError(
            f"{name}{place} is not valid TOML: {why}.",
            'A line looks like: key = "words" or key = 1.5, under a [section].',
        ) from error
    return migrate(document)


def resolve(document: Mapping[str, Any], text: str, name: str, quiet_hours: bool = False) -> Settings:
    """Check a document layer by layer, and return what holds.

    Args:
        document: from `read_document`.
        text: what it was read from, to name lines.
        name: of the file, for messages.
        quiet_hours: whether the profile quiet holds over the chosen one.

    Raises:
        SettingsError: a key or value is wrong.
    """
    own = document.get("profiles", {})
    device = {key: value for key, value in document.items() if key != "profiles"}
    # "profile" is checked with the layers below; here every value of the file is, even one that a profile hides.
    _checked(device if device.get("profile", "home") not in PROFILES else device | {"profile": "home"}, text, name)
    if not isinstance(own, Mapping):
        raise SettingsError(f"{name}: profiles = {own!r} is wrong: it is a section.", "Write [profiles.work.speech].")
    for profile, table in own.items():
        line = _line_of(text, f"profiles.{profile}", None)
        where = f"{name}, line {line}" if line else name
        if profile not in PROFILES:
            raise SettingsError(f"{where}: there is no profile {profile!r}.", f"Use one of: {', '.join(PROFILES)}.")
        if not isinstance(table, Mapping) or not all(isinstance(inner, Mapping) for inner in table.values()):
            raise SettingsError(f"{where}: a profile holds sections only.", f"Write [profiles.{profile}.speech].")
        _checked({"profile": profile, **table}, text, name, f"profiles.{profile}.")
    return _checked(layered(document, quiet_hours), text, name)


def _checked(document: Mapping[str, Any], text: str, name: str, under: str = "") -> Settings:
    try:
        return Settings.model_validate(document)
    except ValidationError as error:
        raise _explained(error.errors()[0], text, name, under) from error


def override(settings: Settings, section: str, **values: Any) -> Settings:
    """Return the settings with those values of a section replaced that are not None.

    Args:
        settings: what to start from.
        section: such as "camera".
        **values: what the command line says, None where it says nothing.

    Raises:
        SettingsError: an option's value is not one the setting takes.
    """
    given = {key: value for key, value in values.items() if value is not None}
    if not given:
        return settings
    return _checked(merged(settings.model_dump(), {section: given}), "", "The command line")


def _explained(problem: Any, text: str, name: str, under: str) -> SettingsError:
    """Turn pydantic's first complaint into file, line, key, value, what was expected and the nearest valid key."""
    section, *rest = (str(part) for part in problem["loc"] or ("speech", "emotions"))
    line = _line_of(text, under + section, rest[0] if rest else None)
    where = f"{name}, line {line}" if line else name
    value: object = problem["input"] if problem["loc"] else True
    if problem["type"] == "extra_forbidden":
        return _unknown(section, rest, where, value)
    if section in sections() and not rest:
        return SettingsError(
            f"{where}: {section} = {value!r} is wrong: [{section}] is a section.",
            f"Write [{section}] on a line of its own, and its keys below.",
        )
    key = keys()[".".join([section, *rest[:1]])]
    named = f"[{under}{section}] {rest[0]}" if rest else section
    return SettingsError(
        f"{where}: {named} = {value!r} is wrong: {problem['msg']}.",
        f"Expected {key.expected}: {key.help} The default is {key.default!r}.",
    )


def _unknown(section: str, rest: list[str], where: str, value: object) -> SettingsError:
    """Say that a key or section does not exist, and which is the nearest that does."""
    valid = tuple(sections()[section].model_fields) if rest else tuple(Settings.model_fields)
    wrong = rest[0] if rest else section
    near = difflib.get_close_matches(wrong, valid, 1, 0.4)
    remedy = f"The nearest is {near[0]!r}." if near else f"Use one of: {', '.join(valid)}."
    if rest:
        return SettingsError(f"{where}: there is no key {wrong!r} in [{section}] (value {value!r}).", remedy)
    return SettingsError(f"{where}: there is no section [{wrong}].", remedy)


_HEADER: Final = re.compile(r"^\s*\[\s*([\w.\"'-]+)\s*\]")


def _line_of(text: str, section: str, key: str | None) -> int | None:
    """Return the line, from 1, where a key or a section is written; None when it is written in another form."""
    inside = None
    for number, line in enumerate(text.splitlines(), 1):
        header = _HEADER.match(line)
        inside = header[1].strip("\"'") if header else inside
        found: object
        if key is None:
            found = f"{inside}.".startswith(f"{section}.") or re.match(rf"\s*[\"']?{re.escape(section)}\b", line)
        elif inside is None:
            found = re.match(rf"\s*{re.escape(section)}\s*[.=].*?\b{re.escape(key)}\b", line)
        else:
            found = inside == section and re.match(rf"\s*[\"']?{re.escape(key)}[\"']?\s*[=.]", line)
        if found:
            return number
    return None
