"""Check the demo's scene."""

from __future__ import annotations

import sys
from itertools import islice, pairwise

import numpy as np
import pytest

from assistant.camera.demo import FPS, SECONDS, DemoCamera
from assistant.clock import ManualClock
from assistant.errors import DependencyError
from assistant.types import Frame, ImageRgb

pytest.importorskip("skimage", reason="the demo's photograph comes with scikit-image")


@pytest.fixture(scope="module")
def frames() -> list[Frame]:
    return list(DemoCamera(ManualClock(), "max").frames())


def orange(image: ImageRgb) -> float:
    """Return the share of pixels in the colour of the suit."""
    red, green, blue = np.moveaxis(image.astype(int), 2, 0)
    return float(((red > 130) & (red - green > 70) & (red - blue > 80)).mean())


def at(frames: list[Frame], second: float) -> ImageRgb:
    return frames[round(second * FPS)].image_rgb


def test_lasts_24_seconds(frames: list[Frame]) -> None:
    assert len(frames) == round(SECONDS * FPS)
    assert frames[-1].captured_at_s == pytest.approx(SECONDS - 1 / FPS)
    assert {frame.image_rgb.shape for frame in frames} == {(480, 640, 3)}


def test_is_the_same_at_every_run(frames: list[Frame]) -> None:
    again = DemoCamera(ManualClock(), "max").frames()
    for first, second in zip(islice(frames, 100, 140), islice(again, 100, 140), strict=True):
        assert np.array_equal(first.image_rgb, second.image_rgb)


def test_people_come_and_go(frames: list[Frame]) -> None:
    assert orange(at(frames, 1.0)) < 0.005
    assert orange(at(frames, 5.0)[:, 320:]) > 0.05  # from the right
    assert orange(at(frames, 5.0)[:, :160]) < 0.005
    assert orange(at(frames, 14.0)[:, :320]) > 0.05  # two
    assert orange(at(frames, 14.0)[:, 320:]) > 0.05
    assert orange(at(frames, 19.0)[:, :120]) < 0.01  # the first has gone
    assert orange(at(frames, 19.0)) > 0.05
    assert orange(at(frames, 23.5)) < 0.005


def test_no_two_frames_are_alike(frames: list[Frame]) -> None:
    assert all(not np.array_equal(a.image_rgb, b.image_rgb) for a, b in pairwise(frames))


def test_missing_photograph_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "skimage", None)
    with pytest.raises(DependencyError) as caught:
        DemoCamera(ManualClock())
    assert 'pip install "facecue[demo]"' in caught.value.remedy
