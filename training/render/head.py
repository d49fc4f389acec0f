"""Compose a head: identity and Action Units move the base mesh, and eyes, lashes, brows, teeth and hair follow it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
import numpy.typing as npt

from training.datasets.sample import DataError
from training.render.mesh import Fit, Indices, Mesh, Target, Values, normals, read_fit, read_mesh, read_target

Texture = npt.NDArray[np.uint8]
"""(H, W, 4) uint8 sRGB and alpha, first row on top."""

Rgb = tuple[int, int, int]
"""sRGB, each in [0, 255]."""

UNITS: Final[dict[str, str]] = {
    "AU01": "01 Upper Face AUs/1",
    "AU02": "01 Upper Face AUs/2",
    "AU04": "01 Upper Face AUs/4",
    "AU05": "01 Upper Face AUs/5",
    "AU06": "01 Upper Face AUs/6",
    "AU07": "01 Upper Face AUs/7",
    "AU09": "02 Lower Face AUs/9_a",
    "AU10": "02 Lower Face AUs/10",
    "AU12": "02 Lower Face AUs/12",
    "AU14": "02 Lower Face AUs/14",
    "AU15": "02 Lower Face AUs/15",
    "AU17": "02 Lower Face AUs/17",
    "AU20": "02 Lower Face AUs/20",
    "AU23": "02 Lower Face AUs/23",
    "AU24": "02 Lower Face AUs/24",
    "AU25": "03 Lip Parting and Jaw Opening/25",
    "AU26": "03 Lip Parting and Jaw Opening/26",
    "AU43": "01 Upper Face AUs/43",
}
"""FACSHuman's target of each unit. Its further files (as 12_a, L12) are variants and halves of these; of AU09 the
variant is taken, because the nose hardly wrinkles with the plain one."""

_BODY: Final = ("body",)
_COLLAR_DM: Final = 5.75  # height on the base mesh below which skin is covered by a plain shirt
_FROM_EYES_DM: Final = np.array([0.0, -0.35, -0.8])  # from the middle between the eyes to the head's middle
_BLACK: Final = 12.0  # mean grey level below which a texture of hairs has no light and dark strands to keep


@dataclass(frozen=True, slots=True)
class Identity:
    """Say what a person looks like.

    Attributes:
        skin: file stem in skins/.
        shape: strength of each target, by its path in targets/ without the suffix.
        eyes: file stem in eyes/materials/.
        brows: folder in eyebrows/.
        lashes: folder in eyelashes/.
        teeth: file stem in teeth/.
        hair: folder in hair/, or "" for none.
        hair_rgb: sRGB of hair and brows.
        shirt_rgb: sRGB of what covers the shoulders.
    """

    skin: str
    shape: Mapping[str, float]
    eyes: str = "brown_eye"
    brows: str = "eyebrow001"
    lashes: str = "eyelashes01"
    teeth: str = "teeth_base"
    hair: str = ""
    hair_rgb: Rgb = (78, 56, 42)
    shirt_rgb: Rgb = (90, 95, 110)


@dataclass(frozen=True, slots=True)
class Part:
    """Hold one surface of a head, ready to be lit and drawn.

    Attributes:
        points: (V, 3) in decimetres.
        normals: (V, 3).
        triangles: (T, 3).
        uv: (T, 3, 2).
        texture: of the surface.
        gloss: share of the light that is mirrored.
        sharpness: exponent of the mirrored light; higher is a smaller highlight.
        casts: whether it throws shadows.
    """

    points: Values
    normals: Values
    triangles: Indices
    uv: Values
    texture: Texture
    gloss: float = 0.0
    sharpness: float = 10.0
    casts: bool = False


@dataclass(frozen=True, slots=True)
class Assets:
    """Read the files of an asset folder when they are first needed, and keep them.

    Attributes:
        folder: with base.obj, targets/, facshuman/, skins/, eyes/, eyebrows/, eyelashes/, teeth/ and hair/.
    """

    folder: Path
    _kept: dict[Path, Any] = field(default_factory=dict, repr=False)

    def mesh(self, name: str, groups: tuple[str, ...] = ()) -> Mesh:
        """Return `name`.obj."""
        mesh: Mesh = self._once(f"{name}.obj", partial(read_mesh, groups=groups))
        return mesh

    def target(self, name: str) -> Target:
        """Return `name`.target."""
        target: Target = self._once(f"{name}.target", read_target)
        return target

    def fit(self, name: str) -> Fit:
        """Return `name`.mhclo."""
        fit: Fit = self._once(f"{name}.mhclo", read_fit)
        return fit

    def texture(self, name: str) -> Texture:
        """Return a picture with its alpha."""
        texture: Texture = self._once(name, _read_texture)
        return texture

    def names(self, pattern: str) -> list[str]:
        """Return the stems of the files that match, sorted.

        Raises:
            DataError: none does.
        """
        found = sorted(path.stem for path in self.folder.glob(pattern))
        if not found:
            raise DataError(f"{self.folder} holds no {pattern}.", "Give the asset folder with --assets.")
        return found

    def _once(self, name: str, read: Callable[[Path], Any]) -> Any:
        path = self.folder / name
        if path not in self._kept:
            self._kept[path] = read(path)
        return self._kept[path]


def shape_of(assets: Assets, identity: Identity, units: Mapping[str, float]) -> Values:
    """Return all vertices of the base mesh for a person and their movements, (V, 3).

    Args:
        assets: to take the targets from.
        identity: of the person.
        units: strength in [0, 1] by code.
    """
    points = assets.mesh("base", _BODY).points.copy()
    strengths = {f"targets/{name}": value for name, value in identity.shape.items()}
    strengths |= {f"facshuman/{UNITS[code]}": value for code, value in units.items()}
    for name, value in strengths.items():
        target = assets.target(name)
        np.add.at(points, target.rows, target.offsets * value)
    return points


def compose(assets: Assets, identity: Identity, units: Mapping[str, float]) -> list[Part]:
    """Return the surfaces of a person's head and shoulders; the origin is inside the head, behind the nose."""
    body, eyes = assets.mesh("base", _BODY), "eyes/high-poly/high-poly"
    shape = shape_of(assets, identity, units)
    shape = shape - assets.fit(eyes).place(shape).mean(0) - _FROM_EYES_DM
    bare = body.points[body.triangles, 1].min(1) > _COLLAR_DM
    turned = normals(shape, body.triangles)
    skin = assets.texture(f"skins/{identity.skin}.jpg")

    def fitted(mesh: str, texture: Texture, gloss: float = 0.0, sharpness: float = 10.0) -> Part:
        part = assets.mesh(mesh)
        points = assets.fit(mesh).place(shape)
        return Part(points, normals(points, part.triangles), part.triangles, part.uv, texture, gloss, sharpness)

    brows, lashes = f"eyebrows/{identity.brows}/{identity.brows}", f"eyelashes/{identity.lashes}/{identity.lashes}"
    parts = [
        Part(shape, turned, body.triangles[bare], body.uv[bare], skin, 0.03, 12.0, casts=True),
        Part(shape, turned, body.triangles[~bare], body.uv[~bare], np.array([[[*identity.shirt_rgb, 255]]], np.uint8)),
        fitted(eyes, assets.texture(f"eyes/materials/{identity.eyes}.png"), 0.6, 300.0),
        fitted(f"teeth/{identity.teeth}", assets.texture("teeth/teeth.png"), 0.1, 40.0),
        fitted(brows, _dyed(assets.texture(f"{brows}.png"), _darker(identity.hair_rgb))),
        fitted(lashes, assets.texture(f"{lashes}.png")),
    ]
    if identity.hair:
        hair = f"hair/{identity.hair}/{identity.hair}"
        parts.append(fitted(hair, _dyed(assets.texture(f"{hair}_diffuse.png"), identity.hair_rgb), 0.02))
    return parts


def _darker(rgb: Rgb) -> Rgb:
    """Return the colour of brows beside hair of this colour."""
    return rgb[0] // 2, rgb[1] // 2, rgb[2] // 2


def _dyed(texture: Texture, rgb: Rgb) -> Texture:
    """Give hair another colour: its light and dark strands stay, about the colour as their mean."""
    grey = texture[..., :3].mean(2)
    seen = texture[..., 3] > 0
    mean = grey[seen].mean() if seen.any() else 0.0
    share = grey / mean if mean > _BLACK else np.ones_like(grey)
    colours = np.clip(share[..., None] * np.array(rgb), 0, 255)
    return np.dstack([colours.astype(np.uint8), texture[..., 3]])


def _read_texture(path: Path) -> Texture:
    image = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    if image is None or image.ndim != 3:
        raise DataError(f"The texture {path} is missing or damaged.", "Restore the file from MakeHuman's own.")
    if image.shape[2] == 3:
        image = np.dstack([image, np.full(image.shape[:2], 255, np.uint8)])
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGRA2RGBA), np.uint8)
