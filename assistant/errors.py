"""Say what went wrong, what to do about it, and what the wearer hears: one class a kind of failure.

Every error that a person can meet derives from `FacecueError`. The command line prints cause and remedy,
exits with `exit_status`, and speaks `spoken` where there is a voice.
"""

from __future__ import annotations

from typing import ClassVar


class FacecueError(Exception):
    """Carry a cause, a remedy and a short sentence to be spoken.

    Args:
        cause: what went wrong, naming the file, device or key.
        remedy: what the person can do about it, as an instruction.
        spoken: what the wearer hears; at most about eight words. Defaults to the class's sentence.
    """

    exit_status: ClassVar[int] = 1
    default_spoken: ClassVar[str] = "Facecue has a problem."

    def __init__(self, cause: str, remedy: str, spoken: str | None = None) -> None:
        super().__init__(f"{cause} {remedy}")
        self.cause = cause
        self.remedy = remedy
        self.spoken = spoken or self.default_spoken


class SettingsError(FacecueError):
    """A settings file or an option is wrong."""

    exit_status = 2
    default_spoken = "The settings are wrong."


class SourceError(FacecueError):
    """A camera, clip, picture or address cannot be read."""

    exit_status = 3
    default_spoken = "I cannot see."


class ModelError(FacecueError):
    """A model file is missing, altered, truncated or does not fit its manifest."""

    exit_status = 4
    default_spoken = "A model is damaged."


class OutputError(FacecueError):
    """A file cannot be written, because of its folder, its rights or a full disk."""

    exit_status = 5
    default_spoken = "I cannot save that."


class DependencyError(FacecueError):
    """An optional package or library is needed and missing; the remedy is the install line."""

    exit_status = 6
    default_spoken = "Something is not installed."


class SpeechError(FacecueError):
    """No voice or no sound can be had."""

    exit_status = 7
    default_spoken = "I cannot speak."


class BackendError(FacecueError):
    """An accelerator or inference runtime failed; another back end may still work."""

    exit_status = 8
    default_spoken = "The accelerator failed."
