"""Teachers are asked about the pictures as they are shown, and what they say is what the student learns."""

from dataclasses import replace

import numpy as np
import pytest

from assistant.errors import DependencyError, ModelError
from assistant.facs import AU_ORDER
from tests.fit_builders import STAGES, drawn_faces, fit_options, tiny_build, tiny_recipe, tiny_registered, use_recipe
from tests.training_builders import write_faces
from training import fit
from training.losses import Layout
from training.runs import Run, load_keras
from training.teachers import Teacher, Teachers, described

try:
    keras = load_keras()
except DependencyError as error:
    pytest.skip(error.cause, allow_module_level=True)
pytest.importorskip("matplotlib", reason="matplotlib is not installed")

# Raised by PyTorch's tensors under NumPy 2, inside Keras.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
LAYOUT = Layout(18, 2)


def build_with_levels(outputs, batch_size=None, size_px=16):
    """Return the tiny network with its first convolution's output named as the maps of a teacher."""
    student = tiny_build(outputs, batch_size, size_px)
    maps = keras.layers.Identity(name="head_levels")(student.get_layer("trunk_conv1").output)
    mean = keras.layers.GlobalAveragePooling2D(name="head_mean")(maps)
    read = keras.layers.Concatenate(name="head_all")([student.get_layer("head_dropout").output, mean])
    return keras.Model(student.input, keras.layers.Dense(outputs, name="logits")(read), name="tiny")


@pytest.fixture(autouse=True)
def tiny(monkeypatch):
    with tiny_registered(monkeypatch):
        yield


@pytest.fixture
def teacher(tmp_path):
    """A run with maps, that does not know AU14 and doubts all logits of AU12."""
    keras.utils.set_random_seed(3)
    module = tiny_recipe()
    module.build = build_with_levels
    use_recipe(module)
    folder = tmp_path / "wise"
    folder.mkdir()
    outputs = [*AU_ORDER, "emotion0"]
    build_with_levels(len(outputs), size_px=24).save_weights(str(folder / "model.weights.h5"))
    lines = {unit: {"a": 1.0, "b": 0.0} for unit in AU_ORDER} | {"AU12": {"a": 0.5, "b": -1.0}}
    known = dict.fromkeys(AU_ORDER, True) | {"AU14": False}
    trunk = {"origin": "Somewhere", "licence": "MIT"}
    Run(folder, {}).write(recipe="tiny", outputs=outputs, calibration=lines, known=known, trunk=trunk)
    return folder


def batch(size=16):
    rng = np.random.default_rng(0)
    faces = rng.standard_normal((4, size, size, 1)).astype(np.float32)
    target = rng.random((4, LAYOUT.columns)).astype(np.float32)
    target[:, 18:36] = rng.integers(0, 2, (4, 18))
    return faces, target


def test_answers_are_the_calibrated_ones_of_the_picture_shown(teacher):
    asked = Teacher.load(teacher)
    assert described(teacher) == "the run wise (from Somewhere, MIT)"
    faces, target = batch(24)
    logits = keras.ops.convert_to_numpy(asked.network(faces, training=False)[0])
    done = Teachers((asked,)).complete(faces, target, LAYOUT)
    soft, weight = done[:, 36:54], done[:, 54:72]
    smile, dimple = AU_ORDER.index("AU12"), AU_ORDER.index("AU14")
    assert np.allclose(soft[:, smile], 1 / (1 + np.exp(1 - 0.5 * logits[:, smile])), atol=1e-5)
    assert np.allclose(soft[:, 0], 1 / (1 + np.exp(-logits[:, 0])), atol=1e-5)
    assert not weight[:, dimple].any()
    assert (weight[:, 0] == 1.0).all()
    untouched = np.r_[0:36, 72 : target.shape[1]]
    assert np.array_equal(done[:, untouched], target[:, untouched])
    other = Teachers((asked,)).complete(-faces, target, LAYOUT)
    assert not np.allclose(other[:, 36:54], soft)


def test_a_teacher_that_is_asked_twice_answers_for_both_sides(teacher):
    asked = Teacher.load(teacher)
    twice = replace(asked, run=Run(teacher, {**asked.run.settings, "mirrored": True, "calibration": {}}))
    faces, _ = batch(24)
    plain, image = (
        keras.ops.convert_to_numpy(asked.network(x, training=False)[0]) for x in (faces, faces[:, :, ::-1].copy())
    )
    told, maps = twice.answer(faces)
    assert np.allclose(told[:, 0], 1 / (1 + np.exp(-(plain + image)[:, 0] / 2)), atol=1e-5)
    assert not np.allclose(plain[:, 0], image[:, 0], atol=1e-4)
    assert np.allclose(maps, asked.answer(faces)[1]), "of the face as it is"


def test_maps_come_in_the_students_size(teacher):
    student = tiny_build(LAYOUT.outputs, size_px=16)
    asked = Teachers((Teacher.load(teacher),)).for_network(student, wanted=True)
    assert asked.side == 4
    assert asked.maps == 4 * 4 * 6
    faces, target = batch(24)
    done = asked.complete(faces, target, LAYOUT)
    assert done.shape == (4, LAYOUT.columns + asked.maps)
    maps = keras.ops.convert_to_numpy(asked.members[0].network(faces, training=False)[1])
    assert maps.shape == (4, 12, 12, 6)
    assert np.allclose(done[:, LAYOUT.columns :].reshape(4, 4, 4, 6).mean((1, 2)), maps.mean((1, 2)), atol=0.05)
    learner = asked.learner(student)
    assert learner.output.shape == (None, LAYOUT.outputs + asked.maps)
    assert Teachers(asked.members).for_network(student, wanted=False).learner(student) is student


def test_several_teachers_are_averaged_and_none_changes_nothing(teacher):
    one = Teacher.load(teacher)
    sure = replace(one, run=Run(one.run.folder, {**one.run.settings, "known": {}}))
    faces, target = batch(24)
    alone, both = (Teachers(members).complete(faces, target, LAYOUT) for members in ((sure,), (one, sure)))
    assert np.allclose(alone, both, atol=1e-6), "a unit that only one knows is that one's word"
    assert Teachers(()).complete(faces, target, LAYOUT) is target


def test_student_learns_from_a_teacher_and_resumes_alike(tmp_path, teacher, monkeypatch):
    stage = replace(STAGES[0], weights={"au": 1.0, "soft": 1.0, "map": 1.0})
    module = tiny_recipe((stage,))
    # The teacher's recipe has the levels, the student's has not: the same name serves both here.
    module.build = lambda outputs, batch_size=None, size_px=16: (
        build_with_levels(outputs, batch_size, size_px) if outputs == 19 else tiny_build(outputs, batch_size, size_px)
    )
    use_recipe(module)
    data = write_faces(tmp_path / "cache", drawn_faces())
    monkeypatch.setattr(fit, "CHUNK", 2)
    fit.run(fit_options(data, tmp_path / "student", "--teachers", str(teacher)))
    run = Run.load(tmp_path / "student")
    assert "the run wise (from Somewhere, MIT), asked about every picture" in run.settings["teachers"]
    assert len(run.settings["outputs"]) == 18
    for number, start in enumerate((tmp_path / "student", tmp_path / "student" / "model.weights.h5")):
        fit.run(fit_options(data, tmp_path / f"later{number}", "--start", str(start)))
        assert Run.load(tmp_path / f"later{number}").settings["teachers"] == run.settings["teachers"]
    losses = [row["loss"] for row in run.settings["history"]]
    assert losses[-1] < losses[0]
    drawn = fit.draw

    def cut(*arguments):
        if arguments[-1][-1] == 5:
            raise KeyboardInterrupt
        return drawn(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(fit, "draw", cut)
        with pytest.raises(KeyboardInterrupt):
            fit.run(fit_options(data, tmp_path / "halves", "--teachers", str(teacher)))
    fit.run(fit_options(data, tmp_path / "halves", "--teachers", str(teacher)))
    assert Run.load(tmp_path / "halves").settings["history"] == run.settings["history"]


def test_a_teacher_without_maps_teaches_its_answers(tmp_path):
    keras.utils.set_random_seed(3)
    use_recipe(tiny_recipe())
    folder = tmp_path / "plain"
    folder.mkdir()
    tiny_build(18, size_px=24).save_weights(str(folder / "model.weights.h5"))
    Run(folder, {}).write(recipe="tiny", outputs=list(AU_ORDER), known=dict.fromkeys(AU_ORDER, True))
    faces, target = batch(24)
    asked = Teacher.load(folder)
    assert not asked.has_maps
    done = Teachers((asked,)).complete(faces, target, LAYOUT)
    assert done.shape == target.shape
    logits = keras.ops.convert_to_numpy(asked.network(faces, training=False))
    assert np.allclose(done[:, 36:54], 1 / (1 + np.exp(-logits.reshape(4, 18))), atol=1e-5)


def test_missing_teacher_is_said_so(tmp_path):
    with pytest.raises(ModelError, match="Train first"):
        Teacher.load(tmp_path)
