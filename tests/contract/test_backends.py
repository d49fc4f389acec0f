"""One suite over every back end; one that cannot be used here is skipped with its reason."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import numpy as np
import pytest

from assistant.errors import ModelError
from assistant.inference import backends
from assistant.inference.discover import Backend, discover, open_backend
from assistant.types import TensorRunner, TensorSpec

GOLDEN = Path(__file__).parents[1] / "golden"
MODEL = GOLDEN / "tiny_int8.tflite"


@pytest.fixture(params=discover(), ids=lambda backend: backend.name)
def backend(request: pytest.FixtureRequest) -> Backend:
    found: Backend = request.param
    if found.problem:
        pytest.skip(found.problem)
    return found


@pytest.fixture
def runner(backend: Backend) -> TensorRunner:
    return backend.open(MODEL, 1)


def stored(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(-128, 128, (1, 16, 16, 3), dtype=np.int8)


def test_three_back_ends_are_known_and_litert_comes_first() -> None:
    names = [backend.name.split(":")[0] for backend in discover()]
    assert names[0] == "litert"
    assert {"litert", "openvino", "edgetpu"} <= set(names)


def test_a_back_end_is_opened_by_its_name(backend: Backend) -> None:
    assert open_backend(backend.name, MODEL).run(stored())[0].shape == (1, 18)


def test_a_module_is_called_by_its_name() -> None:
    folder = Path(backends.__path__[0])
    for path in folder.glob("[!_]*.py"):
        assert path.stem == importlib.import_module(f"{backends.__name__}.{path.stem}").NAME


def test_a_missing_back_end_says_what_to_do() -> None:
    for backend in discover():
        if backend.problem:
            assert re.search(r"pip install|apt-get install|device", backend.problem), backend


def test_tensors_are_described_as_in_the_file(runner: TensorRunner) -> None:
    (entry,), (out,) = runner.inputs, runner.outputs
    assert (entry.shape, entry.dtype, entry.zero_point) == ((1, 16, 16, 3), "int8", 0)
    assert entry.scale == pytest.approx(0.02)
    assert (out.shape, out.dtype, out.scale, out.zero_point) == ((1, 18), "int8", 1 / 256, -128)
    assert isinstance(entry, TensorSpec)


def test_outputs_are_the_golden_ones_within_one_step(runner: TensorRunner) -> None:
    golden = np.load(GOLDEN / "tiny_int8.npz")
    for array, expected in zip(golden["inputs"], golden["outputs"], strict=True):
        (found,) = runner.run(array)
        assert found.dtype == np.int8
        assert found.shape == (1, 18)
        assert np.abs(found.astype(int) - expected.astype(int)).max() <= 1


def test_golden_outputs_differ_between_inputs() -> None:
    outputs = np.load(GOLDEN / "tiny_int8.npz")["outputs"]
    assert outputs.std(axis=0).min() > 3, "a constant answer would pass the golden test"


def test_two_threads_answer_as_one(backend: Backend) -> None:
    one, two = backend.open(MODEL, 1), backend.open(MODEL, 2)
    assert np.abs(one.run(stored())[0].astype(int) - two.run(stored())[0].astype(int)).max() <= 1


def test_outputs_are_fresh_and_the_input_is_left_alone(runner: TensorRunner) -> None:
    array = stored(1)
    before = array.copy()
    (first,) = runner.run(array)
    kept = first.copy()
    (second,) = runner.run(stored(2))
    assert not np.array_equal(kept, second)
    assert np.array_equal(first, kept), "the first output was overwritten by the second run"
    first[:] = 7
    assert np.array_equal(runner.run(array)[0], kept)
    assert np.array_equal(array, before)


def test_a_view_with_gaps_in_memory_is_taken(runner: TensorRunner) -> None:
    wide = np.repeat(stored(3), 2, axis=3)
    view = wide[..., ::2]
    assert not view.flags["C_CONTIGUOUS"]
    assert np.array_equal(runner.run(view)[0], runner.run(np.ascontiguousarray(view))[0])


@pytest.mark.parametrize(
    "arrays",
    [
        (),
        (stored(), stored()),
        (stored()[0],),
        (np.zeros((1, 16, 16, 1), np.int8),),
        (np.zeros((1, 16, 16, 3), np.uint8),),
        (np.zeros((1, 16, 16, 3), np.float32),),
    ],
    ids=["none", "two", "no batch", "one channel", "uint8", "float32"],
)
def test_a_wrong_array_is_refused(runner: TensorRunner, arrays: tuple[np.ndarray, ...]) -> None:
    with pytest.raises(ValueError, match="takes"):
        runner.run(*arrays)


def test_a_missing_model_is_a_model_error(backend: Backend, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"gone\.tflite") as caught:
        backend.open(tmp_path / "gone.tflite", 1)
    assert "Reinstall" in caught.value.remedy


def test_a_file_that_is_no_model_is_a_model_error(backend: Backend, tmp_path: Path) -> None:
    path = tmp_path / "text.tflite"
    path.write_text("not a model\n" * 100)
    with pytest.raises(ModelError, match=r"text\.tflite"):
        backend.open(path, 1)


def test_a_truncated_model_is_a_model_error(backend: Backend, tmp_path: Path) -> None:
    path = tmp_path / "half.tflite"
    path.write_bytes(MODEL.read_bytes()[:300])
    with pytest.raises(ModelError, match=r"half\.tflite"):
        backend.open(path, 1)
