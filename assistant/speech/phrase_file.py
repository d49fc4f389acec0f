"""Read a phrase file, and tell a mistake in it with its place and its remedy.

`config/phrases/en.toml` shows the form; docs/languages.md tells how to write another.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from assistant.errors import SettingsError
from assistant.speech.catalogue import Catalogue


def read(path: Path) -> Catalogue:
    """Read a phrase file.

    Raises:
        SettingsError: it cannot be read, or says something that cannot be used; tell the person.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
        return Catalogue.model_validate(tomllib.loads(text))
    except OSError as error:
        raise SettingsError(
            f"The phrases {path} cannot be read: {error.strerror}.",
            f"Choose a language that has a file in {path.parent}.",
        ) from error
    except UnicodeDecodeError as error:
        raise SettingsError(f"The phrases {path} are not UTF-8 text.", "Save the file as UTF-8.") from error
    except ValidationError as error:
        first = min(error.errors(), key=lambda each: each["type"] != "extra_forbidden")  # explains a missing key
        raise _explained(first, path, text) from error
    except (ValueError, RecursionError) as error:  # besides TOML's own: a number too long, lists in lists in lists
        raise SettingsError(f"The phrases {path} are not valid TOML: {error}.", "Correct that line.") from error


def _explained(problem: Any, path: Path, text: str) -> SettingsError:
    """Turn pydantic's first complaint into file, line, key, what was expected and the nearest valid key."""
    keys = [str(part) for part in problem["loc"]]
    named = [key for key in keys if not key.isdigit()]
    line = _line_of(named, text)
    where = f"The phrases {path}" + (f", line {line}" if line else "")
    if problem["type"] != "extra_forbidden":
        cause = f"{where}: {'.'.join(keys)} is wrong: {problem['msg'].removeprefix('Value error, ')}."
        return SettingsError(cause, "Compare it with config/phrases/en.toml.")
    valid = _keys_of(named[:-1])
    near = difflib.get_close_matches(named[-1], valid, 1, 0.4)
    return SettingsError(
        f"{where}: there is no key {'.'.join(named)}.",
        f"The nearest is {near[0]!r}." if near else f"Use one of: {', '.join(valid)}.",
    )


def _keys_of(section: list[str]) -> list[str]:
    """Return the keys of a section; the names of the sections for []."""
    model: Any = Catalogue.model_fields[section[0]].annotation if section else Catalogue
    return list(model.model_fields)


_HEADER: Final = re.compile(r"^\s*\[([\w]+)\]")


def _line_of(named: list[str], text: str) -> int:
    """Return the line, from 1, of a key in its section, or of the section; 0 where there is none."""
    inside, found = "", 0
    for number, line in enumerate(text.splitlines(), 1):
        if header := _HEADER.match(line):
            inside = header[1]
            found = number if inside == named[0] else found
        elif len(named) > 1 and inside == named[0] and re.match(rf"\s*{re.escape(named[1])}\b", line):
            return number
    return found
