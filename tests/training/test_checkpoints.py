"""A checkpoint is whole or not there."""

import errno
import json
from pathlib import Path

import numpy as np
import pytest

from assistant.errors import DependencyError, ModelError, OutputError, SettingsError
from training import checkpoints
from training.runs import load_keras

try:
    keras = load_keras()
except DependencyError as error:
    pytest.skip(error.cause, allow_module_level=True)

# Raised by PyTorch's tensors under NumPy 2, inside Keras.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
HISTORY = [{"stage": "a", "step": 4, "loss": 0.1 + 0.2, "valid_auc": 0.9}]


def variables(value=1.0, shapes=((2, 3), (), (4,))):
    made = [keras.Variable(np.full(shape, value, np.float32)) for shape in shapes]
    return [*made, keras.Variable(np.array([3, 2**32 - 1], np.uint32), dtype="uint32", trainable=False)]


def values(made):
    return [keras.ops.convert_to_numpy(variable) for variable in made]


def test_everything_comes_back_exactly(tmp_path):
    path = tmp_path / "0-a.checkpoint.npz"
    ours, theirs = variables(1 / 3), variables(0.0)
    checkpoints.save(path, ours, 4, HISTORY)
    assert checkpoints.step_of(path) == 4
    assert checkpoints.restore(path, theirs) == (4, HISTORY)
    for one, other in zip(values(ours), values(theirs), strict=True):
        np.testing.assert_array_equal(one, other)
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


def test_no_checkpoint_is_the_beginning(tmp_path):
    made = variables()
    assert checkpoints.restore(tmp_path / "absent.npz", made) == (0, [])
    assert checkpoints.step_of(tmp_path / "absent.npz") == 0
    assert (values(made)[0] == 1).all()


def test_full_disk_leaves_the_one_before(tmp_path, monkeypatch):
    path = tmp_path / "0-a.checkpoint.npz"
    checkpoints.save(path, variables(1.0), 4, HISTORY)
    before = path.read_bytes()

    def full(file, **arrays):
        file.write(b"half of it")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(np, "savez", full)
    with pytest.raises(OutputError, match="No space left") as raised:
        checkpoints.save(path, variables(2.0), 8, HISTORY)
    assert "Free some space" in raised.value.remedy
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_really_full_device(tmp_path):
    """The kernel itself says that nothing fits."""
    path = tmp_path / "0-a.checkpoint.npz"
    checkpoints.save(path, variables(1.0), 4, HISTORY)
    before = path.read_bytes()
    path.with_suffix(".part").symlink_to("/dev/full")
    with pytest.raises(OutputError):
        checkpoints.save(path, variables(2.0), 8, HISTORY)
    assert path.read_bytes() == before


def test_folder_that_is_gone(tmp_path):
    with pytest.raises(OutputError, match="gone"):
        checkpoints.save(tmp_path / "gone" / "x.npz", variables(), 1, [])


@pytest.mark.parametrize("keep", [0, 1, 60, 400, -1, -30])
def test_cut_file_is_said_to_be_damaged(tmp_path, keep):
    path = tmp_path / "0-a.checkpoint.npz"
    checkpoints.save(path, variables(), 4, HISTORY)
    path.write_bytes(path.read_bytes()[:keep])
    made = variables(7.0)
    with pytest.raises(ModelError, match="damaged"):
        checkpoints.restore(path, made)
    assert (values(made)[0] == 7).all(), "nothing was half restored"


def test_flipped_byte_is_said_to_be_damaged(tmp_path):
    path = tmp_path / "0-a.checkpoint.npz"
    checkpoints.save(path, variables(), 4, HISTORY)
    content = bytearray(path.read_bytes())
    content[content.index(np.float32(1.0).tobytes() * 2)] ^= 0xFF
    path.write_bytes(content)
    with pytest.raises(ModelError, match="damaged"):
        checkpoints.restore(path, variables())


@pytest.mark.parametrize("shapes", [((2, 3), (), (5,)), ((2, 3), ()), ((2, 3), (), (4,), (1,))])
def test_checkpoint_of_another_network_is_refused(tmp_path, shapes):
    path = tmp_path / "0-a.checkpoint.npz"
    checkpoints.save(path, variables(1.0), 4, HISTORY)
    made = variables(7.0, shapes)
    with pytest.raises(ModelError, match="another network"):
        checkpoints.restore(path, made)
    assert (values(made)[0] == 7).all()


def test_foreign_archive_is_refused(tmp_path):
    path = tmp_path / "x.npz"
    np.savez(path, a=np.zeros(2), b=np.zeros(3), history=json.dumps([]))
    with pytest.raises(ModelError, match="damaged"):
        checkpoints.restore(path, variables())


def test_other_options_are_noticed(tmp_path):
    path = tmp_path / "0-a.checkpoint.npz"
    checkpoints.save(path, variables(1 / 3), 4, HISTORY, {"loss": "bce", "soft": ["a.npz"]})
    made = variables(0.0)
    with pytest.raises(SettingsError, match="made with loss bce, not focal") as error:
        checkpoints.restore(path, made, {"loss": "focal", "soft": ["a.npz"]})
    assert "--out" in error.value.remedy
    assert (values(made)[0] == 0).all()
    assert checkpoints.restore(path, made, {"loss": "bce", "soft": ["a.npz"]}) == (4, HISTORY)
