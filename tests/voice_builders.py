"""A voice file for piper that hums: as long as the words, as loud as a voice, made here in a millisecond."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

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
