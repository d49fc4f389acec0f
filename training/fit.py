"""Train a recipe: `python -m training train RECIPE`. Resumes after a kill with the same result.

Everything random is named by (seed, stage, step), the checkpoint holds every variable of network and optimiser, and
so a run that was stopped and continued takes the same steps as one that was not.
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final
from zipfile import BadZipFile

import numpy as np

from assistant.errors import FacecueError, OutputError, SettingsError
from assistant.facs import AU_ORDER
from assistant.inference.manifest import sha256_of
from training import checkpoints, recipes, through
from training.augment import CHOICES
from training.batches import SHAPES, Pool, draw, gather
from training.curves import draw_curves
from training.distribute import agree, choose_device, share
from training.faces import Faces, inputs
from training.losses import EMOTIONS, Layout, combined
from training.metrics import roc_auc
from training.progress import duration
from training.recipes import Stage
from training.runs import RUN_FILE, WEIGHTS, Run, answers, as_numpy, replace_weights
from training.teachers import Teacher, Teachers, described
from training.transfer import copy_weights, install_trunk, run_of, trunk_of

CHUNK: Final = 100  # steps between checkpoints; a kill costs at most these


class TrainingError(FacecueError):
    """Training cannot go on; what was learned up to the last checkpoint is kept."""

    exit_status = 9


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("recipe", choices=recipes.NAMES)
    parser.add_argument("--data", type=Path, default=Path("cache"), help="folder that prepare wrote")
    parser.add_argument("--out", type=Path, help="folder of the run; default runs/RECIPE")
    add_seed(parser)
    parser.add_argument("--trunk", type=Path, help="pretrained convolutions (vggface and sface)")
    parser.add_argument("--start", type=Path, help="another run of this recipe, or its weights, to start from")
    parser.add_argument("--soft", type=Path, nargs="*", default=[], help="files of teachers' probabilities")
    parser.add_argument("--teachers", type=Path, nargs="*", default=[], help="runs to ask about every batch")
    parser.add_argument("--loss", choices=("bce", "focal", "asymmetric"), help="instead of the recipe's")
    parser.add_argument("--augment", choices=CHOICES, default="classic", help="how to change crops (%(default)s)")
    parser.add_argument("--stages", nargs="*", help="names of the recipe's stages to run; default: all")
    parser.add_argument("--scale-steps", type=float, default=1.0, help="share of the recipe's steps, for a trial")
    parser.add_argument("--threads", type=int, default=0, help="CPU threads, on PyTorch; default: all cores")
    parser.add_argument("--precision", choices=("auto", "float32", "mixed_bfloat16", "mixed_float16"), default="auto")


def add_seed(parser: argparse.ArgumentParser) -> None:
    """Declare `--seed`, which every random number follows from."""
    parser.add_argument("--seed", type=int, default=1, choices=range(10**6), metavar="0..999999")


def make_folder(path: Path) -> Path:
    """Make the folder of a run.

    Raises:
        OutputError: it cannot be made.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"The folder {path} cannot be made: {error}.", "Choose another with --out.") from error
    return path


def layout_of(recipe: recipes.Recipe, pool: Pool) -> Layout:
    """Return outputs for the units, and for what else a stage of the recipe learns from."""
    learned = {part for stage in recipe.PLAN.stages for part, weight in stage.weights.items() if weight}
    shapes = pool.shapes.shape[1] if "shape" in learned else 0
    return Layout(len(recipe.AUS), shapes, EMOTIONS if "emotion" in learned else 0)


def run(options: argparse.Namespace) -> int:
    """Train, or continue what was begun, and write `model.weights.h5`, `run.json` and `curves.png`."""
    recipe = recipes.load(options.recipe)
    stages = _stages(recipe, options)
    if CHOICES[options.augment].blend and not options.teachers:
        raise SettingsError(
            f"--augment {options.augment} makes faces that nobody annotated.", "Name who answers with --teachers."
        )
    out = make_folder(options.out or Path("runs") / options.recipe)
    device = choose_device(options.threads, options.precision, math.gcd(*(stage.batch for stage in stages)))
    print(device.reason, flush=True)
    asked = Teachers(tuple(Teacher.load(path) for path in options.teachers), recipe.AUS)
    runs = [teacher.run for teacher in asked.members]
    began = run_of(options.start) if options.start else None
    taught = [] if began is None else began.settings.get("teachers", [])
    runs += [] if began is None else [began]
    faces = Faces.checked(options.data, *(before.settings for before in runs))
    soft = soft_units(options.soft, faces)
    pool = gather(faces, np.asarray(faces.columns["split"]) == "train", recipe.AUS, soft)
    need_annotations(pool, options.data)
    layout = layout_of(recipe, pool)
    outputs = [*recipe.AUS, *(f"emotion{i}" for i in range(layout.emotions)), *(pair[0] for pair in SHAPES)]
    state: dict[str, Any] = {
        "recipe": recipe.NAME,
        "seed": options.seed,
        "outputs": outputs[: layout.outputs],
        "loss": options.loss or recipe.PLAN.loss,
        "augment": options.augment,
        "precision": device.precision,
        "split_seed": faces.split_seed,
        "trunk": None,
        "teachers": list(dict.fromkeys([*taught, *named_teachers(options.soft, layout, options.teachers)])),
        "history": [],
    }
    weights = None
    for number, stage in enumerate(stages):
        job = Job(recipe, stage, number, pool, faces, layout, out, state, asked)
        weights = train_stage(job, weights, options)
    _finish(recipe, weights, out, state)
    return 0


def named_teachers(soft: list[Path], layout: Layout, asked: Sequence[Path] = ()) -> list[str]:
    """Name what else the network learns from, for the model card: other runs, and face shapes."""
    shapes = ["blendshapes of MediaPipe's Face Landmarker"] if layout.shapes else []
    said = [f"unit probabilities of {described(path.parent)}" for path in soft]
    return said + [f"{described(path)}, asked about every picture" for path in asked] + shapes


@dataclass(frozen=True, slots=True)
class Job:
    """Hold what one stage works with."""

    recipe: recipes.Recipe
    stage: Stage
    number: int
    pool: Pool
    faces: Faces
    layout: Layout
    out: Path
    state: dict[str, Any]
    teachers: Teachers


def train_stage(job: Job, weights: Path | None, options: argparse.Namespace) -> Path:
    """Run one stage to its end, from its last checkpoint where there is one.

    Returns:
        File of the stage's averaged weights.
    """
    import keras

    stage, done = job.stage, job.out / f"{job.number}-{job.stage.name}.weights.h5"
    keras.utils.set_random_seed(options.seed * 1000 + job.number)
    model = job.recipe.build(job.layout.outputs, size_px=stage.size_px)
    if weights is not None:
        copy_weights(weights, model)
    elif options.start:
        start = options.start / "model.weights.h5" if options.start.is_dir() else options.start
        job.state["trunk"] = trunk_of(start)
        copy_weights(start, model)
    elif options.trunk:
        some = inputs(job.faces.crops[job.pool.rows[:64]], stage.size_px, job.recipe.CHANNELS)
        job.state["trunk"] = install_trunk(job.recipe, options.trunk, model, some)
    for layer in model.layers:
        layer.trainable = not (stage.frozen and layer.name.startswith(stage.frozen))
    asked = job.teachers.for_network(model, bool(stage.weights.get("map")))
    told = job.layout.emotions if stage.weights.get("through") else 0
    job = replace(job, teachers=asked, layout=replace(job.layout, maps=asked.maps, through=told))
    learner = asked.learner(through.learner(model, through.read_units(job.pool), job.layout.through))
    optimiser = _optimiser(job.recipe.PLAN, stage)
    optimiser.build(learner.trainable_variables)
    learner.compile(optimizer=optimiser, loss=combined(job.layout, stage.weights, job.state["loss"]))
    if learner.optimizer is not optimiser:  # float16: Keras wraps it to scale the loss
        learner.optimizer.build(learner.trainable_variables)
    variables = [*learner.variables, *learner.optimizer.variables]
    path = job.out / f"{job.number}-{stage.name}.checkpoint.npz"
    agree(checkpoints.step_of(path))
    made_with = _made_with(job, options)
    step, history = checkpoints.restore(path, variables, made_with)
    job.state["history"] = [row for row in job.state["history"] if row["stage"] != stage.name] + history
    if step >= stage.steps and done.is_file():
        return done
    began, first = time.monotonic(), step
    while step < stage.steps:
        count = min(CHUNK, stage.steps - step)
        loss = _steps(learner, job, options.seed, step, count)
        step += count
        row: dict[str, Any] = {"stage": stage.name, "step": step, "loss": loss}
        last = step >= stage.steps
        if last or (step // CHUNK) % 5 == 0:
            auc = with_average(learner, optimiser, lambda: valid_auc(model, job), keep=last)
            row.update({} if np.isnan(auc) else {"valid_auc": auc})
        history.append(row)
        job.state["history"].append(row)
        if not last:
            checkpoints.save(path, variables, step, history, made_with)
        _progress(row, stage, (time.monotonic() - began) / (step - first))
    save_weights(model, done)
    checkpoints.save(path, variables, step, history, made_with)
    return done


def _made_with(job: Job, options: argparse.Namespace) -> dict[str, Any]:
    """Return what the weights depend on beside the recipe and the seed of each step, by the names of the options."""
    return {
        "seed": options.seed,
        "loss": job.state["loss"],
        "augment": job.state["augment"],
        "precision": job.state["precision"],
        "steps": job.stage.steps,
        "faces": len(job.pool.rows),
        "labels": job.pool.digest,
        "start": options.start and _contents(options.start, *WEIGHTS),
        "trunk": options.trunk and _contents(options.trunk),
        "soft": [path.name for path in options.soft],
        "teachers": [_contents(path, *WEIGHTS, RUN_FILE) for path in options.teachers],
    }


def _contents(path: Path, *names: str) -> str:
    """Return the name of a file, or of a folder with files of these names, and the beginnings of their sha256."""
    files = [path / name for name in names if (path / name).is_file()] if path.is_dir() else [path]
    return " ".join([path.name, *(sha256_of(file)[:12] for file in files)])


def save_weights(model: Any, path: Path) -> None:
    """Write a stage's weights.

    Raises:
        OutputError: the disk is full; the same command goes on from the last checkpoint.
    """
    try:
        model.save_weights(str(path))
    except (OSError, RuntimeError) as error:  # h5py raises either
        raise OutputError(f"{path} cannot be written: {error}.", "Free some space and run it again.") from error


def _steps(model: Any, job: Job, seed: int, first: int, count: int) -> float:
    """Take `count` gradient steps and return their mean loss.

    Raises:
        TrainingError: the loss is not a number any more.
    """
    losses, how = [], CHOICES[job.state["augment"]]
    for step in range(first, first + count):
        key = (seed, job.number, step)
        x, y = draw(job.pool, job.layout, job.stage, how, job.recipe.CHANNELS, key)
        y = job.teachers.complete(x, y, job.layout)
        losses.append(float(model.train_on_batch(*share(x, y))))
        check_finite(losses[-1], step, job.stage.name, str(job.out))
    return float(np.mean(losses))


def check_finite(loss: float, step: int, stage: str, kept: str) -> None:
    """Stop a training whose loss is no number any more.

    Raises:
        TrainingError: it is; the remedy names what is kept.
    """
    if not np.isfinite(loss):
        raise TrainingError(
            f"The loss became {loss} at step {step} of stage {stage!r}.",
            f"Check the labels or lower the stage's rate; kept are {kept}.",
        )


def need_annotations(pool: Pool, data: Path) -> None:
    """Stop where there is nothing to learn units from.

    Raises:
        TrainingError: no face has annotated units.
    """
    if not pool.draw_weight.any():
        raise TrainingError(f"No face in the train split of {data} has Action Units.", "Annotate some, then prepare.")


def with_average(model: Any, optimiser: Any, work: Callable[[], float], keep: bool = False) -> float:
    """Do `work` with the averaged weights in place, and put the trained ones back unless they are to be kept."""
    if not optimiser.use_ema:
        return work()
    trained = [as_numpy(variable).copy() for variable in model.trainable_variables]
    optimiser._overwrite_model_variables_with_average_value(model.trainable_variables)
    try:
        return work()
    finally:
        if not keep:
            for variable, value in zip(model.trainable_variables, trained, strict=True):
                variable.assign(value)


def valid_auc(model: Any, job: Job) -> float:
    """Return the mean ROC AUC over the units with ten or more positives among the valid split's people."""
    rows = np.flatnonzero(job.faces.annotated("valid"))
    if not len(rows):
        return float("nan")
    logits = answers(model, job.faces.crops[rows], job.stage.size_px, job.recipe.CHANNELS)
    labels = job.faces.columns["au"][rows]
    scores = []
    for place, au in enumerate(job.recipe.AUS):
        column = labels[:, AU_ORDER.index(au)]
        sure = column >= 0
        if (column > 0).sum() >= 10 and (column == 0).sum() >= 10:
            scores.append(roc_auc((column[sure] > 0).astype(np.int8), logits[sure, place]))
    return float(np.mean(scores)) if scores else float("nan")


def _optimiser(plan: recipes.Plan, stage: Stage) -> Any:
    """Return the optimiser with warm-up and cosine decay."""
    import keras

    if plan.optimiser == "sgd":
        return keras.optimizers.SGD(stage.rate, momentum=0.9, nesterov=True)
    warm = max(1, stage.steps // 20)
    rate = keras.optimizers.schedules.CosineDecay(
        stage.rate / 50, max(1, stage.steps - warm), alpha=0.02, warmup_target=stage.rate, warmup_steps=warm
    )
    average = {"use_ema": True, "ema_momentum": plan.average} if plan.average else {}
    return keras.optimizers.AdamW(rate, weight_decay=plan.weight_decay, global_clipnorm=5.0, **average)


def _stages(recipe: recipes.Recipe, options: argparse.Namespace) -> list[Stage]:
    """Return the recipe's stages that were asked for, with their steps scaled.

    Raises:
        SettingsError: there is no such stage, or the scale is no positive number.
    """
    names = [stage.name for stage in recipe.PLAN.stages]
    unknown = set(options.stages or ()) - set(names)
    if unknown:
        raise SettingsError(f"{recipe.NAME} has no stage {min(unknown)!r}.", f"Its stages are: {', '.join(names)}.")
    if not 0 < options.scale_steps < math.inf:
        raise SettingsError(f"--scale-steps {options.scale_steps} is no positive number.", "Give 0.1, say, or 1.")
    chosen = [stage for stage in recipe.PLAN.stages if not options.stages or stage.name in options.stages]
    return [replace(stage, steps=max(1, round(stage.steps * options.scale_steps))) for stage in chosen]


def soft_units(paths: Sequence[Path], faces: Faces) -> Any:
    """Return the mean of what the teachers know, in the order of the cache, (N, 18) float32, NaN where none does.

    Raises:
        SettingsError: a file is not what `predict` writes, or knows none of the faces.
    """
    if not paths:
        return None
    place = {str(name): row for row, name in enumerate(faces.columns["names"])}
    total = []
    for path in paths:
        values = np.full((len(place), len(AU_ORDER)), np.nan, np.float32)
        try:
            with np.load(path) as file:
                probability = file["probability" if "probability" in file else "units"]
                known = [(place[str(name)], row) for row, name in enumerate(file["names"]) if str(name) in place]
            if not known:
                raise ValueError("none of its names is in the prepared data")
            ours, theirs = np.array(known).T
            values[ours] = probability[theirs]
        except (OSError, ValueError, KeyError, IndexError, EOFError, BadZipFile) as error:
            raise SettingsError(
                f"{path} cannot be used: {error}.", "Write it with: python -m training predict"
            ) from error
        total.append(values)
    stacked = np.stack(total)
    known = np.isfinite(stacked).sum(0)
    return np.where(known > 0, np.nan_to_num(stacked).sum(0) / np.maximum(known, 1), np.nan).astype(np.float32)


def _finish(recipe: recipes.Recipe, weights: Path | None, out: Path, state: dict[str, Any]) -> None:
    """Write the run's final files; a run that was finished before keeps what was measured of it since."""
    done = out / WEIGHTS[0]
    if weights is not None and (out / RUN_FILE).is_file() and done.is_file() and sha256_of(done) == sha256_of(weights):
        print(f"{done} was trained before with the same options and data; nothing was left to do.", flush=True)
        return
    if weights is not None:
        try:
            temporary = out / "model.part"
            temporary.write_bytes(weights.read_bytes())
            replace_weights(out, temporary)
        except OSError as error:
            raise OutputError(f"The run cannot be written to {out}: {error}.", "Free some space.") from error
    write_settings(out, state)
    draw_curves(state["history"], out / "curves.png")
    print(f"Trained {recipe.NAME}: {out / 'model.weights.h5'}. Next: python -m training calibrate {out}", flush=True)


def write_settings(out: Path, state: dict[str, Any]) -> None:
    """Write `run.json`.

    Raises:
        OutputError: the folder cannot be written.
    """
    Run(out, {}).write(**state)


def _progress(row: dict[str, Any], stage: Stage, seconds_a_step: float) -> None:
    left_s = (stage.steps - row["step"]) * seconds_a_step
    auc = f", valid AUC {row['valid_auc']:.4f}" if "valid_auc" in row else ""
    print(
        f"{stage.name}: step {row['step']} of {stage.steps}, loss {row['loss']:.4f}{auc}, "
        f"about {duration(left_s)} left",
        flush=True,
    )
