"""Which voice speaks, and what is told where another one must."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from assistant import voice
from assistant.errors import DependencyError, SpeechError
from assistant.settings import Settings
from assistant.speech import earcons
from assistant.speech.piper import PiperSynthesiser
from assistant.speech.prosody import Prosody
from tests.speech_builders import FakePlayer, FakeVoice


class Engines:
    """Stand in for the engines; those in `broken` do not start, those in `lacks` have no voice of that name."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.broken: set[str] = set()
        self.lacks: set[tuple[str, str]] = set()
        self.asked: list[tuple[str, str]] = []
        self.prosody: Prosody | None = None
        for name in ("EspeakSynthesiser", "SystemVoiceSynthesiser", "PiperSynthesiser", "SpeechDispatcher"):
            monkeypatch.setattr(voice, name, self._opener(name.removesuffix("Synthesiser")))

    def _opener(self, engine: str) -> Any:
        def opener(which: object, prosody: Prosody) -> FakeVoice:
            self.asked.append((engine, str(which)))
            self.prosody = prosody
            if engine in self.broken:
                raise DependencyError(f"{engine} is not installed.", f"Run `pip install {engine}`.", "no_voice")
            if (engine, str(which)) in self.lacks:
                raise SpeechError(f"It has no voice {which!r}.", "Near to it: en.")
            opened = FakeVoice()
            opened.name = engine
            return opened

        opener.name = "speech-dispatcher"  # type: ignore[attr-defined]
        return opener


@pytest.fixture
def engines(monkeypatch: pytest.MonkeyPatch) -> Engines:
    return Engines(monkeypatch)


def wanting(**speech: object) -> Settings:
    return Settings.model_validate({"speech": speech})


def test_by_default_espeak_speaks_the_language(engines: Engines) -> None:
    opened, missing = voice.voice_or_text(wanting(language="cs"))
    assert (opened.name, missing) == ("Espeak", "")
    assert engines.asked == [("Espeak", "cs")]


def test_every_setting_of_the_voice_reaches_it(engines: Engines) -> None:
    voice.voice_or_text(wanting(words_per_minute=400, pitch=70, volume=120, punctuation="some"))
    assert engines.prosody == Prosody(400, 70, 120, "some")


def test_a_voice_file_makes_piper_the_first(engines: Engines) -> None:
    assert voice.voice_or_text(wanting(voice_file="a/b.onnx"))[0].name == "Piper"
    assert engines.asked == [("Piper", str(Path("a/b.onnx")))]


def test_the_next_engine_speaks_and_what_is_missing_is_told_with_its_remedy(engines: Engines) -> None:
    engines.broken = {"Piper", "Espeak"}
    opened, missing = voice.voice_or_text(wanting(voice_file="b.onnx"))
    assert opened.name == "SystemVoice"
    assert missing == "Piper is not installed. Run `pip install Piper`. Going on with the voice SystemVoice.", (
        "the first that failed is the one that was wanted"
    )


@pytest.mark.parametrize(
    ("engine", "asked"), [("pyttsx3", "SystemVoice"), ("speech-dispatcher", "SpeechDispatcher"), ("piper", "Piper")]
)
def test_an_engine_that_is_asked_for_comes_first_and_the_others_follow(
    engines: Engines, engine: str, asked: str
) -> None:
    engines.broken = {asked}
    opened, missing = voice.voice_or_text(wanting(engine=engine, voice_file="b.onnx"))
    assert engines.asked[0][0] == asked
    assert opened.name != asked
    assert missing.startswith(f"{asked} is not installed.")


def test_nobody_connects_to_speech_dispatcher_unasked(engines: Engines) -> None:
    engines.broken = {"Espeak", "SystemVoice", "Piper"}
    voice.voice_or_text(wanting(voice_file="b.onnx"))
    assert "SpeechDispatcher" not in dict(engines.asked)


def test_a_voice_that_does_not_exist_is_told_and_the_language_is_spoken_anyway(engines: Engines) -> None:
    engines.lacks = {("Espeak", "anna"), ("SystemVoice", "anna")}
    opened, missing = voice.voice_or_text(wanting(voice="anna", language="de"))
    assert (opened.name, engines.asked[-1]) == ("Espeak", ("Espeak", "de"))
    assert "no voice 'anna'" in missing


def test_without_any_voice_there_is_text_and_a_sound(engines: Engines) -> None:
    engines.broken = {"Espeak", "SystemVoice"}
    opened, missing = voice.voice_or_text(wanting())
    assert missing == "No voice: Espeak is not installed. Run `pip install Espeak`. Going on with text only."
    sound = earcons.earcon(earcons.ERROR).pcm
    assert opened.synthesise("Smiling.").pcm[: len(sound)].tolist() == sound.tolist()


def test_no_voice_can_be_wanted(engines: Engines) -> None:
    opened, missing = voice.voice_or_text(wanting(engine="none"))
    assert (opened.name, missing, engines.asked) == ("text", "", [])


def test_a_report_tells_of_the_very_engine_that_is_asked_for(engines: Engines) -> None:
    engines.broken = {"SystemVoice", "Espeak"}
    with pytest.raises(DependencyError, match="SystemVoice"):
        voice.open_voice(wanting(engine="pyttsx3"))
    with pytest.raises(DependencyError, match="Espeak"):
        voice.open_voice(wanting())
    assert voice.open_voice(wanting(), "speech-dispatcher").name == "SpeechDispatcher"


def test_only_speech_dispatcher_plays_words_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    player = FakePlayer()
    monkeypatch.setattr(voice, "open_player", lambda _kind: player)
    assert voice.sound_or_silence(wanting(), FakeVoice)[0] is player
    other, missing = voice.sound_or_silence(wanting(engine="speech-dispatcher"), FakeVoice)
    assert "speech-dispatcher" in other.name
    assert missing == ""


def test_piper_without_its_package_or_its_file_tells_what_to_do(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == "piper" else object())
    with pytest.raises(DependencyError, match=r'pip install "facecue\[piper\]"'):
        PiperSynthesiser(tmp_path / "none.onnx")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: object())
    with pytest.raises(SpeechError, match=r"none\.onnx of piper is missing") as caught:
        PiperSynthesiser(tmp_path / "none.onnx")
    assert "speech.voice_file" in caught.value.remedy
