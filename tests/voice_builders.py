"""Voices for tests: a voice file of piper that hums as long as the words, and a speech-dispatcher of one's own."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.playback import NEEDED, SoundServer

SAMPLES_A_PHONEME = 500  # at 16,000 Hz; piper puts a pad between two, so that one takes 60 ms


def humming_piper(folder: Path) -> Path:
    """Write NAME.onnx and NAME.onnx.json; skip where onnx is not installed."""
    onnx = pytest.importorskip("onnx", reason="onnx, which makes the voice file, is not installed")
    helper, kinds = onnx.helper, onnx.TensorProto
    constants = {
        "zero": (0, kinds.INT64),
        "step": (1, kinds.INT64),
        "long": (float(SAMPLES_A_PHONEME), kinds.FLOAT),
        "turn": (0.06, kinds.FLOAT),
        "loud": (0.3, kinds.FLOAT),
        "shape": ([1, 1, 1, -1], kinds.INT64),
    }
    nodes = [
        *(
            helper.make_node(
                "Constant",
                [],
                [name],
                value=helper.make_tensor(
                    name,
                    kind,
                    [len(value)] if isinstance(value, list) else [],
                    value if isinstance(value, list) else [value],
                ),
            )
            for name, (value, kind) in constants.items()
        ),
        helper.make_node("Cast", ["input_lengths"], ["lengths"], to=kinds.FLOAT),
        helper.make_node("ReduceSum", ["lengths"], ["count"], keepdims=0),
        helper.make_node("Gather", ["scales", "step"], ["slow"]),
        helper.make_node("Mul", ["count", "slow"], ["slowed"]),
        helper.make_node("Mul", ["slowed", "long"], ["samples"]),
        helper.make_node("Cast", ["samples"], ["end"], to=kinds.INT64),
        helper.make_node("Range", ["zero", "end", "step"], ["range"]),
        helper.make_node("Cast", ["range"], ["time"], to=kinds.FLOAT),
        helper.make_node("Mul", ["time", "turn"], ["angle"]),
        helper.make_node("Sin", ["angle"], ["tone"]),
        helper.make_node("Mul", ["tone", "loud"], ["hum"]),
        helper.make_node("Reshape", ["hum", "shape"], ["output"]),
    ]
    graph = helper.make_graph(
        nodes,
        "hum",
        [
            helper.make_tensor_value_info("input", kinds.INT64, [1, None]),
            helper.make_tensor_value_info("input_lengths", kinds.INT64, [1]),
            helper.make_tensor_value_info("scales", kinds.FLOAT, [3]),
        ],
        [helper.make_tensor_value_info("output", kinds.FLOAT, [1, 1, 1, None])],
    )
    path = folder / "humming.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), path)
    ids = {chr(code): [code % 250 + 3] for code in range(32, 0x300)} | {"_": [0], "^": [1], "$": [2]}
    config = {
        "audio": {"sample_rate": 16_000},
        "espeak": {"voice": "en-us"},
        "num_symbols": 256,
        "num_speakers": 1,
        "phoneme_id_map": ids,
    }
    Path(f"{path}.json").write_text(json.dumps(config), encoding="utf-8")
    return path


DISPATCHER_NEEDS = ("speech-dispatcher", *NEEDED)


@contextlib.contextmanager
def running_dispatcher(folder: Path) -> Iterator[Path]:
    """Run speech-dispatcher with espeak-ng on a null sink of its own; yield its socket. `DISPATCHER_NEEDS` is there."""
    conf, path = folder / "conf", folder / "speechd.sock"
    (conf / "modules").mkdir(parents=True)
    (conf / "modules" / "espeak-ng.conf").touch()
    (conf / "speechd.conf").write_text(
        'AudioOutputMethod "pulse"\nAddModule "espeak-ng" "sd_espeak-ng" "espeak-ng.conf"\nDefaultModule espeak-ng\n'
    )
    with restored_environment(), SoundServer(folder):
        command = ["speech-dispatcher", "-s", "-c", "unix_socket", "-S", path, "-C", conf, "-t", "0"]
        files = ["-P", folder / "pid", "-L", folder]
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        daemon = subprocess.Popen([str(part) for part in (*command, *files)], **quiet)  # type: ignore[call-overload]
        try:
            for _ in range(400):
                if path.exists() or daemon.poll() is not None:
                    break
                time.sleep(0.02)
            yield path
        finally:
            daemon.terminate()
            daemon.wait()


@contextlib.contextmanager
def restored_environment() -> Iterator[None]:
    """Put the environment's variables back at the end."""
    before = dict(os.environ)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
