"""Find the languages that Facecue came with. Part of the composition root."""

from __future__ import annotations

import difflib
import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from assistant import locate
from assistant.errors import SettingsError
from assistant.settings import Settings, load, override
from assistant.speech import lint, phrase_file
from assistant.speech.phrases import Phrases


@dataclass(frozen=True, slots=True)
class Language:
    """Hold one language that Facecue speaks.

    Attributes:
        code: such as "cs", for `--language`.
        name: what its speakers call it, such as "čeština".
        english_name: such as "Czech".
        voice: the voice of espeak-ng that speaks it.
    """

    code: str
    name: str
    english_name: str
    voice: str


def phrases(code: str) -> Phrases:
    """Read the phrases of a language; "de-AT" takes those of "de".

    Raises:
        SettingsError: there are none, or the file is wrong; the message lists the languages that there are.
    """
    folder = _folder()
    for name in (code, code.replace("_", "-").split("-")[0]):
        path = folder / f"{name.casefold()}.toml"
        if path.is_file():
            return Phrases.load(path)
    codes = _codes(folder)
    near = difflib.get_close_matches(code, codes, 1)
    raise SettingsError(
        f"There are no phrases for the language {code!r}.",
        f"Use one of: {', '.join(codes) or 'none is installed'}." + (f" The nearest is {near[0]!r}." if near else ""),
    )


def voice(code: str, engine: str) -> str:
    """Return the name under which an engine has a voice for a language.

    Raises:
        SettingsError: there are no phrases in it.
    """
    words = phrases(code)
    return words.voice if engine == "espeak" else words.language


def settings_for_error(file: Path | None, language: str | None) -> Settings:
    """Return settings to tell of an error with: the person's own, or what can be known of them where they are wrong.

    Args:
        file: the settings file the command line names.
        language: the language the command line names.
    """
    try:
        settings = load(file)
    except SettingsError:
        settings = Settings()
        language = language or _named_in(file or locate.user_settings())
    try:
        phrases(language or settings.speech.language)
        return override(settings, "speech", language=language)
    except SettingsError:
        return Settings()


def _named_in(file: Path) -> str | None:
    """Return the language that a settings file names, though it may be wrong elsewhere."""
    try:
        found = re.search(r"^\s*language\s*=\s*[\"']([\w-]+)[\"']", file.read_text(encoding="utf-8-sig"), re.MULTILINE)
    except (OSError, UnicodeDecodeError):
        return None
    return found[1] if found else None


def complete_languages() -> tuple[Language, ...]:
    """Return the languages in which every word is there and keeps the rules of `assistant.speech.lint`."""
    from babel import Locale

    folder = _folder()
    english = phrase_file.read(folder / "en.toml")
    found = []
    for code in _codes(folder):
        try:
            words = phrase_file.read(folder / f"{code}.toml")
        except SettingsError:
            continue
        if not lint.complaints(words, english):
            locale = Locale.parse(code)
            names = str(locale.get_language_name(code)), str(locale.get_language_name("en"))
            found.append(Language(code, *names, words.language.voice))
    return tuple(found)


@functools.cache
def names() -> Mapping[str, str]:
    """Return the name of every language that there are phrases in, as its speakers call it, by code."""
    from babel import Locale

    return {code: str(Locale.parse(code).get_language_name(code)) for code in _codes(_folder())}


def _folder() -> Path:
    return locate.shipped("config") / "phrases"


def _codes(folder: Path) -> list[str]:
    return sorted(path.stem for path in folder.glob("*.toml"))
