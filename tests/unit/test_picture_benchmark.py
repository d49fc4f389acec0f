import cv2
import numpy as np
import pytest

from benchmarks import pictures


def test_pictures_are_spread_evenly_and_others_left_out(tmp_path):
    for number in range(10):
        (tmp_path / f"{number}.jpg").touch()
    (tmp_path / "labels.csv").touch()
    assert [path.stem for path in pictures.choose(tmp_path, 5)] == ["0", "2", "4", "6", "8"]
    with pytest.raises(SystemExit, match="10 pictures"):
        pictures.choose(tmp_path, 11)


def test_every_network_gets_every_picture(tmp_path):
    """One shows nobody: it is read all the same."""
    data = pytest.importorskip("skimage.data", reason="scikit-image, which carries the photograph, is not installed")
    cv2.imwrite(str(tmp_path / "a.png"), np.ascontiguousarray(data.astronaut()[:, :, ::-1]))
    cv2.imwrite(str(tmp_path / "b.png"), np.full((60, 60, 3), 90, np.uint8))
    report = pictures.measure(pictures.choose(tmp_path, 2))
    assert (report["pictures"], report["with_a_face"]) == (2, 1)
    timed = [row for row in report["rows"] if "problem" not in row]
    assert {row["model"] for row in timed} >= {"compact", "vggface"}
    for row in timed:
        assert 0 <= row["network_s"] <= row["reading_s"] <= row["whole_s"]
    words = pictures.table(report)
    assert all(row["problem"] in words for row in report["rows"] if "problem" in row)
