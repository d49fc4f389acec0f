"""A runner that fails is replaced: by the next back end, in the end by a fresh one of the last, then no more."""

from __future__ import annotations

import numpy as np
import pytest

from assistant.errors import BackendError, DependencyError, ModelError
from assistant.inference.discover import chain
from assistant.inference.fallback import MOST_RESTARTS, RESTARTS_OVER_S, FallbackRunner
from tests.model_builders import TINY_INPUT, TINY_OUTPUT, ScriptedRunner

LOST = BackendError("The accelerator was unplugged.", "Plug it in.")
ZEROS = np.zeros((1, 16, 16, 3), np.int8)


class Bench:
    """Back ends by name, each a list of runners or errors that opening gives in turn; what was told."""

    def __init__(self, **openings: list[ScriptedRunner | Exception]) -> None:
        self.opened: list[str] = []
        self.fell: list[tuple[str, str]] = []
        self.restarts: list[str] = []
        self.now_s = 0.0
        self._openings = openings
        self.runner = FallbackRunner(
            [(name, lambda name=name: self._open(name)) for name in openings],  # type: ignore[misc]
            lambda error, backend: self.fell.append((error.cause, backend)),
            lambda error: self.restarts.append(error.cause),
            lambda: self.now_s,
        )

    def _open(self, name: str) -> ScriptedRunner:
        self.opened.append(name)
        found = self._openings[name].pop(0)
        if isinstance(found, Exception):
            raise found
        return found

    def answer(self) -> int:
        return int(self.runner.run(ZEROS)[0].max())


def test_all_is_well_until_the_device_fails() -> None:
    first = ScriptedRunner(1)
    bench = Bench(edgetpu=[first], litert=[ScriptedRunner(2)])
    assert (bench.runner.inputs, bench.runner.outputs) == ((TINY_INPUT,), (TINY_OUTPUT,))
    assert bench.answer() == 1
    assert bench.opened == ["edgetpu"]
    first.error = LOST
    assert bench.answer() == 2, "the same frame is answered all the same"
    assert bench.answer() == 2
    assert bench.fell == [(LOST.cause, "litert")], "told once"
    assert bench.opened == ["edgetpu", "litert"]


def test_what_is_not_installed_is_passed_over_on_the_way() -> None:
    missing = DependencyError("OpenVINO is not installed.", "Install it.")
    bench = Bench(edgetpu=[ScriptedRunner(error=LOST)], openvino=[missing], litert=[ScriptedRunner(3)])
    assert bench.answer() == 3
    assert bench.fell == [(LOST.cause, "litert")]


def test_each_back_end_is_left_for_the_next() -> None:
    bench = Bench(
        edgetpu=[ScriptedRunner(error=LOST)], openvino=[ScriptedRunner(error=LOST)], litert=[ScriptedRunner(3)]
    )
    assert bench.answer() == 3
    assert [backend for _, backend in bench.fell] == ["openvino", "litert"]


def test_a_device_that_cannot_be_opened_is_replaced_at_once() -> None:
    bench = Bench(edgetpu=[LOST], litert=[ScriptedRunner(2)])
    assert bench.fell == [(LOST.cause, "litert")]
    assert bench.answer() == 2


def test_the_last_is_loaded_anew_without_a_word_of_a_fallback() -> None:
    bench = Bench(litert=[ScriptedRunner(error=LOST), ScriptedRunner(5)])
    assert bench.answer() == 5
    assert (bench.fell, bench.restarts) == ([], [LOST.cause])


def test_again_and_again_is_given_up_in_words() -> None:
    broken: list[ScriptedRunner | Exception] = [ScriptedRunner(error=LOST) for _ in range(MOST_RESTARTS + 1)]
    bench = Bench(litert=broken)
    with pytest.raises(BackendError, match="did not help") as caught:
        bench.answer()
    assert caught.value.spoken == "I cannot see."
    assert len(bench.restarts) == MOST_RESTARTS


def test_a_failure_an_hour_is_no_reason_to_give_up() -> None:
    runners = [ScriptedRunner(number) for number in range(10)]
    bench = Bench(litert=list(runners))
    for hour in range(9):
        bench.now_s = hour * (RESTARTS_OVER_S + 1)
        runners[hour].error = LOST
        assert bench.answer() == hour + 1


def test_a_wrong_array_is_no_reason_to_fall_back() -> None:
    bench = Bench(edgetpu=[ScriptedRunner(error=ValueError("wrong shape"))], litert=[ScriptedRunner()])
    with pytest.raises(ValueError, match="wrong shape"):
        bench.answer()
    assert bench.runner.backend == "edgetpu"


def test_a_damaged_model_is_not_hidden() -> None:
    with pytest.raises(ModelError):
        Bench(edgetpu=[ModelError("The model is damaged.", "Reinstall.")], litert=[ScriptedRunner()])


@pytest.mark.parametrize(
    ("first", "names"),
    [
        ("edgetpu", ("edgetpu", "openvino", "litert")),
        ("openvino:gpu", ("openvino:gpu", "litert")),
        ("litert", ("litert",)),
        ("npu", ("npu", "litert")),
    ],
)
def test_the_order_of_back_ends(first: str, names: tuple[str, ...]) -> None:
    assert chain(first) == names
