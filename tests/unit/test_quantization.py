from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from assistant.inference.quantization import dequantise, quantise, representable
from assistant.types import TensorSpec

scales = st.floats(1e-4, 10.0)


@st.composite
def specs(draw: st.DrawFn) -> TensorSpec:
    dtype = draw(st.sampled_from(["int8", "uint8"]))
    limits = np.iinfo(dtype)
    return TensorSpec("x", (1,), dtype, draw(scales), draw(st.integers(int(limits.min), int(limits.max))))


@given(specs(), hnp.arrays(np.float64, st.integers(1, 20), elements=st.floats(0.0, 1.0)))
def test_in_range_the_error_is_at_most_half_a_step(spec: TensorSpec, share: np.ndarray) -> None:
    low, high = representable(spec)
    real = (low + share * (high - low)).astype(np.float32)
    error = np.abs(dequantise(quantise(real, spec), spec).astype(np.float64) - real)
    rounding = 4 * np.finfo(np.float32).eps * max(abs(low), abs(high))
    assert error.max() <= spec.scale / 2 + rounding


@given(specs(), st.floats(1.0, 1e6))
def test_out_of_range_it_saturates(spec: TensorSpec, beyond: float) -> None:
    low, high = representable(spec)
    limits = np.iinfo(spec.dtype)
    stored = quantise([low - beyond * spec.scale, high + beyond * spec.scale], spec)
    assert stored.dtype.name == spec.dtype
    assert stored.tolist() == [limits.min, limits.max]


@given(specs())
def test_every_stored_number_survives_the_round_trip(spec: TensorSpec) -> None:
    limits = np.iinfo(spec.dtype)
    stored = np.arange(limits.min, limits.max + 1).astype(spec.dtype)
    assert np.array_equal(quantise(dequantise(stored, spec), spec), stored)


@given(specs(), hnp.arrays(np.float32, 12, elements=st.floats(-1e3, 1e3, width=32)))
def test_it_keeps_order(spec: TensorSpec, real: np.ndarray) -> None:
    stored = quantise(np.sort(real), spec).astype(int)
    assert np.all(np.diff(stored) >= 0)


def test_halves_go_away_from_zero() -> None:
    spec = TensorSpec("x", (4,), "int8", 2.0, 0)
    assert quantise([1.0, -1.0, 3.0, -3.0], spec).tolist() == [1, -1, 2, -2]


def test_a_float_tensor_takes_values_as_they_are() -> None:
    spec = TensorSpec("x", (2,), "float32")
    assert quantise([0.25, -7.5], spec).tolist() == [0.25, -7.5]
    assert dequantise(np.array([0.25], np.float32), spec).tolist() == [0.25]


@pytest.mark.parametrize("spec", [TensorSpec("x", (1,), "int8"), TensorSpec("x", (1,), "int32", 0.1)])
def test_an_unquantised_tensor_is_refused(spec: TensorSpec) -> None:
    with pytest.raises(ValueError, match="not quantised"):
        quantise([0.0], spec)
    with pytest.raises(ValueError, match="not quantised"):
        representable(spec)


def test_the_wrong_dtype_is_refused() -> None:
    with pytest.raises(ValueError, match="int8, not uint8"):
        dequantise(np.zeros(1, np.uint8), TensorSpec("x", (1,), "int8", 0.1, 0))
