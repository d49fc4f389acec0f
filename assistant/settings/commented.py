"""Write settings as a commented file, for people to read and change."""

from __future__ import annotations

import textwrap
from typing import Final

import tomlkit

from assistant.settings.keys import Key, keys
from assistant.settings.layers import PROFILES
from assistant.settings.schema import Settings

_HEAD: Final = """\
# Facecue's settings, each with its default. Copy this file to
#   ~/.config/facecue/settings.toml   (Linux; `facecue doctor` says where it is looked for here)
# or name a copy with --settings FILE, and change what you like. A key left out keeps its default.
"""


def commented(settings: Settings) -> str:
    """Return TOML with every key, its meaning above it."""
    lines, section = [_HEAD], ""
    for key in keys().values():
        if key.section != section:
            section = key.section
            lines.append(f"\n[{section}]\n")
        lines += [f"# {line}\n" for line in textwrap.wrap(_meaning(key), 118)]
        lines.append(tomlkit.dumps({key.name: key.of(settings)}))
    lines += _own(settings)
    return "".join(lines)


def _own(settings: Settings) -> list[str]:
    """Return what must be written with the profile, because the profile as it comes says otherwise."""
    lines: list[str] = []
    for section, values in PROFILES[settings.profile].items():
        own = {name: getattr(getattr(settings, section), name) for name in values}
        if changed := {name: value for name, value in own.items() if value != values[name]}:
            lines += [f"\n[profiles.{settings.profile}.{section}]\n", tomlkit.dumps(changed)]
    return lines


def _meaning(key: Key) -> str:
    range_ = "" if key.kind in ("switch", "text") else f" Takes {key.expected}."
    return f"{key.label}: {key.help}{range_}"
