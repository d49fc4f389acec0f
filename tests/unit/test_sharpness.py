"""A picture without detail is told from one without contrast, and a moment of blur from a dirty lens."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from assistant.camera.sharpness import Sharpness, detail
from assistant.camera.watch import BACK, BLURRED, Watch
from tests.camera_builders import coloured

Picture = npt.NDArray[np.uint8]


def room(seed: int, size: tuple[int, int] = (640, 480)) -> Picture:
    """Rectangles of many sizes and greys, as walls, doors and books are."""
    numbers = np.random.default_rng(seed)
    image = np.full((size[1], size[0], 3), 120, np.uint8)
    for _ in range(150):
        x, y = (int(numbers.integers(0, side)) for side in size)
        width, height = (int(side * numbers.uniform(0.02, 0.2)) for side in size)
        cv2.rectangle(image, (x, y), (x + width, y + height), [int(numbers.integers(0, 255))] * 3, -1)
    return image


def smeared(image: Picture, share: float = 0.02) -> Picture:
    return np.asarray(cv2.GaussianBlur(image, (0, 0), share * max(image.shape)), np.uint8)


@cache
def dirty(seed: int) -> Picture:
    """The room through a dirty lens."""
    return smeared(room(seed))


def judged(pictures: Sequence[Picture], step_s: float = 0.1) -> list[bool]:
    sharpness = Sharpness()
    return [sharpness.judge(picture, number * step_s) for number, picture in enumerate(pictures)]


@pytest.mark.parametrize("size", [(320, 240), (640, 480), (1280, 720)])
def test_detail_goes_with_blur_at_any_size(size: tuple[int, int]) -> None:
    image = room(1, size)
    sharp, blurred = detail(image), detail(smeared(image))
    assert sharp is not None
    assert blurred is not None
    assert sharp > 0.08 > 0.035 > blurred


@pytest.mark.parametrize("image", [coloured((200, 190, 180)), coloured((9, 9, 9)), np.zeros((48, 64, 3), np.uint8)])
def test_a_bare_wall_tells_nothing(image: Picture) -> None:
    assert detail(image) is None
    assert not any(judged([image] * 300))


def test_a_blurred_lens_is_noticed_after_ten_seconds_and_a_wiped_one_at_once() -> None:
    looks = judged([dirty(seed % 5) for seed in range(120)] + [room(seed) for seed in range(10)])
    assert 9.0 <= looks.index(True) * 0.1 <= 10.0
    assert all(looks[100:120])
    assert not looks[-1]


def test_a_head_that_turns_for_nine_seconds_is_no_dirty_lens() -> None:
    turn = [*[dirty(seed % 5) for seed in range(90)], *[room(seed) for seed in range(6)]]
    assert not any(judged(turn * 3))


def test_the_watch_tells_it_once() -> None:
    watch = Watch()
    pictures = [dirty(seed % 5) for seed in range(300)] + [room(seed) for seed in range(10)]
    told = [watch.judge(picture, number * 0.1) for number, picture in enumerate(pictures)]
    assert [state for state in told if state is not None] == [BLURRED, BACK]
