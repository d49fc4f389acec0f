from __future__ import annotations

import json
from pathlib import Path

import pytest

from assistant.facs import AU_ORDER
from assistant.inference.manifest import write_manifest
from benchmarks import backends as benchmark
from tests.model_builders import ScriptedRunner, au_fields, model_folder


def test_it_reports_every_back_end_and_checks_the_choice(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model_folder(tmp_path, "compact")
    assert benchmark.main(["--models", str(tmp_path), "--runs", "3", "--threads", "1", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    names = {row["backend"] for row in report["rows"]}
    assert {"litert", "openvino", "edgetpu"} <= {name.split(":")[0] for name in names}
    timed = [row for row in report["rows"] if "problem" not in row]
    assert all(0 < row["ms_p25"] <= row["ms_p50"] <= row["ms_p95"] and row["runs"] == 3 for row in timed)
    assert report["choice"]["slower_than_best_percent"] >= 0
    text = benchmark.table(report)
    assert all(row["problem"] in text for row in report["rows"] if "problem" in row)
    assert "auto: " in text


def test_models_come_as_the_program_ranks_them(tmp_path: Path) -> None:
    def measured(auc: float) -> dict[str, object]:
        return {au: {"known": True, "auc": auc, "support": 100} for au in AU_ORDER}

    for name, auc in (("good", 0.972), ("large", 0.974), ("poor", 0.9)):
        model_folder(tmp_path, name, action_units=measured(auc))
    with (tmp_path / "large" / "model.tflite").open("ab") as file:
        file.write(b" ")
    write_manifest(tmp_path / "large", au_fields("large", action_units=measured(0.974)))
    assert [folder.name for folder in benchmark.au_folders(tmp_path)] == ["good", "large", "poor"]


def test_a_face_that_takes_two_inferences_is_timed_as_one() -> None:
    runner = ScriptedRunner()
    times = benchmark._take_turns({"litert": runner}, 4, lambda: float(len(runner.seen)), 2)
    assert times == {"litert": [2000.0] * 4}


def test_it_saves_under_the_date(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model_folder(tmp_path, "compact")
    monkeypatch.setattr(benchmark, "RESULTS", tmp_path / "results")
    benchmark.main(["--models", str(tmp_path), "--runs", "2", "--threads", "1", "--save"])
    (path,) = (tmp_path / "results").iterdir()
    assert json.loads(path.read_text())["date"] + "-backends.json" == path.name


def test_no_model_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert benchmark.main(["--models", str(tmp_path)]) == 4
    assert "No Action Unit model" in capsys.readouterr().err
