"""Change held-out crops as distance and darkness would, and pick those of one kind, to see where a model fails."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import cv2
import numpy as np
import numpy.typing as npt

from training.augment import MARGIN
from training.faces import Faces

Grey = npt.NDArray[np.uint8]
Change = Callable[[Grey], Grey]

FACE_PX: Final = (24, 32, 48)
"""Sides of the plain crop; 24 pixels are a face some five metres from a 1280-pixel wide head camera."""
GAMMAS: Final = (2.0, 3.0)
"""Exponents of the tone curve: at 3, middle grey falls to an eighth of full brightness."""
NOISE: Final = 3.0  # grey levels of one standard deviation, as a small sensor adds in the dark


def shrunk(side_px: int) -> Change:
    """Return a change that loses the detail which a face of `side_px` pixels does not have."""

    def change(crop: Grey) -> Grey:
        small = round(side_px * (1 + 2 * MARGIN))
        if small >= crop.shape[0]:
            return crop
        lost = cv2.resize(crop, (small, small), interpolation=cv2.INTER_AREA)
        return np.asarray(cv2.resize(lost, crop.shape[::-1], interpolation=cv2.INTER_LINEAR), np.uint8)

    return change


def darkened(gamma: float, seed: int = 0) -> Change:
    """Return a change that darkens with a tone curve, adds sensor noise and rounds to 8 bits.

    Args:
        gamma: exponent, above 1.
        seed: of the noise.
    """
    rng = np.random.default_rng(seed)

    def change(crop: Grey) -> Grey:
        dark = 255.0 * (crop / 255.0) ** gamma + rng.normal(0.0, NOISE, crop.shape)
        return np.asarray(np.clip(np.rint(dark), 0, 255), np.uint8)

    return change


def changes() -> Mapping[str, Change]:
    """Return every change by name, in the order of a report."""
    sizes = {f"face of {side} px": shrunk(side) for side in FACE_PX}
    return sizes | {f"low light, gamma {gamma:g}": darkened(gamma) for gamma in GAMMAS}


def kinds(faces: Faces) -> Iterator[tuple[str, npt.NDArray[Any]]]:
    """Yield the name and the mask of each source, apparent tone, age texture, light and pose there is."""
    columns = {"source": faces.source} | {
        name: faces.columns[name] for name in ("tone", "age", "light", "pose") if name in faces.columns
    }
    for word, values in columns.items():
        for value in np.unique(values):
            if str(value) not in ("", "nan"):
                yield f"{word} {value}", values == value
