"""Check what is drawn on a picture, and the video that is written."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from assistant.camera.overlay import OverlayVideo, draw
from assistant.errors import OutputError
from assistant.facs import AU_ORDER
from assistant.types import ActionUnits, Expression, Face, Frame, ImageRgb, Person, Scene
from tests.camera_builders import coloured

SIZE = (320, 240)


def person(track: int = 1, box: tuple[float, float, float, float] = (200.0, 60.0, 260.0, 130.0)) -> Person:
    left, top, right, bottom = box
    landmarks = np.array([[(left + right) / 2, (top + bottom) / 2]] * 6, np.float32)
    probability = tuple(None if code == "AU06" else 0.75 for code in AU_ORDER)
    units = ActionUnits(probability, tuple(None if value is None else True for value in probability))
    return Person(Face(box, landmarks, 0.9, track), units, Expression("happiness", 0.9, (0.125,) * 8))


def scene(*people: Person, at_s: float = 0.0) -> Scene:
    return Scene(at_s, *SIZE, people)


def frame(at_s: float, value: int = 128, size: tuple[int, int] = SIZE) -> Frame:
    return Frame(0, at_s, np.full((size[1], size[0], 3), value, np.uint8))


def changed(before: ImageRgb, after: ImageRgb) -> np.ndarray:
    return (before != after).any(axis=2)


def played(path: Path) -> list[np.ndarray]:
    capture = cv2.VideoCapture(str(path))
    images = []
    while True:
        given, image = capture.read()
        if not given:
            break
        images.append(image)
    capture.release()
    return images


def test_draws_nothing_of_nobody() -> None:
    image = coloured(size=SIZE)
    drawn = draw(image, scene())
    assert np.array_equal(drawn, image)
    assert drawn is not image


def test_draws_units_at_the_top_left_and_expression_at_the_bottom_left() -> None:
    image = np.full((240, 320, 3), 128, np.uint8)
    drawn = draw(image, scene(person()))
    where = changed(image, drawn)
    assert (image == 128).all()  # the frame itself is left alone
    assert where[:150, :60].mean() > 0.9  # plate behind the units
    assert where[225:, :60].mean() > 0.9
    assert drawn[:150, :60].max() > 200  # bright words on it
    assert where[60, 200:260].all()  # the box
    assert not where[150:, 150:].any()


def test_several_people_have_columns_of_their_own() -> None:
    image = np.full((240, 640, 3), 128, np.uint8)
    one = changed(image, draw(image, scene(person())))
    two = changed(image, draw(image, scene(person(), person(2, (400.0, 60.0, 460.0, 130.0)))))
    assert two[100, :190].sum() > 1.7 * one[100, :190].sum()
    assert two[60, 400:460].all()


def test_a_crowd_leaves_half_of_the_picture() -> None:
    image = np.full((240, 640, 3), 128, np.uint8)
    crowd = [person(track, (600.0, 200.0, 620.0, 220.0)) for track in range(1, 9)]
    assert not changed(image, draw(image, scene(*crowd)))[:100, 400:].any()


def test_boxes_beyond_the_picture_are_clipped() -> None:
    image = np.full((240, 320, 3), 128, np.uint8)
    drawn = draw(image, scene(person(1, (-30.0, -20.0, 400.0, 300.0)), person(2, (310.0, 230.0, 330.0, 250.0))))
    assert drawn.shape == image.shape


@pytest.mark.parametrize("size", [(16, 16), (48, 48), (1280, 720)])
def test_draws_on_any_size(size: tuple[int, int]) -> None:
    image = np.full((size[1], size[0], 3), 128, np.uint8)
    assert changed(image, draw(image, scene(person(1, (2.0, 2.0, 12.0, 12.0))))).any()


@pytest.mark.parametrize("suffix", [".mp4", ".avi", ".webm"])
def test_writes_a_video_that_plays(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"seen{suffix}"
    with OverlayVideo(path, fps=10.0) as video:
        for number in range(12):
            video.write(frame(number / 10.0), scene(person()))
    images = played(path)
    assert len(images) == 12
    assert images[0].shape == (240, 320, 3)


def test_repeats_and_drops_to_keep_time(tmp_path: Path) -> None:
    path = tmp_path / "seen.avi"
    with OverlayVideo(path, fps=10.0) as video:
        for at_s, value in ((5.0, 0), (5.02, 30), (5.5, 120), (5.51, 160), (5.6, 250)):
            video.write(frame(at_s, value), scene())
    means = [round(float(image.mean()) / 10) for image in played(path)]
    assert means == [3, 3, 3, 3, 3, 16, 25]


def test_cuts_a_long_gap_out(tmp_path: Path) -> None:
    path = tmp_path / "seen.avi"
    with OverlayVideo(path, fps=10.0) as video:
        for at_s in (0.0, 0.1, 3600.0, 3600.1):
            video.write(frame(at_s), scene())
    assert len(played(path)) == 4


def test_pictures_of_other_sizes_are_fitted(tmp_path: Path) -> None:
    path = tmp_path / "seen.avi"
    with OverlayVideo(path, fps=1.0) as video:
        video.write(frame(0.0, 200), scene())
        video.write(frame(1.0, 200, (100, 200)), scene())
    first, second = played(path)
    assert second.shape == first.shape
    assert second[120, 160].mean() > 180
    assert second[120, 10].mean() < 20


def test_odd_sides_lose_one_pixel(tmp_path: Path) -> None:
    path = tmp_path / "seen.mp4"
    with OverlayVideo(path) as video:
        video.write(frame(0.0, 128, (65, 49)), scene())
    assert played(path)[0].shape == (48, 64, 3)


def test_interruption_leaves_a_valid_file(tmp_path: Path) -> None:
    path = tmp_path / "seen.mp4"

    def interrupted() -> None:
        with OverlayVideo(path, fps=10.0) as video:
            for number in range(5):
                video.write(frame(number / 10.0), scene())
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert len(played(path)) == 5


def test_full_disk_keeps_what_was_written(tmp_path: Path) -> None:
    path = tmp_path / "seen.mp4"
    free = iter((10**9, 10**9, 1000))
    video = OverlayVideo(path, fps=10.0, free_bytes=lambda folder: next(free))

    def fill() -> None:
        for number in range(1000):
            video.write(frame(number / 10.0), scene())

    with pytest.raises(OutputError, match="disk is full") as caught:
        fill()
    video.close()
    assert "ends after 6 s" in caught.value.cause
    assert len(played(path)) == 60


def test_full_disk_does_not_hide_an_interruption(tmp_path: Path) -> None:
    def interrupted() -> None:
        with OverlayVideo(tmp_path / "seen.mp4", free_bytes=lambda folder: 0) as video:
            video.write(frame(0.0), scene())
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()


def test_nothing_seen_writes_no_file(tmp_path: Path) -> None:
    with OverlayVideo(tmp_path / "seen.mp4"):
        pass
    assert not list(tmp_path.iterdir())


def test_other_suffixes_are_refused(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="no video file") as caught:
        OverlayVideo(tmp_path / "seen.gif")
    assert ".webm" in caught.value.remedy


def test_a_missing_folder_is_refused_at_once(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="cannot be written: No such file"):
        OverlayVideo(tmp_path / "nowhere" / "seen.mp4")


def test_an_existing_file_is_kept_until_the_first_frame(tmp_path: Path) -> None:
    path = tmp_path / "seen.mp4"
    path.write_bytes(b"precious")
    OverlayVideo(path).close()
    assert path.read_bytes() == b"precious"


def test_a_codec_that_is_missing_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Closed:
        def __init__(self, *_: object) -> None:
            pass

        fourcc = staticmethod(cv2.VideoWriter.fourcc)

        def isOpened(self) -> bool:  # noqa: N802
            return False

    monkeypatch.setattr(cv2, "VideoWriter", Closed)
    video = OverlayVideo(tmp_path / "seen.mp4")
    video.write(frame(0.0), scene())
    with pytest.raises(OutputError, match="this OpenCV"):
        video.close()
    video.close()
