"""Read a scene: where everybody is, who faces the camera, who nods, shakes the head, talks or comes closer."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Final

import numpy as np

from assistant.facs import AU_ORDER
from assistant.types import ActionUnits, Face, Manner, Person, Place, Scene
from assistant.vision import geometry, gestures, motion
from assistant.vision.wavering import Wavering

_FORGET_AFTER_S: Final = 2.0
_NOISE_DEG: Final = 1.5  # what a head pose wavers by, until it is known for this face
_STEADY_S: Final = 0.5  # a place is the median of the last so many seconds
_GAP_S: Final = 0.5  # after which a series begins anew: swings across it would be made up

# Head pose, since eyes are not seen. People who talk to each other turn their heads to within about 20 degrees of the
# other (Stiefelhagen & Zhu, CHI 2002); measured angles are up to a fifth wider than the true ones.
_FACING_DEG: Final = 23.0
_AWAY_DEG: Final = 31.0  # apart from it, so that it does not flicker
_FACING_AFTER_S: Final = 0.25

_PARTS: Final = (AU_ORDER.index("AU25"), AU_ORDER.index("AU26"))
_CLOSED: Final = AU_ORDER.index("AU43")
_BLINK_OPEN_S: Final = 0.3  # one frame that takes closed eyes for open does not end their being closed


@dataclass(slots=True)
class _Past:
    """Hold the last seconds of one track; all series have the same length."""

    times_s: deque[float] = field(default_factory=deque)
    pitch_deg: deque[float] = field(default_factory=deque)
    yaw_deg: deque[float] = field(default_factory=deque)
    distance_m: deque[float] = field(default_factory=deque)
    bearing_deg: deque[float] = field(default_factory=deque)
    open_mouth: deque[float] = field(default_factory=deque)
    pitch_noise: Wavering = field(default_factory=lambda: Wavering(_NOISE_DEG))
    yaw_noise: Wavering = field(default_factory=lambda: Wavering(_NOISE_DEG))
    manner: Manner = field(default_factory=Manner)
    turning_since_s: float | None = None
    closed_since_s: float | None = None
    closed_last_s: float = 0.0

    def series(self) -> tuple[deque[float], ...]:
        """Return all series, the times first."""
        return (self.times_s, self.pitch_deg, self.yaw_deg, self.distance_m, self.bearing_deg, self.open_mouth)

    @property
    def noise_deg(self) -> tuple[float, float]:
        """How much pitch and yaw waver."""
        return self.pitch_noise.deviation, self.yaw_noise.deviation

    def add(self, *values: float) -> None:
        """Append a sample to each series, and forget what is too old or before a gap."""
        now_s = values[0]
        if self.times_s and not 0.0 < now_s - self.times_s[-1] <= _GAP_S:
            for each in self.series():
                each.clear()
        for each, value in zip(self.series(), values, strict=True):
            each.append(value)
        while now_s - self.times_s[0] > gestures.WINDOW_S:
            for each in self.series():
                each.popleft()

    def last(self, values: deque[float], seconds: float) -> list[float]:
        """Return the part of a series that lies within so many seconds."""
        first = next(i for i, at_s in enumerate(self.times_s) if self.times_s[-1] - at_s <= seconds)
        return list(islice(values, first, None))


class SceneReader:
    """Tell where people are and what they do, from a short past of each track. Not thread-safe.

    Frame rates from 10 a second on are told apart by nothing but detail: everything is measured in seconds.

    Args:
        hfov_deg: what the camera sees from left to right.
        distance_factor: what the camera's own calibration adds: true distance by that which is told without it.
    """

    def __init__(self, hfov_deg: float = 70.0, distance_factor: float = 1.0) -> None:
        self.configure(hfov_deg, distance_factor)
        self._pasts: dict[int, _Past] = {}

    def configure(self, hfov_deg: float, distance_factor: float = 1.0) -> None:
        """Take on another calibration, from any thread; the next scene is read by it."""
        self._calibration = hfov_deg, distance_factor

    def read(self, scene: Scene) -> Scene:
        """Return the same people with place and manner, who faces the camera first, then the nearest."""
        now_s = scene.captured_at_s
        self._pasts = {
            number: past
            for number, past in self._pasts.items()
            if past.times_s and now_s - past.times_s[-1] <= _FORGET_AFTER_S
        }
        people = [self._read(person, scene) for person in scene.people]
        return replace(scene, people=tuple(sorted(people, key=_nearest_facing_first)))

    def _read(self, person: Person, scene: Scene) -> Person:
        face, now_s = person.face, scene.captured_at_s
        hfov_deg, factor = self._calibration
        bearing = geometry.bearing_deg(face, scene.width_px, hfov_deg)
        distance = geometry.distance_m(face, scene.width_px, hfov_deg) * factor
        past = self._pasts.setdefault(face.track, _Past()) if face.track else _Past()
        past.pitch_noise.add(face.pitch_deg)
        past.yaw_noise.add(face.yaw_deg)
        past.add(now_s, face.pitch_deg, face.yaw_deg, distance, bearing, _open(person.momentary or person.units))
        steady = float(np.median(past.last(past.distance_m, _STEADY_S)))
        past.manner = Manner(
            _facing(past, face, now_s),
            gestures.gesture(past.times_s, past.pitch_deg, past.yaw_deg, past.noise_deg),
            motion.motion(
                past.last(past.times_s, motion.WINDOW_S),
                past.last(past.distance_m, motion.WINDOW_S),
                past.manner.motion,
            ),
            gestures.talking(past.times_s, past.open_mouth),
            _closed_s(past, person.units, now_s),
        )
        return replace(person, place=Place(bearing, steady), manner=past.manner)


def _facing(past: _Past, face: Face, now_s: float) -> bool:
    """Tell whether a head is turned to the camera; what it was stays until the other lasts."""
    away = max(abs(face.yaw_deg), abs(face.pitch_deg))
    before = past.manner.facing
    if before is None:
        return away <= _FACING_DEG
    if away > _AWAY_DEG if before else away <= _FACING_DEG:
        past.turning_since_s = now_s if past.turning_since_s is None else past.turning_since_s
        if now_s - past.turning_since_s >= _FACING_AFTER_S:
            past.turning_since_s = None
            return not before
    else:
        past.turning_since_s = None
    return before


def _closed_s(past: _Past, units: ActionUnits, now_s: float) -> float:
    """Return for how long the eyes are closed."""
    if units.present[_CLOSED]:
        past.closed_since_s = now_s if past.closed_since_s is None else past.closed_since_s
        past.closed_last_s = now_s
    elif past.closed_since_s is not None and now_s - past.closed_last_s > _BLINK_OPEN_S:
        past.closed_since_s = None
    return 0.0 if past.closed_since_s is None else now_s - past.closed_since_s


def _open(units: ActionUnits) -> float:
    """Return how probably the mouth is open; 0 where it is not known."""
    return max(units.probability[index] or 0.0 for index in _PARTS)


def _nearest_facing_first(person: Person) -> tuple[bool, float]:
    return not person.manner.facing, person.place.distance_m if person.place else np.inf
