"""Give faces numbers that last while they are seen, from place, size and motion alone.

Nothing of a face's looks is kept: a person who comes back later is a new number.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from assistant.types import Face

LONGEST_MEMORY_S: Final = 5.0
"""No track outlives its face by more, whatever the settings say."""

_GATE: Final = 1.0  # distance from the predicted place, in face sizes, that a face may have to be the same
_GATE_GROWTH: Final = 1.0  # how much the gate widens for each second unseen, in face sizes
_GATE_MOST: Final = 2.0  # face sizes
_SIZE_RATIO: Final = 2.0  # a face that doubled or halved at once is another one; a turn shrinks it by a third
_SIZE_WEIGHT: Final = 0.5  # cost of a face e times as large, in face sizes: tells near from far in a crossing
_OVERLAP_WEIGHT: Final = 0.5  # cost of no overlap, likewise
_COAST_S: Final = 0.7  # how long an unseen face is believed to keep its speed: a crossing lasts about that
_SHORTEST_S: Final = 1e-3  # no camera is faster; over less time a shift says nothing of velocity
_VELOCITY_GAIN: Final = 0.4  # share of a surprise that goes to the velocity; less follows slower, more trusts jitter


@dataclass(frozen=True, slots=True)
class _Track:
    """What is kept of a face: where it was last seen, how large, how fast it moved, and when.

    Attributes:
        number: of the track.
        centre: (2,) pixels.
        size: (2,) width and height in pixels.
        velocity: (2,) pixels a second.
        seen_s: time of the last sight.
    """

    number: int
    centre: npt.NDArray[np.float64]
    size: npt.NDArray[np.float64]
    velocity: npt.NDArray[np.float64]
    seen_s: float

    def centre_at(self, now_s: float) -> npt.NDArray[np.float64]:
        """Predict the centre: constant velocity, which ends when the face has been unseen for a while."""
        return self.centre + self.velocity * min(max(now_s - self.seen_s, 0.0), _COAST_S)


class Tracker:
    """Assign faces to tracks by predicted place, overlap and size, the best pair first.

    Boxes, landmarks and scores pass through untouched. Numbers start at 1 and are never used twice in a run. Not
    thread-safe.

    Args:
        forget_after_s: a track unseen for longer is forgotten; at most 5. 2 s outlast a blink of the detector, a turn
            of the head and somebody passing in front, and are short enough not to greet a stranger as the one who left.

    Raises:
        ValueError: `forget_after_s` is not above 0 and at most 5; check settings before.
    """

    def __init__(self, forget_after_s: float = 2.0) -> None:
        if not 0.0 < forget_after_s <= LONGEST_MEMORY_S:
            raise ValueError(f"forget_after_s must be above 0 and at most {LONGEST_MEMORY_S:g}, not {forget_after_s}")
        self._forget_after_s = forget_after_s
        self._tracks: list[_Track] = []
        self._last_number = 0

    def update(self, faces: Sequence[Face], now_s: float) -> tuple[Face, ...]:
        """Return the same faces with `track` set, largest first.

        Args:
            faces: of one frame.
            now_s: when the frame was captured; a step back in time counts as no time.
        """
        self._tracks = [track for track in self._tracks if now_s - track.seen_s <= self._forget_after_s]
        pairs = _pair(self._tracks, faces, now_s)
        unseen = [track for index, track in enumerate(self._tracks) if index not in pairs.values()]
        seen = [
            _follow(self._tracks[pairs[index]], face, now_s) if index in pairs else self._begin(face, now_s)
            for index, face in enumerate(faces)
        ]
        self._tracks = seen + unseen
        numbered = [replace(face, track=track.number) for face, track in zip(faces, seen, strict=True)]
        return tuple(sorted(numbered, key=lambda face: face.width_px * face.height_px, reverse=True))

    def _begin(self, face: Face, now_s: float) -> _Track:
        """Start a track with the next number."""
        self._last_number += 1
        centre, size = _place(face)
        return _Track(self._last_number, centre, size, np.zeros(2), now_s)


def _pair(tracks: Sequence[_Track], faces: Sequence[Face], now_s: float) -> dict[int, int]:
    """Return which face (key) is which track (value): cheapest pairs first, each used once."""
    costs = sorted(
        (cost, face_index, track_index)
        for track_index, track in enumerate(tracks)
        for face_index, face in enumerate(faces)
        if (cost := _cost(track, face, now_s)) is not None
    )
    pairs: dict[int, int] = {}
    for _, face_index, track_index in costs:
        if face_index not in pairs and track_index not in pairs.values():
            pairs[face_index] = track_index
    return pairs


def _cost(track: _Track, face: Face, now_s: float) -> float | None:
    """Return how unlikely it is that a face is a track's, in face sizes; None when it cannot be."""
    centre, size = _place(face)
    expected = track.centre_at(now_s)
    ratio = float(size.mean() / track.size.mean())
    distance = float(np.hypot(*(centre - expected)) / max(size.mean(), track.size.mean()))
    gate = min(_GATE + _GATE_GROWTH * max(now_s - track.seen_s, 0.0), _GATE_MOST)
    if distance > gate or not 1 / _SIZE_RATIO <= ratio <= _SIZE_RATIO:
        return None
    overlap = _overlap(expected, track.size, centre, size)
    return distance + _SIZE_WEIGHT * abs(float(np.log(ratio))) + _OVERLAP_WEIGHT * (1.0 - overlap)


def _follow(track: _Track, face: Face, now_s: float) -> _Track:
    """Return a track moved to where its face is now; part of the surprise corrects its velocity (alpha-beta filter)."""
    centre, size = _place(face)
    passed_s = now_s - track.seen_s
    velocity = track.velocity
    if passed_s > _SHORTEST_S:
        velocity = velocity + _VELOCITY_GAIN * (centre - track.centre_at(now_s)) / passed_s
    return _Track(track.number, centre, size, velocity, max(now_s, track.seen_s))


def _place(face: Face) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return centre and size of a face, each (2,) pixels; a face has at least one pixel."""
    box = np.asarray(face.box_xyxy, np.float64)
    return (box[:2] + box[2:]) / 2, np.maximum(box[2:] - box[:2], 1.0)


def _overlap(
    centre_a: npt.NDArray[np.float64],
    size_a: npt.NDArray[np.float64],
    centre_b: npt.NDArray[np.float64],
    size_b: npt.NDArray[np.float64],
) -> float:
    """Return the intersection over union of two boxes."""
    low = np.maximum(centre_a - size_a / 2, centre_b - size_b / 2)
    high = np.minimum(centre_a + size_a / 2, centre_b + size_b / 2)
    shared = float(np.clip(high - low, 0.0, None).prod())
    return shared / float(size_a.prod() + size_b.prod() - shared)
