"""Speak with the system's own voices through pyttsx3: SAPI5 on Windows, the speech synthesizer of macOS."""

from __future__ import annotations

import importlib.util
from typing import Final

from assistant.errors import DependencyError
from assistant.speech.prosody import Prosody
from assistant.speech.worker import ProcessSynthesiser, VoiceProcess, module_command

NAME: Final = "pyttsx3"
INSTALL: Final = 'pip install "facecue[pyttsx3]"'
_USUAL: Final = Prosody()


class SystemVoiceSynthesiser(ProcessSynthesiser):
    """Turn text into speech with a system voice in a process of its own. Blocks while it speaks into a file.

    Args:
        voice: a voice's id, its language such as "en", or a part of its name; "" for the system's own choice.
        prosody: speed and volume; pyttsx3 has no pitch that every system knows.
        timeout_s: longest wait before the voice counts as hung; system voices are slower than espeak-ng.

    Raises:
        DependencyError: pyttsx3 is not installed.
        SpeechError: the system has no such voice; the caller falls back.
    """

    name = NAME

    def __init__(self, voice: str = "", prosody: Prosody = _USUAL, timeout_s: float = 5.0) -> None:
        if importlib.util.find_spec("pyttsx3") is None:
            raise DependencyError("pyttsx3 is not installed.", f"Run `{INSTALL}`.", "no_voice")
        command = module_command("assistant.speech.system_voice_worker", voice, prosody.encoded())
        super().__init__(VoiceProcess(NAME, command, timeout_s=timeout_s))
