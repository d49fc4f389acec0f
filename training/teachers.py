"""Ask teachers about the very pictures of a batch, changed as they are, so that the student sees what it is told about.

A teacher that is asked once about the plain picture says the same of every change of it; one that is asked each time
tells the student what is still visible (Beyer et al., Knowledge distillation: a good teacher is patient and
consistent, CVPR 2022). From a teacher with a layer "head_levels" the student also learns the maps behind the answers:
many more numbers a face than 18 (Romero et al., FitNets, ICLR 2015).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, Self

import numpy as np

from assistant.facs import AU_ORDER
from training.losses import Floats, Layout
from training.predict import calibrated
from training.runs import Run, as_numpy, load_keras, network, of_units
from training.transfer import trunk_of

MAPS: Final = "head_levels"
"""Layer of a teacher whose output is learned from."""

TAP: Final = "head_narrow"
"""Layer of a student before which its trunk ends: there the teacher's maps are to be found."""


def described(folder: Path) -> str:
    """Name a run, and the pretrained network it began with, for the model card."""
    trunk = trunk_of(folder / "model.weights.h5")
    return f"the run {folder.name}" + (f" (from {trunk['origin']}, {trunk['licence']})" if trunk else "")


@dataclass(frozen=True, slots=True)
class Teacher:
    """Hold one teacher: its run, and its network, which gives logits and perhaps maps."""

    run: Run
    network: Any
    has_maps: bool

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Open a calibrated run.

        Raises:
            ModelError: the folder holds no finished run.
        """
        keras = load_keras()
        run = Run.load(folder)
        model = network(run)
        has_maps = any(layer.name == MAPS for layer in model.layers)
        outputs = [model.output, model.get_layer(MAPS).output] if has_maps else [model.output]
        return cls(run, keras.Model(model.input, outputs), has_maps)

    def answer(self, faces: Floats) -> tuple[Floats, Floats | None]:
        """Return (B, 18) probabilities, NaN for a unit not known, and (B, h, w, channels) maps or None.

        Args:
            faces: (B, S, S, channels) standardised grey of any size.
        """
        import keras

        side, channels = self.run.size_px, self.run.recipe.CHANNELS
        faces = np.repeat(faces[..., :1], channels, -1)
        if faces.shape[1] != side:
            faces = as_numpy(keras.ops.image.resize(faces, (side, side), antialias=faces.shape[1] > side))
        logits, *maps = self._ask(faces)
        if self.run.mirrored:
            mirrored, *_ = self._ask(np.ascontiguousarray(faces[:, :, ::-1]))
            logits = np.mean([logits, mirrored], axis=0)
        return calibrated(self.run, of_units(self.run, logits)), maps[0] if maps else None

    def _ask(self, faces: Floats) -> list[Floats]:
        told = self.network.predict_on_batch(faces)
        return [as_numpy(part) for part in (told if isinstance(told, list) else [told])]


@dataclass(frozen=True, slots=True)
class Teachers:
    """Hold those who teach a stage.

    Attributes:
        members: may be none.
        aus: units the student has outputs for.
        side: of the maps that the student is to learn; 0 for none.
    """

    members: tuple[Teacher, ...]
    aus: tuple[str, ...] = AU_ORDER
    side: int = 0

    def for_network(self, student: Any, wanted: bool) -> Self:
        """Return the same teachers, who teach maps of the size of this student's trunk if that is wanted."""
        able = wanted and any(teacher.has_maps for teacher in self.members)
        return replace(self, side=int(student.get_layer(TAP).input.shape[1]) if able else 0)

    @property
    def maps(self) -> int:
        """Number of values in all maps of one face."""
        return self.side**2 * sum(self._channels())

    def learner(self, student: Any) -> Any:
        """Return the student with one more output, its guess of the maps, flattened behind its logits."""
        import keras
        from keras import layers

        if not self.side:
            return student
        trunk = student.get_layer(TAP).input
        guess = layers.Conv2D(sum(self._channels()), 1, name="maps", dtype="float32")(trunk)
        outputs = layers.Concatenate(dtype="float32")([student.output, layers.Flatten(name="maps_flat")(guess)])
        return keras.Model(student.input, outputs)

    def complete(self, faces: Floats, target: Floats, layout: Layout) -> Floats:
        """Return the target with the teachers' answers in place of what it had of soft units, and their maps behind.

        Args:
            faces: (B, S, S, channels), as the student gets them.
            target: (B, layout.columns less the maps).
            layout: of the target.
        """
        if not self.members:
            return target
        answers = [teacher.answer(faces) for teacher in self.members]
        said = np.stack([units[:, [AU_ORDER.index(au) for au in self.aus]] for units, _ in answers])
        known = np.isfinite(said)
        n, count = layout.units, known.sum(0)
        target = target.copy()
        target[:, 2 * n : 3 * n] = np.nan_to_num(said).sum(0) / np.maximum(count, 1)
        target[:, 3 * n : 4 * n] = count > 0
        if not self.side:
            return target
        maps = np.concatenate([self._sized(maps) for _, maps in answers if maps is not None], -1)
        return np.concatenate([target, maps.reshape(len(maps), -1)], 1)

    def _channels(self) -> list[int]:
        return [int(teacher.network.output[1].shape[-1]) for teacher in self.members if teacher.has_maps]

    def _sized(self, maps: Floats) -> Floats:
        """Return maps of the student's size, (B, side, side, channels)."""
        import keras

        return as_numpy(keras.ops.image.resize(maps, (self.side, self.side), antialias=maps.shape[1] > self.side))
