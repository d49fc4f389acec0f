"""Train a tiny network: the same from the same seed, through kills and faults."""

import errno
import json
import math
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from assistant.errors import DependencyError, OutputError, SettingsError
from tests.fit_builders import STAGES, drawn_faces, fit_options, tiny_recipe, tiny_registered, use_recipe, weights_of
from tests.training_builders import write_faces
from training import cache, checkpoints, fit, recipes
from training.augment import NONE
from training.batches import draw
from training.fit import TrainingError
from training.runs import Run, load_keras, unit_logits
from training.splits import LeakError

try:
    keras = load_keras()
except DependencyError as error:
    pytest.skip(error.cause, allow_module_level=True)
pytest.importorskip("matplotlib", reason="matplotlib is not installed")

# Raised by PyTorch's tensors under NumPy 2, inside Keras.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def tiny(monkeypatch):
    """Register the tiny recipe, check in every second step, and leave no global state behind."""
    monkeypatch.setattr(fit, "CHUNK", 2)
    with tiny_registered(monkeypatch):
        yield


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_faces(tmp_path_factory.mktemp("cache"), drawn_faces())


@pytest.fixture(scope="module")
def finished(tmp_path_factory, data):
    """A run that nothing disturbed."""
    with pytest.MonkeyPatch.context() as patch, tiny_registered(patch):
        patch.setattr(fit, "CHUNK", 2)
        out = tmp_path_factory.mktemp("finished")
        assert fit.run(fit_options(data, out)) == 0
    return out


def same(one, other):
    ours, theirs = weights_of(one / "model.weights.h5"), weights_of(other / "model.weights.h5")
    assert ours.keys() == theirs.keys()
    assert all(np.array_equal(ours[name], theirs[name]) for name in ours)
    assert settings(one)["history"] == settings(other)["history"]


def settings(out):
    return json.loads((out / "run.json").read_text())


class Stopped(Exception):  # noqa: N818
    """Stands for a kill: nothing in the program catches it."""


def stop_at(monkeypatch, step, what=None):
    """Let the `step`-th batch of this process raise, or be `what`."""
    drawn, count = fit.draw, iter(range(1000))

    def draw(*arguments):
        x, y = drawn(*arguments)
        if next(count) == step:
            if what is None:
                raise Stopped
            x = np.full_like(x, what)
        return x, y

    monkeypatch.setattr(fit, "draw", draw)


def test_run_holds_what_the_next_commands_need(finished, data):
    run = Run.load(finished)
    assert run.settings["outputs"][:18] == list(recipes.load("tiny").AUS)
    assert len(run.settings["outputs"]) == 18 + 8 + 18
    assert run.settings["trunk"] is None
    logits = unit_logits(run, drawn_faces(4).crops)
    assert logits.shape == (4, 18)
    assert np.isfinite(logits).all()
    assert (finished / "curves.png").read_bytes()[:4] == b"\x89PNG"
    history = run.settings["history"]
    assert [(row["stage"], row["step"]) for row in history] == [
        *(("first", step) for step in (2, 4, 6, 7)),
        *(("second", step) for step in (2, 4, 6)),
    ]


def test_same_seed_same_weights_and_another_seed_others(tmp_path, data, finished, capsys):
    fit.run(fit_options(data, tmp_path / "again"))
    same(tmp_path / "again", finished)
    said = capsys.readouterr().out
    assert "Keras on " in said
    assert "step 2 of 7" in said
    assert "left" in said
    fit.run(fit_options(data, tmp_path / "other", "--seed", "2"))
    ours, theirs = (weights_of(out / "model.weights.h5") for out in (tmp_path / "other", finished))
    assert any(not np.array_equal(ours[name], theirs[name]) for name in ours)


@pytest.mark.parametrize("step", [1, 2, 5, 6, 7, 10, 12])
def test_stopped_and_continued_is_the_same_run(tmp_path, data, finished, monkeypatch, step):
    with monkeypatch.context() as patch:
        stop_at(patch, step)
        with pytest.raises(Stopped):
            fit.run(fit_options(data, tmp_path))
    assert not (tmp_path / "run.json").exists()
    fit.run(fit_options(data, tmp_path))
    same(tmp_path, finished)


def test_stopped_thrice_is_the_same_run(tmp_path, data, finished, monkeypatch):
    for step in (3, 3, 4):
        with monkeypatch.context() as patch:
            stop_at(patch, step)
            with pytest.raises(Stopped):
                fit.run(fit_options(data, tmp_path))
    fit.run(fit_options(data, tmp_path))
    same(tmp_path, finished)


def test_finished_run_is_not_trained_again(tmp_path, data, finished, monkeypatch):
    fit.run(fit_options(data, tmp_path))
    monkeypatch.setattr(fit, "draw", lambda *_: pytest.fail("a finished run took a step"))
    fit.run(fit_options(data, tmp_path))
    same(tmp_path, finished)


@pytest.mark.slow
def test_killed_process_is_continued_with_the_same_result(tmp_path, data, finished):
    command = [sys.executable, "-m", "tests.fit_builders", str(data), str(tmp_path)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "KERAS_BACKEND": keras.backend.backend()}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT, env=environment) as process:
        for line in process.stdout:
            if "step 4 of 7" in line:
                process.send_signal(signal.SIGKILL)
                break
    assert process.returncode == -signal.SIGKILL
    assert not (tmp_path / "run.json").exists()
    assert (tmp_path / "0-first.checkpoint.npz").is_file()
    fit.run(fit_options(data, tmp_path))
    same(tmp_path, finished)


def test_loss_that_is_no_number_keeps_what_was_learned(tmp_path, data, finished, monkeypatch):
    with monkeypatch.context() as patch:
        stop_at(patch, 5, math.nan)
        with pytest.raises(TrainingError, match="step 5") as raised:
            fit.run(fit_options(data, tmp_path))
    assert str(tmp_path) in raised.value.remedy
    with np.load(tmp_path / "0-first.checkpoint.npz") as kept:
        assert int(kept["step"]) == 4
        assert all(np.isfinite(kept[name]).all() for name in kept.files if name.isdigit())
    fit.run(fit_options(data, tmp_path))
    same(tmp_path, finished)


@pytest.mark.parametrize("number", [0, 2, 4])
def test_full_disk_at_a_checkpoint_loses_nothing(tmp_path, data, finished, monkeypatch, number):
    stored, count = checkpoints.save, iter(range(1000))

    def save(*arguments):
        if next(count) == number:
            raise OutputError("The disk is full.", "Free some space.")
        stored(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(checkpoints, "save", save)
        with pytest.raises(OutputError):
            fit.run(fit_options(data, tmp_path))
    fit.run(fit_options(data, tmp_path))
    same(tmp_path, finished)


def test_full_disk_at_the_weights_loses_nothing(tmp_path, data, finished, monkeypatch):
    def full(model, path):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(keras.Model, "save_weights", full)
        with pytest.raises(OutputError, match="weights"):
            fit.run(fit_options(data, tmp_path))
    fit.run(fit_options(data, tmp_path))
    same(tmp_path, finished)


def test_damaged_checkpoint_is_said_so(tmp_path, data, monkeypatch):
    with monkeypatch.context() as patch:
        stop_at(patch, 3)
        with pytest.raises(Stopped):
            fit.run(fit_options(data, tmp_path))
    path = tmp_path / "0-first.checkpoint.npz"
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(fit.FacecueError, match="checkpoint"):
        fit.run(fit_options(data, tmp_path))


def test_nothing_to_learn_from(tmp_path):
    faces = drawn_faces(20)
    faces.columns["au"][:] = -2
    with pytest.raises(TrainingError, match="No face"):
        fit.run(fit_options(write_faces(tmp_path / "cache", faces), tmp_path / "out"))


def test_leak_is_refused(tmp_path):
    folder = write_faces(tmp_path / "cache", drawn_faces(20))
    cache.add_columns(folder, {"group": np.full(20, "drawn/0")})
    with pytest.raises(LeakError, match="same person"):
        fit.run(fit_options(folder, tmp_path / "out"))


def test_a_changed_list_is_refused(tmp_path, data):
    shutil.copytree(data, tmp_path / "data")
    path = tmp_path / "data" / "splits" / "test.txt"
    path.write_text("".join(path.read_text().splitlines(keepends=True)[1:]))
    with pytest.raises(LeakError, match=r"test\.txt was changed"):
        fit.run(fit_options(tmp_path / "data", tmp_path / "out"))


@pytest.mark.parametrize("option", ["--start", "--teachers"])
def test_a_run_that_knows_people_of_the_other_splits_is_refused(tmp_path, finished, option):
    assert settings(finished)["split_seed"] == 0
    folder = write_faces(tmp_path / "cache", drawn_faces(20), seed=3)
    with pytest.raises(LeakError, match=r"--seed 0, but .* --seed 3"):
        fit.run(fit_options(folder, tmp_path / "out", option, str(finished)))


def test_frozen_layers_do_not_move(finished):
    before, after = (weights_of(finished / name) for name in ("0-first.weights.h5", "model.weights.h5"))
    moved = {name.split("/")[0] for name in before if not np.array_equal(before[name], after.get(name))}
    assert "trunk_conv1" not in moved
    assert {"trunk_conv2", "trunk_norm2", "head_narrow", "logits"} <= moved


def test_averaged_weights_are_kept(tmp_path, data, finished):
    """What is written at the end equals the optimiser's own averages, and not the weights of a run without them."""
    written = weights_of(finished / "model.weights.h5")
    kernel = written["logits/0"]
    with np.load(finished / "1-second.checkpoint.npz") as file:
        alike = [name for name in file.files if file[name].shape == kernel.shape]
        equal = [name for name in alike if np.array_equal(file[name], kernel)]
    assert len(alike) == 4, "the weight, its average and Adam's two moments"
    assert len(equal) == 2, "the weight was set to its average"
    use_recipe(tiny_recipe(average=0.0))
    fit.run(fit_options(data, tmp_path))
    assert not np.array_equal(weights_of(tmp_path / "model.weights.h5")["logits/0"], kernel)


def test_average_is_only_borrowed_for_a_look():
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    optimiser = keras.optimizers.SGD(0.1, use_ema=True, ema_momentum=0.5)
    model.compile(optimizer=optimiser, loss="mse")
    x, y = np.ones((4, 2), np.float32), np.ones((4, 1), np.float32)
    steps = []
    for _ in range(3):
        model.train_on_batch(x, y)
        steps.append(model.get_weights()[0])
    average = steps[0]
    for weights in steps[1:]:
        average = 0.5 * average + 0.5 * weights
    seen = []
    fit.with_average(model, optimiser, lambda: seen.append(model.get_weights()[0]) or 0.0)
    np.testing.assert_allclose(seen[0], average, rtol=1e-5)
    np.testing.assert_array_equal(model.get_weights()[0], steps[-1])
    fit.with_average(model, optimiser, lambda: 0.0, keep=True)
    np.testing.assert_allclose(model.get_weights()[0], average, rtol=1e-5)


def test_validation_is_measured_on_the_valid_people(data, tmp_path, monkeypatch):
    faces = drawn_faces(240, seed=1)
    out = tmp_path / "out"
    fit.run(fit_options(write_faces(tmp_path / "cache", faces), out))
    scores = [row["valid_auc"] for row in settings(out)["history"] if "valid_auc" in row]
    assert len(scores) == 2, "once at the end of each stage"
    assert all(0 <= score <= 1 for score in scores)


def test_learns_to_see_a_drawn_smile(tmp_path):
    stages = (recipes.Stage("only", 24, 180, 32, 1e-2, 1.0, weights={"au": 1.0}),)
    use_recipe(tiny_recipe(stages))
    data = write_faces(tmp_path / "cache", drawn_faces(400, seed=2))
    fit.run(fit_options(data, tmp_path / "out"))
    assert settings(tmp_path / "out")["history"][-1]["valid_auc"] > 0.9
    assert len(settings(tmp_path / "out")["outputs"]) == 18, "nothing but units is learned from"


def test_starts_from_another_run_and_names_its_trunk(tmp_path, data, finished):
    Run.load(finished).write(trunk={"origin": "there", "licence": "MIT"})
    out = tmp_path / "out"
    start = finished / "model.weights.h5"
    fit.run(fit_options(data, out, "--start", str(finished), "--scale-steps", "0.01", "--stages", "second"))
    ours, theirs = weights_of(out / "model.weights.h5"), weights_of(start)
    np.testing.assert_array_equal(ours["trunk_conv1/0"], theirs["trunk_conv1/0"])
    assert settings(out)["trunk"] == {"origin": "there", "licence": "MIT"}
    assert [row["stage"] for row in settings(out)["history"]] == ["second"]
    Run.load(finished).write(trunk=None)


def test_soft_targets_are_found_by_name(tmp_path, data):
    faces = drawn_faces()
    names, units = faces.columns["names"][::-1][:30], np.full((30, 18), 0.25, np.float32)
    for key in ("units", "probability"):
        np.savez(tmp_path / f"{key}.npz", names=names, **{key: units})
    soft = fit.soft_units([tmp_path / "units.npz", tmp_path / "probability.npz"], faces)
    assert np.isnan(soft[:30]).all()
    assert (soft[30:] == 0.25).all()


def test_a_teacher_who_does_not_know_leaves_the_others_word(tmp_path):
    faces = drawn_faces(4)
    for name, value in (("a", 0.25), ("b", np.nan)):
        units = np.full((4, 18), 0.75, np.float32)
        units[:, 0] = value
        np.savez(tmp_path / f"{name}.npz", names=faces.columns["names"], units=units)
    soft = fit.soft_units([tmp_path / "a.npz", tmp_path / "b.npz"], faces)
    assert (soft[:, 0] == 0.25).all()
    assert (soft[:, 1:] == 0.75).all()


def test_other_labels_do_not_go_on_with_what_was_learned_from_the_old(tmp_path, data, finished):
    shutil.copytree(data, tmp_path / "data")
    au = cache.read_table(data)["au"]
    cache.add_columns(tmp_path / "data", {"au": 1 - np.clip(au, 0, 1)})
    shutil.copytree(finished, tmp_path / "out")
    with pytest.raises(SettingsError, match="labels"):
        fit.run(fit_options(tmp_path / "data", tmp_path / "out"))


def test_a_finished_run_keeps_its_calibration(tmp_path, data, finished, capsys):
    shutil.copytree(finished, tmp_path / "out")
    Run.load(tmp_path / "out").write(calibration={"AU12": {"a": 1.0, "b": 0.0}})
    fit.run(fit_options(data, tmp_path / "out"))
    assert "calibration" in settings(tmp_path / "out")
    assert "nothing was left to do" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--stages", "third"), "third"),
        (("--scale-steps", "0"), "scale-steps"),
        (("--scale-steps", "nan"), "scale-steps"),
        (("--trunk", "vgg_face.mat"), "trunk"),
        (("--start", "absent.weights.h5"), "absent"),
        (("--soft", "absent.npz"), "absent"),
    ],
)
def test_wrong_options_are_said_so(tmp_path, data, arguments, said):
    with pytest.raises(SettingsError, match=said):
        fit.run(fit_options(data, tmp_path, *arguments))


def test_foreign_files_are_said_so(tmp_path, data):
    import h5py

    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["layers/dense/vars/0"] = np.zeros((2, 2))
    with pytest.raises(SettingsError, match="No layer"):
        fit.run(fit_options(data, tmp_path / "out", "--start", str(tmp_path / "other.h5")))
    np.savez(tmp_path / "soft.npz", names=np.array(["x"]), units=np.zeros((1, 18)))
    with pytest.raises(SettingsError, match="none of its names"):
        fit.run(fit_options(data, tmp_path / "out", "--soft", str(tmp_path / "soft.npz")))
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="file"):
        fit.run(fit_options(data, tmp_path / "file"))


@pytest.mark.parametrize("seed", ["-1", "1.5", "9999999"])
def test_seed_out_of_range_is_refused(tmp_path, data, seed):
    with pytest.raises(SystemExit):
        fit_options(data, tmp_path, "--seed", seed)


@pytest.mark.parametrize("loss", ["focal", "asymmetric"])
def test_other_losses_train(tmp_path, data, loss):
    fit.run(fit_options(data, tmp_path, "--loss", loss, "--scale-steps", "0.3"))
    assert settings(tmp_path)["loss"] == loss
    assert all(np.isfinite(row["loss"]) for row in settings(tmp_path)["history"])


@pytest.mark.parametrize("precision", ["mixed_bfloat16", "mixed_float16"])
def test_mixed_precision_resumes_alike(tmp_path, data, monkeypatch, precision):
    arguments = ("--precision", precision)
    fit.run(fit_options(data, tmp_path / "whole", *arguments))
    with monkeypatch.context() as patch:
        stop_at(patch, 9)
        with pytest.raises(Stopped):
            fit.run(fit_options(data, tmp_path / "halves", *arguments))
    fit.run(fit_options(data, tmp_path / "halves", *arguments))
    same(tmp_path / "halves", tmp_path / "whole")
    assert settings(tmp_path / "whole")["precision"] == precision


def test_going_on_with_other_options_is_refused(tmp_path, data, monkeypatch):
    with monkeypatch.context() as patch:
        stop_at(patch, 3)
        with pytest.raises(Stopped):
            fit.run(fit_options(data, tmp_path))
    for arguments, said in (
        (("--loss", "focal"), "loss bce"),
        (("--scale-steps", "2"), "steps 7"),
        (("--seed", "2"), "seed 1"),
        (("--augment", "none"), "augment classic"),
    ):
        with pytest.raises(SettingsError, match=said):
            fit.run(fit_options(data, tmp_path, *arguments))


def test_pictures_are_changed_as_asked(tmp_path, data, monkeypatch):
    hows = []
    monkeypatch.setattr(fit, "draw", lambda *arguments: hows.append(arguments[3]) or draw(*arguments))
    fit.run(fit_options(data, tmp_path, "--augment", "none"))
    assert set(hows) == {NONE}
    assert json.loads((tmp_path / "run.json").read_text())["augment"] == "none"


def test_faces_that_nobody_annotated_need_a_teacher(tmp_path, data):
    with pytest.raises(SettingsError, match="--teachers"):
        fit.run(fit_options(data, tmp_path / "alone", "--augment", "blended"))
    assert not (tmp_path / "alone").exists()


def test_stages_are_the_recipes():
    chosen = fit._stages(tiny_recipe(), fit_options(Path(), Path(), "--scale-steps", "2"))
    assert [stage.steps for stage in chosen] == [2 * stage.steps for stage in STAGES]


def test_help_loads_no_framework():
    code = (
        "import argparse, sys\n"
        "from training import fit, head, predict\n"
        "for module in (fit, head, predict): module.add_arguments(argparse.ArgumentParser())\n"
        "print(sorted({'keras', 'torch', 'tensorflow', 'jax', 'matplotlib', 'h5py', 'scipy'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
