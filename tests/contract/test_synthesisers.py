"""One suite over every voice: espeak-ng, the system's, piper, speech-dispatcher, none, and the tests' own fake."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from assistant.errors import DependencyError, SpeechError
from assistant.speech.espeak import EspeakSynthesiser
from assistant.speech.null_voice import NullVoice
from assistant.speech.piper import PiperSynthesiser
from assistant.speech.prosody import Prosody
from assistant.speech.speechd import SpeechDispatcher
from assistant.speech.system_voice import SystemVoiceSynthesiser
from assistant.types import Synthesiser
from tests.speech_builders import FakeVoice
from tests.voice_builders import DISPATCHER_NEEDS, humming_piper, running_dispatcher

Opener = Callable[[Path, Prosody], Synthesiser]
VOICES: dict[str, Opener] = {
    "espeak-ng": lambda _folder, how: EspeakSynthesiser("en", how, timeout_s=20),
    "pyttsx3": lambda _folder, how: SystemVoiceSynthesiser("", how, timeout_s=60),
    "piper": lambda folder, how: PiperSynthesiser(humming_piper(folder), how, timeout_s=60),
    "speech-dispatcher": lambda _folder, how: SpeechDispatcher("en", how),
    "text": lambda _folder, how: NullVoice(how.words_per_minute),
    "fake": lambda _folder, _how: FakeVoice(),
}
ELSEWHERE = ("speech-dispatcher",)
"""Voices whose sound does not pass through us."""
SENTENCE = "One person, close, at one o'clock, smiling."


@pytest.fixture(scope="module", autouse=True)
def dispatcher(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Run speech-dispatcher, where it is installed: machines without a desktop have none running."""
    if any(shutil.which(name) is None for name in DISPATCHER_NEEDS):
        yield
        return
    with running_dispatcher(tmp_path_factory.mktemp("dispatcher")) as path, pytest.MonkeyPatch.context() as patch:
        patch.setenv("SPEECHD_ADDRESS", f"unix_socket:{path}")
        yield


def opened(name: str, folder: Path, prosody: Prosody) -> Synthesiser:
    try:
        return VOICES[name](folder, prosody)
    except (DependencyError, SpeechError) as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module", params=VOICES)
def voice(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Synthesiser]:
    voice = opened(request.param, tmp_path_factory.mktemp("voice"), Prosody())
    yield voice
    voice.close()


def test_it_has_a_name(voice: Synthesiser) -> None:
    assert voice.name in VOICES


def test_words_become_mono_int16_of_a_plausible_length(voice: Synthesiser) -> None:
    speech = voice.synthesise(SENTENCE)
    assert speech.pcm.dtype == np.int16
    assert speech.pcm.ndim == 1
    assert 0.8 < speech.seconds < 5.0  # 7 words, at 84 to 525 words a minute


def test_sound_is_not_silence(voice: Synthesiser) -> None:
    loud = np.abs(voice.synthesise(SENTENCE).pcm.astype(int)).mean()
    assert loud == 0 if voice.name in ELSEWHERE else loud > 100


def test_more_words_take_longer(voice: Synthesiser) -> None:
    assert voice.synthesise(f"{SENTENCE} {SENTENCE}").seconds > 1.5 * voice.synthesise(SENTENCE).seconds


def test_the_same_words_can_be_said_again(voice: Synthesiser) -> None:
    assert voice.synthesise("Smiling.").seconds == pytest.approx(voice.synthesise("Smiling.").seconds, rel=0.1)


@pytest.mark.parametrize("text", ["", " ", "…", "ﬀ 𝄞 \ud800", "<break/> [[h@l'oU]]", "a\0b", "-q --help"])
def test_odd_text_does_no_harm(voice: Synthesiser, text: str) -> None:
    assert voice.synthesise(text).seconds < 20
    assert voice.synthesise("Smiling.").seconds > 0.1


@pytest.mark.parametrize("name", [name for name in VOICES if name != "fake"])
class TestSettings:
    def test_a_faster_voice_takes_less_time(self, name: str, tmp_path: Path) -> None:
        seconds = []
        for wpm in (200, 400):
            voice = opened(name, tmp_path, Prosody(wpm))
            seconds.append(voice.synthesise(f"{SENTENCE} {SENTENCE}").seconds)
            voice.close()
        assert seconds[1] < 0.75 * seconds[0]

    def test_close_may_come_twice(self, name: str, tmp_path: Path) -> None:
        voice = opened(name, tmp_path, Prosody())
        voice.close()
        voice.close()


def test_a_damaged_voice_file_is_told(tmp_path: Path) -> None:
    pytest.importorskip("piper", reason='piper-tts is not installed: pip install "facecue[piper]"')
    (tmp_path / "bad.onnx").write_bytes(b"no model")
    (tmp_path / "bad.onnx.json").write_text("{}")
    with pytest.raises(SpeechError, match=r"bad\.onnx cannot be read"):
        PiperSynthesiser(tmp_path / "bad.onnx")
