"""Every language is complete, grammatical and within the rules."""

import statistics
from pathlib import Path

import pytest
from babel import Locale
from hypothesis import given
from hypothesis import strategies as st

from assistant import errors, languages
from assistant.errors import FacecueError, SettingsError
from assistant.facs import EXPRESSIONS
from assistant.speech import grammar, lint, phrase_file
from assistant.speech.budget import count_words
from assistant.speech.movements import MOVEMENTS
from assistant.speech.phrases import Phrases
from tests.speech_builders import PHRASES_FILE

FILES = sorted(PHRASES_FILE.parent.glob("*.toml"))
CODES = [path.stem for path in FILES]
ENGLISH = phrase_file.read(PHRASES_FILE)
LOADED = [Phrases.load(path) for path in FILES]


def every_language(test):
    return pytest.mark.parametrize("path", FILES, ids=CODES)(test)


@every_language
def test_a_language_keeps_the_rules(path: Path) -> None:
    assert lint.complaints(phrase_file.read(path), ENGLISH) == ()


@every_language
def test_a_language_says_which_it_is(path: Path) -> None:
    assert phrase_file.read(path).language.code == path.stem


@every_language
def test_phrases_are_short(path: Path) -> None:
    counts = [count_words(phrase) for phrase in lint.filled(phrase_file.read(path)).values()]
    assert statistics.median(counts) <= 5
    assert max(counts) <= 9


@every_language
def test_every_number_of_people_is_counted(path: Path) -> None:
    words = Phrases.load(path)
    for people in range(121):
        for said in (words.count(people), words.some_left(people)):
            assert said.strip() == said != ""
            assert not set("{}") & set(said)
            assert said == words.capitalised(said)


@every_language
def test_the_form_is_that_of_cldr(path: Path) -> None:
    words, locale = phrase_file.read(path), Locale.parse(path.stem)
    for forms in (words.people.count, words.sentence.some_left):
        for number in range(121):
            expected = forms[locale.plural_form(number)].format(n=number)
            assert grammar.plural(path.stem, forms, number) == expected


@every_language
def test_every_hour_is_said(path: Path) -> None:
    """A face at each hour of the clock: twelve directions, all different, none empty."""
    words = phrase_file.read(path)
    assert len({hour.strip() for hour in words.direction.hours} - {""}) == 12
    assert len({metres.strip() for metres in words.distance.metres} - {""}) == 10


@given(st.floats(0.05, 60))
def test_every_distance_is_said(metres: float) -> None:
    for words in LOADED:
        assert words.distance(metres).strip()


def test_counts_differ_where_numbers_do() -> None:
    for path in FILES:
        words = Phrases.load(path)
        assert len({words.count(people) for people in range(12)}) == 12
        assert words.count(11) == words.count(120)


def test_movements_and_emotions_have_words_in_every_language() -> None:
    for path in FILES:
        words = phrase_file.read(path)
        assert {movement.name for movement in MOVEMENTS} == set(words.movement.model_dump())
        assert set(words.emotion.model_dump()) == set(EXPRESSIONS) - {"neutral"}


def test_english_errors_are_those_of_the_code() -> None:
    assert ENGLISH.error.model_dump() == dict(errors.SPOKEN)


def kinds(kind: type[FacecueError] = FacecueError) -> list[type[FacecueError]]:
    return [kind, *(deeper for each in kind.__subclasses__() for deeper in kinds(each))]


@every_language
def test_every_kind_of_error_is_spoken(path: Path) -> None:
    words = Phrases.load(path)
    for kind in kinds():
        assert words.error(kind("It broke.", "Mend it."))


@pytest.mark.parametrize(
    ("language", "text", "expected"),
    [
        ("tr", "iki kişi", "İki kişi"),
        ("tr", "ışık", "Işık"),
        ("nl", "ijs", "IJs"),
        ("en", "ijs", "Ijs"),
        ("de", "über", "Über"),
        ("cs", "čtyři", "Čtyři"),
        ("hi", "दो लोग", "दो लोग"),
        ("en", "", ""),
    ],
)
def test_capitals_are_those_of_the_language(language: str, text: str, expected: str) -> None:
    assert grammar.capitalised(language, text) == expected


@pytest.mark.parametrize(("asked", "code"), [("en", "en"), ("en-GB", "en"), ("en_US", "en")])
def test_a_region_takes_the_phrases_of_its_language(asked: str, code: str) -> None:
    assert languages.phrases(asked).language == code


def test_an_unknown_language_is_told_with_the_list() -> None:
    with pytest.raises(SettingsError) as caught:
        languages.phrases("eo")
    assert "'eo'" in caught.value.cause
    assert ", ".join(CODES) in caught.value.remedy


def test_languages_that_keep_the_rules_are_complete() -> None:
    found = languages.complete_languages()
    assert [language.code for language in found] == CODES
    assert {"en": ("English", "English", "en")}.items() <= {
        each.code: (each.name, each.english_name, each.voice) for each in found
    }.items()


def test_a_language_with_a_mistake_is_not_complete(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = PHRASES_FILE.read_text(encoding="utf-8")
    (tmp_path / "en.toml").write_text(text, encoding="utf-8")
    (tmp_path / "de.toml").write_text(text.replace('"en"', '"de"').replace("Nobody", "No old man"), encoding="utf-8")
    (tmp_path / "fr.toml").write_text(text.replace('left = "', 'lft = "'), encoding="utf-8")
    monkeypatch.setattr(languages, "_folder", lambda: tmp_path)
    assert [language.code for language in languages.complete_languages()] == ["en"]


# The lint can complain


@pytest.mark.parametrize(
    ("old", "new", "tells"),
    [
        ('"Nobody in view"', '"No woman in view"', "gender"),
        ('"Nobody in view"', '"No elderly person in view"', "age"),
        ('"smiling"', '"smiling, bored"', "verdict"),
        ('"smiling"', '"handsome"', "looks"),
        ('"smiling"', '"a friend"', "identity"),
        ('"smiling"', '"happy"', "feeling"),
        ('"seems happy"', '"happy"', "hedged"),
        ('"They left."', '"They left"', "end like a sentence"),
        ('"close"', '"close."', "end like a sentence"),
        ('"close"', '"so very  close"', "spaces"),
        ('"They left."', '"One two three four five six seven eight nine ten."', "10 words"),
        ('"smiling"', '"one two three four five six seven"', "can have 10 words"),
        ('one = "{n} person", ', "", "needs exactly the forms one, other"),
        ('one = "{n} person", ', 'one = "{n} person", few = "{n} people", ', "needs exactly the forms one, other"),
        ('"at one o\'clock"', '"ahead"', "the same twice"),
    ],
)
def test_the_lint_finds(tmp_path: Path, old: str, new: str, tells: str) -> None:
    text = PHRASES_FILE.read_text(encoding="utf-8")
    assert old in text
    path = tmp_path / "en.toml"
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    assert any(tells in complaint for complaint in lint.complaints(phrase_file.read(path), ENGLISH))


def test_the_lint_finds_a_language_that_talks_too_much() -> None:
    def wordy(section: str) -> object:
        words = getattr(ENGLISH, section)
        return words.model_copy(update=dict.fromkeys(words.model_dump(), "a b c d e f"))

    sections = ("action", "cue", "error", "emotion", "movement", "state", "manner", "unit")
    longer = ENGLISH.model_copy(update={section: wordy(section) for section in sections})
    assert any("Half of the phrases" in complaint for complaint in lint.complaints(longer, ENGLISH))


@pytest.mark.parametrize(
    ("code", "old", "new", "tells"),
    [
        ("fr", "L'image est figée.", "L'homme est figé.", "gender"),
        ("fr", "Objectif couvert ?", "Est-elle couverte ?", "gender"),
        ("tr", '"Gitti."', '"İhtiyar gitti."', "age"),
        ("hi", "सामने कोई नहीं", "सामने एक लड़की", "gender"),
        ("de", '"wirkt froh"', '"froh"', "hedged"),
        ("pl", 'many = "{n} osób", ', "", "needs exactly the forms few, many, one, other"),
        ("cs", "na dvou hodinách", "vpředu", "the same twice"),
    ],
)
def test_the_lint_knows_languages(tmp_path: Path, code: str, old: str, new: str, tells: str) -> None:
    text = PHRASES_FILE.with_stem(code).read_text(encoding="utf-8")
    assert old in text
    path = tmp_path / f"{code}.toml"
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    assert any(tells in complaint for complaint in lint.complaints(phrase_file.read(path), ENGLISH))


# Which language an error is told in


@pytest.mark.parametrize(
    ("text", "asked", "expected"),
    [
        ("[speech]\nlanguage = 'cs'\n", None, "cs"),
        ("[speech]\nlanguage = 'cs'\n", "tr", "tr"),
        ("[speech]\nlanguage = 'cs'\nspeed = 'very", None, "cs"),
        ("[speech]\nlanguage = 'xx'\n", None, "en"),
        ("[speech]\nlanguage = 'cs'\n", "xx", "en"),
        ("", None, "en"),
    ],
)
def test_an_error_is_told_in_the_wearers_language(tmp_path: Path, text: str, asked: str | None, expected: str) -> None:
    file = tmp_path / "settings.toml"
    file.write_text(text, encoding="utf-8")
    assert languages.settings_for_error(file, asked).speech.language == expected


def test_without_a_settings_file_an_error_is_told_in_english(tmp_path: Path) -> None:
    assert languages.settings_for_error(tmp_path / "none.toml", None).speech.language == "en"
