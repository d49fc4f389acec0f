"""One suite over every voice: espeak-ng, the system's, and the fake that other tests use."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pytest

from assistant.errors import DependencyError, SpeechError
from assistant.speech.espeak import EspeakSynthesiser
from assistant.speech.system_voice import SystemVoiceSynthesiser
from assistant.types import Synthesiser
from tests.speech_builders import FakeVoice

VOICES: dict[str, Callable[[], Synthesiser]] = {
    "espeak-ng": lambda: EspeakSynthesiser(timeout_s=20),
    "pyttsx3": lambda: SystemVoiceSynthesiser(timeout_s=60),
    "fake": FakeVoice,
}
SENTENCE = "One person, close, at one o'clock, smiling."


@pytest.fixture(scope="module", params=VOICES)
def voice(request: pytest.FixtureRequest) -> Iterator[Synthesiser]:
    try:
        voice = VOICES[request.param]()
    except (DependencyError, SpeechError) as error:
        pytest.skip(str(error))
    yield voice
    voice.close()


def test_words_become_mono_int16_of_a_plausible_length(voice: Synthesiser) -> None:
    speech = voice.synthesise(SENTENCE)
    assert speech.pcm.dtype == np.int16
    assert speech.pcm.ndim == 1
    assert 0.8 < speech.seconds < 5.0  # 7 words, at 84 to 525 words a minute


def test_sound_is_not_silence(voice: Synthesiser) -> None:
    assert np.abs(voice.synthesise(SENTENCE).pcm.astype(int)).mean() > 100


def test_more_words_take_longer(voice: Synthesiser) -> None:
    assert voice.synthesise(f"{SENTENCE} {SENTENCE}").seconds > 1.5 * voice.synthesise(SENTENCE).seconds


def test_the_same_words_can_be_said_again(voice: Synthesiser) -> None:
    assert voice.synthesise("Smiling.").seconds == pytest.approx(voice.synthesise("Smiling.").seconds, rel=0.1)


@pytest.mark.parametrize("text", ["", " ", "…", "ﬀ 𝄞 \ud800", "<break/> [[h@l'oU]]", "a\0b", "-q --help"])
def test_odd_text_does_no_harm(voice: Synthesiser, text: str) -> None:
    assert voice.synthesise(text).seconds < 20
    assert voice.synthesise("Smiling.").seconds > 0.1


def test_close_may_come_twice() -> None:
    for name, opener in VOICES.items():
        try:
            voice = opener()
        except (DependencyError, SpeechError):
            assert name == "pyttsx3"
            continue
        voice.close()
        voice.close()
