"""Compose what speaks, and fall back until something is left. Part of the composition root, for `app` alone."""

from __future__ import annotations

import time
from typing import Final

import numpy as np

from assistant import languages
from assistant.clock import SystemClock
from assistant.errors import DependencyError, SpeechError
from assistant.settings import Settings
from assistant.speech import earcons
from assistant.speech.espeak import EspeakSynthesiser
from assistant.speech.players import Player, open_player
from assistant.speech.speaker import QueueSpeaker
from assistant.speech.system_voice import SystemVoiceSynthesiser
from assistant.types import Priority, Speech, Synthesiser, Utterance

_MATCHING: Final = "auto"  # the setting for the voice that speaks the language
_LASTS_S: Final = 3600.0  # of words that somebody asked for: they do not expire while they are spoken


class TextOnly:
    """Stand in where no voice can be had: an earcon says that there is something to read, and words take their time.

    Args:
        words_per_minute: how fast they would be spoken.
    """

    def __init__(self, words_per_minute: int) -> None:
        self._word_s = 60.0 / words_per_minute

    def synthesise(self, text: str) -> Speech:
        """Return an earcon, and silence for as long as the words would last."""
        sound = earcons.earcon(earcons.ERROR)
        silence = np.zeros(round(len(text.split()) * self._word_s * sound.rate_hz), np.int16)
        return Speech(np.concatenate([sound.pcm, silence]), sound.rate_hz)

    def close(self) -> None:
        """Do nothing."""


def open_voice(settings: Settings) -> Synthesiser:
    """Start the voice the settings ask for.

    Raises:
        DependencyError: its package is not installed.
        SettingsError: there are no phrases in the language.
        SpeechError: it is unknown or does not start.
    """
    wanted = settings.speech
    voice = languages.voice(wanted.language, wanted.engine) if wanted.voice == _MATCHING else wanted.voice
    if wanted.engine == "pyttsx3":
        return SystemVoiceSynthesiser(voice, wanted.words_per_minute)
    return EspeakSynthesiser(voice, wanted.words_per_minute)


def voice_or_text(settings: Settings) -> tuple[Synthesiser, str]:
    """Start the voice, or stand in for it; return it and a sentence about what is missing, or ""."""
    try:
        return open_voice(settings), ""
    except (DependencyError, SpeechError) as error:
        return TextOnly(settings.speech.words_per_minute), f"No voice: {error} Going on with text only."


def sound_or_silence(settings: Settings) -> tuple[Player, str]:
    """Open the sound output; return it and a sentence about what is missing, or ""."""
    wanted = settings.speech.output
    player = open_player(wanted)
    name, reason = player.describe()
    return player, f"{reason} Going on with text only." if name == "none" and wanted != "none" else ""


def say_aloud(settings: Settings, text: str) -> list[str]:
    """Speak one sentence to its end; return a sentence for each thing that is missing."""
    synthesiser, no_voice = voice_or_text(settings)
    player, no_sound = sound_or_silence(settings)
    clock = SystemClock()
    with QueueSpeaker(synthesiser, player, clock) as speaker:
        now_s = clock.now_s()
        speaker.say(Utterance(text, Priority.MESSAGE, now_s, now_s + _LASTS_S, "answer"), now_s)
        if not no_voice and not no_sound:
            speaker.drain(time.sleep)
    return [sentence for sentence in (no_voice, no_sound) if sentence]
