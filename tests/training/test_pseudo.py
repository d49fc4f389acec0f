from pathlib import Path

import numpy as np
import pytest

from assistant.clock import ManualClock
from assistant.errors import DependencyError, ModelError
from assistant.facs import AU_ORDER
from assistant.types import ImageRgb
from tests.dataset_builders import run_prepare, write_ferplus
from training import cache
from training.datasets import pseudo
from training.datasets.gather import gather, wanted
from training.datasets.pseudo import SEEN, add_blendshapes, open_teacher, pseudo_units

COLUMNS = sorted({shape for shapes in SEEN.values() for shape in shapes} | {"browDownLeft"})


def scores(image_rgb: ImageRgb) -> dict[str, float] | None:
    """Stand in for MediaPipe: find no face in dark pictures, else score every blendshape alike."""
    value = float(image_rgb[48:-48, 48:-48].mean()) / 255
    return dict.fromkeys(COLUMNS, value) if value > 0.45 else None


def test_units_take_the_stronger_side_and_the_blind_ones_are_missing() -> None:
    table = np.zeros((2, len(COLUMNS)), np.float32)
    table[0, COLUMNS.index("mouthSmileRight")] = 0.75
    table[1] = np.nan
    units = pseudo_units(table, COLUMNS)
    assert units.shape == (2, 18)
    assert units[0, AU_ORDER.index("AU12")] == 0.75
    assert np.isnan(units[1]).all()
    blind = {unit for unit, value in zip(AU_ORDER, units[0], strict=True) if np.isnan(value)}
    assert blind == {"AU04", "AU06", "AU09", "AU14", "AU15", "AU17", "AU23", "AU24"}


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
    assert table["blendshape_columns"].tolist() == COLUMNS
    by_name = {sample.name: scores(pseudo._framed(sample)) for sample in samples}
    for name, row in zip(table["names"].tolist(), table["blendshapes"], strict=True):
        expected = by_name[name]
        assert np.isnan(row).all() if expected is None else np.allclose(row, list(expected.values()))
    assert 0 < np.isnan(table["blendshapes"][:, 0]).sum() < 45
    cache.verify(tmp_path / "out")
    assert not list((tmp_path / "out").glob("teacher*"))


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
