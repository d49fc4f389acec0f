"""What a batch is drawn from, and that a key names it for good."""

from dataclasses import replace

import numpy as np
import pytest

from assistant.facs import AU_ORDER
from tests.fit_builders import FROWN, SMILE, drawn_faces
from training.augment import NONE, Augmentation, prepare
from training.batches import SHAPES, draw, gather
from training.datasets.pseudo import BLENDSHAPES
from training.losses import EMOTIONS, Layout
from training.recipes import Stage

LAYOUT = Layout(18, len(SHAPES))


def stage(batch=10, annotated=0.6, size_px=16):
    return Stage("s", size_px, 1, batch, 1e-3, annotated)


def everyone(faces):
    return np.ones(len(faces), np.bool_)


@pytest.fixture(scope="module")
def faces():
    return drawn_faces(40)


@pytest.fixture(scope="module")
def pool(faces):
    return gather(faces, everyone(faces))


def test_key_names_a_batch_for_good(pool):
    x, y = draw(pool, LAYOUT, stage(), Augmentation(), 3, (1, 0, 5))
    again, targets = draw(pool, LAYOUT, stage(), Augmentation(), 3, (1, 0, 5))
    np.testing.assert_array_equal(x, again)
    np.testing.assert_array_equal(y, targets)
    assert x.shape == (10, 16, 16, 3)
    assert x.dtype == y.dtype == np.float32
    assert (x[..., 0] == x[..., 1]).all()
    assert y.shape == (10, LAYOUT.columns)
    for other in ((2, 0, 5), (1, 1, 5), (1, 0, 6)):
        assert not np.array_equal(draw(pool, LAYOUT, stage(), Augmentation(), 3, other)[0], x)


def test_pictures_and_targets_belong_together(pool, faces):
    x, y = draw(pool, LAYOUT, stage(20), NONE, 1, (3, 0, 0))
    plain = np.stack([prepare(crop, 16) for crop in faces.crops])
    for picture, target in zip(x[..., 0], y, strict=True):
        (row,) = np.flatnonzero((plain == picture).all((1, 2)))
        np.testing.assert_array_equal(target[:18], pool.units[row])
        np.testing.assert_array_equal(target[18:36], pool.unit_weight[row])


def test_nobody_has_said_anything_about_a_blend(pool, faces):
    how = replace(NONE, blend=1.0)
    x, y = draw(pool, LAYOUT, stage(20), how, 1, (3, 0, 0))
    plain, targets = draw(pool, LAYOUT, stage(20), NONE, 1, (3, 0, 0))
    np.testing.assert_array_equal(x[:12], plain[:12])
    np.testing.assert_array_equal(y[:12], targets[:12])
    crops = np.stack([prepare(crop, 16) for crop in faces.crops])
    assert not any((crops == picture).all((1, 2)).any() for picture in x[12:, ..., 0])
    blends = y[12:]
    said = {"units": blends[:, 18:36], "soft": blends[:, 54:72], "votes": blends[:, 80], "shapes": blends[:, -1]}
    assert {name: float(np.abs(weight).max()) for name, weight in said.items()} == dict.fromkeys(said, 0.0)
    assert (targets[12:, 80] > 0).any()
    again = draw(pool, LAYOUT, stage(20), how, 1, (3, 0, 0))[0]
    np.testing.assert_array_equal(x, again)


def test_annotated_share_is_kept(pool):
    for share, least in ((1.0, 20), (0.5, 10), (0.0, 0)):
        _, y = draw(pool, LAYOUT, stage(20, share), NONE, 1, (1, 0, 0))
        assert (y[:20, 18:36] > 0).any(1).sum() >= least
    _, y = draw(pool, LAYOUT, stage(400, 1.0), NONE, 1, (1, 0, 0))
    assert (y[:, 18:36] > 0).any(1).all()


def test_rare_units_are_drawn_more_often():
    faces = drawn_faces(100)
    faces.columns["au"][:] = 0
    faces.columns["au"][:50, SMILE] = 1
    faces.columns["au"][50:54, FROWN] = 1
    pool = gather(faces, everyone(faces))
    _, y = draw(pool, LAYOUT, stage(600, 1.0), NONE, 1, (1, 0, 0))
    frowns, smiles = y[:, FROWN].mean(), y[:, SMILE].mean()
    assert frowns > 2 * 4 / 100, "four in a hundred"
    assert smiles > frowns


def test_two_annotators_are_averaged_and_the_unsure_left_out():
    faces = drawn_faces(4)
    first, second = faces.columns["au"], np.full((4, 18), -2, np.int8)
    first[:] = -2
    first[0, :4], second[0, :4] = (3, 2, 0, -1), (1, 0, -1, -1)
    faces = type(faces)(faces.crops, {**faces.columns, "second": second})
    pool = gather(faces, everyone(faces))
    np.testing.assert_array_equal(pool.units[0, :4], [1, 0.5, 0, 0])
    np.testing.assert_array_equal(pool.unit_weight[0, :5], [1, 1, 1, 0, 0])
    assert pool.draw_weight[0] > 0
    assert not pool.draw_weight[1:].any()


def test_unusable_and_other_faces_never_enter(faces):
    usable = np.ones(40, np.bool_)
    usable[3] = False
    chosen = np.arange(40) < 10
    pool = gather(type(faces)(faces.crops, {**faces.columns, "usable": usable}), chosen)
    assert pool.rows.tolist() == [0, 1, 2, 4, 5, 6, 7, 8, 9]


def test_columns_follow_the_recipes_units(faces):
    pool = gather(faces, everyone(faces), ("AU12", "AU04"))
    np.testing.assert_array_equal(pool.units, gather(faces, everyone(faces)).units[:, [SMILE, FROWN]])


def test_a_teachers_word_counts_as_much_as_an_annotators(faces):
    soft = np.full((40, 18), np.nan, np.float32)
    soft[:10] = 0.25
    pool = gather(faces, everyone(faces), AU_ORDER, soft)
    assert (pool.soft[:10] == 0.25).all()
    assert not pool.soft[10:].any()
    assert (pool.soft_weight[:10] == 1.0).all()
    assert not pool.soft_weight[10:].any()


def test_face_shapes_are_stretched_and_missing_ones_marked():
    faces = drawn_faces(200)
    pool = gather(faces, everyone(faces))
    seen = np.isfinite(faces.columns["blendshapes"][:, 0])
    np.testing.assert_array_equal(pool.has_shapes, seen)
    assert not pool.shapes[~seen].any()
    assert pool.shapes.min() == 0
    assert pool.shapes.max() == 1
    both = [BLENDSHAPES.index(f"mouthSmile{side}") for side in ("Left", "Right")]
    raw = faces.columns["blendshapes"][seen][:, both].mean(1)
    place = SHAPES.index(("mouthSmileLeft", "mouthSmileRight"))
    low, high = np.percentile(raw, [5, 95])
    np.testing.assert_allclose(pool.shapes[seen, place], np.clip((raw - low) / (high - low), 0, 1), atol=1e-5)


def test_left_and_right_are_always_together():
    for pair in SHAPES:
        sides = {name.removesuffix("Left").removesuffix("Right") for name in pair}
        assert len(sides) == 1
        assert len(pair) == (2 if pair[0].endswith("Left") else 1)
    assert len(BLENDSHAPES) == len(set(BLENDSHAPES)) == 52


def test_data_without_teacher_or_votes_will_do(faces):
    columns = {name: column for name, column in faces.columns.items() if name not in ("blendshapes", "emotion")}
    pool = gather(type(faces)(faces.crops, columns), everyone(faces))
    assert pool.shapes.shape == (40, 0)
    assert pool.emotion.shape == (40, EMOTIONS)
    _, y = draw(pool, Layout(18, 0), stage(), NONE, 1, (1, 0, 0))
    assert y.shape == (10, Layout(18, 0).columns)
    blind = {**faces.columns, "blendshapes": np.full((40, 52), np.nan, np.float32)}
    assert gather(type(faces)(faces.crops, blind), everyone(faces)).shapes.shape == (40, 0)
