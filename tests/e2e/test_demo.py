"""The whole loop on a real photograph, through the command line."""

import json
import wave

import cv2
import numpy as np
import pytest

from tests.app_builders import call, needs_models, photograph, tiny_models, use_models

TRANSCRIPT_KEYS = {"time_s", "text", "spoken", "reason", "priority", "track", "evidence"}
REPORT_KEYS = {
    *("frames", "seconds", "fps", "detect_ms_p50", "au_ms_p50", "frame_ms_p50", "frame_ms_p95"),
    *("backend", "utterances"),
}


class Run:
    def __init__(self, folder):
        outputs = ("--transcript", folder / "t.jsonl", "--wav", folder / "t.wav", "--overlay", folder / "o.mp4")
        self.status, self.out, self.err = call("demo", "--speed", "max", "--mute", "--json", *outputs)
        self.lines = self.out.splitlines()
        self.report = json.loads(self.lines[-1])
        text = (folder / "t.jsonl").read_text(encoding="utf-8")
        self.transcript = [json.loads(line) for line in text.splitlines()]
        self.spoken = [row for row in self.transcript if row["spoken"]]
        self.folder = folder


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    photograph()
    folder = tmp_path_factory.mktemp("demo")
    with pytest.MonkeyPatch.context() as patch:
        use_models(patch, tiny_models(folder))
        return Run(folder)


@pytest.fixture(scope="module")
def real_run(tmp_path_factory):
    photograph()
    return Run(tmp_path_factory.mktemp("real"))


def test_it_ends_well_and_says_nothing_on_the_error_stream(run):
    assert run.status == 0
    assert run.err == ""


def test_people_are_announced_when_they_come_and_when_they_go(real_run):
    said = [(row["time_s"], row["text"]) for row in real_run.spoken]
    first = next(at_s for at_s, text in said if text.startswith("One person"))
    second = next(at_s for at_s, text in said if text.startswith("Another person"))
    last = max(at_s for at_s, text in said if "left" in text)
    assert 2 < first < 6
    assert 10.5 < second < 16
    assert 20 < last < 24
    assert not any(at_s < 2 for at_s, _ in said)


def test_the_plain_lines_are_what_was_spoken(run):
    assert run.lines[:-1] == [f"at {row['time_s']:.1f} s: {row['text']}" for row in run.spoken]


def test_the_last_line_is_the_report(run):
    assert set(run.report) >= REPORT_KEYS
    assert run.report["frames"] == 360
    assert run.report["utterances"] == len(run.spoken)
    assert run.report["fps"] == pytest.approx(run.report["frames"] / run.report["seconds"], rel=0.01)
    assert 0 < run.report["detect_ms_p50"] < run.report["frame_ms_p50"] <= run.report["frame_ms_p95"]


def test_every_line_of_the_transcript_has_the_same_keys(run):
    assert all(set(row) == TRANSCRIPT_KEYS for row in run.transcript)
    assert any(not row["spoken"] and row["reason"] for row in run.transcript)


def test_no_more_than_twelve_words_in_any_ten_seconds(run):
    words = [(row["time_s"], len(row["text"].split())) for row in run.spoken]
    for start, _ in words:
        assert sum(count for at_s, count in words if start <= at_s < start + 10) <= 12


def test_the_sound_is_heard_at_the_times_it_was_spoken(run):
    with wave.open(str(run.folder / "t.wav")) as sound:
        rate_hz = sound.getframerate()
        pcm = np.frombuffer(sound.readframes(sound.getnframes()), "<i2").astype(float).reshape(-1, 2)
    for row in run.spoken:
        start = round(row["time_s"] * rate_hz)
        assert np.abs(pcm[start : start + rate_hz // 2]).max() > 1000, row
    before = round(run.spoken[0]["time_s"] * rate_hz)
    assert not pcm[: before - 1].any()


def test_the_overlay_is_a_video_of_the_whole_scene(run):
    video = cv2.VideoCapture(str(run.folder / "o.mp4"))
    count = 0
    while video.read()[0]:
        count += 1
    assert count / video.get(cv2.CAP_PROP_FPS) == pytest.approx(24, abs=1)
    video.release()


@needs_models
def test_the_language_and_the_verbosity_of_the_command_line_hold():
    status, out, _ = call("demo", "--speed", "max", "--mute", "--language", "de", "--verbosity", "1")
    said = [line.partition(": ")[2] for line in out.splitlines()]
    assert status == 0
    assert said[0].startswith("Eine Person")
    assert said[-1] == "Die Person ist weg."
    assert not any("lächelt" in text for text in said[1:])


@needs_models
def test_the_trained_models_say_that_she_smiles(real_run):
    assert real_run.status == 0
    assert any("smiling" in row["text"].lower() or "laughing" in row["text"].lower() for row in real_run.spoken)


@needs_models
def test_the_trained_models_claim_nothing_that_she_does_not_do(real_run):
    wrong = ("brows lowered", "mouth corners down", "nose wrinkled", "eyes closed")
    assert not [row["text"] for row in real_run.spoken if any(words in row["text"].lower() for words in wrong)]
