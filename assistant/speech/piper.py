"""Speak with piper, a neural voice, from a voice file that the wearer has."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Final

from assistant.errors import DependencyError, SpeechError
from assistant.speech.prosody import Prosody
from assistant.speech.worker import ProcessSynthesiser, VoiceProcess, module_command

NAME: Final = "piper"
INSTALL: Final = 'pip install "facecue[piper]"'
_USUAL: Final = Prosody()


class PiperSynthesiser(ProcessSynthesiser):
    """Turn text into speech with piper in a process of its own. Blocks while it computes.

    piper speaks natural, and slower to answer than espeak-ng: tens to hundreds of milliseconds a sentence.

    Args:
        voice_file: a voice of piper, NAME.onnx with NAME.onnx.json beside it; nothing is downloaded.
        prosody: speed and volume; piper has no pitch.
        timeout_s: longest wait before the voice counts as hung.

    Raises:
        DependencyError: piper-tts is not installed.
        SpeechError: the voice file is missing or damaged; the caller falls back.
    """

    name = NAME

    def __init__(self, voice_file: Path, prosody: Prosody = _USUAL, timeout_s: float = 5.0) -> None:
        if importlib.util.find_spec("piper") is None:
            raise DependencyError("piper-tts is not installed.", f"Run `{INSTALL}`.", "no_voice")
        if not voice_file.name:
            raise SpeechError(
                "No voice file of piper is named.",
                "Get one, NAME.onnx with NAME.onnx.json, and name it in speech.voice_file.",
            )
        for path in (voice_file, Path(f"{voice_file}.json")):
            if not path.is_file():
                raise SpeechError(
                    f"The voice file {path} of piper is missing.",
                    "Set speech.voice_file to a file NAME.onnx that has NAME.onnx.json beside it.",
                )
        command = module_command("assistant.speech.piper_worker", str(voice_file.absolute()), prosody.encoded())
        super().__init__(VoiceProcess(NAME, command, timeout_s=timeout_s))
