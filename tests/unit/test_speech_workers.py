"""What runs inside a voice's process, run here: messages, espeak-ng's own interface, the system's voice."""

from __future__ import annotations

import io
import json
import sys
import threading
import types
import wave
from collections.abc import Callable
from pathlib import Path
from typing import Any

import espeakng_loader
import numpy as np
import pytest

from assistant.speech import frames
from assistant.speech.espeak_worker import Espeak
from assistant.speech.prosody import Prosody
from assistant.speech.system_voice_worker import SystemVoice, read_wav
from assistant.speech.worker import speech_from

LIBRARY, DATA = espeakng_loader.get_library_path(), espeakng_loader.get_data_path()


class Parrot:
    def speak(self, text: str) -> tuple[int, bytes]:
        if text == "no":
            raise frames.VoiceError("will not")
        return 8_000, text.encode()

    def voices(self) -> list[str]:
        return ["parrot"]


def sent(*messages: tuple[bytes, bytes]) -> io.BytesIO:
    stream = io.BytesIO()
    for kind, payload in messages:
        frames.write_frame(stream, kind, payload)
    stream.seek(0)
    return stream


def test_every_request_has_its_answer() -> None:
    replies = io.BytesIO()
    requests = sent((frames.SPEAK, b"ab"), (frames.SPEAK, b"no"), (frames.LIST, b""), (frames.SPEAK, b""))
    frames.serve(Parrot(), requests, replies)
    replies.seek(0)
    got = list(iter(lambda: frames.read_frame(replies), None))
    assert [kind for kind, _ in got] == [frames.READY, frames.AUDIO, frames.FAILED, frames.VOICES, frames.AUDIO]
    speech = speech_from(got[1][1])
    assert speech.rate_hz == 8_000
    assert speech.pcm.tobytes() == b"ab"
    assert got[2][1] == b"will not"
    assert json.loads(got[3][1]) == ["parrot"]


@pytest.mark.parametrize("cut", [1, 4, 6])
def test_a_message_cut_short_is_not_taken_for_the_end(cut: int) -> None:
    stream = io.BytesIO(sent((frames.SPEAK, b"abc")).read()[:cut])
    with pytest.raises(EOFError, match="ends"):
        frames.read_frame(stream)


def test_noise_is_no_message() -> None:
    with pytest.raises(EOFError, match="no message"):
        frames.read_frame(io.BytesIO(b"\xff" * 100))


def test_espeak_speaks_through_its_c_interface() -> None:
    engine = Espeak(LIBRARY, DATA, "en", Prosody(260))
    rate_hz, pcm = engine.speak("Smiling.")
    assert rate_hz == 22_050
    assert np.abs(np.frombuffer(pcm, "<i2").astype(int)).max() > 5_000
    assert "en" in engine.voices()
    with pytest.raises(frames.VoiceError, match="no voice 'xx-none'"):
        Espeak(LIBRARY, DATA, "xx-none", Prosody(260))


def test_a_missing_library_is_told(tmp_path: Path) -> None:
    with pytest.raises(frames.VoiceError, match="cannot be loaded"):
        Espeak(str(tmp_path / "none.so"), DATA, "en", Prosody(260))


class System:
    """Stand in for pyttsx3, which may still write its WAV file in another thread when it has run."""

    def __init__(self) -> None:
        self.properties: dict[str, Any] = {}
        self._path = ""
        self._tell: Callable[..., None] = print

    def connect(self, topic: str, tell: Callable[..., None]) -> None:
        assert topic == "finished-utterance"
        self._tell = tell

    def setProperty(self, name: str, value: Any) -> None:  # noqa: N802
        self.properties[name] = value

    def getProperty(self, _: str) -> list[Any]:  # noqa: N802
        return [
            types.SimpleNamespace(id="voices/zira", name="Zira, French", languages=["fr_FR"]),
            types.SimpleNamespace(id="voices/david", name="D", languages=[b"\x05en-gb"]),
        ]

    def save_to_file(self, _: str, path: str) -> None:
        self._path = path

    def runAndWait(self) -> None:  # noqa: N802
        threading.Thread(target=self._write).start()

    def _write(self) -> None:
        with wave.open(self._path, "wb") as sound:
            sound.setnchannels(1)
            sound.setsampwidth(2)
            sound.setframerate(16_000)
            sound.writeframes(b"\1\0" * 100)
        self._tell(name=None, completed=True)


@pytest.fixture
def system(monkeypatch: pytest.MonkeyPatch) -> System:
    engine = System()
    monkeypatch.setitem(sys.modules, "pyttsx3", types.SimpleNamespace(init=lambda: engine))
    return engine


def test_the_system_voice_speaks_through_a_file(system: System) -> None:
    voice = SystemVoice("DAVID", Prosody(300))
    assert system.properties == {"rate": 300, "volume": 1.0, "voice": "voices/david"}
    assert voice.speak("Smiling.") == (16_000, b"\1\0" * 100)
    assert voice.speak(" ") == (22_050, b"")
    assert voice.voices() == ["voices/david", "voices/zira"]
    for asked, got in (("en", "david"), ("en-GB", "david"), ("fr", "zira"), ("voices/zira", "zira"), ("zira", "zira")):
        SystemVoice(asked, Prosody(300))
        assert system.properties["voice"] == f"voices/{got}"
    with pytest.raises(frames.VoiceError, match="no voice 'hal'"):
        SystemVoice("hal", Prosody(300))


def test_a_system_without_a_voice_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def init() -> None:
        raise RuntimeError("eSpeak or eSpeak-ng not installed!")

    monkeypatch.setitem(sys.modules, "pyttsx3", types.SimpleNamespace(init=init))
    with pytest.raises(frames.VoiceError, match="not installed"):
        SystemVoice("", Prosody(300))


def test_sound_of_another_form_is_told(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    with pytest.raises(frames.VoiceError, match="no WAV"):
        read_wav(path)
    path.write_bytes(b"FORM....AIFF")
    with pytest.raises(frames.VoiceError, match="no WAV"):
        read_wav(path)
    with wave.open(str(path), "wb") as sound:
        sound.setnchannels(2)
        sound.setsampwidth(2)
        sound.setframerate(8_000)
    with pytest.raises(frames.VoiceError, match="mono"):
        read_wav(path)
