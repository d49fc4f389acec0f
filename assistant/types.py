"""Define what the stages hand to each other, and the Protocols by which they are called.

Everything here is frozen and depends on NumPy alone. Coordinates are pixels of the frame, x to the right and
y down, boxes are xyxy; angles are degrees; times are seconds of the loop's clock.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from types import TracebackType
from typing import Any, Protocol, Self

import numpy as np
import numpy.typing as npt

ImageRgb = npt.NDArray[np.uint8]
"""(H, W, 3) uint8, RGB."""
Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Frame:
    """Hold one picture of the camera.

    Attributes:
        index: counts the frames of the source, from 0; gaps are frames that were dropped.
        captured_at_s: when it was captured, seconds of the loop's clock (the clip's own time with `--speed max`).
        image_rgb: (H, W, 3) uint8 RGB; not to be written to.
        source: what it came from, for reports: a path, an address or a device.
    """

    index: int
    captured_at_s: float
    image_rgb: ImageRgb
    source: str = ""


@dataclass(frozen=True, slots=True)
class Face:
    """Hold one face in one frame.

    Attributes:
        box_xyxy: left, top, right, bottom in pixels; may reach beyond the frame by rounding only (clipped).
        landmarks_xy: (6, 2) float32 pixels, in BlazeFace's order: the person's right eye, left eye, nose tip,
            mouth centre, right ear, left ear (tragion). The person's right is on the left of the picture.
        score: detector's confidence in [0, 1].
        track: short-lived number of the track, from 1; 0 while untracked.
        yaw_deg: positive when the person turns to the right of the picture.
        pitch_deg: positive when the person looks up.
        roll_deg: positive when the head tilts clockwise in the picture.
    """

    box_xyxy: tuple[float, float, float, float]
    landmarks_xy: Floats
    score: float
    track: int = 0
    yaw_deg: float = 0.0
    pitch_deg: float = 0.0
    roll_deg: float = 0.0

    @property
    def width_px(self) -> float:
        """Width of the box."""
        return self.box_xyxy[2] - self.box_xyxy[0]

    @property
    def height_px(self) -> float:
        """Height of the box."""
        return self.box_xyxy[3] - self.box_xyxy[1]


@dataclass(frozen=True, slots=True)
class ActionUnits:
    """Hold occurrence probabilities of one face.

    Attributes:
        probability: in `facs.AU_ORDER`, each in [0, 1], or None where the model does not know that unit well
            enough (its manifest says so). A missing value is None, never 0.
        present: in the same order: whether the probability reaches the unit's threshold; None where unknown.
    """

    probability: tuple[float | None, ...]
    present: tuple[bool | None, ...]


@dataclass(frozen=True, slots=True)
class Expression:
    """Hold what a face shows.

    Attributes:
        label: one of `facs.EXPRESSIONS`, or `facs.UNCLEAR` below the calibrated confidence.
        confidence: calibrated probability of the most probable expression, in [0, 1].
        probabilities: of `facs.EXPRESSIONS`, in that order; they add up to 1.
        evidence: the Action Units that speak for the label, strongest first.
    """

    label: str
    confidence: float
    probabilities: tuple[float, ...]
    evidence: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Place:
    """Hold where a person is, seen from the camera.

    Attributes:
        bearing_deg: 0 straight ahead, positive to the right.
        distance_m: along the camera's axis.
    """

    bearing_deg: float
    distance_m: float

    @property
    def hour(self) -> int:
        """The hour of a clock lying flat, 1 to 12: twelve is straight ahead, an hour is 30 degrees to the right."""
        return round(self.bearing_deg / 30.0) % 12 or 12

    @property
    def side(self) -> str:
        """Return "left" or "right"; "ahead" within 5 degrees, about a head's width at a metre and a half."""
        return "ahead" if abs(self.bearing_deg) <= 5.0 else "right" if self.bearing_deg > 0 else "left"


@dataclass(frozen=True, slots=True)
class Manner:
    """Hold what a person does with head, mouth and feet, as far as it is known.

    Attributes:
        facing: whether the head is turned to the camera; None while that is not sure. Where the eyes look is not seen.
        gesture: "nodding", "shaking" or "".
        motion: "approaching", "leaving" or "".
        talking: whether the mouth opens and closes as in talking.
        eyes_closed_s: for how long the eyes are closed; 0 while they are open or nothing is known.
    """

    facing: bool | None = None
    gesture: str = ""
    motion: str = ""
    talking: bool = False
    eyes_closed_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Person:
    """Hold what one frame tells of one tracked face.

    Attributes:
        face: in the picture.
        units: steadied over time.
        expression: what the face shows.
        momentary: units of this frame alone; talking is seen in how they alternate.
        place: where the person is; None until the scene is read.
        manner: what the person does.
    """

    face: Face
    units: ActionUnits
    expression: Expression
    momentary: ActionUnits | None = None
    place: Place | None = None
    manner: Manner = Manner()


@dataclass(frozen=True, slots=True)
class Scene:
    """Hold what one frame tells: the people in it.

    Attributes:
        captured_at_s: of the frame.
        width_px: of the frame; the policy needs it to name directions.
        height_px: of the frame.
        people: largest face first; once read, who faces the camera first, then the nearest.
        brightness: mean luminance of the frame in [0, 1], for the low-light notice.
    """

    captured_at_s: float
    width_px: int
    height_px: int
    people: tuple[Person, ...]
    brightness: float = 0.5


class Priority(IntEnum):
    """Order utterances by what they interrupt: the five priorities of the Speech Synthesis Interface Protocol.

    They mean what speech-dispatcher documents (SSIP 0.2, "Priority Categories"); `docs/speech.md` has the table.
    Facecue's use: IMPORTANT for states that the wearer must know (camera lost, darkness, errors); MESSAGE for answers,
    and for who comes and goes; TEXT for what the wearer steps through, where only the latest counts; NOTIFICATION for
    movements of a face; PROGRESS for a series whose last word counts.
    """

    PROGRESS = 1
    NOTIFICATION = 2
    TEXT = 3
    MESSAGE = 4
    IMPORTANT = 5


@dataclass(frozen=True, slots=True)
class Utterance:
    """Hold words worth saying.

    Attributes:
        text: what is spoken.
        priority: see `Priority`.
        created_at_s: when it became true.
        expires_at_s: after this it is stale and must not be started.
        reason: why it is worth saying, for the transcript: the cue, such as "arrival" or "smile", "alert", "answer".
        track: the face it speaks of, 0 for none or several.
        evidence: Action Units and probabilities, or counts, behind the claim.
        pan: where to hear it, -1 left to 1 right.
        earcon: name of a short sound played first, or "".
        written: what is written in its place where the words are a secret for the wearer's ear, or "".
    """

    text: str
    priority: Priority
    created_at_s: float
    expires_at_s: float
    reason: str
    track: int = 0
    evidence: Mapping[str, Any] = field(default_factory=dict)
    pan: float = 0.0
    earcon: str = ""
    written: str = ""

    @property
    def shown(self) -> str:
        """What may be written of it, in a transcript or on a page."""
        return self.written or self.text

    @property
    def prompted(self) -> bool:
        """Whether the wearer asked for it: then it cuts all that is not IMPORTANT, as a screen reader's key does."""
        return self.reason == "answer"


@dataclass(frozen=True, slots=True)
class Considered:
    """Hold the policy's answer for one scene: at most one utterance, and what it kept back.

    Attributes:
        utterance: what to say now, or None.
        suppressed: utterances that were true but not worth saying now, each with the reason ("rate limit",
            "just spoken of", "verbosity", "cue off", "below confidence", "not settled", "repeated", "expired").
    """

    utterance: Utterance | None
    suppressed: tuple[tuple[Utterance, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Speech:
    """Hold synthesised speech: mono int16 PCM.

    Attributes:
        pcm: (N,) int16.
        rate_hz: samples a second.
    """

    pcm: npt.NDArray[np.int16]
    rate_hz: int

    @property
    def seconds(self) -> float:
        """Duration."""
        return len(self.pcm) / self.rate_hz


@dataclass(frozen=True, slots=True)
class TensorSpec:
    """Describe one tensor of a model.

    Attributes:
        name: as in the model file.
        shape: static, with the batch of 1.
        dtype: "int8", "uint8" or "float32".
        scale: real value of one step; 0 where the tensor is not quantised.
        zero_point: the stored number that means 0.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str
    scale: float = 0.0
    zero_point: int = 0


class TensorRunner(Protocol):
    """Run one loaded model on one back end. Not thread-safe."""

    @property
    def inputs(self) -> tuple[TensorSpec, ...]:
        """Describe the inputs, in the order `run` takes them."""
        ...

    @property
    def outputs(self) -> tuple[TensorSpec, ...]:
        """Describe the outputs, in the order `run` returns them."""
        ...

    def run(self, *arrays: npt.NDArray[Any]) -> tuple[npt.NDArray[Any], ...]:
        """Compute the outputs: raw stored numbers in the tensors' own dtypes, freshly allocated.

        Raises:
            ValueError: an array's shape or dtype is not the input's.
            BackendError: the device failed; the caller falls back.
        """
        ...


class Camera(Protocol):
    """Give frames. A live camera gives the newest and drops the rest; a file gives each in turn."""

    @property
    def name(self) -> str:
        """What is being read, for messages."""
        ...

    @property
    def live(self) -> bool:
        """Whether time passes by itself: True for devices and streams."""
        ...

    def frames(self) -> Iterator[Frame]:
        """Yield frames until the source ends or `close` is called.

        Raises:
            SourceError: nothing can be read, or a live source was lost for longer than it can be waited for.
        """
        ...

    def close(self) -> None:
        """Release the device. May be called twice and from another thread."""
        ...


class FaceDetector(Protocol):
    """Find faces."""

    def detect(self, frame: Frame) -> tuple[Face, ...]:
        """Return the faces of a frame, best first, untracked, with landmarks and head pose."""
        ...


class FaceTracker(Protocol):
    """Give faces numbers that last while they are seen."""

    def update(self, faces: Sequence[Face], now_s: float) -> tuple[Face, ...]:
        """Return the same faces with `track` set, largest first."""
        ...


class ActionUnitModel(Protocol):
    """Estimate Action Units."""

    def estimate(self, frame: Frame, face: Face) -> ActionUnits:
        """Return the occurrence probabilities of one face."""
        ...


class ExpressionClassifier(Protocol):
    """Map Action Units to an expression."""

    def classify(self, units: ActionUnits) -> Expression:
        """Return what the face shows, or UNCLEAR."""
        ...


class SceneReader(Protocol):
    """Tell where people are and what they do."""

    def read(self, scene: Scene) -> Scene:
        """Return the same people with place and manner, who faces the camera first, then the nearest."""
        ...


class SpeechPolicy(Protocol):
    """Decide what is worth saying, and when."""

    def consider(self, scene: Scene, now_s: float) -> Considered:
        """Return at most one utterance for now, and what was kept back with the reason."""
        ...


class Synthesiser(Protocol):
    """Turn text into sound."""

    @property
    def name(self) -> str:
        """Name of the voice engine."""
        ...

    def synthesise(self, text: str) -> Speech:
        """Return the whole utterance.

        Raises:
            SpeechError: the voice is missing, hung or died; the caller falls back.
        """
        ...

    def close(self) -> None:
        """End the voice's process, if it has one. May be called twice."""
        ...


class Speaker(Protocol):
    """Say utterances, one at a time, without blocking the loop."""

    def say(self, utterance: Utterance, now_s: float) -> None:
        """Start the words, queue them, or drop them as stale or less urgent."""
        ...

    def stop(self) -> None:
        """Cut speech at once and forget what waits."""
        ...

    def close(self) -> None:
        """Finish or cut what is spoken and release the sound device."""
        ...

    def __enter__(self) -> Self:
        """Return itself."""
        ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close."""
        ...
