"""Prove the Edge TPU's loading code with a delegate built here, in place of the library and the device."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from assistant.errors import BackendError
from assistant.inference.backends import edgetpu
from assistant.inference.fallback import FallbackRunner

GOLDEN = Path(__file__).parents[1] / "golden"
MODEL = GOLDEN / "tiny_int8.tflite"

STUB = r"""
#include <stdint.h>
#include <string.h>
struct Delegate { void *data; int (*prepare)(void *, struct Delegate *); void *copy_from, *copy_to, *release;
                  int64_t flags; void *opaque; };
int created, prepared, destroyed, options; char device[32];
static int prepare(void *context, struct Delegate *self) { ++prepared; return PREPARE_STATUS; }
static struct Delegate one = { 0, prepare };
void *tflite_plugin_create_delegate(char **keys, char **values, size_t count, void (*report)(const char *)) {
  ++created; options = (int)count;
  for (size_t i = 0; i < count; ++i) if (!strcmp(keys[i], "device")) strncpy(device, values[i], 31);
  if (NO_DEVICE) { if (report) report("no device"); return 0; }
  return &one;
}
void tflite_plugin_destroy_delegate(void *delegate) { if (delegate) ++destroyed; }
"""


@pytest.fixture
def build(tmp_path: Path) -> Callable[..., Path]:
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        pytest.skip("no C compiler to build the stub delegate with")

    def compile_stub(no_device: int = 0, prepare_status: int = 0, source: str = STUB) -> Path:
        code = tmp_path / "stub.c"
        code.write_text(source)
        library = tmp_path / f"libstub{no_device}{prepare_status}.so"
        flags = [f"-DNO_DEVICE={no_device}", f"-DPREPARE_STATUS={prepare_status}"]
        subprocess.run([compiler, "-shared", "-fPIC", *flags, "-o", library, code], check=True)
        return library

    return compile_stub


def counter(library: Path, name: str) -> int:
    return ctypes.c_int.in_dll(ctypes.CDLL(os.fspath(library)), name).value


def test_the_delegate_is_loaded_and_the_model_runs(build: Callable[..., Path]) -> None:
    library = build()
    runner = edgetpu.Runner(MODEL, 1, library=os.fspath(library))
    assert counter(library, "created") == 1
    assert counter(library, "options") == 0
    assert counter(library, "prepared") == 1
    golden = np.load(GOLDEN / "tiny_int8.npz")
    (found,) = runner.run(golden["inputs"][0])
    assert np.abs(found.astype(int) - golden["outputs"][0].astype(int)).max() <= 1
    assert counter(library, "destroyed") == 0
    del runner
    assert counter(library, "destroyed") == 1, "the device is released with the runner"


def test_the_device_is_passed_to_the_delegate(build: Callable[..., Path]) -> None:
    library = build()
    edgetpu.Runner(MODEL, 1, "usb:0", library=os.fspath(library))
    assert (ctypes.c_char * 32).in_dll(ctypes.CDLL(os.fspath(library)), "device").value == b"usb:0"


def test_no_device_gives_a_remedy(build: Callable[..., Path]) -> None:
    with pytest.raises(BackendError, match="No Edge TPU answers") as caught:
        edgetpu.Runner(MODEL, 1, "usb", library=os.fspath(build(no_device=1)))
    assert "Plug the accelerator in" in caught.value.remedy
    assert "device usb" in caught.value.cause


def test_a_delegate_that_refuses_the_model_gives_a_remedy(build: Callable[..., Path]) -> None:
    with pytest.raises(BackendError, match="refused the model") as caught:
        edgetpu.Runner(MODEL, 1, library=os.fspath(build(prepare_status=1)))
    assert "another back end" in caught.value.remedy


def test_a_missing_library_gives_the_install_line() -> None:
    with pytest.raises(BackendError, match="cannot be loaded") as caught:
        edgetpu.Runner(MODEL, 1, library="libedgetpu-that-is-not-here.so.1")
    assert "apt-get install libedgetpu1-std" in caught.value.remedy


def test_a_library_that_is_no_delegate_is_refused(build: Callable[..., Path]) -> None:
    library = build(source="int nothing;\n")
    with pytest.raises(BackendError, match="is no LiteRT delegate"):
        edgetpu.Runner(MODEL, 1, library=os.fspath(library))


def test_available_names_the_library_and_the_install_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(edgetpu, "LIBRARY", "libedgetpu-that-is-not-here.so.1")
    problem = edgetpu.available()
    assert problem is not None
    assert "libedgetpu1-std" in problem


def test_available_is_silent_where_the_library_is(monkeypatch: pytest.MonkeyPatch, build: Callable[..., Path]) -> None:
    monkeypatch.setattr(edgetpu, "LIBRARY", os.fspath(build()))
    assert edgetpu.available() is None


def test_the_compiled_model_is_preferred(tmp_path: Path) -> None:
    plain = tmp_path / "model.tflite"
    assert edgetpu.compiled_path(plain) == plain
    (tmp_path / "model_edgetpu.tflite").write_bytes(b"compiled")
    assert edgetpu.compiled_path(plain) == tmp_path / "model_edgetpu.tflite"


def test_the_program_goes_on_without_the_device(build: Callable[..., Path]) -> None:
    from assistant.inference.backends import litert

    told: list[tuple[str, str]] = []
    library = os.fspath(build(no_device=1))
    runner = FallbackRunner(
        [("edgetpu", lambda: edgetpu.Runner(MODEL, 1, library=library)), ("litert", lambda: litert.Runner(MODEL, 1))],
        lambda error, backend: told.append((error.spoken, backend)),
    )
    assert runner.backend == "litert"
    assert told == [("The accelerator failed.", "litert")]
    assert runner.run(np.zeros((1, 16, 16, 3), np.int8))[0].shape == (1, 18)
