"""Find what can speak here. Part of the composition root, for `facecue voices` alone."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import Final, Protocol, runtime_checkable

from assistant.errors import DependencyError, SpeechError
from assistant.settings import Settings, override
from assistant.settings.keys import keys
from assistant.voice import open_voice, voice_or_text

_NONE: Final = ("auto", "none")


@dataclass(frozen=True, slots=True)
class Engine:
    """Hold one engine that could speak.

    Attributes:
        name: for the setting speech.engine.
        works: whether it starts here.
        speaks: whether it is the one that the settings take now.
        detail: what was found, or what is wrong.
        remedy: what to do where it does not work, "" where it does.
        voices: names for the setting speech.voice; empty where the engine keeps them to itself.
    """

    name: str
    works: bool
    speaks: bool
    detail: str
    remedy: str = ""
    voices: tuple[str, ...] = ()


@runtime_checkable
class _Lists(Protocol):
    def voices(self) -> list[str]: ...


def engines(settings: Settings) -> tuple[Engine, ...]:
    """Try every engine with the voice of the language, in the order of the setting's choices. Blocks for seconds."""
    speaking, _ = voice_or_text(settings)
    speaking.close()
    matching = override(settings, "speech", voice="auto")
    return tuple(_tried(name, matching, speaking.name) for name in keys()["speech.engine"].choices if name not in _NONE)


def _tried(name: str, settings: Settings, speaking: str) -> Engine:
    try:
        with contextlib.closing(open_voice(settings, name)) as voice:
            voices = tuple(voice.voices()) if isinstance(voice, _Lists) else ()
    except (DependencyError, SpeechError) as error:
        return Engine(name, False, False, error.cause, error.remedy)
    many = "1 voice" if len(voices) == 1 else f"{len(voices)} voices"
    detail = f"Works, {many}." if voices else "Works; it keeps its voices to itself."
    return Engine(name, True, voice.name == speaking, detail, "", voices)
