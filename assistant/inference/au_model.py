"""Estimate Action Units of one face with an 8-bit model."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from assistant.errors import ModelError
from assistant.facs import AU_ORDER
from assistant.inference.manifest import REMEDY, Manifest, Output
from assistant.inference.quantization import dequantise, quantise
from assistant.types import ActionUnits, Face, Floats, Frame, ImageRgb, TensorRunner, TensorSpec

Align = Callable[[ImageRgb, Floats, int], npt.NDArray[np.uint8]]
"""(H, W, 3) uint8 RGB, (6, 2) landmarks in pixels and the side S -> (S, S) uint8 luminance."""
Normalise = Callable[[npt.NDArray[np.uint8]], Floats]
"""(S, S) uint8 luminance -> (S, S) float32, standardised."""

NORMALISATION: Final = "standardised-grey"
"""What a manifest calls the one normalisation that training and runtime share."""
_SURE: Final = 30.0  # log-odds beyond which a float32 probability is 0 or 1


class QuantisedActionUnitModel:
    """Estimate occurrence probabilities of the 18 Action Units. Blocks for one inference; not thread-safe.

    Args:
        runner: one input (1, S, S, C), one output (1, 18) in `facs.AU_ORDER`; 8-bit or float32.
        manifest: of the model: what its output holds, which units it knows, and from what probability each is present.
        align: cuts the face out, as in training.
        normalise: standardises the crop, as in training.

    Raises:
        ModelError: the model file does not fit the manifest; reinstall, or export the model again.
    """

    def __init__(self, runner: TensorRunner, manifest: Manifest, align: Align, normalise: Normalise) -> None:
        self._size_px = _validate(runner, manifest)
        self._runner = runner
        self._align = align
        self._normalise = normalise
        units = [manifest.action_units[au] for au in AU_ORDER]
        self._known = tuple(unit.known for unit in units)
        self._thresholds = tuple(unit.threshold for unit in units)
        self._manifest = manifest

    @property
    def size_px(self) -> int:
        """Side of the crop the model takes."""
        return self._size_px

    @property
    def thresholds(self) -> tuple[float, ...]:
        """Probability from which each unit of `facs.AU_ORDER` counts as present."""
        return self._thresholds

    def estimate(self, frame: Frame, face: Face) -> ActionUnits:
        """Return the occurrence probabilities of one face; None for units the model does not know.

        Raises:
            BackendError: the device failed.
        """
        return self.estimate_crop(self._align(frame.image_rgb, face.landmarks_xy, self._size_px))

    def estimate_crop(self, grey: npt.NDArray[np.uint8]) -> ActionUnits:
        """Return the same of an aligned crop, (S, S) uint8 luminance.

        Raises:
            ValueError: the crop has another size.
            BackendError: the device failed.
        """
        values = self.probabilities(grey)
        probability = tuple(float(p) if known else None for p, known in zip(values, self._known, strict=True))
        present = tuple(None if p is None else p >= t for p, t in zip(probability, self._thresholds, strict=True))
        return ActionUnits(probability, present)

    def probabilities(self, grey: npt.NDArray[np.uint8]) -> Floats:
        """Return all 18 probabilities for an aligned crop, known or not: (18,) float32 in [0, 1], for evaluation.

        Raises:
            ValueError: the crop has another size.
            BackendError: the device failed.
        """
        if grey.shape != (self._size_px, self._size_px):
            raise ValueError(f"the model takes crops of {self._size_px} pixels, not {grey.shape}")
        real = self._normalise(grey)[None, :, :, None]
        return ask(self._runner, real, self._manifest.output, self._manifest.mirrored)


def ask(runner: TensorRunner, real: Floats, output: Output, mirrored: bool = False) -> Floats:
    """Return the probabilities (18,) float32 that a model gives for one face. Blocks for one or two inferences.

    Args:
        runner: of the model.
        real: (1, S, S, 1) float32, standardised; each channel that the model takes gets it.
        output: what the model's output holds.
        mirrored: whether the mirror image is asked about too, and the mean of both outputs counts.

    Raises:
        BackendError: the device failed.
    """
    entry = runner.inputs[0]
    face = np.repeat(quantise(real, entry), entry.shape[3], axis=3)
    sides = (face, np.ascontiguousarray(face[:, :, ::-1])) if mirrored else (face,)
    told = [dequantise(runner.run(side)[0], runner.outputs[0])[0] for side in sides]
    return to_probability(np.mean(told, axis=0), output)


def to_probability(values: npt.NDArray[np.floating[Any]], output: Output) -> Floats:
    """Return what a model's output means, float32 in [0, 1]; the shape stays.

    Args:
        values: real numbers of any shape: the output, dequantised.
        output: what they are.
    """
    if output == "log-odds":
        return np.asarray(1.0 / (1.0 + np.exp(-np.clip(values, -_SURE, _SURE))), np.float32)
    return np.asarray(np.clip(values, 0.0, 1.0), np.float32)


def _validate(runner: TensorRunner, manifest: Manifest) -> int:
    """Return the size of the input after comparing the model with its manifest."""
    name, entry = manifest.name, manifest.input
    if manifest.task != "action_units" or entry is None:
        raise ModelError(f"The model {name} is for {manifest.task}, not for action_units.", REMEDY)
    if entry.normalisation != NORMALISATION:
        raise ModelError(
            f"The model {name} wants its input {entry.normalisation!r}; this release knows {NORMALISATION!r}.",
            "Update facecue, or export the model again.",
        )
    size_px, channels = entry.size_px, entry.channels
    _fit(name, "input", runner.inputs, (1, size_px, size_px, channels), manifest.inputs)
    _fit(name, "output", runner.outputs, (1, len(AU_ORDER)), manifest.outputs)
    return size_px


def _fit(
    name: str, kind: str, found: tuple[TensorSpec, ...], shape: tuple[int, ...], said: tuple[TensorSpec, ...]
) -> None:
    """Compare the model's one tensor of a kind with the shape it must have and with the manifest's, if that has one."""
    if len(found) != 1 or found[0].shape != shape:
        shapes = ", ".join(str(spec.shape) for spec in found)
        raise ModelError(f"The model {name} has {kind} {shapes} instead of one of {shape}.", REMEDY)
    spec = found[0]
    if spec.dtype not in ("int8", "uint8", "float32") or (spec.dtype != "float32" and spec.scale <= 0):
        raise ModelError(f"The model {name} has an {kind} of {spec.dtype} without a scale.", REMEDY)
    if said and (len(said) != 1 or not _same(said[0], spec)):
        raise ModelError(f"The {kind} of the model {name} is not what its manifest says.", REMEDY)


def _same(said: TensorSpec, spec: TensorSpec) -> bool:
    """Compare all but the name, which exporters choose; scales within the rounding of a float32 in JSON."""
    return (said.shape, said.dtype, said.zero_point) == (spec.shape, spec.dtype, spec.zero_point) and abs(
        said.scale - spec.scale
    ) <= 1e-6 * max(spec.scale, 1e-9)
