"""Watch a source, describe a photograph, speak an error: what the commands ask for."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from assistant import languages
from assistant.camera import pictures
from assistant.errors import FacecueError
from assistant.loop import brightness
from assistant.run import Request, Run, tuned_policy
from assistant.settings import Settings
from assistant.sight import CLIP_SUFFIXES, PICTURE_SUFFIXES, STILL_BUDGET_MS, Sight, build_sight
from assistant.types import Frame, Person, Scene
from assistant.voice import open_voice, say_aloud

__all__ = [
    "CLIP_SUFFIXES",
    "PICTURE_SUFFIXES",
    "STILL_BUDGET_MS",
    "Description",
    "Request",
    "Sight",
    "build_sight",
    "describe",
    "open_voice",
    "say_aloud",
    "speak_error",
    "watch",
]


@dataclass(frozen=True, slots=True)
class Description:
    """Hold a photograph in words and in numbers."""

    sentence: str
    width_px: int
    height_px: int
    people: tuple[Person, ...]


def watch(settings: Settings, request: Request, show: Callable[[str], None]) -> dict[str, Any]:
    """Run the loop on a source until it ends or Ctrl-C; outputs are complete then.

    Args:
        settings: everything else.
        request: outputs, sound and speed.
        show: takes each line of the running transcript.

    Returns:
        What was measured, with "backend", "utterances" and "interrupted".

    Raises:
        FacecueError: something failed for good; what was written before is valid.
    """
    before = signal.getsignal(signal.SIGINT)
    run = Run(settings, request, show)
    try:
        run.go()
        interrupted = False
    except KeyboardInterrupt:
        interrupted = True
    finally:
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGINT, before)
    for guard in run.alerts.guards:
        if guard.error is not None:
            raise guard.error
    return {**run.loop.report(), **run.summary(), "interrupted": interrupted}


def describe(settings: Settings, image: Path) -> Description:
    """Put a photograph into one sentence.

    Raises:
        SourceError: it cannot be read.
        FacecueError: a model is missing; tell the person.
    """
    phrases = languages.phrases(settings.speech.language)
    picture = pictures.read_picture(image)
    sight = build_sight(settings, STILL_BUDGET_MS)
    frame = Frame(0, 0.0, picture, str(image))
    faces = sorted(sight.detector.detect(frame), key=lambda face: -face.width_px * face.height_px)
    people = tuple(sight.read(frame, face) for face in faces)
    height_px, width_px = picture.shape[:2]
    scene = sight.reader.read(Scene(0.0, width_px, height_px, people, brightness(frame)))
    sentence = tuned_policy(settings, phrases).describe_scene(scene)
    return Description(sentence, width_px, height_px, scene.people)


def speak_error(error: FacecueError, settings_file: Path | None = None, language: str | None = None) -> None:
    """Say an error's short sentence, where there is a voice, in the wearer's language as far as it can be known.

    Args:
        error: what went wrong; it may be the settings themselves.
        settings_file: the file the command line names.
        language: the language the command line names.
    """
    settings = languages.settings_for_error(settings_file, language)
    say_aloud(settings, languages.phrases(settings.speech.language).error(error))
