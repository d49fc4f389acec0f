"""Make `tiny_int8.tflite` and `tiny_int8.npz`: a full-int8 model shaped like an Action Unit model, and what it answers.

It knows nothing of faces: its seeded weights only make every kind of operator of the real models do some work
(convolution, depthwise convolution, pooling, dense, sigmoid). Needs TensorFlow:

    python tests/golden/make_tiny_int8.py
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import tensorflow as tf

FOLDER = Path(__file__).parent
SIZE = 16


def representative() -> Iterator[list[np.ndarray]]:
    """Yield standardised grey pictures that reach both ends of the input's range, -2.56 to 2.54."""
    random = np.random.default_rng(3)
    for _ in range(64):
        grey = np.clip(random.normal(0, 1.2, (1, SIZE, SIZE, 1)), -2.56, 2.54)
        grey[0, 0, 0, 0], grey[0, 0, 1, 0] = -2.56, 2.54
        yield [np.repeat(grey, 3, axis=3).astype(np.float32)]


def build() -> tf.keras.Model:
    """Return the float model, 16x16x3 to 18 probabilities."""
    tf.keras.utils.set_random_seed(11)
    layers = tf.keras.layers
    return tf.keras.Sequential(
        [
            layers.Input((SIZE, SIZE, 3), batch_size=1),
            layers.Conv2D(8, 3, strides=2, padding="same", activation="relu"),
            layers.DepthwiseConv2D(3, padding="same", activation="relu"),
            layers.Conv2D(12, 3, padding="same", activation="relu"),
            layers.MaxPooling2D(2),
            layers.Flatten(),
            layers.Dense(18, activation="sigmoid", kernel_initializer=tf.keras.initializers.RandomNormal(0, 0.25)),
        ]
    )


def main() -> None:
    """Convert, run TFLite's own reference kernels, write both files."""
    converter = tf.lite.TFLiteConverter.from_keras_model(build())
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = representative
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = converter.inference_output_type = tf.int8
    converter._experimental_disable_per_channel_quantization_for_dense_layers = True
    content = converter.convert()
    interpreter = tf.lite.Interpreter(
        model_content=content, experimental_op_resolver_type=tf.lite.experimental.OpResolverType.BUILTIN_REF
    )
    interpreter.allocate_tensors()
    entry, out = interpreter.get_input_details()[0], interpreter.get_output_details()[0]
    inputs = np.random.default_rng(5).integers(-128, 128, (8, 1, SIZE, SIZE, 3), dtype=np.int8)
    outputs = []
    for array in inputs:
        interpreter.set_tensor(entry["index"], array)
        interpreter.invoke()
        outputs.append(interpreter.get_tensor(out["index"]))
    (FOLDER / "tiny_int8.tflite").write_bytes(content)
    np.savez_compressed(FOLDER / "tiny_int8.npz", inputs=inputs, outputs=np.stack(outputs))
    print(len(content), entry["quantization"], out["quantization"], np.stack(outputs).std(0).round(1))


if __name__ == "__main__":
    main()
