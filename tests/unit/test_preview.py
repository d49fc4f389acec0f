"""What each level would say: the policy's own words about a made scene."""

from __future__ import annotations

import json
from itertools import pairwise

import pytest

from assistant import languages
from assistant.page_words import page_words
from assistant.speech.claims import CUES
from assistant.speech.preview import preview
from tests.app_builders import call
from tests.speech_builders import phrases


def said(verbosity: int, **more: object) -> list[str]:
    return [utterance.text for utterance in preview(phrases(), verbosity, **more)]  # type: ignore[arg-type]


def test_each_level_says_more_than_the_one_before() -> None:
    levels = [said(level) for level in (1, 2, 3, 4)]
    assert levels[0] == ["One person, two metres, at one o'clock.", "They left."]
    for less, more in pairwise(levels):
        assert set(less) < set(more)
        assert [text for text in more if text in less] == less
    assert {"Facing you.", "Smiling broadly.", "Nodding."} < set(levels[1])
    assert {"Brows raised.", "Talking."} <= set(levels[2]) - set(levels[1])
    assert {"Coming closer.", "Lips pressed."} <= set(levels[3]) - set(levels[2])


@pytest.mark.parametrize("cue", sorted(CUES))
def test_every_switch_has_something_to_hear(cue: str) -> None:
    told = preview(phrases(), 4, frozenset({cue}))
    assert told
    assert {utterance.reason for utterance in told} == {cue}


def test_a_switch_that_is_off_is_heard_to_be_off() -> None:
    assert "Smiling broadly." not in said(2, cues=CUES - {"smile"})


def test_emotion_words_are_heard_where_they_are_on() -> None:
    assert not any("happy" in text for text in said(2))
    assert any(text.startswith("Seems happy") for text in said(2, emotions=True))


@pytest.mark.parametrize("code", [language.code for language in languages.complete_languages()])
def test_every_language_previews_every_level(code: str) -> None:
    lengths = [len(preview(languages.phrases(code), level)) for level in (1, 2, 3, 4)]
    assert lengths == sorted(set(lengths))


def test_the_command_prints_each_level_under_its_name() -> None:
    status, out, err = call("preview", "--mute")
    lines = out.splitlines()
    assert (status, err) == (0, "")
    assert lines[:4] == [
        "One: who comes and goes.",
        "  One person, two metres, at one o'clock.",
        "  They left.",
        "Two: also smiles and strong changes.",
    ]
    assert [line[2:] for line in lines[lines.index("Four: also details.") + 1 :]] == said(4)


def test_the_command_keeps_to_one_level_and_to_the_settings(tmp_path) -> None:  # type: ignore[no-untyped-def]
    file = tmp_path / "settings.toml"
    file.write_text("[cues]\nsmile = false\n")
    told = json.loads(call("preview", "--json", "--verbosity", "2", "--settings", file)[1])
    assert told == {"2": said(2, cues=CUES - {"smile", "eyes_closed"})}


# The page lets one hear the same


def test_the_page_previews_in_the_wearers_language() -> None:
    german = page_words("de")
    assert (
        german.example("speech.verbosity", 1, "One person.")
        == "Eine Person, zwei Meter, auf ein Uhr. Die Person ist weg."
    )
    assert german.example("cues.smile", True, "Smiling.") == "Lächelt breit."
    assert german.example("speech.emotions", True, "Seems happy.").startswith("Wirkt froh")
    assert german.example("speech.pitch", 50, "This is how I sound now.") == "So klinge ich jetzt."
