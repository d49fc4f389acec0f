"""Run the loop: frame, faces, Action Units, expression, what is worth saying, speech.

Everything comes in as a Protocol; `run` decides what stands behind each.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

import numpy as np

from assistant.clock import Clock
from assistant.errors import FacecueError
from assistant.facs import AU_ORDER
from assistant.types import (
    ActionUnitModel,
    ActionUnits,
    Camera,
    Considered,
    ExpressionClassifier,
    Face,
    FaceDetector,
    FaceTracker,
    Frame,
    Person,
    Scene,
    SceneReader,
    SpeechPolicy,
    Utterance,
)

_KEPT: Final = 10_000  # timings of about eight minutes: enough for percentiles, bounded over a day
_MOST_STARVED: Final = 30  # frames in a row without memory: a second or two

NO_UNITS: Final = ActionUnits((None,) * len(AU_ORDER), (None,) * len(AU_ORDER))
"""Of a face beyond the loop's budget: it is counted, but not read."""


class Smoother(Protocol):
    """Steady Action Units over time."""

    def smooth(self, track: int, units: ActionUnits, now_s: float) -> ActionUnits:
        """Return what a track's units are, given this frame and those before."""
        ...


class Voice(Protocol):
    """Say utterances without blocking; what the loop needs of a speaker."""

    def say(self, utterance: Utterance, now_s: float) -> None:
        """Start the words, queue or drop them."""
        ...

    def pump(self, now_s: float) -> None:
        """Do what is due: start what waits, drop what is stale."""
        ...


class Observer(Protocol):
    """Follow what the loop sees and decides: the transcript, the overlay."""

    def observe(self, frame: Frame, scene: Scene, considered: Considered, now_s: float) -> None:
        """Take in one frame's outcome, after speech was started.

        Raises:
            OutputError: it cannot be kept.
        """
        ...


@dataclass(frozen=True, slots=True)
class Stages:
    """Hold one implementation of each stage."""

    detector: FaceDetector
    tracker: FaceTracker
    au_model: ActionUnitModel
    smoother: Smoother
    classifier: ExpressionClassifier
    reader: SceneReader
    policy: SpeechPolicy


@dataclass(slots=True)
class Timings:
    """Collect how long stages took, in milliseconds: the last 10,000 of each."""

    detect_ms: deque[float] = field(default_factory=lambda: deque(maxlen=_KEPT))
    au_ms: deque[float] = field(default_factory=lambda: deque(maxlen=_KEPT))
    frame_ms: deque[float] = field(default_factory=lambda: deque(maxlen=_KEPT))


class Loop:
    """Take frames one by one through the stages. Runs in, and blocks, the caller's thread.

    Args:
        stages: what sees and decides.
        speaker: what speaks; it does not block.
        observers: what records.
        clock: the loop's time, in which frames are captured and words expire.
        stopwatch: real time, for timings.
        most_faces: how many faces of a frame, largest first, are read. 4 keeps a crowded frame within about
            twice the time of a plain one.
    """

    def __init__(
        self,
        stages: Stages,
        speaker: Voice,
        observers: Sequence[Observer],
        clock: Clock,
        stopwatch: Clock,
        most_faces: int = 4,
    ) -> None:
        self._stages, self._speaker, self._observers = stages, speaker, observers
        self._clock, self._stopwatch, self._most_faces = clock, stopwatch, most_faces
        self._timings = Timings()
        self.frames = 0
        self.seconds = 0.0

    def run(self, camera: Camera) -> None:
        """Go on until the camera ends.

        Raises:
            FacecueError: a stage failed for good; what was recorded so far is kept.
        """
        start_s = self._stopwatch.now_s()
        starved = 0
        for frame in camera.frames():
            try:
                self.step(frame)
                starved = 0
            except MemoryError:  # another program's need may pass; a frame is no loss
                starved += 1
                if starved == _MOST_STARVED:
                    raise _no_memory() from None
            self.seconds = self._stopwatch.now_s() - start_s

    def step(self, frame: Frame) -> Scene:
        """Take one frame through every stage."""
        start_s = self._stopwatch.now_s()
        faces = self._stages.tracker.update(self._timed_detect(frame), frame.captured_at_s)
        people = tuple(self._read(frame, face, rank) for rank, face in enumerate(faces))
        height_px, width_px = frame.image_rgb.shape[:2]
        seen = Scene(frame.captured_at_s, width_px, height_px, people, brightness(frame))
        scene = self._stages.reader.read(seen)
        now_s = self._clock.now_s()
        considered = self._stages.policy.consider(scene, now_s)
        self._speaker.pump(now_s)
        if considered.utterance is not None:
            self._speaker.say(considered.utterance, now_s)
        for observer in self._observers:
            observer.observe(frame, scene, considered, now_s)
        self._timings.frame_ms.append((self._stopwatch.now_s() - start_s) * 1e3)
        self.frames += 1
        return scene

    def report(self) -> dict[str, float | int | None]:
        """Return what was measured: real seconds, and percentiles in milliseconds, None where nothing was timed."""
        timings = self._timings
        return {
            "frames": self.frames,
            "seconds": round(self.seconds, 3),
            "fps": round(self.frames / self.seconds, 2) if self.seconds > 0 else None,
            "detect_ms_p50": _percentile(timings.detect_ms, 50),
            "au_ms_p50": _percentile(timings.au_ms, 50),
            "frame_ms_p50": _percentile(timings.frame_ms, 50),
            "frame_ms_p95": _percentile(timings.frame_ms, 95),
        }

    def _timed_detect(self, frame: Frame) -> tuple[Face, ...]:
        start_s = self._stopwatch.now_s()
        faces = self._stages.detector.detect(frame)
        self._timings.detect_ms.append((self._stopwatch.now_s() - start_s) * 1e3)
        return faces

    def _read(self, frame: Frame, face: Face, rank: int) -> Person:
        """Read one face, unless larger ones already used the frame's budget."""
        if rank >= self._most_faces:
            return Person(face, NO_UNITS, self._stages.classifier.classify(NO_UNITS))
        start_s = self._stopwatch.now_s()
        raw = self._stages.au_model.estimate(frame, face)
        self._timings.au_ms.append((self._stopwatch.now_s() - start_s) * 1e3)
        units = self._stages.smoother.smooth(face.track, raw, frame.captured_at_s)
        return Person(face, units, self._stages.classifier.classify(units), raw)


def _no_memory() -> FacecueError:
    return FacecueError(
        "There is no memory left to look at frames.", "Close other programs, or restart the device.", "source"
    )


def brightness(frame: Frame) -> float:
    """Return the mean luminance in [0, 1] (ITU-R BT.601), from every eighth pixel each way."""
    return float((frame.image_rgb[::8, ::8].reshape(-1, 3) @ np.array([0.299, 0.587, 0.114])).mean()) / 255.0


def _percentile(values: deque[float], percent: float) -> float | None:
    return round(float(np.percentile(values, percent)), 3) if values else None
