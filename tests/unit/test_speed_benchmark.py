import sys
from dataclasses import fields
from pathlib import Path

import pytest

from assistant.loop import Stages
from benchmarks import processes, scenes, speed
from benchmarks.peers import PEERS
from benchmarks.programs.facecue import VERBS, Timed

linux_only = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="it looks into /proc")


def rounds(*rates):
    return [{"fps": rate, "start_s": 100 / rate, "peak_mb": rate} for rate in rates]


def test_a_ratio_is_the_median_of_the_rounds_own():
    """The machine slowed down in the middle: the medians' ratio would be 40 / 8, which no round showed."""
    programs, ratios = speed.summarise({"facecue": rounds(60.0, 20.0, 40.0), "fer": rounds(10.0, 5.0, 8.0)})
    assert ratios == {"fer": 5.0}
    assert programs["facecue"]["fps"] == 40.0
    assert programs["facecue"]["fps_of_each_round"] == [60.0, 20.0, 40.0]
    assert programs["fer"]["start_s"] == pytest.approx(12.5)


def test_a_rate_leaves_out_the_first_three_frames():
    assert speed.rate([5.0, 8.0, 9.0, 9.1, 9.2, 9.3, 9.4]) == pytest.approx(10.0)


@pytest.mark.parametrize(
    ("fps", "ratio", "expected"), [(61.0, 5.1, (True, True)), (59.0, 4.9, (False, False)), (60.0, None, (True, None))]
)
def test_bars_are_held_missed_or_not_measured(fps, ratio, expected):
    scene = "1-face-640x480"
    report = {
        "programs": {scene: {"facecue": {"fps": fps, "start_s": 1.6, "peak_mb": 100.0}}},
        "ratios": {scene: {} if ratio is None else {"fer": ratio}},
    }
    held = {bar["what"]: bar["held"] for bar in speed.judge(report)}
    assert (held["frames a second, one face 640x480"], held["times the rate of fer, one face 640x480"]) == expected
    assert held["seconds from start to first frame"] is False
    assert held["MB of memory, voice included"] is True
    assert held["ms from event to sound, p95"] is None


@linux_only
def test_a_program_s_memory_and_processor_time_include_its_children():
    child = "x = bytearray(60_000_000); import time\nwhile time.process_time() < 0.4: pass"
    code = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}]); print('done')"
    done = processes.run([sys.executable, "-c", code])
    assert (done.status, done.output) == (0, "done\n")
    assert done.peak_mb > 60
    assert done.cpu[-1][1] > 0.15


@linux_only
def test_a_program_that_fails_gives_its_last_words():
    done = processes.run([sys.executable, "-c", "import sys; sys.exit('no such model')"])
    assert done.status == 1
    assert done.complaint == "no such model"


def test_the_share_of_a_core_is_of_the_time_asked_for():
    cpu = tuple((at_s, 1.0 + 0.2 * max(at_s - 4, 0)) for at_s in range(15))
    done = processes.Finished(0, "", "", 0.0, 0.0, cpu)
    assert done.cpu_share(5, 14) == pytest.approx(0.2)
    with pytest.raises(ValueError, match="nothing was seen"):
        done.cpu_share(20, 30)


def test_a_peer_that_is_not_there_is_left_out_with_the_reason(tmp_path):
    fer, _, mediapipe, human = PEERS
    assert "--fer" in fer.missing(None, "")
    assert "no Python" in fer.missing(str(tmp_path / "python"), "")
    assert fer.missing(sys.executable, "") == ""
    assert "--task" in mediapipe.missing(sys.executable, "")
    assert "no file" in mediapipe.missing(sys.executable, str(tmp_path / "face.task"))
    assert human.missing(str(tmp_path), "") != ""


def test_a_timed_stage_is_the_stage():
    class Model:
        thresholds = (0.5,)

        def estimate(self, frame, face):
            return frame + face

    times_ms = []
    timed = Timed(Model(), "estimate", times_ms)
    assert timed.estimate(1, 2) == 3
    assert timed.thresholds == (0.5,)
    assert len(times_ms) == 1


def test_every_stage_of_the_loop_is_timed():
    assert list(VERBS) == [each.name for each in fields(Stages)]


@pytest.mark.parametrize("scene", [*scenes.SCENES, scenes.NOBODY], ids=lambda scene: scene.name)
def test_a_scene_shows_as_many_faces_as_it_says(scene):
    pytest.importorskip("skimage.data", reason="scikit-image, which carries the photograph, is not installed")
    from assistant.types import Frame
    from assistant.vision.blazeface import BlazeFaceDetector
    from tests.vision_builders import blazeface_runner

    detector = BlazeFaceDetector(blazeface_runner("short"), blazeface_runner("full"))
    for index, image in enumerate(scenes.frames(scene, 2)):
        assert len(detector.detect(Frame(index, index / 30, image[:, :, ::-1].copy()))) == scene.faces


def test_the_table_gives_no_ratio_to_a_peer_that_misses_the_faces_and_names_what_was_not_measured():
    run = {"frame_ms_p50": 9.0, "frame_ms_p95": 11.0, "start_s": 0.8, "peak_mb": 150.0, "fps_of_each_round": [100.0]}
    own = run | {"fps": 100.0, "faces_a_frame": 5.0, "model": "compact", "backend": "litert", "stages_ms": {}}
    report = {
        "date": "2026-11-21",
        "device": {"cpu": "a processor", "cores": 2},
        "note": "",
        "load_before": 2.0,
        "programs": {
            "5-faces-640x480": {
                "facecue": own,
                "blind": run | {"fps": 200.0, "faces_a_frame": 0.1},
                "slow": run | {"fps": 20.0, "faces_a_frame": 5.0},
            }
        },
        "ratios": {"5-faces-640x480": {"blind": 0.5, "slow": 5.0}},
        "skipped": {"fer": "not asked for"},
    }
    lines = speed.table(report | {"bars": speed.judge(report)}).splitlines()
    assert next(line for line in lines if line.startswith("blind")).endswith("no ratio")
    assert next(line for line in lines if line.startswith("slow")).endswith("Facecue 5.0 times")
    assert "fer: not measured: not asked for" in lines
    assert any("five faces" in line and "held" in line for line in lines)
    assert lines[-1].startswith("The machine was busy")
