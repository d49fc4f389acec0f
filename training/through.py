"""Teach a network its Action Units so that emotions can be told from them alone.

While it is trained, one layer tells the emotions of FER+ from the units' logits and from nothing else, as the second
stage will on the device (a concept bottleneck trained jointly: Koh et al., Concept Bottleneck Models, ICML 2020). The
layer is not kept: the second stage is learned afresh on what the 8-bit network says. Annotators and teachers go on
saying what a unit is; whether the units stay true is measured on the annotated test split.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from training.batches import Pool

LEAST_SHOWN: Final = 60
"""Annotated training faces that must show a unit before emotions may be told from it. With fewer, little would keep
its output from becoming an emotion in disguise."""
LIMIT: Final = 6.24
"""Logits count no further than this on either side: the second stage's `EDGE`, as log-odds."""


def read_units(pool: Pool) -> npt.NDArray[np.float32]:
    """Return (units,) 1 where enough annotated faces of the pool show the unit, else 0."""
    shown = ((pool.units > 0.5) & (pool.unit_weight > 0)).sum(0)
    return np.asarray(shown >= LEAST_SHOWN, np.float32)


def learner(student: Any, read: npt.NDArray[np.float32], emotions: int) -> Any:
    """Return the student with one more output behind its logits: what the units alone tell of the emotions.

    Args:
        student: network of logits, the units' first.
        read: (units,) 1 for a unit to tell emotions from, else 0.
        emotions: how many there are to tell; 0 returns the student as it is.
    """
    import keras
    from keras import layers, ops

    if not emotions:
        return student
    units = layers.Lambda(
        lambda logits: ops.clip(logits[:, : len(read)], -LIMIT, LIMIT) * ops.convert_to_tensor(read),
        output_shape=(len(read),),
        dtype="float32",
        name="units_read",
    )(student.output)
    # Zeros pull at no unit before the layer has begun to know what a unit means.
    told = layers.Dense(emotions, kernel_initializer="zeros", name="through_units", dtype="float32")(units)
    return keras.Model(student.input, layers.Concatenate(dtype="float32")([student.output, told]))
