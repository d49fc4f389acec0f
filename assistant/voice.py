"""Compose what speaks, and fall back until something is left. Part of the composition root, for `app` alone."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from assistant.clock import Clock, SystemClock
from assistant.errors import DependencyError, SpeechError
from assistant.settings import Settings
from assistant.speech import earcons
from assistant.speech.espeak import EspeakSynthesiser
from assistant.speech.players import open_player
from assistant.speech.speaker import QueueSpeaker, SoundFile, SpeechEvent
from assistant.speech.system_voice import SystemVoiceSynthesiser
from assistant.types import Priority, Speech, Synthesiser, Utterance

_LASTS_S = 3600.0  # of words that somebody asked for: they do not expire while they are spoken


class TextOnly:
    """Stand in where no voice can be had: an earcon says that there is something to read, and words take their time.

    Args:
        words_per_minute: how fast they would be spoken.
    """

    def __init__(self, words_per_minute: int) -> None:
        self._word_s = 60.0 / words_per_minute

    def synthesise(self, text: str) -> Speech:
        """Return an earcon, and silence for as long as the words would last."""
        sound = earcons.earcon(earcons.FAILED)
        silence = np.zeros(round(len(text.split()) * self._word_s * sound.rate_hz), np.int16)
        return Speech(np.concatenate([sound.pcm, silence]), sound.rate_hz)

    def close(self) -> None:
        """Do nothing."""


def open_voice(settings: Settings) -> Synthesiser:
    """Start the voice the settings ask for.

    Raises:
        DependencyError: its package is not installed.
        SpeechError: it is unknown or does not start.
    """
    wanted = settings.speech
    if wanted.engine == "pyttsx3":
        return SystemVoiceSynthesiser(wanted.voice, wanted.words_per_minute)
    return EspeakSynthesiser(wanted.voice, wanted.words_per_minute)


def open_speaker(
    settings: Settings,
    clock: Clock,
    silent: bool,
    on_event: Callable[[SpeechEvent], None],
    wav: SoundFile | None = None,
) -> tuple[QueueSpeaker, list[str]]:
    """Open voice and sound, and say what could not be had.

    Args:
        settings: voice, rate and output.
        clock: the loop's.
        silent: no sound is wanted; words still take their time.
        on_event: see `QueueSpeaker`.
        wav: see `QueueSpeaker`.

    Returns:
        The speaker, and a sentence for each thing that is missing.
    """
    missing = []
    try:
        synthesiser = open_voice(settings)
    except (DependencyError, SpeechError) as error:
        synthesiser = TextOnly(settings.speech.words_per_minute)
        missing.append(f"No voice: {error} Going on with text only.")
    player = open_player("none" if silent else settings.speech.output)
    name, reason = player.describe()
    if name == "none" and not silent and settings.speech.output != "none":
        missing.append(f"{reason} Going on with text only.")
    return QueueSpeaker(synthesiser, player, clock, on_event, wav), missing


def say_aloud(settings: Settings, text: str) -> list[str]:
    """Speak one sentence to its end; return a sentence for each thing that is missing."""
    clock = SystemClock()
    speaker, missing = open_speaker(settings, clock, False, lambda _: None)
    with speaker:
        now_s = clock.now_s()
        speaker.say(Utterance(text, Priority.ANSWER, now_s, now_s + _LASTS_S, "answer"), now_s)
        if not missing:
            speaker.drain(time.sleep)
    return missing
