from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from assistant.errors import BackendError, ModelError
from assistant.facs import AU_ORDER, index
from assistant.inference.au_model import QuantisedActionUnitModel
from assistant.inference.backends import litert
from assistant.inference.manifest import Manifest
from assistant.types import Face, Frame, TensorSpec
from assistant.vision.align import align_face, normalise
from tests.model_builders import GOLDEN, TINY_INPUT, TINY_OUTPUT, ScriptedRunner, manifest

GREY = np.random.default_rng(0).integers(0, 256, (16, 16), dtype=np.uint8)


def build(runner: ScriptedRunner | None = None, said: Manifest | None = None) -> QuantisedActionUnitModel:
    return QuantisedActionUnitModel(runner or ScriptedRunner(), said or manifest(), align_face, normalise)


def test_stored_outputs_become_probabilities_in_order() -> None:
    answer = (np.arange(18) * 10 - 128).astype(np.int8)
    units = build(ScriptedRunner(answer)).estimate_crop(GREY)
    assert units.probability == pytest.approx(tuple(i * 10 / 256 for i in range(18)))


def test_log_odds_become_probabilities_as_fine_as_they_are_stored() -> None:
    out = TensorSpec("o", (1, 18), "int8", 1 / 16, 32)
    answer = np.array([-128, -127, 32, 33, 127] + [0] * 13, np.int8)
    units = build(ScriptedRunner(answer, out=out), manifest(output="log-odds")).estimate_crop(GREY)
    odds = [-10, -9.9375, 0, 0.0625, 5.9375] + [-2] * 13
    assert units.probability == pytest.approx([1 / (1 + np.exp(-x)) for x in odds])
    assert units.present[:5] == (False, False, True, True, True)
    assert 0 < (units.probability[0] or 0) < (units.probability[1] or 0)


def test_log_odds_of_a_float_model_may_be_extreme() -> None:
    out = TensorSpec("o", (1, 18), "float32")
    answer = np.array([-1e30, 1e30] + [0] * 16, np.float32)
    values = build(ScriptedRunner(answer, out=out), manifest(output="log-odds")).probabilities(GREY)
    assert values[:3] == pytest.approx([0, 1, 0.5])


def test_a_mirrored_model_says_the_mean_of_the_face_and_its_mirror_image() -> None:
    class OneSided(ScriptedRunner):
        def run(self, *arrays: np.ndarray) -> tuple[np.ndarray, ...]:
            super().run(*arrays)
            return (np.full((1, 18), 10 if len(self.seen) == 1 else 30, np.int8),)

    runner = OneSided(out=TensorSpec("o", (1, 18), "int8", 0.1, 0))
    values = build(runner, manifest(output="log-odds", mirrored=True)).probabilities(GREY)
    assert values == pytest.approx([1 / (1 + np.exp(-2))] * 18), "of log-odds 1 and 3, not of their probabilities"
    face, image = runner.seen
    assert np.array_equal(face[0], image[0, :, ::-1])
    assert not np.array_equal(face, image)


def test_present_means_the_threshold_is_reached() -> None:
    known = {au: {"known": True, "threshold": 0.25} for au in AU_ORDER} | {"AU12": {"known": True, "threshold": 0.26}}
    model = build(ScriptedRunner(-64), manifest(action_units=known))  # 0.25 exactly
    units = model.estimate_crop(GREY)
    assert units.present[index("AU01")] is True
    assert units.present[index("AU12")] is False
    assert model.thresholds[index("AU12")] == 0.26


def test_a_unit_the_model_does_not_know_is_none_and_not_zero() -> None:
    known = {au: {"known": au != "AU14"} for au in AU_ORDER}
    model = build(ScriptedRunner(100), manifest(action_units=known))
    units = model.estimate_crop(GREY)
    assert units.probability[index("AU14")] is None
    assert units.present[index("AU14")] is None
    assert sum(p is None for p in units.probability) == 1
    assert model.probabilities(GREY)[index("AU14")] > 0.8, "evaluation sees what the model says all the same"


def test_the_input_is_the_normalised_crop_in_every_channel() -> None:
    runner = ScriptedRunner()
    build(runner).estimate_crop(GREY)
    (array,) = runner.seen
    assert array.shape == (1, 16, 16, 3)
    assert array.dtype == np.int8
    expected = np.rint(normalise(GREY) * 50).astype(np.int8)
    for channel in range(3):
        assert np.array_equal(array[0, :, :, channel], expected)


def test_the_face_is_cut_out_by_its_landmarks() -> None:
    picture = np.random.default_rng(1).integers(0, 256, (60, 80, 3), dtype=np.uint8)
    landmarks = np.array([[30, 20], [50, 20], [40, 30], [40, 42], [22, 25], [58, 25]], np.float32)
    runner, other = ScriptedRunner(), ScriptedRunner()
    build(runner).estimate(Frame(0, 0.0, picture), Face((20, 10, 60, 55), landmarks, 0.9))
    build(other).estimate_crop(align_face(picture, landmarks, 16))
    assert np.array_equal(runner.seen[0], other.seen[0])


def test_a_float_model_of_one_channel_works() -> None:
    entry, out = TensorSpec("i", (1, 16, 16, 1), "float32"), TensorSpec("o", (1, 18), "float32")
    runner = ScriptedRunner(1.5, entry, out)
    said = manifest(input={"size_px": 16, "channels": 1, "normalisation": "standardised-grey"})
    units = build(runner, said).estimate_crop(GREY)
    assert set(units.probability) == {1.0}, "kept in range"
    assert runner.seen[0].dtype == np.float32


def test_the_golden_model_answers_differently_to_different_faces() -> None:
    runner = litert.Runner(GOLDEN / "tiny_int8.tflite")
    said = manifest(
        inputs=[{"name": "a", "shape": [1, 16, 16, 3], "dtype": "int8", "scale": 0.02, "zero_point": 0}],
        outputs=[{"name": "b", "shape": [1, 18], "dtype": "int8", "scale": 1 / 256, "zero_point": -128}],
    )
    model = QuantisedActionUnitModel(runner, said, align_face, normalise)
    one, other = model.probabilities(GREY), model.probabilities(GREY.T[::-1].copy())
    assert one.shape == (18,)
    assert one.dtype == np.float32
    assert np.abs(one - other).max() > 0.01


def test_a_crop_of_another_size_is_refused() -> None:
    with pytest.raises(ValueError, match="16 pixels"):
        build().estimate_crop(np.zeros((15, 16), np.uint8))


def test_a_failing_device_is_passed_on() -> None:
    runner = ScriptedRunner()
    model = build(runner)
    runner.error = BackendError("Unplugged.", "Plug it in.")
    with pytest.raises(BackendError):
        model.estimate_crop(GREY)


@pytest.mark.parametrize(
    ("entry", "out", "said", "match"),
    [
        (TensorSpec("i", (1, 17, 16, 3), "int8", 0.02), TINY_OUTPUT, {}, r"input \(1, 17, 16, 3\)"),
        (TINY_INPUT, TensorSpec("o", (1, 12), "int8", 1 / 256, -128), {}, r"output \(1, 12\)"),
        (TensorSpec("i", (1, 16, 16, 3), "int16", 0.02), TINY_OUTPUT, {}, "int16"),
        (TensorSpec("i", (1, 16, 16, 3), "int8"), TINY_OUTPUT, {}, "without a scale"),
        (TINY_INPUT, TINY_OUTPUT, {"task": "expression"}, "not for action_units"),
        (
            TINY_INPUT,
            TINY_OUTPUT,
            {"input": {"size_px": 16, "channels": 3, "normalisation": "rgb-255"}},
            "rgb-255",
        ),
        (
            TINY_INPUT,
            TINY_OUTPUT,
            {"outputs": [{"name": "o", "shape": [1, 18], "dtype": "int8", "scale": 1 / 256, "zero_point": 0}]},
            "not what its manifest says",
        ),
        (
            TINY_INPUT,
            TINY_OUTPUT,
            {"inputs": [{"name": "i", "shape": [1, 16, 16, 3], "dtype": "int8", "scale": 0.03, "zero_point": 0}]},
            "not what its manifest says",
        ),
    ],
)
def test_a_model_that_does_not_fit_is_refused_at_once(
    entry: TensorSpec, out: TensorSpec, said: dict[str, object], match: str
) -> None:
    with pytest.raises(ModelError, match=match):
        build(ScriptedRunner(0, entry, out), manifest(**said))


def test_two_outputs_are_refused() -> None:
    class Two(ScriptedRunner):
        @property
        def outputs(self) -> tuple[TensorSpec, ...]:
            return (TINY_OUTPUT, TINY_OUTPUT)

    with pytest.raises(ModelError, match="output"):
        build(Two())


def test_the_golden_files_are_small() -> None:
    assert sum(Path(path).stat().st_size for path in GOLDEN.glob("tiny_int8.*")) < 20_000
