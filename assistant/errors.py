"""Say what went wrong, what to do about it, and what the wearer hears: one class a kind of failure.

Every error that a person can meet derives from `FacecueError`. The command line prints cause and remedy,
exits with `exit_status`, and speaks `spoken` where there is a voice.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Final, Literal

Key = Literal[
    "problem",
    "settings",
    "source",
    "no_camera",
    "no_picture",
    "camera_lost",
    "no_video",
    "no_answer",
    "model",
    "output",
    "dependency",
    "no_demo",
    "no_voice",
    "no_microphone",
    "speech",
    "accelerator",
]
"""Which sentence tells of an error: a key of the section [error] of every phrase file."""

SPOKEN: Final[Mapping[Key, str]] = {
    "problem": "Facecue has a problem.",
    "settings": "The settings are wrong.",
    "source": "I cannot see.",
    "no_camera": "I find no camera.",
    "no_picture": "The camera gives no picture.",
    "camera_lost": "The camera is lost.",
    "no_video": "The camera's address gives no video.",
    "no_answer": "The camera's address does not answer.",
    "model": "A model is damaged.",
    "output": "I cannot save that.",
    "dependency": "Something is not installed.",
    "no_demo": "The demo is not installed.",
    "no_voice": "The voice is not installed.",
    "no_microphone": "I find no microphone.",
    "speech": "I cannot speak.",
    "accelerator": "The accelerator failed.",
}
"""The sentences in English, for where the phrases themselves cannot be had."""


class FacecueError(Exception):
    """Carry a cause, a remedy and the key of a short sentence to be spoken.

    Args:
        cause: what went wrong, naming the file, device or key.
        remedy: what the person can do about it, as an instruction.
        key: which sentence the wearer hears. Defaults to the class's.
    """

    exit_status: ClassVar[int] = 1
    default_key: ClassVar[Key] = "problem"

    def __init__(self, cause: str, remedy: str, key: Key | None = None) -> None:
        super().__init__(f"{cause} {remedy}")
        self.cause = cause
        self.remedy = remedy
        self.key: Key = key or self.default_key

    @property
    def spoken(self) -> str:
        """What the wearer hears, in English; `Phrases.error` has it in the wearer's language."""
        return SPOKEN[self.key]


class SettingsError(FacecueError):
    """A settings file or an option is wrong."""

    exit_status = 2
    default_key = "settings"


class SourceError(FacecueError):
    """A camera, clip, picture or address cannot be read."""

    exit_status = 3
    default_key = "source"


class ModelError(FacecueError):
    """A model file is missing, altered, truncated or does not fit its manifest."""

    exit_status = 4
    default_key = "model"


class OutputError(FacecueError):
    """A file cannot be written, because of its folder, its rights or a full disk."""

    exit_status = 5
    default_key = "output"


class DependencyError(FacecueError):
    """An optional package or library is needed and missing; the remedy is the install line."""

    exit_status = 6
    default_key = "dependency"


class SpeechError(FacecueError):
    """No voice or no sound can be had."""

    exit_status = 7
    default_key = "speech"


class BackendError(FacecueError):
    """An accelerator or inference runtime failed; another back end may still work."""

    exit_status = 8
    default_key = "accelerator"
