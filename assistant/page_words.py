"""Say in the wearer's language what the settings page does. Part of the composition root."""

from __future__ import annotations

import functools

from assistant import languages
from assistant.errors import SettingsError
from assistant.settings.store import A_FILE, QUIET_BEGINS, QUIET_ENDS, YOU, Change, announcement
from assistant.speech.phrases import Phrases
from assistant.speech.preview import preview
from assistant.types import Utterance


class PageWords:
    """Find the sentences about the settings page.

    Args:
        phrases: of the wearer's language.
    """

    def __init__(self, phrases: Phrases) -> None:
        self._phrases = phrases

    def text(self, key: str, **fields: str) -> str:
        """Return a sentence of the section [page], filled in."""
        return str(getattr(self._phrases.page, key)).format(**fields)

    def example(self, path: str, value: object, written: str) -> str:
        """Return what lets one hear a setting at a value.

        Args:
            path: of the setting.
            value: of it.
            written: the schema's example, in English; "" for none.
        """
        section, _, name = path.partition(".")
        said: tuple[Utterance, ...] = ()
        if path == "speech.verbosity" and isinstance(value, int):
            said = preview(self._phrases, value)
        elif section == "cues":
            said = preview(self._phrases, 4, frozenset({name}))[:1]
        elif path == "speech.emotions":
            said = preview(self._phrases, 2, frozenset({"smile"}), emotions=True)[:1]
        elif written:
            return self._phrases.page.voice
        return " ".join(utterance.text for utterance in said)

    def changed(self, changes: tuple[Change, ...]) -> str:
        """Return who changed what; how much they changed where the names of settings are not in the language."""
        if self._phrases.language == "en":
            return announcement(changes)
        by = changes[0].by
        if by in (QUIET_BEGINS, QUIET_ENDS):
            return self.text("quiet_begins" if by == QUIET_BEGINS else "quiet_ends")
        page = self._phrases.page
        return self._phrases.changed({A_FILE: page.a_file, YOU: page.you}.get(by, by), len(changes))


@functools.cache
def page_words(language: str) -> PageWords:
    """Return the sentences in a language; in English where it has none."""
    try:
        return PageWords(languages.phrases(language))
    except SettingsError:
        return PageWords(languages.phrases("en"))
