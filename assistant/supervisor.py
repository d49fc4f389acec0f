"""Feed `Health` from what the parts of a run tell, and pace the work. Part of the composition root, for `run` alone."""

from __future__ import annotations

import time
from typing import Final

from assistant import board
from assistant.camera import watch as camera_watch
from assistant.clock import Clock, SystemClock
from assistant.errors import BackendError, FacecueError
from assistant.health import Health
from assistant.pace import Pace, PacedCamera, PacedDetector
from assistant.speech.speaker import Recovered, SpeechEvent, Spoken, Trouble
from assistant.types import Camera, Considered, FaceDetector, Frame, Scene

_CAMERA_REMEDIES: Final = {
    camera_watch.LOST: "Check its cable; it is waited for.",
    camera_watch.BLACK: "Uncover or wipe the lens.",
    camera_watch.FROZEN: "Unplug the camera and plug it in again.",
    camera_watch.BLURRED: "Wipe the lens.",
}


class Supervisor:
    """Translate events of one run into health. Belongs to the loop's thread; its `health` may be read from any.

    Args:
        clock: the loop's.
    """

    def __init__(self, clock: Clock) -> None:
        self.health = Health(clock, board.battery_percent, board.temperature_c)

    def paced(self, camera: Camera, detector: FaceDetector, clock: Clock) -> tuple[Camera, FaceDetector]:
        """Return camera and detector that do less before they fall behind, and where nobody is."""
        pace = Pace(temperature=board.temperature_c, tell=lambda level: self.health.set_pace(level.name.lower()))
        return PacedCamera(camera, pace, clock, SystemClock(), time.sleep), PacedDetector(detector, pace)

    def observe(self, frame: Frame, scene: Scene, considered: Considered, now_s: float) -> None:
        """Take a frame that went through every stage as a sign of life of camera, sight and loop."""
        for stage in ("camera", "sight", "loop"):
            self.health.beat(stage)

    def heard(self, event: SpeechEvent) -> None:
        """Take in what the speaker tells."""
        if isinstance(event, Spoken):
            for stage in ("voice", "sound"):
                self.health.beat(stage)
                self.health.rest(stage)  # between words nothing is asked of them
        elif isinstance(event, Trouble):
            self.health.trouble(_stage(event.what), event.error.cause, event.error.remedy)
        elif isinstance(event, Recovered):
            self.health.well_again(_stage(event.what))

    def camera_state(self, state: str) -> None:
        """Take in a state of the camera, one of `watch.STATES`."""
        if state == camera_watch.BACK:
            self.health.well_again("camera")
        else:
            self.health.trouble("camera", f"{state}.", _CAMERA_REMEDIES[state])

    def lost_accelerator(self, error: BackendError, backend: str) -> None:
        """Take in that another back end computes from now on."""
        self.health.trouble("sight", error.cause, error.remedy, "replaced")
        self.health.name(backend=backend)

    def loaded_anew(self, error: BackendError) -> None:
        """Take in that a back end failed and does its work again."""
        self.health.restarted("sight", error.cause, error.remedy)

    def lost_output(self, error: FacecueError) -> None:
        """Take in that a file cannot be written any more."""
        self.health.trouble("output", error.cause, error.remedy)

    def missing(self, stage: str, sentence: str) -> None:
        """Take in what could not be started, in a sentence; "" where all is well."""
        self.health.missing(stage, sentence)


def _stage(what: str) -> str:
    """Return the stage that the speaker calls "the voice" or "the sound"."""
    return what.removeprefix("the ")
