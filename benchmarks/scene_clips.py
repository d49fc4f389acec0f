"""Make clips of rendered people who stand, walk, turn, nod and shake their heads, where all of it is known.

Heads are drawn by `training.render` as a camera sees them that points at them, and pasted into a picture of a room at
the bearing and distance of each frame (a pinhole camera of 70 degrees). Nothing made here is kept but in `--cache`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from assistant.types import Frame, ImageRgb
from training.render import sample
from training.render.head import Assets, Part, compose
from training.render.light import Light, make_light
from training.render.picture import View, draw

WIDTH_PX: Final = 640
HEIGHT_PX: Final = 480
HFOV_DEG: Final = 70.0
FPS: Final = 15.0
FOCAL_PX: Final = WIDTH_PX / 2 / math.tan(math.radians(HFOV_DEG / 2))

_SIDE_PX: Final = 160
_SCALE: Final = 0.25  # the picture of a head is four decimetres wide
_DISTANCE_DM: Final = 15.0
_UP: Final = -0.1
_NOISES: Final = 7  # pictures of noise that take turns
_SIGHT_DM: Final = (0.75, 1.1)  # half of the face's width and height, to tell how much of it is seen
_COARSE_DEG: Final = 15.0  # beyond, every other degree is drawn


@dataclass(frozen=True, slots=True)
class Standing:
    """Say where somebody is and how the head is turned, seen from the camera.

    Attributes:
        bearing_deg: to the right of the picture's middle.
        distance_m: along the camera's axis.
        yaw_deg: of the head from the line of sight; as in `Face`.
        pitch_deg: likewise.
        up_m: of the head over the camera's axis.
    """

    bearing_deg: float
    distance_m: float
    yaw_deg: float = 0.0
    pitch_deg: float = 0.0
    up_m: float = 0.0

    @property
    def x_px(self) -> float:
        """Column of the head's middle."""
        return WIDTH_PX / 2 + FOCAL_PX * math.tan(math.radians(self.bearing_deg))

    @property
    def y_px(self) -> float:
        """Row of the head's middle."""
        return HEIGHT_PX / 2 - FOCAL_PX * self.up_m / self.distance_m

    @property
    def px_per_dm(self) -> float:
        """Scale at the head."""
        return FOCAL_PX / (10 * self.distance_m)


@dataclass(frozen=True, slots=True)
class Gesture:
    """Say that somebody nods or shakes the head from one time to another."""

    kind: str
    start_s: float
    end_s: float


@dataclass(frozen=True, slots=True)
class Actor:
    """Hold one person of a clip.

    Attributes:
        look: number of the person, drawn from it.
        at: where at a time; None while not there.
        gestures: what the head does.
    """

    look: int
    at: Callable[[float], Standing | None]
    gestures: tuple[Gesture, ...] = ()


@dataclass(frozen=True, slots=True)
class Clip:
    """Hold one clip.

    Attributes:
        name: of it, and its kind before the dash.
        actors: everybody who is ever seen.
        seconds: how long.
        background: makes a picture, (H, W, 3).
        sway_deg: how far the wearer's head turns to and fro; people move in the picture by it.
        noise: grey levels of one standard deviation.
    """

    name: str
    actors: tuple[Actor, ...]
    seconds: float
    background: ImageRgb
    sway_deg: float = 1.0
    noise: float = 2.0

    @property
    def kind(self) -> str:
        """What it is to test."""
        return self.name.partition("-")[0]

    def standing(self, actor: Actor, at_s: float) -> Standing | None:
        """Return where somebody is in the picture, the wearer's own movement taken in."""
        there = actor.at(at_s)
        if there is None:
            return None
        turn = self.sway_deg * math.sin(2 * math.pi * 0.4 * at_s)
        return Standing(there.bearing_deg + turn, there.distance_m, there.yaw_deg, there.pitch_deg, there.up_m)


@dataclass(frozen=True, slots=True)
class Seen:
    """Hold the truth of one person in one frame; `share` is how much of the face is seen."""

    actor: int
    standing: Standing
    share: float
    gesture: str


@dataclass(slots=True)
class Heads:
    """Draw heads once, and keep them in memory and in a folder."""

    assets: Assets
    folder: Path | None = None
    _parts: dict[int, tuple[list[Part], Light]] = field(default_factory=dict)
    _drawn: dict[tuple[int, int, int], npt.NDArray[np.float32]] = field(default_factory=dict)

    def head(self, look: int, yaw_deg: float, pitch_deg: float) -> npt.NDArray[np.float32]:
        """Return (S, S, 4) float32: colours times alpha, and alpha in [0, 1]; angles are rounded to one degree."""
        step = 1 if abs(yaw_deg) <= _COARSE_DEG else 2
        key = look, step * round(yaw_deg / step), round(pitch_deg)
        if key not in self._drawn:
            path = None if self.folder is None else self.folder / "head_{}_{}_{}.npy".format(*key)
            if path is not None and path.is_file():
                rgba = np.load(path)
            else:
                rgba = self._draw(*key)
                if path is not None:
                    path.parent.mkdir(parents=True, exist_ok=True)
                    np.save(path, rgba)
            self._drawn[key] = rgba.astype(np.float32) / np.float32(255)
        return self._drawn[key]

    def _draw(self, look: int, yaw: int, pitch: int) -> npt.NDArray[np.uint8]:
        parts, light = self._person(look)
        view = View(yaw, pitch, 0.0, _SCALE, (0.0, _UP), _DISTANCE_DM)
        black = np.zeros((_SIDE_PX, _SIDE_PX, 3), np.uint8)
        lit = draw(parts, light, view, black)
        dark = draw(parts, Light(light.towards[:1], np.zeros((1, 3))), view, black + np.uint8(255))
        return np.dstack([lit, 255 - dark.min(2)])

    def _person(self, look: int) -> tuple[list[Part], Light]:
        if look not in self._parts:
            rng = np.random.default_rng([4, look])
            tone, age = sample.TONES[look % 2], sample.AGES[look // 2 % 3]
            identity = sample.draw_identity(rng, self.assets, tone, age)
            towards = np.array([rng.uniform(-0.8, 0.8), rng.uniform(0.1, 0.9), 1.0])
            self._parts[look] = compose(self.assets, identity, {}), make_light(towards, 0.4, np.ones(3), 0.3)
        return self._parts[look]


def frames(clip: Clip, heads: Heads) -> Iterator[tuple[Frame, tuple[Seen, ...]]]:
    """Yield each frame with who is seen in it."""
    rng = np.random.default_rng(len(clip.name))
    noise = [rng.normal(0, clip.noise, clip.background.shape).astype(np.float32) for _ in range(_NOISES)]
    for index in range(round(clip.seconds * FPS)):
        at_s = index / FPS
        there = [(number, clip.standing(actor, at_s)) for number, actor in enumerate(clip.actors)]
        far_first = sorted(((n, s) for n, s in there if s is not None), key=lambda each: -each[1].distance_m)
        image = clip.background.astype(np.float32)
        for number, standing in far_first:
            _paste(image, heads.head(clip.actors[number].look, standing.yaw_deg, standing.pitch_deg), standing)
        image += noise[index % _NOISES]
        seen = tuple(
            Seen(number, standing, _share(standing, [s for _, s in far_first]), _gesture(clip.actors[number], at_s))
            for number, standing in far_first
        )
        yield Frame(index, at_s, np.clip(np.rint(image), 0, 255).astype(np.uint8), clip.name), seen


def _paste(image: npt.NDArray[np.float32], rgba: npt.NDArray[np.float32], standing: Standing) -> None:
    """Put a head, and the trunk below it, into a picture."""
    factor = standing.px_per_dm / (_SCALE * _SIDE_PX)
    middle = _SIDE_PX / 2, _SIDE_PX * (0.5 + _UP)
    shift = standing.x_px - factor * middle[0], standing.y_px - factor * middle[1]
    left, right = (int(np.clip(shift[0] + way, 0, WIDTH_PX)) for way in (-2, factor * _SIDE_PX + 2))
    top = int(np.clip(shift[1] - 2, 0, HEIGHT_PX))
    if left >= right or top >= HEIGHT_PX:
        return
    matrix = np.array([[factor, 0, shift[0] - left], [0, factor, shift[1] - top]])
    if factor < 1:  # a smaller picture is a mean of the larger one
        sigma = 0.4 / factor
        rgba = cv2.GaussianBlur(rgba, (0, 0), sigma) if sigma > 0.5 else rgba
    layer = cv2.warpAffine(rgba, matrix, (right - left, HEIGHT_PX - top), flags=cv2.INTER_LINEAR)
    end = min(round(shift[1] + factor * _SIDE_PX) - 2, HEIGHT_PX - 1) - top
    if end >= 0:
        layer[end:] = layer[end]
    part = image[top:, left:right]
    part *= 1 - layer[..., 3:]
    part += 255 * layer[..., :3]


def _share(standing: Standing, everybody: list[Standing]) -> float:
    """Return how much of a face is in the picture and behind nobody nearer."""
    across, down = (half * standing.px_per_dm for half in _SIGHT_DM)
    x, y = np.meshgrid(
        np.linspace(standing.x_px - across, standing.x_px + across, 15),
        np.linspace(standing.y_px - down, standing.y_px + down, 15),
    )
    free = (x >= 0) & (x < WIDTH_PX) & (y >= 0) & (y < HEIGHT_PX)
    for other in everybody:
        if other.distance_m < standing.distance_m:
            half = 1.1 * other.px_per_dm
            free &= ~((np.abs(x - other.x_px) < half) & (y > other.y_px - 1.4 * other.px_per_dm))
    return float(free.mean())


def _gesture(actor: Actor, at_s: float) -> str:
    return next((each.kind for each in actor.gestures if each.start_s <= at_s <= each.end_s), "")


# What the clips are

_DOES: Final = ("nodding", "shaking", "aside", "down", "turn", "rest")
_DOES_SHARES: Final = (0.3, 0.3, 0.1, 0.1, 0.1, 0.1)
_GONE_DEG: Final = 50.0

Course = Callable[[float], float]


def _course(*points: tuple[float, float]) -> Course:
    """Return a way through values at times, smooth at each."""
    times, values = np.array(points).T

    def at(at_s: float) -> float:
        index = int(np.clip(np.searchsorted(times, at_s) - 1, 0, len(times) - 2))
        share = float(np.clip((at_s - times[index]) / (times[index + 1] - times[index]), 0, 1))
        return float(values[index] + (values[index + 1] - values[index]) * share * share * (3 - 2 * share))

    return at


def _gestures(rng: np.random.Generator, seconds: float) -> tuple[Course, Course, tuple[Gesture, ...]]:
    """Return yaw and pitch of a head that nods, shakes, glances, and rests, and when it nods and shakes."""
    made: list[tuple[str, float, float, float, float]] = []
    start = 2.0
    while start < seconds - 4.0:
        kind = str(
            rng.choice(["nodding", "shaking", "aside", "down", "turn", "rest"], p=[0.3, 0.3, 0.1, 0.1, 0.1, 0.1])
        )
        hz = float(rng.uniform(1.0, 2.8 if kind == "nodding" else 2.3))
        size = float(rng.uniform(5, 11) if kind == "nodding" else rng.uniform(6, 14))
        lasts = float(rng.integers(2, 5)) / hz if kind in ("nodding", "shaking") else float(rng.uniform(0.8, 2.0))
        made.append((kind, start, lasts, hz, size * float(rng.choice([-1, 1]))))
        start += lasts + float(rng.uniform(2.5, 4.0))
    rest = float(rng.choice([0, 6]))

    def swing(at_s: float, kind: str) -> float:
        for name, begin, lasts, hz, size in made:
            if name == kind and 0 <= at_s - begin <= lasts:
                ease = min(1.0, 4 * hz * min(at_s - begin, begin + lasts - at_s) / 2)
                return size * ease * math.sin(2 * math.pi * hz * (at_s - begin))
        return 0.0

    def held(at_s: float, kind: str, size: float) -> float:
        for name, begin, lasts, _hz, way in made:
            if name == kind:
                moving = min(max(min((at_s - begin) / 0.4, (begin + lasts + 0.4 - at_s) / 0.4), 0.0), 1.0)
                if moving > 0:
                    return math.copysign(size, way) * moving * moving * (3 - 2 * moving)
        return 0.0

    def yaw(at_s: float) -> float:
        return swing(at_s, "shaking") + held(at_s, "aside", 25) + held(at_s, "turn", 14) + rest

    def pitch(at_s: float) -> float:
        return swing(at_s, "nodding") - abs(held(at_s, "down", 15))

    told = tuple(Gesture(k, b, b + lasts) for k, b, lasts, _, _ in made if k in ("nodding", "shaking"))
    return yaw, pitch, told


def gesture_clip(number: int, rng: np.random.Generator, looks: list[int], background: ImageRgb) -> Clip:
    """Somebody before the wearer who nods, shakes the head, glances aside and down, and stands or walks slowly."""
    seconds = 24.0
    yaw, pitch, told = _gestures(rng, seconds)
    bearing = _course((0, rng.uniform(-15, 15)), (seconds / 2, rng.uniform(-15, 15)), (seconds, rng.uniform(-15, 15)))
    near = float(rng.uniform(0.7, 1.6))
    distance = _course((0, near), (seconds / 2, near + rng.uniform(0, 0.6)), (seconds, near))
    actor = Actor(
        int(rng.choice(looks)), lambda t: Standing(bearing(t), distance(t), yaw(t), pitch(t), up_m=0.02), told
    )
    return Clip(f"gesture-{number}", (actor,), seconds, background, float(rng.uniform(0, 2.5)))


def facing_clip(number: int, rng: np.random.Generator, looks: list[int], background: ImageRgb) -> Clip:
    """Two people who turn to the wearer and away."""
    seconds, actors = 20.0, []
    for side in (-1, 1):
        points, at_s = [], 0.0
        while at_s < seconds:
            angle = float(rng.choice([rng.uniform(-14, 14), rng.choice([-1, 1]) * rng.uniform(40, 56)]))
            points += [(at_s, angle), (at_s + 2.5, angle)]
            at_s += 3.2
        yaw = _course(*points)
        place = side * float(rng.uniform(8, 22)), float(rng.uniform(0.8, 2.0))
        actors.append(Actor(int(rng.choice(looks)), lambda t, y=yaw, p=place: Standing(p[0], p[1], y(t), 0.0)))
    return Clip(f"facing-{number}", tuple(actors), seconds, background)


def crowd_clip(number: int, rng: np.random.Generator, looks: list[int], background: ImageRgb) -> Clip:
    """One to four people who stand at various places; the second goes to the right, the third comes from the left."""
    seconds, actors = 14.0, []
    count = number % 4 + 1
    for slot in range(count):
        room = 60.0 / count
        bearing = -30 + room * (slot + 0.5) + float(rng.uniform(-0.25, 0.25)) * room
        far = float(rng.uniform(0.8 if count < 3 else 1.3, 3.0))
        step = float(rng.uniform(-0.3, 0.3))
        comes_s = float(rng.uniform(2, 5)) if slot == 2 else None
        goes_s = float(rng.uniform(8, 12)) if slot == 1 else None
        yaw = float(rng.uniform(-15, 15))
        actors.append(Actor(looks[slot % len(looks)], _visitor(bearing, far, step, yaw, comes_s, goes_s)))
    return Clip(f"crowd-{number}", tuple(actors), seconds, background)


def _visitor(
    bearing: float, far: float, step: float, yaw: float, comes_s: float | None, goes_s: float | None
) -> Callable[[float], Standing | None]:
    """Return somebody who steps to and fro at a place, and takes a second and a half to come there or to go."""
    points = [(0.0, bearing), (99.0, bearing)]
    if comes_s is not None:
        points = [(comes_s - 1.5, -60.0), (comes_s, bearing), (99.0, bearing)]
    if goes_s is not None:
        points = [(0.0, bearing), (goes_s, bearing), (goes_s + 1.5, 60.0)]
    way = _course(*points)

    def at(at_s: float) -> Standing | None:
        angle = way(at_s)
        if abs(angle) > _GONE_DEG:
            return None
        return Standing(angle, far * (1 + 0.1 * math.sin(step * at_s)), yaw, 0.0, up_m=0.02)

    return at


def crossing_clip(number: int, rng: np.random.Generator, looks: list[int], background: ImageRgb) -> Clip:
    """Two people who change places, the one behind the other; and one who walks towards the wearer."""
    seconds = 12.0
    near, far = float(rng.uniform(0.9, 1.3)), float(rng.uniform(1.8, 2.6))
    first, second = _course((3, -20), (6, 20)), _course((3.2, 20), (7, -20))
    come = _course((7.5, far), (10.5, 1.1))
    actors = (
        Actor(looks[number % len(looks)], lambda t: Standing(first(t), near, 0.0, 0.0)),
        Actor(looks[(number + 1) % len(looks)], lambda t: Standing(second(t), come(t), 0.0, 0.0, up_m=0.05)),
    )
    return Clip(f"crossing-{number}", actors, seconds, background)


def empty_clip(number: int, _rng: np.random.Generator, _looks: list[int], background: ImageRgb) -> Clip:
    """Nobody at all."""
    return Clip(f"empty-{number}", (), 6.0, background, noise=3.0)


MAKERS: Final = (gesture_clip, facing_clip, crowd_clip, crossing_clip, empty_clip)


def clips(seed: int, looks: list[int], counts: tuple[int, ...]) -> Iterator[Clip]:
    """Yield so many clips of each kind of `MAKERS`."""
    rooms = backgrounds()
    for maker, count in zip(MAKERS, counts, strict=True):
        for number in range(count):
            rng = np.random.default_rng([seed, MAKERS.index(maker), number])
            yield maker(number, rng, looks, rooms[(seed + number) % len(rooms)])


def backgrounds() -> list[ImageRgb]:
    """Return pictures without people: scikit-image's, and soft blotches of colour."""
    from skimage import data  # an extra: the program's own demo needs it too

    rng = np.random.default_rng(5)
    blurred = [cv2.resize(sample.draw_background(rng, 480, 1.0), (WIDTH_PX, HEIGHT_PX)) for _ in range(3)]
    photographs = [cv2.resize(picture()[..., :3], (WIDTH_PX, HEIGHT_PX)) for picture in (data.coffee, data.rocket)]
    return [np.ascontiguousarray(each, np.uint8) for each in (*blurred, *photographs)]
