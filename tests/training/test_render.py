import argparse
import json
import os
from pathlib import Path

import cv2
import numpy as np
import pytest

from assistant.clock import ManualClock
from assistant.errors import FacecueError
from assistant.facs import AU_ORDER
from tests.dataset_builders import run_prepare
from tests.render_builders import write_assets, write_texture
from training import cache
from training.__main__ import COMMANDS, main
from training.datasets import rendered
from training.datasets.sample import MISSING
from training.faces import Faces
from training.render import sample
from training.render.head import UNITS, Assets, Identity, compose, shape_of
from training.render.light import irradiance, make_light
from training.render.picture import View, draw
from training.render.write import add_arguments, render
from training.slices import kinds

REAL = Path(os.environ.get("FACECUE_DATA", Path(__file__).parents[2].parent / "shared" / "data")) / "makehuman"
FORMS = [f"head/head-{form}" for form in sample._FORMS]
ENDS = [
    stem.replace("*", side) + end
    for stem, *both in sample._PROPORTIONS
    for end in both
    for side in (("l", "r") if "*" in stem else ("",))
]
FRONT = np.array([0.0, 0.0, 1.0])


@pytest.fixture
def assets(tmp_path: Path) -> Path:
    return write_assets(tmp_path / "assets", FORMS + ENDS)


def run(assets: Path, out: Path, count: int = 6, seed: int = 3, side: int = 32) -> list[dict]:
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    words = ["--assets", assets, "--out", out, "--count", count, "--seed", seed, "--side", side]
    render(parser.parse_args([str(word) for word in words]), ManualClock())
    return [json.loads(line) for line in (out / "manifest.jsonl").read_text(encoding="utf-8").splitlines()]


def test_the_face_is_drawn_in_its_colour_and_the_clear_eye_before_it_is_not(assets: Path) -> None:
    person = Identity("young_lightskinned_male_diffuse", {}, brows="b1", lashes="l1", hair="h1")
    light = make_light(FRONT, 0.0, np.ones(3), 0.0)
    picture = draw(compose(Assets(assets), person, {}), light, View(scale=0.25), np.full((32, 32, 3), 7, np.uint8))
    assert picture[0, 0].tolist() == [7, 7, 7]
    middle = picture[16, 16].astype(int)
    assert np.ptp(middle) <= 1
    assert 150 < middle[0] < 256


def test_units_move_the_mesh_by_their_strength(assets: Path) -> None:
    store = Assets(assets)
    person = Identity("young_lightskinned_male_diffuse", {"macrodetails/asian-male-old": 0.5})
    still, moved = (shape_of(store, person, units) for units in ({}, {"AU12": 0.5, "AU06": 1.0}))
    assert np.allclose((moved - still)[0], [0.015, 0, 0])
    assert np.allclose(still[1], store.mesh("base", ("body",)).points[1] + [0.005, 0, 0])


def test_light_falls_on_what_faces_it_and_not_behind_another_surface() -> None:
    light = make_light(FRONT, 1.0, np.array([1.0, 0.5, 0.25]), 0.0, size=0.001)
    points = np.array([[0.5, 0.5, 0.0], [0.5, 0.5, 0.0], [9.0, 9.0, 0.0]])
    facing = np.array([FRONT, -FRONT, FRONT])
    wall = np.array([[-1.0, -1, 1], [3, -1, 1], [-1, 3, 1]])
    lit = irradiance(points, facing, light, (wall, np.array([[0, 1, 2]])))
    assert np.allclose(lit, [[0, 0, 0], [0, 0, 0], [1.0, 0.5, 0.25]], atol=1e-3)


def test_light_from_all_around_shows_a_free_surface_in_its_own_colour() -> None:
    light = make_light(FRONT, 0.0, np.ones(3), 0.0)
    turned = np.random.default_rng(0).normal(size=(50, 3))
    turned /= np.linalg.norm(turned, axis=1, keepdims=True)
    far = (np.array([[90.0, 90, 90], [91, 90, 90], [90, 91, 90]]), np.array([[0, 1, 2]]))
    assert irradiance(np.zeros((50, 3)), turned, light, far).mean() == pytest.approx(1.15, abs=0.05)


def test_a_view_turns_the_head_as_it_says() -> None:
    nose = np.array([[0.0, 0.0, 1.0]])
    assert View(yaw_deg=30).project(nose @ View(yaw_deg=30).rotation().T, 100)[0, 0] > 50
    assert View(pitch_deg=30).project(nose @ View(pitch_deg=30).rotation().T, 100)[0, 1] < 50
    crown = np.array([[0.0, 1.0, 0.0]])
    assert View(roll_deg=30).project(crown @ View(roll_deg=30).rotation().T, 100)[0, 0] > 50
    near, far = View().project(np.array([[1.0, 0, 2], [1.0, 0, 0]]), 100)
    assert near[0] > far[0] == 50 + 32


def test_every_unit_comes_in_about_a_fifth_and_impossible_pairs_never() -> None:
    drawn = [sample.draw_units(np.random.default_rng([1, number])) for number in range(4000)]
    for code in UNITS:
        share = np.mean([strengths.get(code, 0) > 0 for _, strengths in drawn])
        assert 0.14 < share < 0.4 if code == "AU25" else 0.14 < share < 0.27, (code, share)
    for grades, strengths in drawn:
        assert all(grades[code] in (1, 2, 3) for code in strengths)
        assert all(grades[code] == 0 for code in grades.keys() - strengths.keys())
        assert not {"AU05", "AU43"} <= strengths.keys()
        assert not strengths.keys() & {"AU23", "AU24"} or not strengths.keys() & {"AU25", "AU26"}
        assert "AU26" not in strengths or "AU25" in strengths


def test_what_another_unit_hides_is_left_missing_and_never_absent() -> None:
    drawn = [sample.draw_units(np.random.default_rng([2, number])) for number in range(2000)]
    for sign, other in (("AU09", "AU10"), ("AU09", "AU04"), ("AU06", "AU07"), ("AU43", "AU07"), ("AU10", "AU25")):
        hiding = [grades for grades, strengths in drawn if sign in strengths and other not in strengths]
        assert hiding
        assert all(other not in grades for grades in hiding)


def test_a_set_is_balanced_repeatable_and_continued(assets: Path, tmp_path: Path) -> None:
    once = run(assets, tmp_path / "a")
    assert sorted((line["facts"]["tone"], line["facts"]["age"]) for line in once) == sorted(
        (tone, age) for tone in sample.TONES for age in sample.AGES
    )
    assert all(line["skin"].startswith({"middle": "middleage"}.get(a := line["facts"]["age"], a)) for line in once)
    run(assets, tmp_path / "b", count=2)
    assert run(assets, tmp_path / "b") == once
    for line in once:
        pictures = [cv2.imread(str(tmp_path / name / line["image"])) for name in "ab"]
        assert pictures[0].shape == (32, 32, 3)
        assert np.array_equal(*pictures)
    assert len({line["person"] for line in once}) == 6


def test_prepare_takes_them_all_for_the_test_with_their_facts(assets: Path, tmp_path: Path) -> None:
    lines = run(assets, tmp_path / "a")
    run_prepare(tmp_path / "out", "--source", f"rendered={tmp_path / 'a'}", "--allow-empty", "all")
    cache.verify(tmp_path / "out")
    faces = Faces.load(tmp_path / "out")
    assert set(faces.columns["split"].tolist()) == {"test"}
    assert faces.columns["names"].tolist() == [f"rendered/{line['image']}" for line in lines]
    for column in rendered.FACTS:
        assert faces.columns[column].tolist() == [line["facts"][column] for line in lines]
    assert {"tone dark", "age old"} <= {name for name, _ in kinds(faces)}
    for line, row in zip(lines, faces.columns["au"].tolist(), strict=True):
        assert row == [line["au"].get(code, MISSING) for code in AU_ORDER]


@pytest.mark.parametrize("facts", [None, {"tone": "dark"}, {"tone": 1, "age": "a", "light": "b", "pose": "c"}])
def test_a_list_without_facts_is_refused(tmp_path: Path, facts: object) -> None:
    write_texture(tmp_path / "a.png", (1, 2, 3, 255))
    line = json.dumps({"image": "a.png", "person": "1", "au": {}, "facts": facts})
    (tmp_path / "manifest.jsonl").write_text(line, encoding="utf-8")
    with pytest.raises(FacecueError, match=r"a\.png does not say tone"):
        rendered.samples(tmp_path)


def test_faults_are_said_in_one_sentence(assets: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "render" in COMMANDS
    words = ["render", "--out", str(tmp_path / "a"), "--count", "1", "--side", "16", "--assets"]
    assert main([*words, str(tmp_path / "nowhere")]) == 9
    assert "holds no skins/" in capsys.readouterr().err
    run(assets, tmp_path / "a", count=1, side=16)
    assert main([*words, str(assets)]) == 9  # seed 0 into a set of seed 3
    assert "another --seed" in capsys.readouterr().err
    (tmp_path / "a" / "manifest.jsonl").write_text("{}\n", encoding="utf-8")
    assert main([*words, str(assets)]) == 9
    assert "is damaged" in capsys.readouterr().err
    (assets / "skins" / "young_darkskinned_male_diffuse.jpg").write_bytes(b"no picture")
    with pytest.raises(FacecueError, match="texture"):
        run(assets, tmp_path / "c", count=1)


@pytest.mark.skipif(not (REAL / "base.obj").is_file(), reason="the MakeHuman assets are not beside the checkout")
def test_the_real_assets_give_a_face_that_moves_where_the_unit_is() -> None:
    store = Assets(REAL)
    person = Identity("young_lightskinned_male_diffuse2", {"macrodetails/caucasian-male-young": 1.0})
    light = make_light(FRONT, 0.4, np.ones(3), 0.3)
    grey = np.full((96, 96, 3), 128, np.uint8)
    still, smiling = (
        draw(compose(store, person, units), light, View(scale=0.4), grey).astype(int) for units in ({}, {"AU12": 1.0})
    )
    change = np.abs(still - smiling).sum(2)
    assert change[56:].sum() > 20 * change[:40].sum()
    for code in UNITS:
        assert not np.array_equal(shape_of(store, person, {}), shape_of(store, person, {code: 1.0}))
