"""describe, analyze, run and doctor, through the command line, on a real photograph."""

import csv
import json

import pytest

from assistant import app
from assistant.commands.rows import KEYS
from assistant.facs import AU_ORDER, EXPRESSIONS
from tests.app_builders import call, face_clip, face_picture, needs_models, tiny_models, use_models
from tests.camera_builders import coloured, write_picture


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("pictures")
    (made / "deep" / "deeper").mkdir(parents=True)
    face_picture(made / "a.jpg")
    face_picture(made / "deep" / "b.png")
    face_clip(made / "deep" / "deeper" / "c.mp4", 1.0)
    write_picture(made / "wall.png", coloured())
    (made / "notes.txt").write_text("not a picture")
    (made / ".hidden.jpg").write_text("not a picture")
    return made


@pytest.fixture(autouse=True)
def models(tmp_path_factory, monkeypatch):
    use_models(monkeypatch, tiny_models(tmp_path_factory.mktemp("tiny")))


def read_csv(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_describe_says_one_sentence(folder, monkeypatch):
    aloud = []
    monkeypatch.setattr(app, "say_aloud", lambda settings, text: aloud.append(text) or [])
    status, out, err = call("describe", folder / "a.jpg")
    assert (status, err) == (0, "")
    assert out.startswith("One person, close")
    assert len(out.splitlines()) == 1
    assert aloud == [out.strip()]


def test_describe_muted_is_silent(folder, monkeypatch):
    monkeypatch.setattr(app, "say_aloud", lambda *_: pytest.fail("spoken"))
    assert call("describe", folder / "a.jpg", "--mute")[0] == 0


def test_describe_finds_nobody_on_a_wall(folder):
    assert call("describe", folder / "wall.png", "--mute")[1] == "Nobody in view.\n"


def test_describe_speaks_the_language_that_is_asked_for(folder):
    assert call("describe", folder / "wall.png", "--mute", "--language", "pl")[1] == "Nikogo nie widać.\n"


@pytest.mark.parametrize("command", [("run", "--source", "demo"), ("demo",), ("describe", "a.jpg")])
@pytest.mark.parametrize("code", ["eo", "12", "../en"])
def test_an_unknown_language_is_told_with_the_list(command, code):
    status, out, err = call(*command, "--mute", "--language", code)
    assert (status, out) == (2, "")
    assert f"'{code}'" in err
    assert "Use one of: cs, de, en, es, fr, hi, it, nl, pl, pt, sv, tr." in err


def test_describe_gives_boxes_units_and_expression_as_json(folder):
    status, out, _ = call("describe", folder / "a.jpg", "--mute", "--json")
    document = json.loads(out)
    (face,) = document["faces"]
    x1, y1, x2, y2 = face["box_xyxy"]
    assert status == 0
    assert x1 < 225 < x2  # the middle of her face
    assert y1 < 115 < y2
    assert face["facing"] is True
    assert (face["place"]["hour"], face["place"]["side"]) == (12, "ahead")
    assert 0.2 < face["place"]["distance_m"] < 1.0
    assert tuple(face["action_units"]) == AU_ORDER
    assert tuple(face["probabilities"]) == EXPRESSIONS
    assert sum(face["probabilities"].values()) == pytest.approx(1, abs=0.001)
    assert document["sentence"].startswith("One person")


def test_analyze_writes_every_face_of_pictures_folders_and_clips(folder, tmp_path):
    output = tmp_path / "faces.csv"
    status, out, err = call("analyze", folder, "--output", output)
    rows = read_csv(output)
    assert (status, out) == (0, "")
    assert tuple(rows[0]) == KEYS
    assert [row["source"] for row in rows[:2]] == [str(folder / "a.jpg"), str(folder / "deep" / "b.png")]
    clip = [row for row in rows if row["source"].endswith("c.mp4")]
    assert [row["frame"] for row in clip] == [str(index) for index in range(10)]
    assert {row["track"] for row in clip} == {"1"}
    assert [float(row["time_s"]) for row in clip] == pytest.approx([index / 10 for index in range(10)], abs=0.01)
    assert len(rows) == 12
    assert "12 faces in 4 files" in err
    assert "hidden" not in err


def test_analyze_writes_the_same_as_json_lines(folder, tmp_path):
    call("analyze", folder / "a.jpg", "--output", tmp_path / "f.csv")
    call("analyze", folder / "a.jpg", "--output", tmp_path / "f.jsonl")
    (flat,) = read_csv(tmp_path / "f.csv")
    line = json.loads((tmp_path / "f.jsonl").read_text(encoding="utf-8"))
    assert {key: "" if value is None else str(value) for key, value in line.items()} == flat


def test_a_whole_image_gives_one_row_whether_a_face_is_found_or_not(folder, tmp_path):
    output = tmp_path / "f.jsonl"
    tiny = write_picture(tmp_path / "grey.png", coloured(size=(48, 48))[:, :, 0])
    status, _, _ = call("analyze", "--whole-image", folder / "a.jpg", folder / "wall.png", tiny, "--output", output)
    rows = [json.loads(line) for line in output.read_text(encoding="utf-8").splitlines()]
    assert status == 0
    assert [row["source"] for row in rows] == [str(folder / "a.jpg"), str(folder / "wall.png"), str(tiny)]
    assert rows[0]["score"] > 0.5
    assert (rows[2]["score"], rows[2]["yaw_deg"]) == (None, None)
    assert [rows[2][key] for key in ("x1", "y1", "x2", "y2")] == [0, 0, 48, 48]
    assert all(isinstance(row["AU12"], float) for row in rows)


def test_run_plays_a_clip_in_its_own_time(folder, tmp_path):
    clip = face_clip(tmp_path / "c.mp4")
    status, out, err = call("run", "--source", clip, "--speed", "max", "--mute", "--json")
    lines = out.splitlines()
    assert (status, err) == (0, "")
    assert lines[0].startswith("at 0.")
    assert "One person" in lines[0]
    assert json.loads(lines[-1])["frames"] == 40


def test_run_reads_its_source_from_the_settings(folder, tmp_path):
    settings = tmp_path / "s.toml"
    settings.write_text(f"[camera]\nsource = '{folder / 'a.jpg'}'\n", encoding="utf-8")
    status, out, _ = call("run", "--settings", settings, "--speed", "max", "--mute", "--json")
    assert status == 0
    assert json.loads(out.splitlines()[-1])["frames"] == 1


def test_doctor_tells_what_works_and_how_to_mend_the_rest():
    status, out, _ = call("doctor", "--json")
    document = json.loads(out)
    areas = {check["area"] for check in document["checks"]}
    assert status == 0
    assert document["ok"]
    assert areas == {"settings", "model", "back end", "camera", "sound", "voice", "demo"}
    chosen = next(check for check in document["checks"] if check["name"] == "chosen")
    assert chosen["facts"]["backend"]
    assert chosen["facts"]["reason"]
    models = [check for check in document["checks"] if check["area"] == "model"]
    assert {check["name"] for check in models} == {"blazeface_full", "blazeface_short", "compact", "expression"}
    assert all(len(check["facts"]["sha256"]) == 64 for check in models)
    assert all(check["detail"] or check["remedy"] for check in document["checks"])


def test_doctor_says_the_same_in_plain_lines():
    status, out, _ = call("doctor")
    assert status == 0
    assert out.splitlines()[-1] == "Facecue can do its main job here."


@needs_models
def test_the_trained_models_describe_the_smile(folder, monkeypatch):
    monkeypatch.undo()
    status, out, _ = call("describe", folder / "a.jpg", "--mute", "--json")
    (face,) = json.loads(out)["faces"]
    assert status == 0
    assert face["action_units"]["AU12"] > 0.7
    assert face["expression"] == "happiness"
