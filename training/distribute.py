"""Choose what to compute on: the device, its arithmetic, and how many devices share each batch.

Several devices or hosts work through Keras' own data parallelism, which its JAX back end offers: each device holds the
whole network and takes an equal part of every batch, so that the steps are those of one device up to rounding.
"""

from __future__ import annotations

import importlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from assistant.errors import BackendError, DependencyError
from training.runs import load_keras

ADDRESSES: Final = "KERAS_DISTRIBUTION_JOB_ADDRESSES"
"""Set on every host, with KERAS_DISTRIBUTION_NUM_PROCESSES and KERAS_DISTRIBUTION_PROCESS_ID, as Keras documents."""


@dataclass(frozen=True, slots=True)
class Device:
    """Say how to compute: the numeric precision of Keras and the reason for it."""

    precision: str
    reason: str


def choose_device(threads: int, precision: str, batch: int = 64) -> Device:
    """Choose devices, and mixed precision where the machine gains from it, and say why.

    Call it before a network is built.

    Args:
        threads: for the CPU, on PyTorch; 0 for all cores.
        precision: a Keras policy, or "auto".
        batch: faces a step; as many devices are used as divide it.

    Raises:
        DependencyError: Keras, or the back end asked for, is not installed.
        BackendError: the other hosts cannot be reached.
    """
    keras = _keras()
    backend = keras.backend.backend()
    several = _spread(keras, batch) if backend == "jax" else ""
    gpus = _gpus(backend, threads)
    chosen, why = _precision(precision, backend, gpus > 0)
    keras.mixed_precision.set_global_policy(chosen)
    where = several or ("a GPU" if gpus else "the CPU, because no GPU is visible")
    if backend != "jax" and gpus > 1:
        where = f"one of {gpus} GPUs (for all: install JAX and set KERAS_BACKEND=jax)"
    return Device(chosen, f"Keras on {backend} uses {where}; arithmetic is {chosen}, because {why}.")


def share(*arrays: npt.NDArray[Any]) -> tuple[npt.NDArray[Any], ...]:
    """Return this process's part of a batch that every process has drawn alike: all of it where there is one process.

    Args:
        arrays: each (B, ...).
    """
    import keras

    if keras.backend.backend() != "jax":
        return arrays
    jax = importlib.import_module("jax")
    each = len(arrays[0]) // jax.process_count()
    first = jax.process_index() * each
    return tuple(array[first : first + each] for array in arrays)


def agree(step: int) -> None:
    """Make sure that every host goes on from the same step; each keeps its run in a folder of its own.

    Call it before restoring: filling variables that hosts share takes all of them.

    Raises:
        BackendError: they do not.
    """
    import keras

    if keras.backend.backend() != "jax" or importlib.import_module("jax").process_count() == 1:
        return
    steps = importlib.import_module("jax.experimental.multihost_utils").process_allgather(np.array(step))
    if len(set(steps.tolist())) > 1:
        raise BackendError(
            f"The hosts' checkpoints are of the steps {', '.join(map(str, steps))}.",
            "Copy the folder of the run (--out) from one host to all others, and start them again.",
        )


def _keras() -> Any:
    try:
        return load_keras()
    except (ImportError, ValueError) as error:
        name = os.environ.get("KERAS_BACKEND")
        remedy = f"Install {name}, or unset KERAS_BACKEND."
        raise DependencyError(f"Keras cannot start on its back end {name!r}: {error}.", remedy) from error


def _spread(keras: Any, batch: int) -> str:
    """Let all devices that JAX sees, here and on the other hosts, share each batch; say so, or return "" for one."""
    if os.environ.get(ADDRESSES):
        try:
            keras.distribution.initialize()
        except (RuntimeError, ValueError) as error:
            raise BackendError(f"The other hosts cannot be reached: {error}.", f"Check {ADDRESSES}.") from error
    jax = importlib.import_module("jax")
    devices, hosts = keras.distribution.list_devices(), jax.process_count()
    used = max(n for n in range(1, len(devices) + 1) if batch % n == 0)
    if hosts > 1 and used < len(devices):
        raise BackendError(
            f"{len(devices)} devices cannot share a batch of {batch} faces evenly.", "Use another number of them."
        )
    if used == 1:
        return ""
    keras.distribution.set_distribution(keras.distribution.DataParallel(devices=devices[:used]))
    of = "" if used == len(devices) else f" of {len(devices)}, because it divides the batch"
    return f"{used} devices{of}, on {hosts} host{'s' if hosts > 1 else ''}, each for its part of every batch"


def _gpus(backend: str, threads: int) -> int:
    """Return how many GPUs the back end sees; set PyTorch's threads."""
    if backend == "torch":
        import torch

        torch.set_num_threads(threads if threads > 0 else os.cpu_count() or 1)
        return int(torch.cuda.device_count())
    if backend == "tensorflow":
        import tensorflow as tf

        return len(tf.config.list_physical_devices("GPU"))
    jax = importlib.import_module("jax")
    return int(jax.device_count()) if jax.default_backend() == "gpu" else 0


def _precision(wanted: str, backend: str, gpu: bool) -> tuple[str, str]:
    """Return the Keras policy and the reason for it."""
    if wanted != "auto":
        return wanted, "it was asked for"
    flags = Path("/proc/cpuinfo")
    fast = flags.is_file() and "avx512_bf16" in flags.read_text(encoding="utf-8")
    if gpu or (fast and backend == "torch"):
        return "mixed_bfloat16", "it is faster there"
    return "float32", "this back end gains nothing from 16 bits" if fast else "this processor has no fast 16-bit units"
