"""Check that pictures of every common kind are read as RGB."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest

from assistant.camera import pictures
from assistant.camera.pictures import is_picture, read_picture, size_px, to_rgb
from assistant.errors import SourceError
from tests.camera_builders import bgr, coloured, write_picture


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".bmp", ".tiff", ".webp"])
def test_reads_colour_as_rgb(tmp_path: Path, suffix: str) -> None:
    image = read_picture(write_picture(tmp_path / f"face{suffix}", bgr(coloured((220, 120, 20)))))
    assert image.shape == (48, 64, 3)
    assert np.allclose(image.reshape(-1, 3).mean(0), (220, 120, 20), atol=4)


def test_reads_one_channel(tmp_path: Path) -> None:
    grey = np.arange(48 * 64, dtype=np.uint8).reshape(48, 64)
    image = read_picture(write_picture(tmp_path / "grey.png", grey))
    assert all(np.array_equal(image[:, :, channel], grey) for channel in range(3))


def test_lays_transparency_over_white(tmp_path: Path) -> None:
    image = np.zeros((4, 3, 4), np.uint8)
    image[:, 0] = (0, 0, 200, 255)
    image[:, 1] = (0, 0, 200, 0)
    image[:, 2] = (0, 0, 200, 128)
    read = read_picture(write_picture(tmp_path / "alpha.png", image))
    assert tuple(read[0, 0]) == (200, 0, 0)
    assert tuple(read[0, 1]) == (255, 255, 255)
    assert np.allclose(read[0, 2].astype(int), (227, 127, 127), atol=1)


def test_reads_16_bits_by_their_upper_half(tmp_path: Path) -> None:
    deep = np.full((4, 5, 3), (0x1000, 0x80FF, 0xFFFF), np.uint16)
    assert tuple(read_picture(write_picture(tmp_path / "deep.png", deep))[0, 0]) == (0xFF, 0x80, 0x10)


@pytest.mark.parametrize(("given", "expected"), [(0.0, 0), (0.5, 128), (7.0, 255), (np.nan, 0)])
def test_converts_float_pictures(given: float, expected: int) -> None:
    assert to_rgb(np.full((2, 2, 3), given, np.float32))[0, 0, 0] == expected


def test_converts_grey_with_transparency() -> None:
    image = np.zeros((2, 2, 2), np.uint8)
    image[0, 0] = (40, 255)
    assert to_rgb(image)[0, 0].tolist() == [40, 40, 40]
    assert to_rgb(image)[1, 1].tolist() == [255, 255, 255]


def test_reads_a_cmyk_jpeg(tmp_path: Path) -> None:
    pillow = pytest.importorskip("PIL.Image", reason="Pillow makes the CMYK picture")
    pillow.new("CMYK", (64, 48), (0, 255, 255, 0)).save(tmp_path / "print.jpg")
    red, green, blue = read_picture(tmp_path / "print.jpg").reshape(-1, 3).mean(0)
    assert red > 200
    assert green < 60
    assert blue < 60


def test_applies_exif_orientation(tmp_path: Path) -> None:
    upright = np.zeros((40, 80, 3), np.uint8)
    upright[:, :40] = 255
    jpeg = cv2.imencode(".jpg", upright)[1].tobytes()
    # TIFF header, one entry: orientation (0x0112) = 6, "turn a quarter clockwise to see it upright"
    tiff = b"II*\0" + struct.pack("<IHHHIHHI", 8, 1, 0x0112, 3, 1, 6, 0, 0)
    segment = b"Exif\0\0" + tiff
    path = tmp_path / "turned.jpg"
    path.write_bytes(jpeg[:2] + b"\xff\xe1" + struct.pack(">H", len(segment) + 2) + segment + jpeg[2:])
    image = read_picture(path)
    assert image.shape == (80, 40, 3)
    assert image[:30].mean() > 240  # the left half is now on top
    assert image[-30:].mean() < 15


@pytest.mark.parametrize("suffix", [".png", ".jpg"])
def test_reduces_20_000_pixels(tmp_path: Path, suffix: str) -> None:
    image = read_picture(write_picture(tmp_path / f"wide{suffix}", np.full((50, 20_000, 3), 90, np.uint8)))
    assert 2000 <= image.shape[1] <= 4096
    assert image.shape[0] in range(6, 12)
    assert abs(float(image.mean()) - 90) < 3


@pytest.mark.parametrize("suffix", [".png", ".jpg"])
def test_tells_the_size_from_the_header(suffix: str) -> None:
    assert size_px(cv2.imencode(suffix, np.zeros((33, 77, 3), np.uint8))[1].tobytes()) == (77, 33)


@pytest.mark.parametrize(
    "stored", [b"", b"\xff\xd8", b"\xff\xd8\xff\xe0\x00\x00\xff\xc0", b"\x89PNG\r\n\x1a\n", b"BM1234"]
)
def test_tells_no_size_without_a_header(stored: bytes) -> None:
    assert size_px(stored) == (0, 0)


def test_refuses_what_memory_cannot_hold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pictures, "_memory_bytes", lambda: 1e9)
    path = tmp_path / "huge.png"
    header = struct.pack(">IIBBBBB", 20_000, 20_000, 8, 2, 0, 0, 0)
    chunk = struct.pack(">I", 13) + b"IHDR" + header + struct.pack(">I", zlib.crc32(b"IHDR" + header))
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk)
    with pytest.raises(SourceError, match="20000 x 20000 pixels") as caught:
        read_picture(path)
    assert "4096" in caught.value.remedy


def test_refuses_more_pixels_than_opencv_takes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pictures, "_memory_bytes", lambda: 1e15)
    path = write_picture(tmp_path / "huge.png", np.zeros((4, 4), np.uint8))
    stored = bytearray(path.read_bytes())
    stored[16:24] = struct.pack(">II", 200_000, 200_000)
    stored[29:33] = struct.pack(">I", zlib.crc32(bytes(stored[12:29])))
    path.write_bytes(stored)
    with pytest.raises(SourceError, match=r"too large or damaged|is damaged"):
        read_picture(path)


def test_tells_pictures_by_their_bytes(tmp_path: Path) -> None:
    picture = write_picture(tmp_path / "a.png", coloured())
    assert is_picture(picture)
    assert is_picture(picture.rename(tmp_path / "no_suffix"))
    text = tmp_path / "b.png"
    text.write_text("not a picture")
    assert not is_picture(text)
