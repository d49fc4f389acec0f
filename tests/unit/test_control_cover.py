"""A hand over the lens is told from dusk, a dark room, a lamp switched off on a lit scene and a blink."""

import numpy as np
import pytest

from assistant.controls.cover import Cover, Look, look

FPS = 15.0


def follow(*parts, fps=FPS):
    """Judge (seconds, brightness from, brightness to, spread) in turn; return news with their times."""
    cover, at_s, news = Cover(), 0.0, []
    for seconds, first, last, spread in parts:
        frames = max(round(seconds * fps), 1)
        for index in range(frames):
            brightness = first + (last - first) * index / frames
            told = cover.judge(Look(at_s, brightness, spread))
            if told is not None:
                news.append((told, round(at_s, 2)))
            at_s += 1 / fps
    return news


ROOM = (3.0, 0.5, 0.5, 0.2)
HAND = (2.0, 0.03, 0.03, 0.01)


@pytest.mark.parametrize("fps", [4.0, 10.0, 30.0])
def test_a_hand_covers_after_a_second_and_its_leaving_is_seen_soon(fps):
    (covered, covered_s), (open_, open_s) = follow(ROOM, HAND, ROOM, fps=fps)
    assert (covered, open_) == (True, False)
    assert 3.9 <= covered_s <= 4.3
    assert 5.0 < open_s <= 5.6


def test_light_through_fingers_is_still_a_hand():
    assert [told for told, _ in follow(ROOM, (2.0, 0.1, 0.1, 0.03))] == [True]


def test_gain_that_a_covered_camera_turns_up_does_not_resume():
    assert [told for told, _ in follow(ROOM, HAND, (4.0, 0.03, 0.14, 0.04))] == [True]


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("a blink of black frames", [ROOM, (0.4, 0.02, 0.02, 0.0), ROOM]),
        ("a hand that passes", [ROOM, (0.9, 0.02, 0.02, 0.0), ROOM]),
        ("blinks in a row", [ROOM, *[(0.6, 0.02, 0.02, 0.0), (0.2, 0.5, 0.5, 0.2)] * 6]),
        ("walking into a dark room", [ROOM, (2.0, 0.5, 0.02, 0.08), (5.0, 0.02, 0.02, 0.01)]),
        ("dusk", [(60.0, 0.5, 0.0, 0.04), (5.0, 0.01, 0.01, 0.01)]),
        ("a dark room with a lamp in it", [ROOM, (5.0, 0.04, 0.04, 0.09)]),
        ("a start in the dark", [(5.0, 0.02, 0.02, 0.01)]),
        ("a bright wall, flat", [ROOM, (5.0, 0.6, 0.6, 0.01)]),
        ("a dim room that goes dark", [(3.0, 0.17, 0.17, 0.06), (5.0, 0.03, 0.03, 0.01)]),
    ],
)
def test_what_is_no_hand(name, parts):
    assert follow(*parts) == [], name


def test_lifting_for_a_moment_does_not_resume():
    assert [told for told, _ in follow(ROOM, HAND, (0.2, 0.5, 0.5, 0.2), HAND)] == [True]


def test_covering_again_and_again():
    assert [told for told, _ in follow(ROOM, HAND, ROOM, HAND, ROOM)] == [True, False, True, False]


def test_a_frame_is_measured():
    image = np.zeros((48, 64, 3), np.uint8)
    assert look(image, 1.0) == Look(1.0, 0.0, 0.0)
    assert look(image, 1.0).black
    image[:, 32:] = 255
    seen = look(image, 2.0)
    assert seen.brightness == pytest.approx(0.5, abs=1e-3)
    assert seen.spread == pytest.approx(0.5, abs=1e-3)
    assert seen.seeing
