"""Do less before falling behind: smaller pictures and pauses under load, a glance now and then where nobody is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from assistant.clock import Clock
from assistant.types import Camera, Face, FaceDetector, Frame, ImageRgb


class Level(IntEnum):
    """Say how the load is met."""

    FULL = 0
    SMALLER = 1
    SLOWER = 2


@dataclass(frozen=True, slots=True)
class Limits:
    """Say when to do less.

    Attributes:
        slow_s: a frame that takes longer is too slow: at ten a second a smile is still told while it lasts.
        quick_s: frames below allow more again; well below, so that the level does not flutter.
        worse_after_s: of slow frames, before less is done.
        better_after_s: of quick frames, before more is done.
        hot_c: from here it is slower whatever frames take; Raspberry Pis throttle themselves from 80 to 85 degrees.
        cool_c: below here the heat is over.
        smaller_px: longest side of the picture in which faces are looked for at `SMALLER`.
    """

    slow_s: float = 0.1
    quick_s: float = 0.05
    worse_after_s: float = 0.5
    better_after_s: float = 10.0
    hot_c: float = 80.0
    cool_c: float = 75.0
    smaller_px: int = 480


_FEEL_EVERY_S: Final = 5.0  # between two looks at the thermometer: silicon on a board warms slowly


class Pace:
    """Decide how much to do, from how long frames take and how warm the processor is.

    Args:
        limits: when to do less.
        temperature: tells the processor's temperature in degrees Celsius, None where unknown.
        tell: told a new level.
    """

    def __init__(
        self,
        limits: Limits | None = None,
        temperature: Callable[[], float | None] = lambda: None,
        tell: Callable[[Level], None] = lambda level: None,
    ) -> None:
        self.limits = limits or Limits()
        self._temperature, self._tell = temperature, tell
        self._level = Level.FULL
        self._hot = False
        self._felt_s = -_FEEL_EVERY_S
        self._smooth_s: float | None = None
        self._since_s: float | None = None

    @property
    def level(self) -> Level:
        """How the load is met now."""
        return Level.SLOWER if self._hot else self._level

    def note(self, frame_s: float, now_s: float) -> float:
        """Take in how long a frame took; return how long to pause before the next.

        Args:
            frame_s: seconds from taking the frame to having dealt with it.
            now_s: the loop's time.
        """
        before = self.level
        self._feel(now_s)
        smooth_s = frame_s if self._smooth_s is None else 0.8 * self._smooth_s + 0.2 * frame_s
        self._smooth_s = smooth_s
        slow, quick = smooth_s > self.limits.slow_s, smooth_s < self.limits.quick_s
        if not slow and not quick:
            self._since_s = None
        elif self._since_s is None:
            self._since_s = now_s
        elif now_s - self._since_s >= (self.limits.worse_after_s if slow else self.limits.better_after_s):
            self._level = Level(min(max(self._level + (1 if slow else -1), Level.FULL), Level.SLOWER))
            self._since_s = None
        if self.level != before:
            self._tell(self.level)
        return frame_s if self.level == Level.SLOWER else 0.0  # half of the time for the voice, the sound, and to cool

    def _feel(self, now_s: float) -> None:
        if now_s - self._felt_s < _FEEL_EVERY_S:
            return
        self._felt_s = now_s
        temperature_c = self._temperature()
        if temperature_c is not None:
            self._hot = temperature_c >= (self.limits.cool_c if self._hot else self.limits.hot_c)


class PacedCamera:
    """Give a camera's frames, with pauses where the pace asks for them; what it drops meanwhile is never seen.

    Args:
        camera: what gives frames; live, or a recording in real time.
        pace: decides.
        clock: the loop's.
        stopwatch: real time.
        wait: lets so many seconds pass.
    """

    def __init__(
        self, camera: Camera, pace: Pace, clock: Clock, stopwatch: Clock, wait: Callable[[float], object]
    ) -> None:
        self._camera, self._pace, self._clock, self._stopwatch, self._wait = camera, pace, clock, stopwatch, wait

    @property
    def name(self) -> str:
        """What is being read, for messages."""
        return self._camera.name

    @property
    def live(self) -> bool:
        """Whether time passes by itself."""
        return self._camera.live

    def frames(self) -> Iterator[Frame]:
        """Yield the camera's frames."""
        for frame in self._camera.frames():
            start_s = self._stopwatch.now_s()
            yield frame
            pause_s = self._pace.note(self._stopwatch.now_s() - start_s, self._clock.now_s())
            if pause_s > 0:
                self._wait(pause_s)

    def close(self) -> None:
        """Release the camera."""
        self._camera.close()


class PacedDetector:
    """Look for faces in every frame while somebody is in view, and only now and then while nobody is.

    Where nobody was seen for `idle_after_s`, it looks `still_s` after the last look, or `moving_s` after it where the
    picture has changed. Under load it looks at a smaller picture; boxes and landmarks are of the frame all the same.

    Args:
        detector: what looks.
        pace: decides on the size.
        idle_after_s: 1 s outlasts a face that turns away or a blink of the detector.
        still_s: between looks at a still scene; who comes in moves.
        moving_s: between looks at a scene that moves: a worn camera always does a little.
    """

    def __init__(
        self,
        detector: FaceDetector,
        pace: Pace,
        idle_after_s: float = 1.0,
        still_s: float = 0.4,
        moving_s: float = 0.12,
    ) -> None:
        self._detector, self._pace = detector, pace
        self._idle_after_s, self._still_s, self._moving_s = idle_after_s, still_s, moving_s
        self._seen_s: float | None = None
        self._looked_s = 0.0
        self._thumbnail: npt.NDArray[np.int16] | None = None

    @property
    def idle(self) -> bool:
        """Whether nobody is in view, and it looks only now and then."""
        return self._seen_s is not None and self._looked_s - self._seen_s > self._idle_after_s

    def detect(self, frame: Frame) -> tuple[Face, ...]:
        """Return the faces of a frame, best first; none without looking where it need not look."""
        now_s = frame.captured_at_s
        if self._seen_s is None or now_s < self._looked_s:  # the first frame, or a source that starts again
            self._seen_s = now_s
        elif self.idle and not self._due(frame, now_s - self._looked_s):
            return ()
        self._looked_s = now_s
        faces = self._look(frame)
        if faces:
            self._seen_s = now_s
        self._thumbnail = _thumbnail(frame.image_rgb) if self.idle else None
        return faces

    def _due(self, frame: Frame, since_s: float) -> bool:
        if since_s >= self._still_s or self._thumbnail is None:
            return True
        return since_s >= self._moving_s and _moved(self._thumbnail, _thumbnail(frame.image_rgb))

    def _look(self, frame: Frame) -> tuple[Face, ...]:
        """Detect, in a smaller picture where the pace says so."""
        height_px, width_px = frame.image_rgb.shape[:2]
        share = self._pace.limits.smaller_px / max(height_px, width_px)
        if self._pace.level == Level.FULL or share >= 1:
            return self._detector.detect(frame)
        size = (round(width_px * share), round(height_px * share))
        small = np.asarray(cv2.resize(frame.image_rgb, size, interpolation=cv2.INTER_AREA), np.uint8)
        return tuple(_enlarged(face, share) for face in self._detector.detect(replace(frame, image_rgb=small)))


def _enlarged(face: Face, share: float) -> Face:
    """Return a face of a picture shrunk to `share` in the pixels of the whole one."""
    x1, y1, x2, y2 = (value / share for value in face.box_xyxy)
    return replace(face, box_xyxy=(x1, y1, x2, y2), landmarks_xy=(face.landmarks_xy / np.float32(share)))


_MOVED: Final = 12  # levels of 255 by which a cell must differ: above a sensor's noise averaged over a cell
_MOVED_SHARE: Final = 0.02  # of the cells: a person at 5 m covers about 30 of 1,200


def _thumbnail(image_rgb: ImageRgb) -> npt.NDArray[np.int16]:
    """Return the green of a picture as (30, 40) int16, from every fourth pixel each way."""
    small = cv2.resize(np.ascontiguousarray(image_rgb[::4, ::4, 1]), (40, 30), interpolation=cv2.INTER_AREA)
    return np.asarray(small, np.int16)


def _moved(before: npt.NDArray[np.int16], after: npt.NDArray[np.int16]) -> bool:
    return bool((np.abs(after - before) > _MOVED).mean() > _MOVED_SHARE)
