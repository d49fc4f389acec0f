"""What can speak here, as `facecue voices` tells it."""

from __future__ import annotations

import json

import pytest

from assistant import engines
from assistant.errors import DependencyError
from assistant.settings import Settings
from assistant.speech.null_voice import NullVoice
from tests.app_builders import call
from tests.speech_builders import FakeVoice


class Listing(FakeVoice):
    name = "espeak-ng"

    def voices(self) -> list[str]:
        return ["cs", "en", "en-gb"]


@pytest.fixture(autouse=True)
def only_espeak(monkeypatch: pytest.MonkeyPatch) -> list[FakeVoice]:
    """espeak lists three voices, speech-dispatcher none; the others are not installed."""
    opened: list[FakeVoice] = []

    def opener(settings: Settings, engine: str = "") -> FakeVoice:
        if engine not in ("", "espeak", "speech-dispatcher"):
            raise DependencyError(f"{engine} is not installed.", f"Run `pip install {engine}`.", "no_voice")
        opened.append(FakeVoice() if engine == "speech-dispatcher" else Listing())
        return opened[-1]

    monkeypatch.setattr(engines, "open_voice", opener)
    monkeypatch.setattr(engines, "voice_or_text", lambda settings: (opener(settings), ""))
    return opened


def test_engines_are_told_a_line_each_with_remedies() -> None:
    status, out, err = call("voices")
    lines = out.splitlines()
    assert (status, err) == (0, "")
    assert lines[:4] == [
        "Engine espeak: Works, 3 voices. This one speaks.",
        "Engine pyttsx3: Not available. pyttsx3 is not installed. What to do: Run `pip install pyttsx3`.",
        "Engine piper: Not available. piper is not installed. What to do: Run `pip install piper`.",
        "Engine speech-dispatcher: Works; it keeps its voices to itself.",
    ]
    assert lines[-1] == "Voices of espeak: cs, en, en-gb."


def test_complete_languages_are_told_with_the_one_that_is_set() -> None:
    out = call("voices", "--language", "cs_CZ")[1]
    assert "cs: Czech, čeština; espeak's voice cs. This one is set." in out.splitlines()
    assert out.count("This one is set.") == 1


def test_the_json_has_engines_voices_and_languages() -> None:
    told = json.loads(call("voices", "--json")[1])
    assert [engine["name"] for engine in told["engines"] if engine["works"]] == ["espeak", "speech-dispatcher"]
    assert told["engines"][0]["voices"] == ["cs", "en", "en-gb"]
    assert [engine["name"] for engine in told["engines"] if engine["speaks"]] == ["espeak"]
    assert {"code": "pt", "name": "português", "english_name": "Portuguese", "voice": "pt-br", "set": False} in told[
        "languages"
    ]
    assert len(told["languages"]) >= 12


def test_every_voice_is_closed(only_espeak: list[FakeVoice]) -> None:
    engines.engines(Settings())
    assert len(only_espeak) == 3
    assert all(voice.closed for voice in only_espeak)


def test_where_nothing_speaks_that_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engines, "voice_or_text", lambda _: (NullVoice(), "No voice."))
    assert "No engine speaks: words are printed." in call("voices")[1].splitlines()
