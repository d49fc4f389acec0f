"""Choose the device and the arithmetic, and share batches between devices."""

import importlib.util
import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from assistant.errors import BackendError, DependencyError
from tests.fit_builders import drawn_faces, weights_of
from tests.training_builders import write_faces
from training import distribute
from training.runs import load_keras

try:
    keras = load_keras()
except DependencyError as error:
    pytest.skip(error.cause, allow_module_level=True)
ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def policy():
    before = keras.mixed_precision.dtype_policy()
    yield
    keras.mixed_precision.set_dtype_policy(before)


def train(data, out, backend, **environment):
    """Run `train tiny` in a process of its own and return what it said and what it left."""
    command = [sys.executable, "-m", "tests.fit_builders", str(data), str(out), "--stages", "first"]
    variables = {**os.environ, "PYTHONPATH": str(ROOT), "KERAS_BACKEND": backend, **environment}
    done = subprocess.run(command, cwd=ROOT, env=variables, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout, json.loads((out / "run.json").read_text())["history"]


def train_on_two_hosts(data, out):
    """Run `train tiny` in two processes that share every batch; return their statuses, errors and folders."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    shared = {
        "KERAS_BACKEND": "jax",
        "XLA_FLAGS": "",
        "JAX_CPU_COLLECTIVES_IMPLEMENTATION": "gloo",
        "KERAS_DISTRIBUTION_JOB_ADDRESSES": f"127.0.0.1:{port},127.0.0.1:{port + 1}",
        "KERAS_DISTRIBUTION_NUM_PROCESSES": "2",
        "PYTHONPATH": str(ROOT),
    }
    folders = [out / str(host) for host in range(2)]
    running = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.fit_builders", str(data), str(folder), "--stages", "first"],
            cwd=ROOT,
            env={**os.environ, **shared, "KERAS_DISTRIBUTION_PROCESS_ID": str(host)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        for host, folder in enumerate(folders)
    ]
    errors = [process.communicate()[1] for process in running]
    return [process.returncode for process in running], errors, folders


def needs(backend):
    missing = importlib.util.find_spec(backend) is None
    return pytest.mark.skipif(missing, reason=f"{backend} is not installed")


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_faces(tmp_path_factory.mktemp("cache"), drawn_faces())


@pytest.mark.slow
@needs("jax")
def test_two_devices_take_the_steps_of_one(tmp_path, data):
    said, two = train(data, tmp_path / "two", "jax", XLA_FLAGS="--xla_force_host_platform_device_count=2")
    assert "uses 2 devices, on 1 host" in said
    said, one = train(data, tmp_path / "one", "jax", XLA_FLAGS="")
    assert "uses the CPU" in said
    assert [row["step"] for row in one] == [row["step"] for row in two]
    np.testing.assert_allclose([row["loss"] for row in two], [row["loss"] for row in one], rtol=1e-3)


@pytest.mark.slow
@needs("jax")
def test_two_hosts_take_the_steps_of_one(tmp_path, data):
    statuses, errors, folders = train_on_two_hosts(data, tmp_path)
    assert statuses == [0, 0], errors
    _, one = train(data, tmp_path / "one", "jax", XLA_FLAGS="")
    for folder in folders:
        history = json.loads((folder / "run.json").read_text())["history"]
        np.testing.assert_allclose([row["loss"] for row in history], [row["loss"] for row in one], rtol=1e-3)
    ours, theirs = (weights_of(folder / "model.weights.h5") for folder in folders)
    assert all(np.array_equal(ours[name], theirs[name]) for name in ours)
    (folders[1] / "0-first.checkpoint.npz").unlink()
    statuses, errors, _ = train_on_two_hosts(data, tmp_path)
    assert 0 not in statuses
    # The host that ends first takes the other down, which then may say only that.
    assert any("steps 7, 0" in error for error in errors), errors


@pytest.mark.slow
@pytest.mark.parametrize("backend", [pytest.param(name, marks=needs(name)) for name in ("jax", "tensorflow", "torch")])
def test_every_back_end_trains_and_goes_on(tmp_path, data, backend):
    """A run whose last checkpoint is taken up by a second process ends as one that never stopped."""
    said, whole = train(data, tmp_path / "whole", backend)
    assert f"Keras on {backend}" in said
    assert all(np.isfinite(row["loss"]) for row in whole)
    interrupted = (
        "import sys; from pathlib import Path; from tests.fit_builders import *; from training import checkpoints;"
        "use_recipe(tiny_recipe()); fit.CHUNK = 2; save = checkpoints.save\n"
        "def once(*a):\n    save(*a)\n    raise SystemExit(77)\n"
        "checkpoints.save = once; fit.run(fit_options(*map(Path, sys.argv[1:3]), '--stages', 'first'))"
    )
    command = [sys.executable, "-c", interrupted, str(data), str(tmp_path / "halves")]
    variables = {**os.environ, "PYTHONPATH": str(ROOT), "KERAS_BACKEND": backend}
    done = subprocess.run(command, cwd=ROOT, env=variables, capture_output=True, text=True, check=False)
    assert done.returncode == 77, done.stderr[-2000:]
    _, halves = train(data, tmp_path / "halves", backend)
    assert [row["loss"] for row in halves] == [row["loss"] for row in whole]


def test_reason_is_said():
    device = distribute.choose_device(1, "float32")
    assert device.precision == "float32"
    assert "because it was asked for" in device.reason
    assert keras.backend.backend() in device.reason
    assert keras.mixed_precision.dtype_policy().name == "float32"


@pytest.mark.parametrize(
    ("gpus", "said"),
    [(0, "the CPU, because no GPU is visible"), (1, "uses a GPU"), (4, "one of 4 GPUs (for all: install JAX")],
)
@pytest.mark.skipif(keras.backend.backend() == "jax", reason="JAX uses all of them")
def test_gpus_are_counted(monkeypatch, gpus, said):
    monkeypatch.setattr(distribute, "_gpus", lambda backend, threads: gpus)
    device = distribute.choose_device(1, "auto")
    assert said in device.reason
    if gpus:
        assert device.precision == "mixed_bfloat16"


def test_missing_keras_is_said_so(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(DependencyError, match="pip install"):
        distribute.choose_device(1, "auto")


def test_missing_back_end_is_said_so(monkeypatch):
    def broken():
        raise ImportError("No module named 'jax'")

    monkeypatch.setattr(distribute, "load_keras", broken)
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    with pytest.raises(DependencyError, match="unset KERAS_BACKEND"):
        distribute.choose_device(1, "auto")


class Jax:
    """Stands for JAX with several devices."""

    def __init__(self, devices=1, hosts=1, host=0):
        self.devices, self.hosts, self.host = devices, hosts, host
        self.distribution, self.used = self, None

    def process_count(self):
        return self.hosts

    def process_index(self):
        return self.host

    def list_devices(self):
        return [f"gpu:{number}" for number in range(self.devices)]

    def set_distribution(self, used):
        self.used = used

    def DataParallel(self, devices):  # noqa: N802
        return devices

    def initialize(self):
        raise RuntimeError("deadline exceeded")


@pytest.fixture
def several(monkeypatch):
    def make(**how):
        jax = Jax(**how)
        monkeypatch.setitem(sys.modules, "jax", jax)
        return jax

    return make


def test_as_many_devices_are_used_as_divide_the_batch(several):
    jax = several(devices=5)
    assert "4 devices of 5, because it divides the batch" in distribute._spread(jax, 8)
    assert jax.used == ["gpu:0", "gpu:1", "gpu:2", "gpu:3"]
    assert distribute._spread(several(devices=1), 8) == ""
    assert "2 devices, on 2 hosts" in distribute._spread(several(devices=2, hosts=2), 8)


def test_hosts_that_cannot_share_evenly_are_refused(several):
    with pytest.raises(BackendError, match="evenly"):
        distribute._spread(several(devices=3, hosts=3), 8)


def test_host_that_cannot_be_reached_is_said_so(several, monkeypatch):
    monkeypatch.setenv(distribute.ADDRESSES, "10.0.0.1:1234,10.0.0.2:1234")
    with pytest.raises(BackendError, match="deadline"):
        distribute._spread(several(devices=2, hosts=2), 8)


def test_each_host_takes_its_own_part(several, monkeypatch):
    x, y = np.arange(8), np.arange(16).reshape(8, 2)
    monkeypatch.setattr(distribute, "load_keras", lambda: keras)
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    parts = []
    for host in range(2):
        several(devices=2, hosts=2, host=host)
        parts.append(distribute.share(x, y))
    np.testing.assert_array_equal(np.concatenate([part[0] for part in parts]), x)
    np.testing.assert_array_equal(np.concatenate([part[1] for part in parts]), y)
    monkeypatch.setattr(keras.backend, "backend", lambda: "torch")
    assert distribute.share(x, y)[0] is x
