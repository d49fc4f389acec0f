"""Speak with espeak-ng, the default voice: small, quick, offline, and clear at high speed."""

from __future__ import annotations

import difflib
import shutil
import tempfile
from pathlib import Path
from typing import Final

from assistant.errors import DependencyError, SpeechError
from assistant.speech.prosody import Prosody
from assistant.speech.worker import ProcessSynthesiser, VoiceProcess, module_command

NAME: Final = "espeak-ng"
INSTALL: Final = "pip install espeakng-loader"
_LONGEST_PATH: Final = 140  # the engine's buffers hold about 160 to 200 characters, with file names appended
_USUAL: Final = Prosody()


class EspeakSynthesiser(ProcessSynthesiser):
    """Turn text into speech with espeak-ng in a process of its own.

    Measured on an idle machine: 1.9 ms for 1.2 s of speech, 0.2 s to start. `synthesise` blocks for that long, and up
    to `timeout_s` where the voice hangs. Belongs to one thread.

    Args:
        voice: a language code such as "en" or "en-gb"; `voices()` lists them.
        prosody: how it speaks.
        timeout_s: longest wait before the voice counts as hung: with it, a hung one is replaced within a second.

    Raises:
        DependencyError: espeakng-loader is not installed.
        SpeechError: the voice is unknown or cannot start; the caller falls back to another voice or to earcons.
    """

    name = NAME

    def __init__(self, voice: str = "en", prosody: Prosody = _USUAL, timeout_s: float = 0.6) -> None:
        library, data = _find()
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        if len(str(data)) > _LONGEST_PATH:
            self._folder = tempfile.TemporaryDirectory(prefix="facecue-")
            data = short_copy(data, Path(self._folder.name))
        command = module_command("assistant.speech.espeak_worker", str(library), str(data), voice, prosody.encoded())
        try:
            super().__init__(VoiceProcess(NAME, command, timeout_s=timeout_s))
        except SpeechError as error:
            self._clean()
            raise _with_nearest(error, voice) from error

    @property
    def pid(self) -> int | None:
        """Id of the voice's process, or None when it is closed."""
        return self._process.pid

    def close(self) -> None:
        """End the voice's process. May be called twice."""
        super().close()
        self._clean()

    def _clean(self) -> None:
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None


def voices() -> list[str]:
    """Return the language codes that espeak-ng speaks here.

    Raises:
        DependencyError: espeakng-loader is not installed.
        SpeechError: it is installed and does not work.
    """
    synthesiser = EspeakSynthesiser(voice="")
    try:
        return synthesiser.voices()
    finally:
        synthesiser.close()


def short_copy(data: Path, folder: Path) -> Path:
    """Return a short path to the voice data: a link in `folder`, or a copy (19 MB) where links are not allowed."""
    target = folder / "espeak-ng-data"
    try:
        target.symlink_to(data, target_is_directory=True)
    except OSError:  # Windows without the right to link
        shutil.copytree(data, target)
    return target


def _find() -> tuple[Path, Path]:
    try:
        import espeakng_loader
    except ImportError as error:
        raise DependencyError("The voice espeak-ng is not installed.", f"Run `{INSTALL}`.", "no_voice") from error
    try:
        return Path(espeakng_loader.get_library_path()), Path(espeakng_loader.get_data_path())
    except RuntimeError as error:  # what the package raises where its data folder is missing
        raise SpeechError(
            f"The voice data of espeak-ng is missing ({error}).",
            "Run `pip install --force-reinstall espeakng-loader`.",
        ) from error


def _with_nearest(error: SpeechError, voice: str) -> SpeechError:
    if "has no voice" not in error.cause:
        return error
    nearest = difflib.get_close_matches(voice, voices(), n=3, cutoff=0.3)
    remedy = f"Near to it: {', '.join(nearest)}." if nearest else "Set another, such as en or en-gb."
    return SpeechError(error.cause, remedy)
