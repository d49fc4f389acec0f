"""Declare every setting once, and read a person's file so that a mistake is told with its place and its remedy.

`config/settings.toml` shows the same keys with the same defaults, commented for people.
"""

from __future__ import annotations

import difflib
import re
from pathlib import Path
from typing import Any, Final, Literal, get_args

import tomlkit
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator
from tomlkit.exceptions import TOMLKitError

from assistant import locate
from assistant.errors import SettingsError


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class CameraSettings(_Section):
    """Choose what is looked at."""

    source: str = Field(default="", description="a camera's number or device, a file, a folder, an address, or demo")
    hfov_deg: float = Field(
        default=70.0, ge=20, le=180, description="what the camera sees from left to right, in degrees"
    )

    @field_validator("source", mode="before")
    @classmethod
    def _number(cls, value: object) -> object:
        """Take a camera's number with or without quotation marks."""
        return str(value) if type(value) is int else value


class VisionSettings(_Section):
    """Choose how faces are found."""

    detector: Literal["blazeface", "mediapipe"] = "blazeface"
    min_score: float = Field(default=0.7, gt=0, lt=1, description="least confidence of a face, between 0 and 1")
    full_range: bool = Field(default=True, description="true also finds faces farther than two metres")
    forget_after_s: float = Field(
        default=2.0, gt=0, le=5, description="seconds after which a face out of sight is forgotten"
    )
    most_faces: int = Field(default=4, ge=1, le=32, description="how many faces are read in one frame, largest first")


class InferenceSettings(_Section):
    """Choose what computes, and with which model."""

    backend: str = Field(default="auto", pattern=r"^[a-z0-9_:.]+$", description="auto, or the name of a back end")
    model: str = Field(default="auto", min_length=1, description="auto, the name of a model, or the path of its folder")
    threads: int = Field(default=1, ge=1, le=64, description="threads of one model")


class SpeechSettings(_Section):
    """Choose how it speaks."""

    engine: Literal["espeak", "pyttsx3"] = "espeak"
    voice: str = Field(default="en", min_length=1, description="a voice of the engine, such as en, en-us or en-gb")
    words_per_minute: int = Field(default=260, ge=80, le=450, description="words a minute, from 80 to 450")
    output: Literal["auto", "none"] = "auto"
    verbosity: Literal["quiet", "normal", "detailed"] = "normal"
    emotions: bool = Field(default=False, description="true also says hedged emotion words, such as seems happy")
    max_words_per_10_s: int = Field(default=12, ge=4, le=40, description="words in ten seconds, from 4 to 40")
    language: str = Field(
        default="en", pattern=r"^[a-z]{2}$", description="two letters naming a file in config/phrases"
    )


class Settings(_Section):
    """Hold all settings, by section."""

    camera: CameraSettings = CameraSettings()
    vision: VisionSettings = VisionSettings()
    inference: InferenceSettings = InferenceSettings()
    speech: SpeechSettings = SpeechSettings()


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
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise SettingsError(f"{path} is not UTF-8 text.", "Save it as UTF-8.") from error
    except OSError as error:
        raise SettingsError(f"{path} cannot be read: {error.strerror}.", "Check its name and its rights.") from error
    return parse(text, str(path))


def parse(text: str, name: str) -> Settings:
    """Check the text of a settings file.

    Args:
        text: TOML.
        name: of the file, for messages.

    Raises:
        SettingsError: it is not TOML, or a key or value is wrong.
    """
    try:
        document = tomlkit.parse(text).unwrap()
    except TOMLKitError as error:
        place = f", line {line}" if (line := getattr(error, "line", None)) else ""
        why = re.sub(r" at line \d+ col \d+$", "", str(error)).rstrip(".")
        raise SettingsError(
            f"{name}{place} is not valid TOML: {why}.",
            'A line looks like: key = "words" or key = 1.5, under a [section].',
        ) from error
    try:
        return Settings.model_validate(document)
    except ValidationError as error:
        raise _explained(error.errors()[0], text, name) from error


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
    document = settings.model_dump()
    document[section] |= given
    try:
        return Settings.model_validate(document)
    except ValidationError as error:
        raise _explained(error.errors()[0], "", "The command line") from error


def _explained(problem: Any, text: str, name: str) -> SettingsError:
    """Turn pydantic's first complaint into file, line, key, value, what was expected and the nearest valid key."""
    section, *rest = (str(part) for part in problem["loc"])
    line = _line_of(text, section, rest[0] if rest else None)
    where = f"{name}, line {line}" if line else name
    if problem["type"] == "extra_forbidden":
        valid = _keys(section) if rest else tuple(Settings.model_fields)
        wrong = rest[0] if rest else section
        near = difflib.get_close_matches(wrong, valid, 1, 0.4)
        remedy = f"The nearest is {near[0]!r}." if near else f"Use one of: {', '.join(valid)}."
        kind = f"key {wrong!r} in [{section}]" if rest else f"section [{wrong}]"
        value = f" (value {problem['input']!r})" if rest else ""
        return SettingsError(f"{where}: there is no {kind}{value}.", remedy)
    if not rest:
        return SettingsError(
            f"{where}: {section} = {problem['input']!r} is wrong: [{section}] is a section.", _expected(section)
        )
    return SettingsError(
        f"{where}: [{section}] {rest[0]} = {problem['input']!r} is wrong: {problem['msg']}.",
        _expected(section, rest[0]),
    )


def _keys(section: str) -> tuple[str, ...]:
    """Return the keys of a section."""
    model = Settings.model_fields[section].annotation
    return tuple(model.model_fields) if isinstance(model, type) and issubclass(model, BaseModel) else ()


def _expected(section: str, key: str = "") -> str:
    """Say what a key takes."""
    model = Settings.model_fields[section].annotation
    if not key or not (isinstance(model, type) and issubclass(model, BaseModel)):
        return f"Write [{section}] on a line of its own, and its keys below."
    field = model.model_fields[key]
    choices = get_args(field.annotation) if not isinstance(field.annotation, type) else ()
    meaning = field.description or "one of: " + ", ".join(repr(choice) for choice in choices)
    return f"Expected {meaning}; the default is {field.default!r}."


_HEADER: Final = re.compile(r"^\s*\[\s*([\w.\"'-]+)\s*\]")


def _line_of(text: str, section: str, key: str | None) -> int | None:
    """Return the line, from 1, where a key or a section is written; None when it is written in another form."""
    inside = None
    for number, line in enumerate(text.splitlines(), 1):
        header = _HEADER.match(line)
        inside = header[1].strip("\"'") if header else inside
        if key is None:
            found = inside == section or re.match(rf"\s*[\"']?{re.escape(section)}\b", line)
        elif inside is None:
            found = re.match(rf"\s*{re.escape(section)}\s*[.=].*?\b{re.escape(key)}\b", line)
        else:
            found = inside == section and re.match(rf"\s*[\"']?{re.escape(key)}[\"']?\s*[=.]", line)
        if found:
            return number
    return None
