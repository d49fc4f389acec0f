"""Change training crops: turn, shift, mirror, blur, add noise; or also dim, shrink, hide, compress and blend them.

Works on single luminance crops with OpenCV and NumPy alone, so that the same pictures come out on every Keras back end.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from assistant.vision.align import normalise

Grey = npt.NDArray[np.uint8]

MARGIN: Final = 1 / 7
"""Border of the stored crops on each side, as a share of the plain crop: room to rotate and shift in."""
STORED_PX: Final = 144
"""Side of the stored crops: 112 pixels and a margin of 16 on each side."""


@dataclass(frozen=True, slots=True)
class Augmentation:
    """Say how far to change a crop, and how often.

    Attributes:
        rotate_deg: largest rotation either way.
        zoom: largest relative change of size either way.
        shift: largest shift as a share of the crop's side.
        mirror: probability of a left-right flip (all units and labels here are symmetric).
        light: probability of a changed gamma and gradient of light.
        blur: probability of a Gaussian or motion blur.
        shrink: probability of a face reduced to 24 to 60 pixels and enlarged again.
        noise: probability of sensor noise.
        hide: probability of a rectangle of grey over a part.
        compress: probability of a JPEG round trip.
        blend: probability that a face without annotations is a blend of two, for a teacher to answer about.
    """

    rotate_deg: float = 12.0
    zoom: float = 0.10
    shift: float = 0.05
    mirror: float = 0.5
    light: float = 0.35
    blur: float = 0.15
    shrink: float = 0.12
    noise: float = 0.2
    hide: float = 0.15
    compress: float = 0.15
    blend: float = 0.0


NONE: Final = Augmentation(0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
CHOICES: Final = {
    "camera": Augmentation(),
    "classic": Augmentation(light=0, shrink=0, hide=0, compress=0),
    "blended": Augmentation(shrink=0, hide=0, compress=0, blend=0.6),
    "mirror": replace(NONE, mirror=0.5),
    "none": NONE,
}
"""How crops may be changed: as a head camera does; only turned, shifted, mirrored, blurred and noisy; that, dimmed and
blended, where teachers are asked about every picture; mirrored; not."""


def prepare(stored: Grey, size_px: int) -> npt.NDArray[np.float32]:
    """Return the network's input for an unchanged stored crop, (S, S) float32 standardised, as the runtime makes it."""
    return normalise(_sample(stored, size_px, 0.0, 1.0, 0.0, 0.0, False))


def augment(stored: Grey, size_px: int, how: Augmentation, rng: np.random.Generator) -> npt.NDArray[np.float32]:
    """Return the network's input for a changed crop.

    Args:
        stored: (144, 144) uint8.
        size_px: side of the result.
        how: how far, how often.
        rng: source of every random number, so that a seed repeats the pictures.

    Returns:
        (size_px, size_px) float32 standardised grey.
    """
    crop = _sample(
        stored,
        size_px,
        rng.uniform(-how.rotate_deg, how.rotate_deg),
        1.0 + rng.uniform(-how.zoom, how.zoom),
        rng.uniform(-how.shift, how.shift),
        rng.uniform(-how.shift, how.shift),
        bool(rng.random() < how.mirror),
    )
    for chance, change in (
        (how.light, _light),
        (how.blur, _blur),
        (how.shrink, _shrink),
        (how.noise, _noise),
        (how.hide, _hide),
        (how.compress, _compress),
    ):
        if rng.random() < chance:
            crop = change(crop, rng)
    return normalise(crop)


def blend(
    one: npt.NDArray[np.float32], other: npt.NDArray[np.float32], rng: np.random.Generator
) -> npt.NDArray[np.float32]:
    """Return one face that is two: both seen through each other, or a part of one beside a part of the other.

    Nobody can annotate it, but a teacher answers, and a student learns what the teacher does where no picture is
    (Beyer et al., Knowledge distillation: a good teacher is patient and consistent, CVPR 2022; there mixup alone).

    Args:
        one: (S, S) float32 standardised grey.
        other: the same of another face, its eyes and mouth in the same places.
        rng: source of every random number.

    Returns:
        (S, S) float32 standardised grey.
    """
    if rng.random() < 0.5:
        share: npt.NDArray[np.float64] | float = rng.random()
    else:  # a soft border, anywhere near the middle and in any direction
        angle, place = rng.uniform(0, 2 * np.pi), rng.uniform(-0.2, 0.2)
        ramp = np.linspace(-0.5, 0.5, one.shape[0])
        share = 1.0 / (1.0 + np.exp(-40.0 * (np.cos(angle) * ramp[None] + np.sin(angle) * ramp[:, None] - place)))
    both = share * one + (1.0 - share) * other
    low, high = both.min(), both.max()
    return normalise(np.asarray(np.rint((both - low) * (255.0 / max(high - low, 1e-6))), np.uint8))


def _sample(
    stored: Grey, size_px: int, angle_deg: float, zoom: float, shift_x: float, shift_y: float, mirror: bool
) -> Grey:
    """Cut a rotated, zoomed, shifted and perhaps mirrored square out of a stored crop."""
    plain = stored.shape[0] / (1.0 + 2.0 * MARGIN)
    scale = size_px / plain * zoom
    if scale < 0.75:  # halve the aliasing of plain bilinear sampling
        stored = np.asarray(cv2.GaussianBlur(stored, (0, 0), 0.42 / scale), np.uint8)
    centre = stored.shape[0] / 2.0  # as `align.similarity` scales its template: pixel 0 stays pixel 0 at every size
    matrix = cv2.getRotationMatrix2D((centre, centre), angle_deg, scale)
    matrix[:, 2] += size_px / 2.0 - centre + np.array([shift_x, shift_y]) * size_px
    crop = cv2.warpAffine(stored, matrix, (size_px, size_px), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(crop[:, ::-1] if mirror else crop, np.uint8)


def _light(crop: Grey, rng: np.random.Generator) -> Grey:
    """Bend the tone curve and lay a slope of light over the face; standardising undoes only the plain part."""
    gamma = float(np.exp(rng.uniform(-0.7, 0.7)))
    values = (crop / 255.0) ** gamma
    angle = rng.uniform(0, 2 * np.pi)
    ramp = np.linspace(-0.5, 0.5, crop.shape[0])
    slope = np.cos(angle) * ramp[None] + np.sin(angle) * ramp[:, None]
    values = values * (1.0 + rng.uniform(0, 1.0) * slope)
    return np.asarray(np.clip(values * 255.0, 0, 255), np.uint8)


def _blur(crop: Grey, rng: np.random.Generator) -> Grey:
    """Blur evenly, or along a line as a moving head does."""
    if rng.random() < 0.5:
        return np.asarray(cv2.GaussianBlur(crop, (0, 0), rng.uniform(0.4, max(0.4, 0.016 * crop.shape[0]))), np.uint8)
    length = int(rng.integers(3, max(4, crop.shape[0] // 14)))
    kernel = np.zeros((length, length), np.float32)
    kernel[length // 2] = 1.0
    turn = cv2.getRotationMatrix2D(((length - 1) / 2, (length - 1) / 2), rng.uniform(0, 180), 1.0)
    kernel = cv2.warpAffine(kernel, turn, (length, length))
    return np.asarray(cv2.filter2D(crop, -1, kernel / max(float(kernel.sum()), 1e-3)), np.uint8)


def _shrink(crop: Grey, rng: np.random.Generator) -> Grey:
    """Lose the detail that a far face does not have: 24 to 60 pixels."""
    side = int(rng.integers(24, 61))
    if side >= crop.shape[0]:
        return crop
    small = cv2.resize(crop, (side, side), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(small, crop.shape[::-1], interpolation=cv2.INTER_LINEAR), np.uint8)


def _noise(crop: Grey, rng: np.random.Generator) -> Grey:
    """Add sensor noise of up to eight grey levels."""
    noise = rng.standard_normal(crop.shape, dtype=np.float32) * rng.uniform(1, 8)
    return np.asarray(np.clip(crop + noise, 0, 255), np.uint8)


def _hide(crop: Grey, rng: np.random.Generator) -> Grey:
    """Cover a part, as a hand or a cup would; small enough that most movements stay visible."""
    side = crop.shape[0]
    height, width = (int(rng.uniform(0.1, 0.3) * side) for _ in range(2))
    top, left = int(rng.integers(0, side - height)), int(rng.integers(0, side - width))
    covered = crop.copy()
    covered[top : top + height, left : left + width] = int(rng.integers(0, 256))
    return covered


def _compress(crop: Grey, rng: np.random.Generator) -> Grey:
    """Pass through JPEG of quality 20 to 70."""
    _, stored = cv2.imencode(".jpg", crop, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(20, 71))])
    return np.asarray(cv2.imdecode(stored, cv2.IMREAD_GRAYSCALE), np.uint8)
