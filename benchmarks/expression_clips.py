"""Compose short clips of real and rendered faces whose changes are known, as a head camera would see them.

No picture is written: a clip is a generator of frames.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2
import numpy as np

from assistant.types import Frame, ImageRgb
from training.render import sample
from training.render.head import Assets, compose
from training.render.picture import View, draw

RATE_HZ: Final = 15
SEGMENT_S: Final = 3.0
DISSOLVE_S: Final = 0.3
"""How long one picture takes to become the next; latency counts from its beginning."""
_RESTED: Final = ("neutral", "neutral", "happiness", "neutral")
_SIDE_PX: Final = 400
_NOISE: Final = 4.0  # grey levels of one standard deviation
_REST: Final = 0.75  # strength of a rest pose: a target drawn so far is severe (FACS D)


@dataclass(frozen=True, slots=True)
class Clip:
    """Hold a clip: pictures shown one after the other, and what each shows.

    Attributes:
        name: of the person.
        pictures: (S, S, 3) uint8 RGB.
        labels: expression of each picture.
        seed: of the camera's movement and noise.
    """

    name: str
    pictures: tuple[ImageRgb, ...]
    labels: tuple[str, ...]
    seed: int

    @property
    def changes_s(self) -> tuple[float, ...]:
        """When each picture but the first begins to show."""
        return tuple(SEGMENT_S * number for number in range(1, len(self.pictures)))

    def frames(self) -> Iterator[Frame]:
        """Yield the frames: each picture for `SEGMENT_S`, dissolving from the one before, moved and noisy."""
        random = np.random.default_rng(self.seed)
        for index in range(int(len(self.pictures) * SEGMENT_S * RATE_HZ)):
            now_s = index / RATE_HZ
            number, within_s = int(now_s // SEGMENT_S), now_s % SEGMENT_S
            share = min(within_s / DISSOLVE_S, 1.0) if number else 1.0
            before = self.pictures[max(number - 1, 0)]
            mixed = cv2.addWeighted(self.pictures[number], share, before, 1.0 - share, 0.0)
            yield Frame(index, now_s, shaken(mixed, now_s, random), self.name)


def shaken(picture: ImageRgb, now_s: float, random: np.random.Generator) -> ImageRgb:
    """Return the picture in a frame of 640x480 as from a head camera: swaying, jerking, noisy, at times blurred."""
    side = picture.shape[0]
    turn = np.deg2rad(2.0 * np.sin(1.7 * now_s))
    scale = 1.0 + 0.03 * np.sin(0.9 * now_s) + random.normal(0, 0.003)
    centre = np.array([320 + 15 * np.sin(1.1 * now_s), 240 + 8 * np.cos(1.4 * now_s)]) + random.normal(0, 1.0, 2)
    cos, sin = scale * np.cos(turn), scale * np.sin(turn)
    matrix = np.array([[cos, -sin, 0.0], [sin, cos, 0.0]])
    matrix[:, 2] = centre - matrix[:, :2] @ [side / 2, side / 2]
    seen = cv2.warpAffine(picture, matrix, (640, 480), borderMode=cv2.BORDER_REPLICATE)
    if random.random() < 0.1:  # a jerk of the head
        seen = cv2.blur(seen, (7, 1))
    bright = 1.0 + 0.05 * np.sin(0.6 * now_s)
    noisy = seen * bright + random.normal(0, _NOISE, (*seen.shape[:2], 1))
    return np.asarray(np.clip(noisy, 0, 255), np.uint8)


def london_people(folder: Path) -> list[str]:
    """Name the people with a neutral and a smiling picture."""
    names = sorted(path.name.removesuffix("_neutral.jpg") for path in folder.glob("*_neutral.jpg"))
    return [name for name in names if (folder / f"{name}_smiling.jpg").is_file()]


def london_clip(folder: Path, person: str) -> Clip:
    """Return somebody who is neutral, smiles, and is neutral again."""
    neutral, smiling = (_read(folder / f"{person}_{shown}.jpg") for shown in ("neutral", "smiling"))
    return Clip(person, (neutral, smiling, neutral), ("neutral", "happiness", "neutral"), int(person))


def rested_clip(assets: Assets, number: int, rest: Sequence[str]) -> Clip:
    """Return a rendered person who does nothing for two segments, smiles, and does nothing again.

    Args:
        assets: of the renderer.
        number: of the person.
        rest: Action Units that the person's face seems to show at rest.
    """
    random = np.random.default_rng([7, number])
    tone, age = sample.TONES[number % 2], sample.AGES[number // 2 % 3]
    identity = sample.draw_identity(random, assets, tone, age)
    setting, bias = sample.draw_setting(np.random.default_rng(1)), dict.fromkeys(rest, _REST)
    background = sample.draw_background(random, _SIDE_PX, 1.0)
    still, smile = (
        draw(compose(assets, identity, bias | shown), setting.light, View(), background)
        for shown in ({}, {"AU06": 0.8, "AU12": 0.9, "AU25": 0.6})
    )
    return Clip(f"{'+'.join(rest) or 'none'} {number}", (still, still, smile, still), _RESTED, number)


def _read(path: Path) -> ImageRgb:
    picture = cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB)
    return np.asarray(cv2.resize(picture, (_SIDE_PX, _SIDE_PX), interpolation=cv2.INTER_AREA), np.uint8)
