from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from assistant.errors import BackendError, DependencyError, ModelError
from assistant.inference import choose, hardware
from assistant.inference.choose import Choice, choose_backend
from assistant.inference.discover import Backend
from assistant.types import TensorRunner
from tests.model_builders import ScriptedRunner, model_folder


class Stopwatch:
    """Tell a time that only runners move."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


class TimedRunner(ScriptedRunner):
    """Take the times of a list in turn, in milliseconds."""

    def __init__(self, stopwatch: Stopwatch, times_ms: list[float], fail_at: int | None = None) -> None:
        super().__init__()
        self._stopwatch, self._times_ms, self._fail_at, self.runs = stopwatch, times_ms, fail_at, 0

    def run(self, *arrays: np.ndarray) -> tuple[np.ndarray, ...]:
        if self._fail_at is not None and self.runs >= self._fail_at:
            raise BackendError("The device went away.", "Plug it in.")
        self._stopwatch.now_s += self._times_ms[self.runs % len(self._times_ms)] / 1000
        self.runs += 1
        return super().run(*arrays)


class Device:
    """Pretend back ends; each takes so many milliseconds for each model."""

    def __init__(self, **times: dict[str, float | list[float] | str]) -> None:
        self.stopwatch = Stopwatch()
        self.times = times
        self.opened: list[tuple[str, str]] = []
        self.runners: dict[tuple[str, str], TimedRunner] = {}

    def backends(self) -> tuple[Backend, ...]:
        found = []
        for name, models in self.times.items():
            problem = models.get("problem", "")
            assert isinstance(problem, str)
            found.append(Backend(name, problem, self._opener(name)))
        return tuple(found)

    def _opener(self, name: str) -> Callable[[Path, int], TensorRunner]:
        def open_runner(path: Path, threads: int) -> TensorRunner:
            model = path.parent.name
            self.opened.append((name, model))
            taken = self.times[name][model]
            if isinstance(taken, str):
                raise BackendError(taken, "Plug it in.")
            runner = TimedRunner(self.stopwatch, taken if isinstance(taken, list) else [taken])
            self.runners[name, model] = runner
            return runner

        return open_runner

    def choose(self, folders: list[Path], cache_file: Path | None = None, backend: str = "auto") -> Choice:
        return choose_backend(folders, cache_file, backend=backend, backends=self.backends, timer=self.stopwatch)


@pytest.fixture
def folders(tmp_path: Path) -> list[Path]:
    """Two models; the second folder's file differs by a byte at its end, as hashes must."""
    vggface, compact = (model_folder(tmp_path / "models", name) for name in ("vggface", "compact"))
    return [vggface, compact]


def test_the_fastest_back_end_and_the_better_model_within_the_budget(folders: list[Path]) -> None:
    device = Device(litert={"vggface": 100.0, "compact": 2.0}, openvino={"vggface": 39.0, "compact": 3.0})
    choice = device.choose(folders)
    assert (choice.backend, choice.model_name, choice.folder) == ("openvino", "vggface", folders[0])
    assert choice.ms == pytest.approx(39.0)
    assert choice.reason == (
        "openvino is the fastest here (litert 100.0 ms) and runs vggface in 39.0 ms, the preferred model, within 40 ms."
    )


def test_over_the_budget_the_small_model_is_taken(folders: list[Path]) -> None:
    device = Device(litert={"vggface": 100.0, "compact": 2.0}, openvino={"vggface": 41.0, "compact": 3.0})
    choice = device.choose(folders)
    assert (choice.backend, choice.model_name) == ("litert", "compact")
    assert choice.reason == (
        "litert is the fastest here (openvino 3.0 ms) and runs compact in 2.0 ms; vggface takes 41.0 ms, "
        "more than 40 ms."
    )


def test_a_model_that_is_asked_twice_about_a_face_takes_twice_the_time(folders: list[Path], tmp_path: Path) -> None:
    times = {"vggface": 21.0, "compact": 2.0}
    memory = tmp_path / "times.json"
    assert Device(litert=times).choose(folders, memory).ms == pytest.approx(21.0)
    twice = model_folder(tmp_path / "other", "vggface", output="log-odds", mirrored=True)
    device = Device(litert=times)
    choice = device.choose([twice, folders[1]], memory)
    assert not choice.remembered, "the file is the same, the face takes longer"
    assert choice.model_name == "compact"
    assert "vggface takes 42.0 ms" in choice.reason


def test_where_all_are_slow_the_fastest_is_taken(folders: list[Path]) -> None:
    choice = Device(litert={"vggface": 900.0, "compact": 60.0}).choose(folders)
    assert choice.model_name == "compact"
    assert "more than 40 ms, but the other model is slower: vggface takes 900.0 ms." in choice.reason


@pytest.mark.parametrize("only", [0, 1])
def test_one_folder_is_enough(folders: list[Path], tmp_path: Path, only: int) -> None:
    device = Device(litert={"vggface": 100.0, "compact": 2.0})
    choice = device.choose([folders[only], tmp_path / "absent"])
    assert choice.folder == folders[only]
    assert choice.reason.endswith("the only model there is.")
    assert "the only one usable here" in choice.reason


def test_no_model_or_a_damaged_one_is_a_model_error(folders: list[Path], tmp_path: Path) -> None:
    device = Device(litert={"vggface": 1.0, "compact": 1.0})
    with pytest.raises(ModelError, match="No Action Unit model"):
        device.choose([tmp_path / "absent"])
    (folders[1] / "model.tflite").write_bytes(b"short")
    with pytest.raises(ModelError, match="truncated"):
        device.choose(folders)


def test_noise_that_meets_one_run_in_three_does_not_decide(folders: list[Path]) -> None:
    device = Device(
        steady={"vggface": [21.0], "compact": 2.0}, disturbed={"vggface": [20.0, 20.0, 90.0], "compact": 2.0}
    )
    choice = device.choose(folders)
    assert choice.backend == "disturbed", "the median and the minimum agree; a mean would not"
    assert choice.ms == pytest.approx(20.0)


def test_one_lucky_run_does_not_decide(folders: list[Path]) -> None:
    device = Device(
        lucky={"vggface": [30.0] * 7 + [19.0] + [30.0] * 10, "compact": 2.0}, steady={"vggface": 20.0, "compact": 2.0}
    )
    assert device.choose(folders).backend == "steady"


def test_hopeless_back_ends_are_left_early(folders: list[Path]) -> None:
    device = Device(fast={"vggface": 10.0, "compact": 1.0}, slow={"vggface": 50.0, "compact": 1.2})
    device.choose(folders)
    runs = {key: runner.runs for key, runner in device.runners.items()}
    assert runs["fast", "vggface"] == 3 + 15
    assert runs["slow", "vggface"] == 3 + 5
    assert runs["slow", "compact"] == 3 + 42  # 15 runs of 1.2 ms are over too soon: it goes on for 50 ms


def test_measuring_is_bounded(folders: list[Path]) -> None:
    device = Device(litert={"vggface": 400.0, "compact": 40.0})
    device.choose(folders)
    assert {runner.runs for runner in device.runners.values()} == {3 + 5}


def test_a_remembered_choice_opens_nothing(folders: list[Path], tmp_path: Path) -> None:
    cache = tmp_path / "cache" / "backends.json"
    first = Device(litert={"vggface": 30.0, "compact": 2.0}).choose(folders, cache)
    later = Device(litert={"vggface": 99.0, "compact": 99.0})
    again = later.choose(folders, cache)
    assert not later.opened
    assert (first.remembered, again.remembered) == (False, True)
    assert (again.backend, again.model_name, again.ms, again.reason) == (
        first.backend,
        first.model_name,
        first.ms,
        first.reason,
    )
    assert not list(cache.parent.glob("*.part"))


def test_a_changed_model_is_measured_again(folders: list[Path], tmp_path: Path) -> None:
    cache = tmp_path / "backends.json"
    device = Device(litert={"vggface": 30.0, "compact": 2.0})
    device.choose(folders[:1], cache)
    assert not device.choose(folders, cache).remembered


@pytest.mark.parametrize(
    "changed", [{"cpu": "Other"}, {"packages": {"openvino": "9"}}, {"accelerators": ["usb coral"]}]
)
def test_changed_hardware_or_packages_are_measured_again(
    folders: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, changed: dict[str, object]
) -> None:
    cache = tmp_path / "backends.json"
    device = Device(litert={"vggface": 30.0, "compact": 2.0})
    before = hardware.fingerprint()
    device.choose(folders, cache)
    assert device.choose(folders, cache).remembered
    monkeypatch.setattr(hardware, "fingerprint", lambda: {**before, **changed})
    assert not device.choose(folders, cache).remembered
    monkeypatch.setattr(hardware, "fingerprint", lambda: before)
    assert device.choose(folders, cache).remembered, "both are kept"


def test_threads_are_part_of_the_question(folders: list[Path], tmp_path: Path) -> None:
    cache = tmp_path / "backends.json"
    device = Device(litert={"vggface": 30.0, "compact": 2.0})
    device.choose(folders, cache)
    choice = choose_backend(folders, cache, threads=2, backends=device.backends, timer=device.stopwatch)
    assert not choice.remembered


@pytest.mark.parametrize("damage", ["", "{", "[]", "null", '"x"', "\x00\x01"])
def test_a_damaged_memory_is_ignored_and_replaced(folders: list[Path], tmp_path: Path, damage: str) -> None:
    cache = tmp_path / "backends.json"
    cache.write_text(damage)
    device = Device(litert={"vggface": 30.0, "compact": 2.0})
    assert not device.choose(folders, cache).remembered
    assert device.choose(folders, cache).remembered


@pytest.mark.parametrize(
    "entry",
    [
        1,
        [1],
        [{}],
        [],
        [{"backend": "x", "model_name": "vggface", "ms": "fast"}],
        [{"backend": "x", "model_name": "vggface", "ms": -1}],
    ],
)
def test_a_damaged_entry_is_ignored(folders: list[Path], tmp_path: Path, entry: object) -> None:
    cache = tmp_path / "backends.json"
    device = Device(litert={"vggface": 30.0, "compact": 2.0})
    device.choose(folders, cache)
    (key,) = json.loads(cache.read_text())
    cache.write_text(json.dumps({key: entry}))
    choice = device.choose(folders, cache)
    assert not choice.remembered
    assert choice.backend == "litert"


def test_an_unwritable_memory_is_no_error(folders: list[Path], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    choice = Device(litert={"vggface": 30.0, "compact": 2.0}).choose(folders, tmp_path / "file" / "backends.json")
    assert choice.backend == "litert"


def test_the_memory_does_not_grow_for_ever(
    folders: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = tmp_path / "backends.json"
    device = Device(litert={"vggface": 30.0, "compact": 2.0})
    for cores in range(20):
        monkeypatch.setattr(hardware, "fingerprint", lambda cores=cores: {"cores": cores})
        device.choose(folders, cache)
    assert len(json.loads(cache.read_text())) == 16
    assert device.choose(folders, cache).remembered


def test_a_back_end_asked_for_is_honoured_though_slower(folders: list[Path], tmp_path: Path) -> None:
    cache = tmp_path / "backends.json"
    device = Device(litert={"vggface": 100.0, "compact": 5.0}, openvino={"vggface": 30.0, "compact": 2.0})
    choice = device.choose(folders, cache, "litert")
    assert (choice.backend, choice.model_name) == ("litert", "compact")
    assert "litert is asked for" in choice.reason
    assert device.choose(folders, cache).backend == "openvino", "the same measurement answers both"


def test_a_back_end_asked_for_and_missing_fails_with_the_install_line(folders: list[Path]) -> None:
    device = Device(litert={"vggface": 30.0, "compact": 2.0}, openvino={"problem": "Run: pip install openvino"})
    with pytest.raises(DependencyError, match="openvino cannot be used") as caught:
        device.choose(folders, backend="openvino")
    assert caught.value.remedy == "Run: pip install openvino"
    assert not device.opened, "nothing is measured before it is known to be of use"


def test_an_unknown_back_end_names_those_there_are(folders: list[Path]) -> None:
    device = Device(litert={"vggface": 30.0, "compact": 2.0}, openvino={"problem": "Run: pip install openvino"})
    with pytest.raises(DependencyError, match="no back end 'cuda'") as caught:
        device.choose(folders, backend="cuda")
    assert caught.value.remedy == "Use one of: auto, litert."


def test_a_failing_device_is_passed_over_with_its_reason(folders: list[Path]) -> None:
    device = Device(
        litert={"vggface": 30.0, "compact": 2.0}, edgetpu={"vggface": "No Edge TPU answers.", "compact": 1.0}
    )
    choice = device.choose(folders)
    assert (choice.backend, choice.model_name) == ("litert", "vggface")
    failed = [c for c in choice.candidates if c.ms is None]
    assert [(c.backend, c.model_name) for c in failed] == [("edgetpu", "vggface")]
    assert "No Edge TPU answers." in failed[0].problem


def test_a_device_that_fails_while_measured_is_passed_over(folders: list[Path]) -> None:
    device = Device(litert={"vggface": 30.0, "compact": 2.0})
    shaky = Backend("shaky", "", lambda path, threads: TimedRunner(device.stopwatch, [1.0], fail_at=6))
    choice = choose_backend(folders, backends=lambda: (*device.backends(), shaky), timer=device.stopwatch)
    assert choice.backend == "litert"
    assert {c.problem for c in choice.candidates if c.backend == "shaky"} == {"The device went away. Plug it in."}


def test_no_usable_back_end_says_what_to_install(folders: list[Path]) -> None:
    device = Device(litert={"problem": "Run: pip install ai-edge-litert"}, openvino={"problem": "Run: pip install o"})
    with pytest.raises(DependencyError, match="No back end can run the model") as caught:
        device.choose(folders)
    assert caught.value.remedy == "Run: pip install ai-edge-litert Run: pip install o"


def test_a_back_end_that_failed_and_is_asked_for_is_tried_again(folders: list[Path], tmp_path: Path) -> None:
    cache = tmp_path / "backends.json"
    broken = Device(
        litert={"vggface": 30.0, "compact": 2.0}, edgetpu={"vggface": "No device.", "compact": "No device."}
    )
    broken.choose(folders, cache)
    with pytest.raises(DependencyError, match="edgetpu cannot run the model"):
        broken.choose(folders, cache, "edgetpu")
    mended = Device(litert={"vggface": 30.0, "compact": 2.0}, edgetpu={"vggface": 4.0, "compact": 1.0})
    assert mended.choose(folders, cache, "edgetpu").ms == pytest.approx(4.0)


def test_real_back_ends_are_chosen_within_their_own_times(folders: list[Path]) -> None:
    choice = choose_backend(folders)
    best = min(c.ms for c in choice.candidates if c.model_name == choice.model_name and c.ms is not None)
    assert choice.ms == best
    runner = choose.open_backend(choice.backend, choice.folder / "model.tflite")
    assert runner.run(np.zeros((1, 16, 16, 3), np.int8))[0].shape == (1, 18)


def test_the_memory_is_in_the_users_cache() -> None:
    path = choose.default_cache_file()
    assert path.name == "backends.json"
    assert "facecue" in path.parts
