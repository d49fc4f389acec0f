from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks import backends as benchmark
from tests.model_builders import model_folder


def test_it_reports_every_back_end_and_checks_the_choice(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model_folder(tmp_path, "compact")
    assert benchmark.main(["--models", str(tmp_path), "--runs", "3", "--threads", "1", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    names = {row["backend"] for row in report["rows"]}
    assert {"litert", "openvino", "edgetpu"} <= {name.split(":")[0] for name in names}
    timed = [row for row in report["rows"] if "problem" not in row]
    assert all(0 < row["ms_p25"] <= row["ms_p50"] <= row["ms_p95"] and row["runs"] == 3 for row in timed)
    assert report["choices"][0]["slower_than_best_percent"] >= 0
    text = benchmark.table(report)
    assert all(row["problem"] in text for row in report["rows"] if "problem" in row)
    assert "auto, 1 threads:" in text


def test_it_saves_under_the_date(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model_folder(tmp_path, "compact")
    monkeypatch.setattr(benchmark, "RESULTS", tmp_path / "results")
    benchmark.main(["--models", str(tmp_path), "--runs", "2", "--threads", "1", "--save"])
    (path,) = (tmp_path / "results").iterdir()
    assert json.loads(path.read_text())["date"] + "-backends.json" == path.name


def test_no_model_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert benchmark.main(["--models", str(tmp_path)]) == 4
    assert "No Action Unit model" in capsys.readouterr().err
