"""Run the system's voice in a process of its own: `python -m assistant.speech.system_voice_worker VOICE PROSODY`.

pyttsx3 cannot be stopped from outside and may hang in its own loop; a process can be killed.
"""

from __future__ import annotations

import sys
import tempfile
import threading
import wave
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from assistant.speech import frames
from assistant.speech.frames import VoiceError
from assistant.speech.prosody import Prosody

_LATEST_S: Final = 20.0  # after which an utterance is given up; whoever asked has mostly killed this process before


class SystemVoice:
    """Speak into a temporary WAV file with pyttsx3. Blocks.

    Args:
        voice: a voice's id, its language such as "en", or a part of its name; "" for the system's own choice.
        prosody: speed and volume.

    Raises:
        VoiceError: there is no system voice, or none of that name.
    """

    def __init__(self, voice: str, prosody: Prosody) -> None:
        import pyttsx3

        try:
            self._engine: Any = pyttsx3.init()
        except (RuntimeError, OSError, ImportError) as error:  # what its drivers raise without a voice engine
            raise VoiceError(f"the system has none ({error})") from error
        self._written = threading.Event()
        self._engine.connect("finished-utterance", lambda **_: self._written.set())
        self._engine.setProperty("rate", prosody.words_per_minute)
        self._engine.setProperty("volume", min(prosody.volume / 100, 1.0))
        if voice:
            self._engine.setProperty("voice", self._find(voice))

    def speak(self, text: str) -> tuple[int, bytes]:
        """Return the rate in Hz and mono int16 samples of the whole text."""
        if not text.strip():
            return 22_050, b""
        with tempfile.TemporaryDirectory(prefix="facecue-") as folder:
            path = Path(folder) / "speech.wav"
            self._written.clear()
            self._engine.save_to_file(text, str(path))
            self._engine.runAndWait()
            if sys.platform == "linux":  # espeak writes from a thread of its own, and a busy machine leaves it behind
                self._written.wait(_LATEST_S)
            return read_wav(path)

    def voices(self) -> list[str]:
        """Return the ids of the system's voices."""
        return sorted(str(voice.id) for voice in self._engine.getProperty("voices"))

    def _find(self, wanted: str) -> str:
        """Return the id of the voice that was meant: its id, then its language, then a part of its name or id."""
        voices = self._engine.getProperty("voices")
        fits: tuple[Callable[[Any], bool], ...] = (
            lambda voice: bool(voice.id == wanted),
            lambda voice: any(_same_language(wanted, each) for each in voice.languages),
            lambda voice: wanted.casefold() in f"{voice.name}\n{voice.id}".casefold(),
        )
        for fit in fits:
            for voice in voices:
                if fit(voice):
                    return str(voice.id)
        raise VoiceError(f"it has no voice {wanted!r}")


def _same_language(wanted: str, language: str | bytes) -> bool:
    """Tell whether "en" or "en-gb" is asked for and "en_GB" is spoken; espeak's driver gives bytes."""
    code = language.decode("ascii", "ignore").strip("\x05\x02") if isinstance(language, bytes) else language
    code, wanted = code.casefold().replace("_", "-"), wanted.casefold().replace("_", "-")
    return code == wanted or code.startswith(f"{wanted}-")


def read_wav(path: Path) -> tuple[int, bytes]:
    """Return the rate in Hz and the samples of a mono 16-bit WAV.

    Raises:
        VoiceError: the file is missing or of another form, as on macOS, whose voices may write AIFF.
    """
    try:
        with wave.open(str(path), "rb") as sound:
            if (sound.getnchannels(), sound.getsampwidth()) != (1, 2):
                raise VoiceError("it gave sound that is not mono 16-bit")
            return sound.getframerate(), sound.readframes(sound.getnframes())
    except (OSError, EOFError, wave.Error) as error:
        raise VoiceError(f"it gave no WAV file ({error})") from error


def main(arguments: list[str]) -> int:
    """Serve requests from standard input until it ends."""
    voice, prosody = arguments
    return frames.serve_process(lambda: SystemVoice(voice, Prosody.decoded(prosody)))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
