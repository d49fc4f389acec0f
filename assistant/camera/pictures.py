"""Read picture files of any common kind as RGB."""

from __future__ import annotations

import os
import struct
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
import numpy.typing as npt

from assistant.camera.quiet import quieten_opencv, silent_stderr
from assistant.errors import SourceError
from assistant.types import ImageRgb

LARGEST_SIDE_PX: Final = 4096
"""Larger pictures are reduced to this: a face that matters is still far larger than a model's input."""
_REMEDY: Final = "Use a JPEG, PNG, WebP, TIFF or BMP picture that opens in a picture viewer."
_HEADER_BYTES: Final = 1 << 20  # a JPEG's size stands behind its EXIF and colour profile
_MOST_PX_A_BYTE: Final = 8 * 1032  # of a PNG with one bit a pixel: RFC 1951 packs at most 258 bytes into two bits
_REDUCED: Final = {
    1: cv2.IMREAD_COLOR,
    2: cv2.IMREAD_REDUCED_COLOR_2,
    4: cv2.IMREAD_REDUCED_COLOR_4,
    8: cv2.IMREAD_REDUCED_COLOR_8,
}


def is_picture(path: Path) -> bool:
    """Return whether a file is a still picture, by its first bytes; an animated GIF counts as a clip."""
    if path.suffix.lower() == ".gif":
        return False
    quieten_opencv()
    return bool(cv2.haveImageReader(str(path)))


def read_picture(path: Path) -> ImageRgb:
    """Read a picture upright: (H, W, 3) uint8 RGB, no side above `LARGEST_SIDE_PX`.

    A JPEG's EXIF orientation is applied, transparency is laid over white, 16-bit and grey pictures are converted.

    Raises:
        SourceError: the file is missing, empty, damaged, not a picture, or too large for this machine's memory; the
            caller skips it or tells the person.
    """
    quieten_opencv()
    stored = _read_bytes(path)
    width, height = size_px(stored[:_HEADER_BYTES].tobytes())
    jpeg = stored[:3].tobytes() == b"\xff\xd8\xff"
    factor = _jpeg_reduction(max(width, height)) if jpeg else 1
    _refuse_too_large(path, width, height, factor)
    _refuse_impossible(path, width, height, stored)
    flags = _REDUCED[factor] if jpeg else cv2.IMREAD_UNCHANGED
    try:
        with silent_stderr():
            image = cv2.imdecode(stored, flags)
    except (cv2.error, MemoryError) as error:
        raise SourceError(f"{path} is too large or damaged: it cannot be decoded.", _REMEDY) from error
    if image is None:
        raise SourceError(f"{path} is damaged or is not a picture.", _REMEDY)
    return to_rgb(image)


def to_rgb(image: npt.NDArray[Any]) -> ImageRgb:
    """Convert what OpenCV decodes to (H, W, 3) uint8 RGB, no side above `LARGEST_SIDE_PX`.

    Args:
        image: (H, W), (H, W, 1), (H, W, 3) BGR or (H, W, 4) BGRA; uint8, uint16, or float in [0, 1].
    """
    longest = max(image.shape[:2])
    if longest > LARGEST_SIDE_PX:  # first, so that what follows works on little
        factor = LARGEST_SIDE_PX / longest
        size = [max(1, round(side * factor)) for side in image.shape[1::-1]]
        image = cv2.resize(image, (size[0], size[1]), interpolation=cv2.INTER_AREA)
    image = _to_8_bit(image)
    if image.ndim == 2 or image.shape[2] == 1:
        return _uint8(cv2.cvtColor(image, cv2.COLOR_GRAY2RGB))
    if image.shape[2] == 2:  # grey with transparency
        image = image[:, :, [0, 0, 0, 1]]
    if image.shape[2] == 4:
        alpha = image[:, :, 3:].astype(np.uint16)
        over_white = (image[:, :, :3] * alpha + 255 * (255 - alpha) + 127) // 255
        image = over_white.astype(np.uint8)
    return _uint8(cv2.cvtColor(image, cv2.COLOR_BGR2RGB))


def size_px(stored: bytes) -> tuple[int, int]:
    """Return (width, height) from the header of a PNG or JPEG without decoding it; (0, 0) for other kinds.

    Layouts: PNG specification, section 11.2.2 (IHDR); ITU-T T.81, annex B.2.2 (frame header).
    """
    if stored[:8] == b"\x89PNG\r\n\x1a\n" and len(stored) >= 24:
        width, height = struct.unpack(">II", stored[16:24])
        return width, height
    at = 2
    while stored[:2] == b"\xff\xd8" and at + 9 <= len(stored) and stored[at] == 0xFF:
        marker = stored[at + 1]
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack(">HH", stored[at + 5 : at + 9])
            return width, height
        at += 1 if marker == 0xFF else 2 + int.from_bytes(stored[at + 2 : at + 4], "big")
    return 0, 0


def _read_bytes(path: Path) -> npt.NDArray[np.uint8]:
    try:
        stored = np.fromfile(path, dtype=np.uint8)
    except FileNotFoundError as error:
        raise SourceError(f"There is no picture {path}.", "Check the path and its spelling.") from error
    except OSError as error:
        reason = error.strerror or str(error)
        raise SourceError(
            f"{path} cannot be read: {reason}.", "Name a picture file that you have the right to read."
        ) from error
    if not stored.size:
        raise SourceError(f"{path} is empty: it has 0 bytes.", "Copy the picture again.")
    return stored


def _jpeg_reduction(longest_px: int) -> int:
    """Return the reduction inside the decoder, which spares memory, that still leaves `LARGEST_SIDE_PX`."""
    return next((factor for factor in (1, 2, 4) if longest_px < 2 * factor * LARGEST_SIDE_PX), 8)


def _refuse_impossible(path: Path, width: int, height: int, stored: npt.NDArray[np.uint8]) -> None:
    """Refuse a header that promises more than the file holds: the decoder would take gigabytes, and half a minute."""
    if width * height > _MOST_PX_A_BYTE * stored.size:
        raise SourceError(f"{path} is damaged: {stored.size} bytes cannot hold {width} x {height} pixels.", _REMEDY)
    if _longest_png_chunk(stored) > stored.size:
        raise SourceError(f"{path} is damaged: it promises more bytes than it has.", _REMEDY)


def _longest_png_chunk(stored: npt.NDArray[np.uint8]) -> int:
    """Return the longest length that a PNG's chunks claim to have (PNG specification, 5.3); 0 for other files."""
    longest, at = 0, 8
    if stored[:8].tobytes() != b"\x89PNG\r\n\x1a\n":
        return 0
    while at + 8 <= stored.size and longest <= stored.size:
        length = int.from_bytes(stored[at : at + 4].tobytes(), "big")
        longest, at = max(longest, length), at + length + 12
    return longest


def _refuse_too_large(path: Path, width: int, height: int, factor: int) -> None:
    """Refuse what would take over half of the memory: the system kills a process without a word."""
    if width * height * 4 / factor**2 > _memory_bytes() / 2:
        raise SourceError(
            f"{path} is too large for this machine's memory: {width} x {height} pixels.",
            f"Save it smaller: {LARGEST_SIDE_PX} pixels on the longer side are enough.",
        )


def _memory_bytes() -> float:
    try:
        return float(os.sysconf("SC_PAGE_SIZE")) * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):  # not on Windows
        return 2.0**32


def _to_8_bit(image: npt.NDArray[Any]) -> npt.NDArray[Any]:
    if image.dtype == np.uint16:
        return (image >> 8).astype(np.uint8)
    if image.dtype.kind == "f":
        return np.asarray((np.nan_to_num(image).clip(0.0, 1.0) * 255.0).round(), np.uint8)
    return image


def _uint8(image: Any) -> ImageRgb:
    return np.ascontiguousarray(image, dtype=np.uint8)
