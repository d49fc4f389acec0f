"""Ctrl-C, a polite end and a reader that goes away leave valid outputs and a documented exit status."""

import json
import signal
import wave

import cv2
import pytest

from tests.app_builders import face_clip, started, tiny_models


@pytest.fixture
def models(tmp_path):
    return tiny_models(tmp_path / "installed")


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interruption_in_the_middle_of_words_leaves_valid_outputs(tmp_path, models, number, status):
    clip = face_clip(tmp_path / "c.mp4", 30.0)
    outputs = {"--transcript": tmp_path / "t.jsonl", "--wav": tmp_path / "t.wav", "--overlay": tmp_path / "o.mp4"}
    options = [part for pair in outputs.items() for part in pair]
    with started(models, "run", "--source", clip, "--mute", *options) as process:
        first = process.stdout.readline()
        process.send_signal(number)
        _, err = process.communicate(timeout=120)
    assert "One person" in first
    assert process.returncode == status
    assert "Traceback" not in err
    rows = [json.loads(line) for line in outputs["--transcript"].read_text(encoding="utf-8").splitlines()]
    assert next(row["text"] for row in rows if row["spoken"]) in first
    with wave.open(str(outputs["--wav"])) as sound:
        assert 0 < sound.getnframes() / sound.getframerate() < 10
    video = cv2.VideoCapture(str(outputs["--overlay"]))
    assert video.read()[0]
    video.release()


def test_the_report_is_printed_after_ctrl_c_too(tmp_path, models):
    clip = face_clip(tmp_path / "c.mp4", 30.0)
    with started(models, "run", "--source", clip, "--mute", "--json") as process:
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=120)
    report = json.loads(out.splitlines()[-1])
    assert process.returncode == 130
    assert report["interrupted"]
    assert 0 < report["frames"] < 300


def test_a_reader_that_goes_away_ends_it_quietly(tmp_path, models):
    clip = face_clip(tmp_path / "c.mp4", 30.0)
    with started(models, "run", "--source", clip, "--mute", "--speed", "max", "--json") as process:
        process.stdout.readline()
        process.stdout.close()
        err = process.stderr.read()
        status = process.wait(timeout=120)
    assert status == 141
    assert err == ""
