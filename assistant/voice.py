"""Compose what speaks, and fall back until something is left. Part of the composition root, for `app` and `run`."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, Self

from assistant import languages
from assistant.clock import SystemClock
from assistant.errors import DependencyError, SpeechError
from assistant.health import Health
from assistant.settings import Settings
from assistant.speech import earcons
from assistant.speech.espeak import EspeakSynthesiser
from assistant.speech.null_voice import NullVoice
from assistant.speech.piper import PiperSynthesiser
from assistant.speech.players import Player, open_player
from assistant.speech.prosody import Prosody
from assistant.speech.speaker import QueueSpeaker
from assistant.speech.speechd import DispatchingPlayer, SpeechDispatcher
from assistant.speech.system_voice import SystemVoiceSynthesiser
from assistant.types import Priority, Synthesiser, Utterance

_AUTO: Final = "auto"
_ORDER: Final = ("piper", "espeak", "pyttsx3")
"""Engines to try, best first. speech-dispatcher must be asked for: what it says cannot be kept, placed or timed."""
_LASTS_S: Final = 3600.0  # of words that somebody asked for: they do not expire while they are spoken
_BREATH_S: Final = 0.3  # after a sentence: the device plays it to its end, and the next one stands apart
_SINKS_IN_S: Final = 0.5  # after a sound that is being learned


def prosody(settings: Settings) -> Prosody:
    """Return how the settings want words spoken."""
    wanted = settings.speech
    return Prosody(wanted.words_per_minute, wanted.pitch, wanted.volume, wanted.punctuation)


def open_voice(settings: Settings, engine: str = "") -> Synthesiser:
    """Start the voice the settings ask for; with `engine` "auto", the first that works.

    Args:
        settings: which voice, and how it speaks.
        engine: another engine than the settings'.

    Raises:
        DependencyError: its package is not installed.
        SettingsError: there are no phrases in the language.
        SpeechError: it is unknown or does not start.
    """
    engine = engine or settings.speech.engine
    if engine != _AUTO:
        return _open(engine, settings.speech.voice, settings)
    failed: DependencyError | SpeechError | None = None
    for each in _order(settings):
        try:
            return _open(each, settings.speech.voice, settings)
        except (DependencyError, SpeechError) as error:
            failed = failed or error
    assert failed is not None  # the order is never empty
    raise failed


def voice_or_text(settings: Settings) -> tuple[Synthesiser, str]:
    """Start the voice, or the next best, or stand in for it; return it and a sentence about what is missing, or ""."""
    failed: DependencyError | SpeechError | None = None
    for engine, name in _attempts(settings):
        try:
            voice = _open(engine, name, settings)
        except (DependencyError, SpeechError) as error:
            failed = failed or error
        else:
            return voice, f"{failed} Going on with the voice {voice.name}." if failed else ""
    return NullVoice(settings.speech.words_per_minute), f"No voice: {failed} Going on with text only."


def note_voice(health: Health, voice: Synthesiser, missing: str) -> None:
    """Let the page tell that another voice than the wanted one speaks, or none.

    Args:
        health: of the run.
        voice: that speaks.
        missing: the sentence that `voice_or_text` gave with it; "" where it is the wanted one.
    """
    health.missing("voice", missing, "lost" if voice.name == NullVoice.name else "working")


def sound_or_silence(settings: Settings, voice: Callable[[], Synthesiser]) -> tuple[Player, str]:
    """Open the sound output; return it and a sentence about what is missing, or "".

    Args:
        settings: which output.
        voice: returns the voice of the moment.
    """
    wanted = settings.speech.output
    player = open_player(wanted)
    name, reason = player.describe()
    missing = f"{reason} Going on with text only." if name == "none" and wanted != "none" else ""
    if settings.speech.engine == SpeechDispatcher.name and wanted != "none":
        player = DispatchingPlayer(player, voice)
    return player, missing


class Aloud:
    """Say one thing after another, each to its end; where nothing can be heard, only go on.

    Args:
        settings: voice and sound.

    Attributes:
        missing: a sentence for each thing that is missing.
    """

    def __init__(self, settings: Settings) -> None:
        voice, no_voice = voice_or_text(settings)
        player, no_sound = sound_or_silence(settings, lambda: voice)
        self.missing = [sentence for sentence in (no_voice, no_sound) if sentence]
        self._heard, self._clock = player.name != "none", SystemClock()
        self._speaker = QueueSpeaker(voice, player, self._clock)

    def say(self, text: str, earcon: str = "", pan: float = 0.0) -> None:
        """Speak, after a sound where one is named, from a side."""
        if self._heard:
            now_s = self._clock.now_s()
            words = Utterance(text, Priority.MESSAGE, now_s, now_s + _LASTS_S, "answer", pan=pan, earcon=earcon)
            self._speaker.say(words, now_s)
            self._speaker.drain(time.sleep)
            time.sleep(_BREATH_S)

    def sound(self, name: str) -> None:
        """Play an earcon, and let it sink in."""
        if self._heard:
            self._speaker.chime(name)
            time.sleep(earcons.earcon(name).seconds + _SINKS_IN_S)

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Cut what is being said, and release voice and sound."""
        self._speaker.close()


def say_aloud(settings: Settings, text: str) -> list[str]:
    """Speak one sentence to its end; return a sentence for each thing that is missing."""
    with Aloud(settings) as aloud:
        aloud.say(text)
        return aloud.missing


def _order(settings: Settings) -> Iterator[str]:
    """Yield the engines to try: the one that is asked for, then the rest."""
    wanted = settings.speech
    if wanted.engine != _AUTO:
        yield wanted.engine
    for engine in _ORDER:
        if engine != wanted.engine and (engine != "piper" or wanted.voice_file):
            yield engine


def _attempts(settings: Settings) -> Iterator[tuple[str, str]]:
    """Yield (engine, voice) to try: with the voice that is asked for, then with the one of the language."""
    for voice in dict.fromkeys((settings.speech.voice, _AUTO)):
        for engine in _order(settings):
            yield engine, voice


def _open(engine: str, voice: str, settings: Settings) -> Synthesiser:
    wanted, how = settings.speech, prosody(settings)
    if voice == _AUTO:
        voice = languages.voice(wanted.language, engine)
    match engine:
        case "none":
            return NullVoice(wanted.words_per_minute)
        case "piper":
            return PiperSynthesiser(Path(wanted.voice_file).expanduser(), how)
        case "pyttsx3":
            return SystemVoiceSynthesiser(voice, how)
        case SpeechDispatcher.name:
            return SpeechDispatcher(voice, how)
        case _:
            return EspeakSynthesiser(voice, how)
