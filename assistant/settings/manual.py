"""Write docs/settings.md from the schema."""

from __future__ import annotations

from typing import Final

from assistant.settings.keys import Key, keys, sections
from assistant.settings.layers import PROFILES

_HEAD: Final = """\
# Settings

This page is made from `assistant/settings/schema.py` by `facecue settings explain --markdown > docs/settings.md`; a
test checks that it is up to date. `facecue settings export --defaults > config/settings.toml` makes the shipped file
in the same way.

## Where a value comes from
From the lowest layer to the highest; a higher one hides those below.
1. **Shipped defaults**, as in the tables here.
2. **The device's file**: on Linux `~/.config/facecue/settings.toml`, or the one named with `--settings FILE`.
   `facecue doctor` says where it is looked for. Your comments in it are kept.
3. **The profile**: home, work, school or quiet, chosen by `profile` at the top of that file. What a profile changes
   is listed below; a table such as `[profiles.work.speech]` adds to it. In the quiet hours, `quiet` holds over the
   one you chose.
4. **The command line**, such as `--source`.

`facecue settings explain KEY` names the layer. A change is written where it takes effect: with the profile, if that
one says something about the key.

## Changing them
    facecue settings get                          everything that is in force
    facecue settings set speech.verbosity 3       checked, then written at once; --profile work writes it with a profile
    facecue settings reset speech.verbosity       the default again; without a key, everything
    facecue settings export > mine.toml           a commented file of all of it
    facecue settings import mine.toml
    facecue settings explain speech.verbosity     what it does, what it takes, where its value comes from
    facecue settings serve                        the page, see caregiver.md

`--json` makes `get`, `set`, `reset`, `import` and `explain` answer in JSON. A running Facecue takes up what the
tables call "at once" within a second, and says each change aloud with the name of whoever made it; one key takes the
last one back. The rest holds from the next start.

A mistake in the file is told with file, line, key, value, what was expected, and the nearest key there is. It never
stops a running device: `facecue run` says so and goes on with the last settings that were good, which it keeps beside
the file in `settings.last-good.toml`. When such a file is replaced through the page or a key, it is kept as
`settings.broken.toml`.

Files of older versions are read as they are. Version 1 knew `quiet`, `normal` and `detailed` in place of the levels
1, 2 and 4.
"""


def manual() -> str:
    """Return docs/settings.md."""
    parts = [_HEAD, "\n## Profiles\n"]
    for name, layer in PROFILES.items():
        said = [f"`{section}.{key}` = {value!r}" for section, table in layer.items() for key, value in table.items()]
        parts.append(f"- **{name}**: {', '.join(said) or 'nothing is changed'}.\n")
    for section in ["", *sections()]:
        parts.append(f"\n## [{section}]\n" if section else "\n## At the top of the file\n")
        if section:
            parts.append(f"{(sections()[section].__doc__ or '').splitlines()[0]}\n")
        parts.append("\n| key | what it is | takes | default | taken up |\n|---|---|---|---|---|\n")
        parts += [_row(key) for key in keys().values() if key.section == section]
    return "".join(parts)


def _row(key: Key) -> str:
    default = str(key.default).lower() if key.kind == "switch" else repr(key.default)
    taken_up = "at once" if key.live else "at the next start"
    cells = [f"`{key.name}`", f"**{key.label}.** {key.help}", key.expected, f"`{default}`", taken_up]
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |\n"
