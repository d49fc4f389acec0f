"""Prepare a real photograph with the real detector, and, where they are, the data sets the figures come from."""

import os
from pathlib import Path

import cv2
import numpy as np
import pytest

from assistant.types import ImageRgb
from training.datasets.gather import gather, wanted
from training.datasets.sample import Sample
from training.locate import open_locator
from training.prepare import MODELS, cut
from training.splits import assign, check_disjoint

DATA = Path(os.environ.get("FACECUE_DATA", Path(__file__).parents[3] / "shared" / "data"))


@pytest.fixture(scope="module")
def astronaut() -> ImageRgb:
    return np.asarray(
        pytest.importorskip("skimage.data", reason="scikit-image has the photograph").astronaut(), np.uint8
    )


def test_the_same_face_is_cut_alike_from_a_photograph_a_tight_picture_and_a_box(astronaut: ImageRgb) -> None:
    locate = open_locator(MODELS)
    tight = np.ascontiguousarray(astronaut[60:200, 155:295])
    small = np.asarray(cv2.resize(tight, (48, 48), interpolation=cv2.INTER_AREA), np.uint8)
    whole, score = cut(Sample("a", "a", "a", lambda: astronaut, tight=False), astronaut, locate)
    assert score > 0.6
    boxed = Sample("a", "a", "a", lambda: astronaut, tight=False, box_xyxy=(160.0, 60.0, 290.0, 190.0))
    for sample, image in (
        (boxed, astronaut),
        (Sample("a", "a", "a", lambda: tight), tight),
        (Sample("a", "a", "a", lambda: small), small),
    ):
        crop, score = cut(sample, image, locate)
        assert score > 0.3
        inner = (slice(36, 108), slice(36, 108))  # the face itself; a tight picture has no hair around it
        (right, down), _ = cv2.phaseCorrelate(crop[inner].astype(np.float32), whole[inner].astype(np.float32))
        assert abs(right) < 4, sample
        assert abs(down) < 4, sample


@pytest.mark.skipif(not DATA.is_dir(), reason=f"the data sets are not at {DATA}")
def test_the_data_sets_are_read_whole_and_nobody_is_in_two_splits() -> None:
    samples = gather(wanted(DATA, []))
    assert len(samples) == 39009
    assert sum(sample.au is not None for sample in samples) == 2887
    assert sum(sample.second is not None for sample in samples) == 545
    groups = [sample.person for sample in samples]
    splits = assign(groups, [sample.held_out for sample in samples])
    check_disjoint([sample.name for sample in samples], groups, splits.tolist())
    sizes = {split: int((splits == split).sum()) for split in ("train", "valid", "test")}
    assert sizes == {"train": 24114, "valid": 3969, "test": 10926}
