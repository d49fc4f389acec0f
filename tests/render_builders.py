"""Write a tiny made-up asset folder in MakeHuman's layout: a square face with square eyes, brows and hair."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from training.render.head import UNITS

_BELOW_DM = 5.0
_SHAPES = [f"macrodetails/{r}-{s}-{a}" for r in ("african", "asian", "caucasian") for s in ("female", "male")
           for a in ("young", "old")]  # fmt: skip


def write_square(path: Path, left: float, bottom: float, side: float, z: float, group: str = "body") -> None:
    """Write an .obj of one square facing the viewer, its texture upright on it."""
    right, top = left + side, bottom + side
    corners = ((left, bottom), (right, bottom), (right, top), (left, top))
    lines = [f"v {x} {y} {z}" for x, y in corners] + ["vt 0 0", "vt 1 0", "vt 1 1", "vt 0 1"]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(["# made up", *lines, f"g {group}", "f 1/1 2/2 3/3 4/4"]) + "\n", encoding="utf-8")


def write_fit(path: Path, rows: int = 4) -> None:
    """Write an .mhclo that ties each vertex to the base vertex of its number, a little in front of it."""
    scales = ["x_scale 0 1 2.0", "y_scale 1 2 2.0", "z_scale 0 4 1.0"]
    ties = [f"{row} {row} {row} 1 0 0 0 0 0.1" for row in range(rows)]
    lines = [*scales, "verts 0", *ties]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def write_target(path: Path, *moves: tuple[int, float, float, float]) -> None:
    """Write a .target that moves base vertices."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("# made up\n" + "".join(f"{r} {x} {y} {z}\n" for r, x, y, z in moves), encoding="utf-8")


def write_texture(path: Path, rgba: tuple[int, int, int, int]) -> None:
    """Write a texture of one colour."""
    path.parent.mkdir(parents=True, exist_ok=True)
    red, green, blue, alpha = rgba
    pixels = np.full((4, 4, 4), (blue, green, red, alpha), np.uint8)
    assert cv2.imwrite(str(path), pixels[..., :3] if path.suffix == ".jpg" else pixels)


def write_assets(folder: Path, targets: Sequence[str]) -> Path:
    """Write everything `python -m training render` reads; `targets` are those of the proportions it may draw."""
    write_square(folder / "base.obj", -1.0, 6.1, 2.0, 0.6)
    text = (folder / "base.obj").read_text(encoding="utf-8")
    low = f"v 0 {_BELOW_DM} 1.6\nv 1 {_BELOW_DM} 0\nv -1 {_BELOW_DM} 0\nf 5/1 6/2 7/3\n"
    (folder / "base.obj").write_text(text + low, encoding="utf-8")
    for name in [*(f"facshuman/{name}" for name in UNITS.values()), *(f"targets/{name}" for name in targets)]:
        write_target(folder / f"{name}.target", (0, 0.01, 0.0, 0.0))
    for name in _SHAPES:
        write_target(folder / f"targets/{name}.target", (1, 0.01, 0.0, 0.0))
    for tone, grey in (("dark", 60), ("light", 200)):
        for age in ("young", "middleage", "old"):
            write_texture(folder / f"skins/{age}_{tone}skinned_male_diffuse.jpg", (grey, grey, grey, 255))
    parts = {"eyes/high-poly/high-poly": None, "teeth/teeth_base": "teeth/teeth", "eyebrows/b1/b1": "eyebrows/b1/b1",
             "eyelashes/l1/l1": "eyelashes/l1/l1", "hair/h1/h1": "hair/h1/h1_diffuse"}  # fmt: skip
    for name, texture in parts.items():
        write_square(folder / f"{name}.obj", 0.0, 0.0, 0.1, 0.0)
        write_fit(folder / f"{name}.mhclo")
        if texture is not None:
            write_texture(folder / f"{texture}.png", (40, 30, 20, 0))
    for name in ("brown_eye", "brownlight_eye", "blue_eye", "green_eye", "grey_eye"):
        write_texture(folder / f"eyes/materials/{name}.png", (90, 50, 20, 0))
    return folder
