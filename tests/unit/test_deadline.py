"""What hangs is left behind, and the next call is made by a fresh thread."""

import threading
import time

import numpy as np
import pytest

from assistant.deadline import Deadline, HungError
from assistant.errors import BackendError
from assistant.inference.watched import WatchedRunner
from tests.model_builders import ScriptedRunner

ZEROS = np.zeros((1, 16, 16, 3), np.int8)


def test_a_result_and_an_error_come_through():
    deadline = Deadline("test")
    assert deadline.call(lambda: 7, 5.0) == 7
    with pytest.raises(KeyError, match="gone"):
        deadline.call(lambda: {}["gone"], 5.0)
    assert deadline.call(lambda: 8, 5.0) == 8


def test_calls_are_made_by_one_thread_until_it_hangs():
    deadline, ends = Deadline("test"), threading.Event()
    first = deadline.call(threading.get_ident, 5.0)
    assert deadline.call(threading.get_ident, 5.0) == first
    with pytest.raises(HungError, match=r"no answer within 0\.01 s"):
        deadline.call(lambda: ends.wait(20.0), 0.01)
    assert deadline.call(threading.get_ident, 5.0) != first
    ends.set()


def test_what_a_thread_left_behind_answers_late_is_no_answer_to_the_next_call():
    deadline, ends = Deadline("test"), threading.Event()
    with pytest.raises(HungError):
        deadline.call(lambda: ends.wait(20.0) and "late", 0.01)
    ends.set()
    assert deadline.call(lambda: "next", 5.0) == "next"


def test_threads_end_when_their_call_returns():
    before = set(threading.enumerate())
    ends = threading.Event()
    deadline = Deadline("test")
    with pytest.raises(HungError):
        deadline.call(lambda: ends.wait(20.0), 0.01)
    deadline.call(lambda: None, 5.0)
    left = [thread for thread in threading.enumerate() if thread not in before]
    assert len(left) == 2
    ends.set()
    deadline.close()
    for thread in left:
        thread.join(10.0)
    assert not any(thread.is_alive() for thread in left)


class HangingRunner(ScriptedRunner):
    def __init__(self, ends):
        super().__init__()
        self._ends = ends

    def run(self, *arrays):
        self._ends.wait(20.0)
        return super().run(*arrays)


def test_a_runner_that_hangs_has_failed():
    ends = threading.Event()
    runner = WatchedRunner("litert", lambda: HangingRunner(ends), run_s=0.01)
    start_s = time.monotonic()
    with pytest.raises(BackendError, match=r"The back end litert gave no answer within 0\.01 s\."):
        runner.run(ZEROS)
    assert time.monotonic() - start_s < 10.0
    ends.set()


def test_a_runtime_that_hangs_while_it_loads_has_failed():
    ends = threading.Event()
    with pytest.raises(BackendError, match="gave no answer"):
        WatchedRunner("edgetpu", lambda: ends.wait(20.0) and ScriptedRunner(), open_s=0.01)
    ends.set()


def test_a_runner_that_works_is_only_passed_through():
    inner = ScriptedRunner(4)
    runner = WatchedRunner("litert", lambda: inner)
    assert runner.run(ZEROS)[0].max() == 4
    assert (runner.inputs, runner.outputs) == (inner.inputs, inner.outputs)
    runner.close()
