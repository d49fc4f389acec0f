from pathlib import Path

import numpy as np
import pytest

from assistant.clock import ManualClock
from assistant.errors import DependencyError, ModelError
from assistant.types import ImageRgb
from tests.dataset_builders import run_prepare, write_ferplus
from training import cache
from training.datasets import pseudo
from training.datasets.gather import gather, wanted
from training.datasets.pseudo import BLENDSHAPES, add_blendshapes, open_teacher
from training.datasets.sample import DataError


def scores(image_rgb: ImageRgb) -> dict[str, float] | None:
    """Stand in for MediaPipe: find no face in dark pictures, else score every blendshape alike."""
    value = float(image_rgb[48:-48, 48:-48].mean()) / 255
    return {name: value / place for place, name in enumerate(reversed(BLENDSHAPES), 1)} if value > 0.45 else None


def test_blendshapes_go_into_the_table_and_a_stopped_run_continues(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_ferplus(tmp_path / "data" / "ferplus", train=40, valid=5)
    run_prepare(tmp_path / "out", "--data", str(tmp_path / "data"))
    samples = gather(wanted(tmp_path / "data", []))
    seen: list[tuple[int, ...]] = []

    def stopped(image_rgb: ImageRgb) -> dict[str, float] | None:
        seen.append(image_rgb.shape)
        if len(seen) == 35:
            raise KeyboardInterrupt
        return scores(image_rgb)

    monkeypatch.setattr(pseudo, "_SAVE_EVERY", 10)
    with pytest.raises(KeyboardInterrupt):
        add_blendshapes(tmp_path / "out", samples, tmp_path, ManualClock(), stopped)
    add_blendshapes(tmp_path / "out", samples, tmp_path, ManualClock(), stopped)
    assert len(seen) == 34 + 1 + 15  # thirty of the first run were saved
    assert set(seen) == {(288, 288, 3)}
    table = cache.read_table(tmp_path / "out")
    by_name = {sample.name: scores(pseudo._framed(sample)) for sample in samples}
    for name, row in zip(table["names"].tolist(), table["blendshapes"], strict=True):
        expected = by_name[name]
        assert np.isnan(row).all() if expected is None else np.allclose(row, [expected[name] for name in BLENDSHAPES])
    assert 0 < np.isnan(table["blendshapes"][:, 0]).sum() < 45
    cache.verify(tmp_path / "out")
    assert not list((tmp_path / "out").glob("teacher*"))


def test_a_teacher_of_other_shapes_is_refused(tmp_path: Path) -> None:
    write_ferplus(tmp_path / "data" / "ferplus", train=40, valid=5)
    run_prepare(tmp_path / "out", "--data", str(tmp_path / "data"))
    samples = gather(wanted(tmp_path / "data", []))
    with pytest.raises(DataError, match="does not score _neutral"):
        add_blendshapes(tmp_path / "out", samples, tmp_path, ManualClock(), lambda _: {"jawOpen": 1.0})
    assert "blendshapes" not in cache.read_table(tmp_path / "out")


def test_a_missing_teacher_or_package_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with (
        pytest.raises(ModelError, match=r"face_landmarker\.task is missing"),
        open_teacher(tmp_path / "face_landmarker.task"),
    ):
        pass
    (tmp_path / "face_landmarker.task").write_bytes(b"")
    monkeypatch.setitem(__import__("sys").modules, "mediapipe", None)
    with (
        pytest.raises(DependencyError, match=r"pip install numpy mediapipe"),
        open_teacher(tmp_path / "face_landmarker.task"),
    ):
        pass
