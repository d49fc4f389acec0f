"""Retrain only the head: `python -m training head RUN`. Minutes on two cores, for a developer's own labelled crops.

The trunk does not learn, so each crop passes it once, plain and mirrored; the head then learns on the stored features.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from assistant.clock import SystemClock
from assistant.errors import SettingsError
from training import fit, recipes
from training.augment import prepare
from training.batches import Pool, gather
from training.distribute import choose_device, share
from training.faces import Faces, inputs
from training.fused import without_gradients
from training.losses import Layout, combined
from training.progress import Progress
from training.runs import BATCH, Run, as_numpy, network, write_run
from training.transfer import install_trunk

HEAD: Final = ("head_", "places", "logits")
"""Beginnings of the names of the layers that learn."""
EPOCHS: Final = 30
LEAST_STEPS: Final = 600  # a few hundred faces need more than 30 looks each, and it takes seconds
BOTH_SIDES: Final = (
    4000  # faces up to which each is also seen mirrored; of more, every second one is seen mirrored only
)
MOST_STEPS: Final = 3000  # 19 looks at each of 10,000 faces, which then take less than ten minutes in all on two cores
RATE: Final = 1e-3
LEARN: Final = 64  # faces a gradient step


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("run", type=Path, help="folder of a finished run whose trunk is kept")
    parser.add_argument("--data", type=Path, default=Path("cache"), help="folder that prepare wrote")
    parser.add_argument("--out", type=Path, help="folder of the new run; default: RUN-head")
    parser.add_argument("--loss", choices=("bce", "focal", "asymmetric"), default="bce")
    parser.add_argument("--trunk", type=Path, help="take this file's trunk instead of the run's (vggface only)")
    fit.add_seed(parser)
    parser.add_argument("--threads", type=int, default=0, help="CPU threads, on PyTorch; default: all cores")
    parser.add_argument("--precision", choices=("auto", "float32", "mixed_bfloat16", "mixed_float16"), default="auto")


def run(options: argparse.Namespace) -> int:
    """Train a new head and write a run folder with the whole network."""
    device = choose_device(options.threads, options.precision, LEARN)
    print(device.reason, flush=True)
    import keras

    began = Run.load(options.run)
    recipe = began.recipe
    out = fit.make_folder(options.out or options.run.with_name(options.run.name + "-head"))
    faces = Faces.checked(options.data, began.settings)
    pool = gather(faces, faces.annotated("train"), recipe.AUS)
    fit.need_annotations(pool, options.data)
    keras.utils.set_random_seed(options.seed)
    model = network(began)
    trunk_origin = began.settings.get("trunk")
    if options.trunk:
        some = inputs(faces.crops[pool.rows[:64]], began.size_px, recipe.CHANNELS)
        trunk_origin = install_trunk(recipe, options.trunk, model, some)
    emotions = sum(name.startswith("emotion") for name in began.settings["outputs"])
    layout = Layout(len(recipe.AUS), 0, emotions)
    below, above = divide(model, layout.outputs)
    values = features(below, pool, began.size_px, recipe.CHANNELS)
    fresh = fit_head(above, values, pool, layout, options.loss, options.seed)
    merged = merge(recipe, began.size_px, model, fresh, layout.outputs)
    outputs = [*recipe.AUS, *(f"emotion{place}" for place in range(emotions))]
    settings = {"outputs": outputs, "size_px": began.size_px, "loss": options.loss, "seed": options.seed}
    settings |= {"split_seed": faces.split_seed, "teachers": began.settings.get("teachers", [])}
    write_run(out, merged, {"recipe": recipe.NAME, **settings, "trunk": trunk_origin, "history": []})
    print(f"Wrote {out}. Next: python -m training calibrate {out} --data {options.data}", flush=True)
    return 0


def divide(model: Any, outputs: int) -> tuple[Any, Any]:
    """Cut a network into the trunk that stays and a fresh head that learns.

    Args:
        model: a recipe's network; its outputs beyond the first `outputs` are left away.
        outputs: number of logits of the new head.

    Returns:
        Trunk, and head of the same layers with new weights, taking the trunk's output.

    Raises:
        SettingsError: the head reads more than the trunk's end.
    """
    import keras

    first = next(i for i, layer in enumerate(model.layers) if layer.name.startswith(HEAD))
    end = model.layers[first - 1].output
    try:
        above = keras.Model(end, model.output)
    except ValueError:  # Keras: some of it cannot be computed from there alone
        raise SettingsError(
            f"The head of {model.name} reads several levels of its trunk.", "Train it whole: python -m training train"
        ) from None

    def fresh(layer: Any) -> Any:
        config = layer.get_config()
        if layer.name == "logits":
            config["units"] = outputs
        return type(layer).from_config(config)

    return keras.Model(model.input, end), keras.models.clone_model(above, clone_function=fresh)


def features(below: Any, pool: Pool, size_px: int, channels: int) -> npt.NDArray[np.float16]:
    """Return what the trunk sees: (2, N, h, w, c) float16, plain faces and then mirrored ones.

    Of many faces it is (1, N, h, w, c), every second one mirrored. Prints the remaining time now and then.
    """
    from keras import ops

    count = len(pool.rows)
    sides = 2 if count <= BOTH_SIDES else 1
    values = np.empty((sides, count, *below.output.shape[1:]), np.float16)
    progress = Progress("faces seen by the trunk", count, SystemClock())
    for start in range(0, count, BATCH):
        part = slice(start, min(start + BATCH, count))
        grey = np.stack([prepare(pool.crops[row], size_px) for row in pool.rows[part]])
        for side in range(sides):
            mirrored = np.arange(part.start, part.stop) % 2 == 1 if sides == 1 else np.full(len(grey), side == 1)
            batch = np.where(mirrored[:, None, None], grey[:, :, ::-1], grey)
            tensor = ops.convert_to_tensor(np.repeat(batch[..., None], channels, -1))
            with without_gradients():
                values[side, part] = as_numpy(below(tensor, training=False))
        for _ in range(start, part.stop):
            progress.step()
    return values


def fit_head(
    head: Any, values: npt.NDArray[np.float16], pool: Pool, layout: Layout, loss: str = "bce", seed: int = 1
) -> Any:
    """Train a head on stored features and return it with averaged weights.

    Args:
        head: fresh Keras model from features to logits.
        values: (1 or 2, N, h, w, c) float16 of `features`.
        pool: the N faces.
        layout: columns of the target; units and emotions.
        loss: of the annotated units: "bce", "focal" or "asymmetric".
        seed: of the order of faces.
    """
    import keras

    count = values.shape[1]
    steps = min(max(EPOCHS * count // LEARN, LEAST_STEPS), MOST_STEPS)
    rate = keras.optimizers.schedules.CosineDecay(RATE, steps, alpha=0.02)
    optimiser = keras.optimizers.AdamW(rate, weight_decay=1e-3, global_clipnorm=5.0, use_ema=True, ema_momentum=0.99)
    head.compile(optimizer=optimiser, loss=combined(layout, {"au": 1.0, "emotion": 0.3}, loss))
    targets = layout.target(
        pool.units,
        pool.unit_weight,
        pool.soft,
        pool.soft_weight,
        pool.emotion,
        pool.shapes,
        pool.has_shapes,
    )
    weights = pool.draw_weight / pool.draw_weight.sum()
    rng = np.random.default_rng(seed)
    progress = Progress("steps of the head", steps, SystemClock())
    for step in range(steps):
        picked = rng.choice(count, LEARN, p=weights)
        batch = values[rng.integers(0, len(values), LEARN), picked].astype(np.float32)
        value = float(head.train_on_batch(*share(batch, targets[picked])))
        fit.check_finite(value, step, "head", "the crops and labels")
        progress.step()
    optimiser.finalize_variable_values(head.trainable_variables)
    return head


def merge(recipe: recipes.Recipe, size_px: int, trained: Any, head: Any, outputs: int) -> Any:
    """Return the whole network: the trunk of `trained` with the new head."""
    whole = recipe.build(outputs, size_px=size_px)
    for layer in whole.layers:
        source = head if layer.name.startswith(HEAD) else trained
        if layer.weights:
            layer.set_weights(source.get_layer(layer.name).get_weights())
    return whole
