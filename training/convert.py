"""Turn a run into .tflite and .onnx files: the part that needs TensorFlow, run by `training.quantize` as a process.

    KERAS_BACKEND=tensorflow python -m training.convert RUN REPRESENTATIVE.npy OUT

A process of its own, because training may use another Keras back end, and another environment.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from training.runs import Run, device_network

INT8: Final = "model.tflite"
FLOAT: Final = "model.float.tflite"
ONNX: Final = "model.onnx"
OUTPUT: Final = "log-odds"
"""What all three files give."""
STEP, ZERO_POINT = 1 / 16, 32
"""Of the 8-bit log-odds: -10 to 5.94, a probability of 0.00005 to 0.997. At 0.5 a step is 0.016."""
OPSET: Final = 11  # the newest that OpenVINO 2021.4, the last with Movidius, reads in full


def main(run_folder: str, representative_file: str, out_folder: str) -> None:
    """Write the three files into `out_folder`."""
    import tensorflow as tf

    model, out = device_network(Run.load(Path(run_folder))), Path(out_folder)
    representative = np.load(representative_file, mmap_mode="r")
    (out / FLOAT).write_bytes(tf.lite.TFLiteConverter.from_keras_model(model).convert())
    (out / INT8).write_bytes(_int8(tf, model, representative))
    _onnx(tf, model, out / ONNX)


def _int8(tf: Any, model: Any, representative: npt.NDArray[np.float32]) -> bytes:
    """Quantise weights and activations to int8 after training, input and output included.

    Args:
        tf: the TensorFlow module.
        model: with a static batch of 1, so that no operator computes a shape; an Edge TPU has none that could.
        representative: (N, S, S, C) float32 inputs, from which the range of every activation is taken. Together they
            reach -2.56 and 2.54, so that the input's scale becomes 1/50 and its zero point 0, exactly what
            `assistant.vision.align.normalise` rounds to.
    """

    def rows() -> Iterator[list[npt.NDArray[np.float32]]]:
        for row in representative:
            yield [np.asarray(row[None], np.float32)]

    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = rows
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = tf.int8
    converter.inference_output_type = tf.int8
    # The Edge TPU's compiler takes one scale a Dense layer; convolutions keep one a channel.
    converter._experimental_disable_per_channel_quantization_for_dense_layers = True
    return _fine(converter.convert())


def _fine(content: bytes) -> bytes:
    """Give the output its steps of `STEP`.

    The converter takes the range from the most extreme face and unit, and steps of a quarter are left of it; what lies
    beyond is all the same to whoever asks. Only the last Dense layer writes this tensor, and it computes its
    multiplier from the scale that stands here, so nothing else changes.
    """
    from tensorflow.lite.tools import flatbuffer_utils

    model = flatbuffer_utils.convert_bytearray_to_object(bytearray(content))
    graph = model.subgraphs[0]
    output = graph.tensors[graph.outputs[0]].quantization
    output.scale, output.zeroPoint = [STEP], [ZERO_POINT]
    return bytes(flatbuffer_utils.convert_object_to_bytearray(model))


def _onnx(tf: Any, model: Any, path: Path) -> None:
    """Write the float network as ONNX with channels first and a batch of 1."""
    import tf2onnx

    shape = tuple(int(side) for side in model.input.shape)
    signature = (tf.TensorSpec(shape, tf.float32, name="face"),)
    call = tf.function(lambda face: {"log_odds": model(face, training=False)}, input_signature=signature)
    tf2onnx.convert.from_function(call, signature, opset=OPSET, inputs_as_nchw=["face:0"], output_path=str(path))


if __name__ == "__main__":
    main(*sys.argv[1:])
