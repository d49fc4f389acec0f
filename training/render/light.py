"""Light surfaces: a bright direction, and light from all around that creases and hollows receive less of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from training.render.mesh import Indices, Values
from training.render.raster import nearest, rasterise

_CELL_DM: Final = 0.04  # of the grid on which shadows are found: 4 mm
_LIFT_DM: Final = 0.04  # a surface closer than this below the nearest one is not in its shadow
_WRAP: Final = 0.15  # share by which light reaches round an edge, as it does through skin
_AROUND: Final = 10
_KEY: Final = 3


@dataclass(frozen=True, slots=True)
class Light:
    """Hold light that arrives from some directions.

    Attributes:
        towards: (D, 3) unit vectors from the face to where light comes from; x right in the picture, y up, z to the
            viewer.
        colours: (D, 3) linear RGB.
        key: row of the direction that surfaces mirror.
    """

    towards: Values
    colours: Values
    key: int = 0


def make_light(key_towards: Values, key_share: float, colour: Values, up: float, size: float = 0.15) -> Light:
    """Return a key light, spread over a disc so that its shadows are soft, and light from all around.

    Args:
        key_towards: (3,) to the key light; need not be a unit vector.
        key_share: of the key light in all light on a surface that faces it, in [0, 1].
        colour: (3,) linear RGB of the key light, where 1 shows a surface in its own colour.
        up: how much brighter light from above is than from below, in [0, 1].
        size: of the disc, as a share of its distance.
    """
    direction = key_towards / np.linalg.norm(key_towards)
    side = np.cross(direction, [0.0, 1.0, 0.01])
    side /= np.linalg.norm(side)
    angles = np.arange(_KEY) * 2 * np.pi / _KEY
    disc = np.cos(angles)[:, None] * side + np.sin(angles)[:, None] * np.cross(direction, side)
    keys = direction + size * disc
    around = _sphere(_AROUND)
    sky = 1.0 + up * around[:, 1:2]
    towards = np.concatenate([keys / np.linalg.norm(keys, axis=1, keepdims=True), around])
    ambient = (1 - key_share) * sky * np.ones(3) * 4.0 / _AROUND  # a sphere of ones gives 1 on any surface
    colours = np.concatenate([np.tile(key_share * colour / _KEY, (_KEY, 1)), ambient])
    return Light(towards, colours)


def irradiance(points: Values, normals: Values, light: Light, caster: tuple[Values, Indices]) -> Values:
    """Return the light that falls on each vertex, (V, 3) linear RGB.

    Args:
        points: (V, 3) in decimetres.
        normals: (V, 3).
        light: to light with.
        caster: points, (W, 3), and triangles, (T, 3), of what throws shadows.
    """
    used, numbers = np.unique(caster[1], return_inverse=True)
    casting, triangles = caster[0][used], numbers.reshape(-1, 3)
    total = np.zeros((len(points), 3))
    for towards, colour in zip(light.towards, light.colours, strict=True):
        facing = np.clip((normals @ towards + _WRAP) / (1 + _WRAP), 0, None)
        rows = np.flatnonzero(facing)
        total[rows] += (facing[rows] * _unshadowed(points[rows], towards, casting, triangles))[:, None] * colour
    return total


def mirrored(normals: Values, light: Light, sharpness: float) -> Values:
    """Return how much of the key light is mirrored to the viewer, (F,) in [0, 1] (Blinn, SIGGRAPH 1977)."""
    half = light.towards[light.key] + np.array([0.0, 0.0, 1.0])
    half /= np.linalg.norm(half)
    return np.asarray(np.clip(normals @ half, 0, 1) ** sharpness)


def _unshadowed(points: Values, towards: Values, casting: Values, triangles: Indices) -> Values:
    """Return the share of light from a direction that reaches each vertex, (V,) in [0, 1]."""
    side = np.cross(towards, [0.013, 1.0, 0.017])
    side /= np.linalg.norm(side)
    turn = np.stack([side, np.cross(towards, side), -towards], 1)
    seen, asked = casting @ turn, points @ turn
    low = seen.min(0)
    width, height = (int(cells) + 1 for cells in np.ceil((seen.max(0) - low)[:2] / _CELL_DM))
    scale = np.array([1 / _CELL_DM, 1 / _CELL_DM, 1.0])
    seen, asked = (seen - low) * scale, (asked - low) * scale
    depth = nearest(rasterise(seen, triangles, height, width), height, width)
    lit = np.zeros(len(points))
    for shift in ((-0.5, -0.5), (0.5, -0.5), (-0.5, 0.5), (0.5, 0.5)):
        column, row = (np.floor(asked[:, axis] + shift[axis]).astype(np.int64) for axis in (0, 1))
        outside = (column < 0) | (row < 0) | (column >= width) | (row >= height)
        found = depth[np.clip(row, 0, height - 1), np.clip(column, 0, width - 1)]
        lit += outside | (asked[:, 2] <= found + _LIFT_DM)
    return lit / 4


def _sphere(count: int) -> Values:
    """Return directions spread evenly, (N, 3): a Fibonacci lattice."""
    height = 1 - 2 * (np.arange(count) + 0.5) / count
    angle = np.arange(count) * np.pi * (3 - np.sqrt(5))
    ring = np.sqrt(1 - height**2)
    return np.stack([ring * np.cos(angle), height, ring * np.sin(angle)], 1)
