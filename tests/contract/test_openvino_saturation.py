"""Prove that OpenVINO answers rightly on processors without VNNI, by keeping it from using that."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from assistant.inference.backends import openvino

ROOT = Path(__file__).parents[2]

SCRIPT = """
import json, sys
import numpy as np
from pathlib import Path
import openvino as vendor
from assistant.inference.backends import openvino
folder = Path("tests/golden")
golden = np.load(folder / "tiny_int8.npz")
core = vendor.Core()
bare = core.compile_model(core.read_model(folder / "tiny_int8.tflite"), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
runner = openvino.Runner(folder / "tiny_int8.tflite")
def off(run):
    pairs = zip(golden["inputs"], golden["outputs"], strict=True)
    return max(int(np.abs(run(x).astype(int) - y.astype(int)).max()) for x, y in pairs)
print(json.dumps({"saturates": openvino.saturates(), "bare": off(lambda x: bare(x)[0]),
                  "runner": off(lambda x: runner.run(x)[0])}))
"""


def in_a_process(**environment: str) -> dict[str, Any]:
    found = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    report: dict[str, Any] = json.loads(found.stdout.splitlines()[-1])
    return report


@pytest.fixture(autouse=True)
def needs_openvino() -> None:
    if importlib.util.find_spec("openvino") is None:
        pytest.skip(openvino.available() or "")


def test_without_vnni_the_runner_is_right_where_bare_openvino_is_not() -> None:
    report = in_a_process(ONEDNN_MAX_CPU_ISA="AVX512_CORE")
    if not report["saturates"]:
        pytest.skip("this processor cannot be kept from accumulating in 32 bits")
    assert report["bare"] > 1, "the golden model shows the fault"
    assert report["runner"] <= 1
