"""Read MakeHuman's meshes (.obj), vertex offsets (.target) and fitted parts (.mhclo)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

import numpy as np
import numpy.typing as npt

from training.datasets.sample import DataError

Indices = npt.NDArray[np.int64]
Values = npt.NDArray[np.float64]
Read = TypeVar("Read")

_REMEDY: Final = "Restore the file from MakeHuman's or FACSHuman's own."
_AXES: Final = {"x_scale": 0, "y_scale": 1, "z_scale": 2}


@dataclass(frozen=True, slots=True)
class Mesh:
    """Hold triangles with a place on a texture.

    Attributes:
        points: (V, 3) in decimetres; x to the person's left, y up, z to the front.
        triangles: (T, 3) rows of `points`, counter-clockwise from outside.
        uv: (T, 3, 2) place of each corner on the texture, from its lower left, mostly in [0, 1].
    """

    points: Values
    triangles: Indices
    uv: Values


@dataclass(frozen=True, slots=True)
class Target:
    """Move some vertices of the base mesh.

    Attributes:
        rows: (N,) of the vertices.
        offsets: (N, 3) in decimetres, at full strength.
    """

    rows: Indices
    offsets: Values


@dataclass(frozen=True, slots=True)
class Fit:
    """Tie each vertex of a part, as hair or brows, to three of the base mesh.

    Attributes:
        rows: (V, 3) of the base mesh.
        weights: (V, 3).
        offsets: (V, 3) in decimetres, scaled with the base mesh.
        scales: for each axis two rows of the base mesh and their distance on that axis at scale 1.
    """

    rows: Indices
    weights: Values
    offsets: Values
    scales: tuple[tuple[int, int, float], ...]

    def place(self, base: Values) -> Values:
        """Return where the vertices are on a base mesh of this shape, (V, 3)."""
        scale = [abs(base[one, axis] - base[two, axis]) / length for axis, (one, two, length) in enumerate(self.scales)]
        return np.asarray((base[self.rows] * self.weights[..., None]).sum(1) + self.offsets * np.array(scale))


def read_mesh(path: Path, groups: Collection[str] = ()) -> Mesh:
    """Return all faces of an .obj file, or those of the named groups; faces of four corners are split in two.

    Raises:
        DataError: the file is missing or damaged.
    """
    return _reading(path, lambda: _mesh(_lines(path), groups))


def read_target(path: Path) -> Target:
    """Return the offsets of a .target file.

    Raises:
        DataError: the file is missing or damaged.
    """

    def read() -> Target:
        table = np.array([[float(word) for word in words] for words in _lines(path)]).reshape(-1, 4)
        return Target(table[:, 0].astype(np.int64), table[:, 1:])

    return _reading(path, read)


def read_fit(path: Path) -> Fit:
    """Return how an .mhclo file ties its vertices to the base mesh.

    Raises:
        DataError: the file is missing or damaged.
    """
    return _reading(path, lambda: _fit(_lines(path)))


def normals(points: Values, triangles: Indices) -> Values:
    """Return the outward unit normal of every vertex, (V, 3): the mean of its triangles', by area."""
    one, two, three = (points[triangles[:, corner]] for corner in range(3))
    faces = np.cross(two - one, three - one)
    sums = np.stack([_sum_at(triangles, faces[:, axis], len(points)) for axis in range(3)], 1)
    return np.asarray(sums / np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), 1e-12))


def _sum_at(triangles: Indices, values: Values, size: int) -> Values:
    return np.asarray(np.bincount(triangles.ravel(), np.repeat(values, 3), size))


def _mesh(lines: Iterator[Sequence[str]], groups: Collection[str]) -> Mesh:
    points, places, corners, group = [], [], [], ""
    for key, *words in lines:
        if key == "v":
            points.append([float(word) for word in words[:3]])
        elif key == "vt":
            places.append([float(word) for word in words[:2]])
        elif key == "g":
            group = words[0]
        elif key == "f" and (not groups or group in groups):
            corner = [[int(number) - 1 for number in word.split("/")[:2]] for word in words]
            corners += [[corner[0], *corner[at : at + 2]] for at in range(1, len(corner) - 1)]
    numbers = np.array(corners)
    if numbers.ndim != 3 or numbers.shape[2] != 2 or numbers.min() < 0:
        raise ValueError("it has no faces of the form vertex/texture")
    triangles, uv = numbers[..., 0], np.array(places)[numbers[..., 1]]
    if triangles.max() >= len(points):
        raise ValueError("a face names a vertex that is not there")
    return Mesh(np.array(points), triangles, uv)


def _fit(lines: Iterator[Sequence[str]]) -> Fit:
    scales, ties, tied = {}, [], False
    for key, *words in lines:
        if key in _AXES:
            scales[_AXES[key]] = (int(words[0]), int(words[1]), float(words[2]))
        elif key == "verts":
            tied = True
        elif tied and key.lstrip("-").isdigit():
            ties.append([float(word) for word in (words and (key, *words)) or (key, key, key, 1, 0, 0, 0, 0, 0)])
    if len(scales) != 3 or not ties or min(length for _, _, length in scales.values()) <= 0:
        raise ValueError("scales or vertices are missing")
    table = np.array(ties)
    return Fit(table[:, :3].astype(np.int64), table[:, 3:6], table[:, 6:], tuple(scales[axis] for axis in range(3)))


def _lines(path: Path) -> Iterator[list[str]]:
    for line in path.read_text(encoding="utf-8").splitlines():
        words = line.split()
        if words and not words[0].startswith("#"):
            yield words


def _reading(path: Path, read: Callable[[], Read]) -> Read:
    try:
        return read()
    except (OSError, ValueError, IndexError) as error:
        raise DataError(f"{path} cannot be read: {error}.", _REMEDY) from error
