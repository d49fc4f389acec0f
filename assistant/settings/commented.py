"""Write settings as a commented file, for people to read and change."""

from __future__ import annotations

import sys
import textwrap
from typing import Final

import tomlkit

from assistant.settings.keys import Key, keys
from assistant.settings.schema import Settings

_HEAD: Final = """\
# Facecue's settings, each with its default. Copy this file to
#   ~/.config/facecue/settings.toml   (Linux; `facecue doctor` says where it is looked for here)
# or name a copy with --settings FILE, and change what you like. A key left out keeps its default.
"""


def commented(settings: Settings) -> str:
    """Return TOML with every key, its meaning above it."""
    lines = [_HEAD]
    section = ""
    for key in keys().values():
        if key.section != section:
            section = key.section
            lines.append(f"\n[{section}]\n")
        owner = getattr(settings, section) if section else settings
        lines += [f"# {line}\n" for line in textwrap.wrap(_meaning(key), 118)]
        lines.append(tomlkit.dumps({key.name: getattr(owner, key.name)}))
    return "".join(lines)


def _meaning(key: Key) -> str:
    range_ = "" if key.kind in ("switch", "text") else f" Takes {key.expected}."
    return f"{key.label}: {key.help}{range_}"


if __name__ == "__main__":
    sys.stdout.write(commented(Settings()))
