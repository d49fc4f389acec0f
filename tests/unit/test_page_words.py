"""What is said of the settings page, in the wearer's language."""

import pytest

from assistant.page_words import page_words
from assistant.settings import Settings
from assistant.settings.keys import keys
from assistant.settings.store import A_FILE, QUIET_BEGINS, QUIET_ENDS, YOU, Change, announcement


def changes(number: int, by: str = "Anna") -> tuple[Change, ...]:
    settings = Settings()
    return tuple(Change(key, key.of(settings), key.of(settings), by) for key in list(keys().values())[:number])


@pytest.mark.parametrize(
    ("language", "expected"),
    [
        ("cs", ["Anna: 1 změna nastavení.", "Anna: 2 změny nastavení.", "Anna: 5 změn nastavení."]),
        ("pl", ["Anna: 1 zmiana ustawień.", "Anna: 2 zmiany ustawień.", "Anna: 5 zmian ustawień."]),
        ("tr", ["Anna: 1 ayar değişti.", "Anna: 2 ayar değişti.", "Anna: 5 ayar değişti."]),
    ],
)
def test_changes_are_counted_in_the_language(language, expected):
    assert [page_words(language).changed(changes(number)) for number in (1, 2, 5)] == expected


def test_in_english_changes_are_named():
    assert page_words("en").changed(changes(2)) == announcement(changes(2))


def test_the_settings_file_has_a_name_in_the_language():
    assert page_words("de").changed(changes(1, A_FILE)) == "Einstellungsdatei: 1 Einstellung geändert."


def test_the_clock_is_told_in_the_language():
    assert page_words("de").changed(changes(3, QUIET_BEGINS)) == "Die Ruhezeit beginnt."
    assert page_words("cs").changed(changes(3, QUIET_ENDS)) == "Doba klidu končí."


def test_the_wearer_is_named_in_the_language():
    assert page_words("de").changed(changes(2, YOU)) == "Am Gerät: 2 Einstellungen geändert."


def test_sentences_are_filled_in():
    assert page_words("fr").text("names", names="Anna, Bo") == "Associés : Anna, Bo. Appuyez encore pour terminer."


def test_an_unknown_language_falls_back_on_english():
    assert page_words("xx").text("nobody") == "Nobody is paired."
