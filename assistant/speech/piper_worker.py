"""Run piper in a process of its own: `python -m assistant.speech.piper_worker VOICE_FILE PROSODY`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, Final

from assistant.speech import frames
from assistant.speech.frames import VoiceError
from assistant.speech.prosody import Prosody

_USUAL_WPM: Final = (
    170  # of a voice at its own length scale, roughly: voices differ, and no voice is shipped to measure
)


class Piper:
    """Speak with a voice file of piper. Blocks.

    Args:
        voice_file: NAME.onnx.
        prosody: speed and volume.

    Raises:
        VoiceError: the file is no voice of piper.
    """

    def __init__(self, voice_file: Path, prosody: Prosody) -> None:
        import piper

        self._name = voice_file.stem
        try:
            self._voice: Any = piper.PiperVoice.load(voice_file)
        except Exception as error:  # onnxruntime, JSON and piper each raise their own
            raise VoiceError(f"its voice file {voice_file} cannot be read ({error})") from error
        self._how: Any = piper.SynthesisConfig(
            length_scale=_USUAL_WPM / prosody.words_per_minute, volume=prosody.volume / 100
        )

    def speak(self, text: str) -> tuple[int, bytes]:
        """Return the rate in Hz and mono int16 samples of the whole text."""
        rate_hz = int(self._voice.config.sample_rate)
        if not text.strip():
            return rate_hz, b""
        try:
            chunks = list(self._voice.synthesize(text.replace("\0", " "), syn_config=self._how))
        except Exception as error:  # whatever its phonemiser or onnxruntime raise for odd text
            raise VoiceError(f"it cannot speak that ({error})") from error
        return rate_hz, b"".join(chunk.audio_int16_bytes for chunk in chunks)

    def voices(self) -> list[str]:
        """Return the name of the voice file."""
        return [self._name]


def main(arguments: list[str]) -> int:
    """Serve requests from standard input until it ends."""
    voice_file, prosody = arguments
    return frames.serve_process(lambda: Piper(Path(voice_file), Prosody.decoded(prosody)))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
