"""Training pictures are what the runtime makes, changed as little or as much as was said."""

import numpy as np
import pytest

from assistant.vision.align import align_face, normalise
from tests.dataset_builders import drawn
from training import augment as changes
from training import partial
from training.augment import MARGIN, NONE, STORED_PX, Augmentation, augment, blend, prepare

CHANGES = (changes._light, changes._blur, changes._shrink, changes._noise, changes._hide, changes._compress)


def stored(seed=1):
    return drawn(seed, STORED_PX)


def only(**how):
    return Augmentation(**dict.fromkeys(Augmentation.__slots__, 0) | how)


def test_margin_is_that_of_the_cache():
    assert (STORED_PX, MARGIN) == (partial.SIZE_PX, partial.MARGIN)


@pytest.mark.parametrize("angle_deg", [0, 20])
@pytest.mark.parametrize("size_px", [112, 96, 64])
def test_stored_crop_gives_what_the_runtime_cuts_from_the_picture(size_px, angle_deg):
    picture = np.repeat(drawn(4, 400)[..., None], 3, -1)
    angle = np.deg2rad(angle_deg)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    face = np.array([[-22, -20], [22, -20], [0, 8], [0, 27], [-45, -15], [45, -15]]) * 1.1
    landmarks = (face @ turn.T + 200).astype(np.float32)
    ours = prepare(align_face(picture, landmarks, STORED_PX, MARGIN), size_px)
    theirs = normalise(align_face(picture, landmarks, size_px))
    assert np.abs(ours - theirs).mean() < 0.02
    shifted = np.abs(ours[:, 1:] - theirs[:, :-1]).mean()
    assert np.abs(ours - theirs).mean() < 0.3 * shifted, "it lies within a third of a pixel"


def test_plain_crop_is_the_centre_of_the_stored_one():
    crop = stored()
    np.testing.assert_array_equal(prepare(crop, 112), normalise(crop[16:128, 16:128]))


@pytest.mark.parametrize("size_px", [112, 64, 48])
def test_no_change_and_mirror_are_exact(size_px):
    crop, rng = stored(), np.random.default_rng(0)
    plain = prepare(crop, size_px)
    np.testing.assert_array_equal(augment(crop, size_px, NONE, rng), plain)
    np.testing.assert_array_equal(augment(crop, size_px, only(mirror=1), rng), plain[:, ::-1])


def test_same_generator_same_picture():
    crop = stored()
    one, two = (augment(crop, 64, Augmentation(), np.random.default_rng(7)) for _ in range(2))
    np.testing.assert_array_equal(one, two)
    assert not np.array_equal(one, augment(crop, 64, Augmentation(), np.random.default_rng(8)))


@pytest.mark.parametrize("size_px", [16, 64, 112])
def test_every_change_gives_a_valid_input(size_px):
    always = Augmentation(12, 0.1, 0.05, 1, 1, 1, 1, 1, 1, 1)
    for seed in range(30):
        picture = augment(stored(seed), size_px, always, np.random.default_rng(seed))
        assert picture.shape == (size_px, size_px)
        assert picture.dtype == np.float32
        assert picture.min() >= -2.56
        assert picture.max() <= 2.54
        np.testing.assert_allclose(picture * 50, np.rint(picture * 50), atol=1e-4)


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_each_change_changes_and_keeps_the_crop(change):
    crop = stored()
    before = crop.copy()
    after = change(crop, np.random.default_rng(3))
    assert after.shape == crop.shape
    assert after.dtype == np.uint8
    assert not np.array_equal(after, crop)
    np.testing.assert_array_equal(crop, before)
    alike = np.corrcoef(after.ravel(), crop.ravel())[0, 1]
    assert alike > 0.5, "the face can still be seen"


def test_small_crop_is_not_enlarged_by_shrinking():
    crop = drawn(2, 24)
    assert changes._shrink(crop, np.random.default_rng(0)) is crop


def test_rotation_zoom_and_shift_stay_within_their_bounds():
    crop = np.zeros((STORED_PX, STORED_PX), np.uint8)
    crop[70:74, 100:104] = 255  # 28 and a half pixels right of the centre at 112
    for seed in range(40):
        picture = augment(crop, 112, only(rotate_deg=12, zoom=0.1, shift=0.05), np.random.default_rng(seed))
        weight = np.clip(picture - picture.min(), 0, None)
        y, x = (float((weight * axis).sum() / weight.sum()) - 55.5 for axis in np.mgrid[:112, :112])
        assert 28 * 0.9 - 5.7 - 1.5 < x < 31 * 1.1 + 5.7 + 1
        assert abs(y) < 31 * 1.1 * np.sin(np.deg2rad(12)) + 5.7 + 1


def test_a_blend_has_something_of_both():
    one, other = (prepare(stored(seed), 64) for seed in (1, 2))
    near_one = []
    for seed in range(60):
        face = blend(one, other, np.random.default_rng(seed))
        assert face.shape == (64, 64)
        assert face.dtype == np.float32
        np.testing.assert_array_equal(face, blend(one, other, np.random.default_rng(seed)))
        alike = [np.corrcoef(face.ravel(), part.ravel())[0, 1] for part in (one, other)]
        near_one.append(alike[0] > alike[1])
        assert max(alike) > 0.3, "a drawing and another are hardly alike"
    assert 15 < sum(near_one) < 45, "neither of the two is preferred"


def test_a_border_leaves_the_far_sides_as_they_were():
    flat, striped = np.zeros((64, 64), np.float32), np.tile(np.float32([1, -1]), (64, 32))
    borders = 0
    for seed in range(40):
        face = blend(flat, striped, np.random.default_rng(seed))
        rough = np.abs(np.diff(face, axis=1)).reshape(8, 8, 63)[..., :56].reshape(8, 8, 7, 8).mean((1, 3))
        borders += bool(rough.min() < 0.1 * rough.max())
    assert 10 < borders < 30, "half of the blends are a part of one beside a part of the other"
