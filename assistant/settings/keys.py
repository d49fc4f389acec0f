"""Describe the keys of the schema to whoever shows them: messages, the page, the command line, the documentation."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any, Literal, get_args, get_origin

from pydantic.fields import FieldInfo

from assistant.settings.schema import Part, Section, Settings

Kind = Literal["switch", "whole number", "number", "choice", "text"]


@dataclass(frozen=True, slots=True)
class Key:
    """Hold what is known of one key.

    Attributes:
        section: its section, "" for a key above the sections.
        name: within the section.
        kind: what its values are.
        choices: all its values, where they can be counted; `names`: of each, for people.
        least: smallest value; `most`: largest; every number has both, texts have none.
        pattern: regular expression that a text must match, or "".
        live: whether a running Facecue takes it on at once.
    """

    section: str
    name: str
    label: str
    help: str
    kind: Kind
    default: Any
    unit: str
    choices: tuple[Any, ...]
    names: tuple[str, ...]
    least: float | None
    most: float | None
    pattern: str
    live: bool
    spoken: str
    preview: str
    part: Part

    @property
    def path(self) -> str:
        """Return section and name, as the command line writes them: speech.verbosity."""
        return f"{self.section}.{self.name}" if self.section else self.name

    @property
    def remote(self) -> bool:
        """Tell whether the page may change it."""
        return self.part != "device" and self.name != "version"

    def of(self, settings: Settings) -> Any:
        """Return its value."""
        return getattr(getattr(settings, self.section) if self.section else settings, self.name)

    def said(self, value: object) -> str:
        """Return the words for a change to this value: "set verbosity to 2", "turned smiles off"."""
        if self.kind == "switch":
            return f"turned {self.spoken} {'on' if value else 'off'}"
        return f"set {self.spoken} to {value:g}" if isinstance(value, float) else f"set {self.spoken} to {value}"

    def read(self, text: str) -> Any:
        """Return what a person typed as a value of the key's kind; the text itself where it is none."""
        word = text.strip()
        if self.kind == "switch":
            return _SWITCH.get(word.lower(), word)
        if self.choices:
            return next((choice for choice in self.choices if str(choice) == word), word)
        try:
            return {"whole number": int, "number": float}.get(self.kind, str)(word)
        except ValueError:
            return word

    @property
    def expected(self) -> str:
        """Say what values it takes, in words."""
        if self.kind == "switch":
            return "true or false"
        if self.choices:
            return "one of: " + ", ".join(repr(choice) for choice in self.choices)
        if self.least is None or self.most is None:
            return "text"
        unit = f" {self.unit}" if self.unit else ""
        return f"a {self.kind} from {self.least:g} to {self.most:g}{unit}"


@cache
def sections() -> dict[str, type[Section]]:
    """Return the sections by name, in the file's order."""
    found = {name: field.annotation for name, field in Settings.model_fields.items()}
    return {name: kind for name, kind in found.items() if isinstance(kind, type) and issubclass(kind, Section)}


@cache
def keys() -> dict[str, Key]:
    """Return every key by its path, in the file's order."""
    top = [_key("", Settings, name, field) for name, field in Settings.model_fields.items() if name not in sections()]
    below = [
        _key(section, kind, name, field)
        for section, kind in sections().items()
        for name, field in kind.model_fields.items()
    ]
    return {key.path: key for key in [*top, *below]}


def _key(section: str, owner: type[Section], name: str, field: FieldInfo) -> Key:
    extra = field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}
    annotation = field.annotation
    choices = get_args(annotation) if get_origin(annotation) is Literal else ()
    limits = {limit: getattr(rule, limit) for rule in field.metadata for limit in _LIMITS if hasattr(rule, limit)}
    return Key(
        section=section,
        name=name,
        label=field.title or name,
        help=field.description or "",
        kind="choice" if choices else _KINDS.get(annotation, "text"),
        default=field.default,
        unit=str(extra.get("unit", "")),
        choices=choices,
        names=tuple(map(str, extra.get("names") or choices)),  # type: ignore[arg-type]
        least=limits.get("ge"),
        most=limits.get("le"),
        pattern=next((str(rule.pattern) for rule in field.metadata if getattr(rule, "pattern", None)), ""),
        live=bool(extra.get("live")),
        spoken=str(extra.get("spoken") or (field.title or name).lower()),
        preview=str(extra.get("preview", "")),
        part=extra.get("part") or owner.part,  # type: ignore[arg-type]
    )


_SWITCH = {"true": True, "on": True, "yes": True, "false": False, "off": False, "no": False}
_LIMITS = ("ge", "le")
_KINDS: dict[Any, Kind] = {bool: "switch", int: "whole number", float: "number", str: "text"}
