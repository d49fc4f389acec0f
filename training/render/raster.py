"""Draw triangles with textures and transparency in plain NumPy.

Every pixel centre inside a triangle gives a fragment; opaque ones hide what is behind them, the rest is blended from
back to front in each pixel. Weights are interpolated in the picture plane: triangles are small beside their distance.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from training.render.mesh import Indices, Values

OPAQUE: Final = 0.99
"""Alpha from which nothing behind is seen."""
_EDGE: Final = 1e-9  # a centre on an edge belongs to the triangle, whichever way it was rounded
_AT_ONCE: Final = 4096  # triangles; bounds memory


@dataclass(frozen=True, slots=True)
class Fragments:
    """Say which pixel centres lie in which triangles.

    Attributes:
        pixel: (F,) row * width + column.
        triangle: (F,).
        weights: (F, 3) of the triangle's corners; they sum to 1.
        depth: (F,) distance from the viewer.
    """

    pixel: Indices
    triangle: Indices
    weights: Values
    depth: Values

    def interpolate(self, values: Values) -> Values:
        """Return (F, C) from values at the triangles' corners, (T, 3, C)."""
        return np.asarray(np.einsum("fk,fkc->fc", self.weights, values[self.triangle]))


def rasterise(seen: Values, triangles: Indices, height: int, width: int) -> Fragments:
    """Return the fragments of triangles, seen from both sides.

    Args:
        seen: (V, 3) column and row in pixels, where (0.5, 0.5) is the first pixel's centre, and depth.
        triangles: (T, 3) rows of `seen`.
        height: of the picture in pixels.
        width: of the picture in pixels.
    """
    parts = [
        _rasterise(seen[triangles[start : start + _AT_ONCE]], start, height, width)
        for start in range(0, len(triangles), _AT_ONCE)
    ]
    return Fragments(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))


def nearest(fragments: Fragments, height: int, width: int) -> Values:
    """Return the least depth in every pixel, (H, W); infinite where there is nothing."""
    depth = np.full(height * width, np.inf)
    np.minimum.at(depth, fragments.pixel, fragments.depth)
    return depth.reshape(height, width)


def sample(texture: npt.NDArray[np.uint8], uv: Values) -> Values:
    """Return texture colours between the four nearest texels, (F, C); what lies outside repeats the texture.

    Args:
        texture: (H, W, C), first row on top.
        uv: (F, 2) from the lower left corner, 1 the width and the height.
    """
    height, width = texture.shape[:2]
    x, y = uv[:, 0] * width - 0.5, (1.0 - uv[:, 1]) * height - 0.5
    left, top = np.floor(x).astype(np.int64), np.floor(y).astype(np.int64)
    right_share, lower_share = (x - left)[:, None], (y - top)[:, None]
    columns, rows = (left % width, (left + 1) % width), (top % height, (top + 1) % height)
    upper = texture[rows[0], columns[0]] * (1 - right_share) + texture[rows[0], columns[1]] * right_share
    lower = texture[rows[1], columns[0]] * (1 - right_share) + texture[rows[1], columns[1]] * right_share
    return np.asarray(upper * (1 - lower_share) + lower * lower_share, np.float64)


def composite(pixel: Indices, depth: Values, rgba: Values, shine: Values, background: Values) -> Values:
    """Blend fragments over a background, in each pixel from back to front; return (H, W, 3).

    Args:
        pixel: (F,).
        depth: (F,).
        rgba: (F, 4) linear colour and alpha in [0, 1].
        shine: (F, 3) light mirrored by a surface, added even where it is transparent.
        background: (H, W, 3).
    """
    image = background.reshape(-1, 3).copy()
    solid = rgba[:, 3] >= OPAQUE
    limit = np.full(len(image), np.inf)
    np.minimum.at(limit, pixel[solid], depth[solid])
    kept = np.flatnonzero((depth <= limit[pixel]) & ((rgba[:, 3] > 0) | shine.any(1)))
    kept = kept[np.lexsort((-depth[kept], pixel[kept]))]
    at = pixel[kept]
    first = np.r_[True, at[1:] != at[:-1]] if len(at) else np.zeros(0, np.bool_)
    layer = np.arange(len(at)) - np.maximum.accumulate(np.where(first, np.arange(len(at)), 0))
    for number in range(int(layer.max(initial=-1)) + 1):
        rows = kept[layer == number]
        alpha = rgba[rows, 3:]
        image[pixel[rows]] = image[pixel[rows]] * (1 - alpha) + rgba[rows, :3] * alpha + shine[rows]
    return np.asarray(image.reshape(background.shape))


def _rasterise(corners: Values, first: int, height: int, width: int) -> tuple[Indices, Indices, Values, Values]:
    """Test every pixel centre in the box around each triangle, (T, 3, 3), at once."""
    low = np.clip(np.ceil(corners[..., :2].min(1) - 0.5), 0, [width, height]).astype(np.int64)
    high = np.clip(np.floor(corners[..., :2].max(1) - 0.5) + 1, low, [width, height]).astype(np.int64)
    size = high - low
    area = size.prod(1)
    of = np.repeat(np.arange(len(corners)), area)
    number = np.arange(len(of)) - np.repeat(np.cumsum(area) - area, area)
    column, row = low[of, 0] + number % np.maximum(size[of, 0], 1), low[of, 1] + number // np.maximum(size[of, 0], 1)
    weights = _weights(corners[of, :, :2], column + 0.5, row + 0.5)
    inside = np.flatnonzero((weights >= -_EDGE).all(1))
    of, weights = of[inside], weights[inside]
    depth = (weights * corners[of, :, 2]).sum(1)
    return (row * width + column)[inside], of + first, weights, depth


def _weights(corners: npt.NDArray[np.float64], x: Values, y: Values) -> Values:
    """Return the barycentric weights of points in triangles, (F, 3); -1 in a triangle seen edge-on."""
    a, b, c = corners[:, 0], corners[:, 1], corners[:, 2]
    twice = (b[:, 0] - a[:, 0]) * (c[:, 1] - a[:, 1]) - (c[:, 0] - a[:, 0]) * (b[:, 1] - a[:, 1])
    flat = np.abs(twice) < 1e-9
    safe = np.where(flat, 1.0, twice)
    second = ((x - a[:, 0]) * (c[:, 1] - a[:, 1]) - (c[:, 0] - a[:, 0]) * (y - a[:, 1])) / safe
    third = ((b[:, 0] - a[:, 0]) * (y - a[:, 1]) - (x - a[:, 0]) * (b[:, 1] - a[:, 1])) / safe
    weights = np.stack([1 - second - third, second, third], 1)
    weights[flat] = -1.0
    return weights
