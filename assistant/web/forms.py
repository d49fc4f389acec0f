"""Turn keys of the schema into fields of a form, and a sent form into values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from pydantic import ValidationError

from assistant.settings.keys import Key, keys
from assistant.settings.schema import TIME, Part, Settings

SECTIONS: Final[Mapping[Part, str]] = {
    "say": "How much is said",
    "voice": "Voice",
    "what": "Who and what",
    "quiet": "Quiet hours",
    "controls": "Controls",
}

INTRODUCTIONS: Final[Mapping[Part, str]] = {
    "say": "How talkative the device is. Press Hear it for an example on the device; Save makes it so, at once.",
    "voice": "How the words sound. Save first, then press Hear it and listen on the device.",
    "what": "Of whom it speaks, and how it says where they are.",
    "quiet": "At these hours it only says who comes and goes.",
    "controls": "What the wearer's keys do. Write names of keys, apart by spaces; leave it empty for no key.",
}
HEADINGS: Final[Mapping[str, str]] = {"cues": "Kinds of news"}
"""What stands above the first key of a section of the schema."""


@dataclass(frozen=True, slots=True)
class Field:
    """Hold what a template needs to draw one key.

    Attributes:
        key: of the schema.
        value: what is shown: the device's, or what was typed and not taken.
        error: why it was not taken, or "".
        offers: values to choose from and their names, where the device knows them; others hold too.
    """

    key: Key
    value: Any
    error: str = ""
    offers: Mapping[str, str] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """Return the id of its control."""
        return self.key.path.replace(".", "-")

    @property
    def type(self) -> str:
        """Return which control it is drawn as: switch, choice, list, number, time or text."""
        if self.offers:
            return "list"
        if self.key.kind in ("switch", "choice"):
            return self.key.kind
        if self.key.kind != "text":
            return "number"
        return "time" if self.key.pattern == TIME else "text"

    @property
    def was(self) -> str:
        """Return what the control sends when it is left alone."""
        return shown(self.key, self.value)

    @property
    def options(self) -> Mapping[str, str]:
        """Return what a list offers: what is shown, too, where it is none of the usual."""
        return self.offers if self.value in self.offers else {str(self.value): str(self.value), **self.offers}

    @property
    def examples(self) -> tuple[str, ...]:
        """Return for each choice what one would hear, where there is an example for each."""
        lines = tuple(self.key.preview.split("\n")) if self.key.preview else ()
        return lines if len(lines) == len(self.key.choices) else ()

    @property
    def step(self) -> str:
        """Return the step of a number: 1, or any."""
        return "1" if self.key.kind == "whole number" else "any"


def part_keys(part: str) -> list[Key]:
    """Return the keys of one section of the page."""
    return [key for key in keys().values() if key.part == part and key.remote]


def fields(
    part: str,
    values: Mapping[str, Any],
    errors: Mapping[str, str] | None = None,
    offers: Mapping[str, Mapping[str, str]] | None = None,
) -> list[Field]:
    """Return the fields of one section of the page."""
    return [
        Field(key, values[key.path], (errors or {}).get(key.path, ""), (offers or {}).get(key.path, {}))
        for key in part_keys(part)
    ]


def read(part: str, form: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of a section after a sent form: what its person changed, and what holds for the rest.

    What was left as the page showed it is no wish: the wearer may have changed it since.

    Args:
        part: of the page.
        form: as sent; beside each key "was KEY" tells what was shown.
        values: what holds now.
    """
    result: dict[str, Any] = {}
    for key in part_keys(part):
        sent = form.get(key.path, "off" if key.kind == "switch" else None)
        left = sent is None or sent == form.get(f"was {key.path}")
        result[key.path] = values[key.path] if left else key.read(str(sent))
    return result


def shown(key: Key, value: Any) -> str:
    """Return a value as its control sends it when it is left alone."""
    if key.kind == "switch":
        return "on" if value else "off"
    return f"{value:g}" if isinstance(value, float) else str(value)


def problems(values: Mapping[str, Any]) -> dict[str, str]:
    """Return what is wrong with values by key, each with what is expected; nothing where all is well."""
    document: dict[str, Any] = {}
    for path, value in values.items():
        key = keys()[path]
        (document.setdefault(key.section, {}) if key.section else document)[key.name] = value
    try:
        Settings.model_validate(document)
    except ValidationError as error:
        return dict(_problem(each) for each in error.errors())
    return {}


def _problem(error: Any) -> tuple[str, str]:
    if not error["loc"]:
        return "speech.emotions", f"E{error['msg'].removeprefix('Value error, e')}."
    path = ".".join(str(part) for part in error["loc"][:2])
    return path, f"{keys()[path].label} takes {keys()[path].expected}."
