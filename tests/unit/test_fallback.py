from __future__ import annotations

import numpy as np
import pytest

from assistant.errors import BackendError, ModelError
from assistant.inference.fallback import FallbackRunner
from tests.model_builders import TINY_INPUT, TINY_OUTPUT, ScriptedRunner

LOST = BackendError("The accelerator was unplugged.", "Plug it in.")
ZEROS = np.zeros((1, 16, 16, 3), np.int8)


def test_all_is_well_until_the_device_fails() -> None:
    first, second = ScriptedRunner(1), ScriptedRunner(2)
    opened: list[str] = []
    told: list[BackendError] = []

    def open_second() -> ScriptedRunner:
        opened.append("second")
        return second

    runner = FallbackRunner(lambda: first, open_second, told.append)
    assert (runner.inputs, runner.outputs) == ((TINY_INPUT,), (TINY_OUTPUT,))
    assert runner.run(ZEROS)[0].max() == 1
    assert not opened
    first.error = LOST
    assert runner.run(ZEROS)[0].max() == 2, "the same frame is answered all the same"
    assert runner.run(ZEROS)[0].max() == 2
    assert told == [LOST], "told once"
    assert opened == ["second"]
    assert runner.degraded


def test_a_device_that_cannot_be_opened_is_replaced_at_once() -> None:
    def fail() -> ScriptedRunner:
        raise LOST

    told: list[BackendError] = []
    runner = FallbackRunner(fail, lambda: ScriptedRunner(2), told.append)
    assert runner.degraded
    assert told == [LOST]
    assert runner.run(ZEROS)[0].max() == 2


def test_a_second_failure_is_raised() -> None:
    second = ScriptedRunner(2)
    runner = FallbackRunner(lambda: ScriptedRunner(error=LOST), lambda: second, lambda error: None)
    runner.run(ZEROS)
    second.error = BackendError("Both failed.", "Restart.")
    with pytest.raises(BackendError, match="Both failed"):
        runner.run(ZEROS)


def test_a_wrong_array_is_no_reason_to_fall_back() -> None:
    runner = FallbackRunner(lambda: ScriptedRunner(error=ValueError("wrong shape")), ScriptedRunner, lambda error: None)
    with pytest.raises(ValueError, match="wrong shape"):
        runner.run(ZEROS)
    assert not runner.degraded


def test_a_damaged_model_is_not_hidden() -> None:
    def damaged() -> ScriptedRunner:
        raise ModelError("The model is damaged.", "Reinstall.")

    with pytest.raises(ModelError):
        FallbackRunner(damaged, ScriptedRunner, lambda error: None)
