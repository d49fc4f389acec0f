"""Draw a composed head under a light, from where a camera stands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import cv2
import numpy as np

from assistant.types import ImageRgb
from training.render.head import Part
from training.render.light import Light, irradiance, mirrored
from training.render.mesh import Indices, Values
from training.render.raster import composite, rasterise, sample

GAMMA: Final = 2.2
_FINER: Final = 2  # pixels drawn for one of the picture, each way: hairs are thinner than a pixel


@dataclass(frozen=True, slots=True)
class View:
    """Say how a head stands before the camera.

    Attributes:
        yaw_deg: turn to the right in the picture is positive.
        pitch_deg: up is positive.
        roll_deg: clockwise in the picture is positive.
        scale: pixels a decimetre at the head's middle, as a share of the picture's side.
        shift: (2,) of the head in the picture, right and down, as a share of its side.
        distance_dm: from the camera to the head's middle.
    """

    yaw_deg: float = 0.0
    pitch_deg: float = 0.0
    roll_deg: float = 0.0
    scale: float = 0.32
    shift: tuple[float, float] = (0.0, 0.0)
    distance_dm: float = 10.0

    def rotation(self) -> Values:
        """Return the matrix that turns points of the head, (3, 3)."""
        yaw, pitch, roll = np.radians([self.yaw_deg, -self.pitch_deg, -self.roll_deg])
        about_y = np.array([[np.cos(yaw), 0, np.sin(yaw)], [0, 1, 0], [-np.sin(yaw), 0, np.cos(yaw)]])
        about_x = np.array([[1, 0, 0], [0, np.cos(pitch), -np.sin(pitch)], [0, np.sin(pitch), np.cos(pitch)]])
        about_z = np.array([[np.cos(roll), -np.sin(roll), 0], [np.sin(roll), np.cos(roll), 0], [0, 0, 1]])
        return np.asarray(about_z @ about_x @ about_y)

    def project(self, points: Values, side_px: int) -> Values:
        """Return column, row and depth of turned points, (V, 3)."""
        depth = self.distance_dm - points[:, 2]
        size = self.scale * side_px * self.distance_dm / depth
        column = side_px * (0.5 + self.shift[0]) + points[:, 0] * size
        row = side_px * (0.5 + self.shift[1]) - points[:, 1] * size
        return np.stack([column, row, depth], 1)


def draw(parts: Sequence[Part], light: Light, view: View, background: ImageRgb, exposure: float = 1.0) -> ImageRgb:
    """Return the picture, (S, S, 3) uint8 RGB.

    Args:
        parts: surfaces of the head.
        light: on it.
        view: of it.
        background: (S, S, 3) uint8.
        exposure: factor of all light on the head.
    """
    side = background.shape[0] * _FINER
    behind = cv2.resize(background, (side, side), interpolation=cv2.INTER_LINEAR)
    turn = view.rotation().T
    turned = [replace(part, points=part.points @ turn, normals=part.normals @ turn) for part in parts]
    caster = next((part.points, part.triangles) for part in turned if part.casts)
    every, facing = (np.concatenate([getattr(part, name) for part in turned]) for name in ("points", "normals"))
    ends = np.cumsum([len(part.points) for part in turned])[:-1]
    lit = np.split(irradiance(every, facing, light, caster) * exposure, ends)
    layers = [_layer(part, shade, light, view, side) for part, shade in zip(turned, lit, strict=True)]
    pixel, depth, rgba, shine = (np.concatenate(column) for column in zip(*layers, strict=True))
    image = composite(pixel, depth, rgba, shine * exposure, (behind / 255.0) ** GAMMA)
    small = cv2.resize(np.clip(image, 0, 1), background.shape[1::-1], interpolation=cv2.INTER_AREA)
    return np.asarray(np.rint(255 * small ** (1 / GAMMA)), np.uint8)


def _layer(part: Part, lit: Values, light: Light, view: View, side: int) -> tuple[Indices, Values, Values, Values]:
    """Return pixel, depth, colour with alpha, and mirrored light of each fragment."""
    fragments = rasterise(view.project(part.points, side), part.triangles, side, side)
    texels = sample(part.texture, fragments.interpolate(part.uv)) / 255.0
    colour = texels[:, :3] ** GAMMA * fragments.interpolate(lit[part.triangles])
    facing = fragments.interpolate(part.normals[part.triangles])
    facing /= np.maximum(np.linalg.norm(facing, axis=1, keepdims=True), 1e-9)
    shine = (part.gloss * mirrored(facing, light, part.sharpness))[:, None] * np.ones(3)
    return fragments.pixel, fragments.depth, np.column_stack([colour, texels[:, 3]]), shine
