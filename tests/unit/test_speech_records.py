from __future__ import annotations

import json
import wave
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from assistant.errors import OutputError
from assistant.speech.transcript import Transcript
from assistant.speech.wavmix import WavMix
from assistant.types import Priority, Speech
from tests.speech_builders import utterance


def tone(value: int, count: int = 100, rate_hz: int = 1_000) -> Speech:
    return Speech(np.full(count, value, np.int16), rate_hz)


def read(path: Path) -> np.ndarray[Any, Any]:
    with wave.open(str(path)) as sound:
        assert (sound.getnchannels(), sound.getsampwidth()) == (2, 2)
        return np.frombuffer(sound.readframes(sound.getnframes()), "<i2").reshape(-1, 2)


def left(path: Path) -> np.ndarray[Any, Any]:
    """The left ear; the right one is the same for what is in the middle."""
    sound = read(path)
    assert np.array_equal(sound[:, 0], sound[:, 1])
    return sound[:, 0]


def rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


# WAV


def test_speech_lies_at_its_time(tmp_path: Path) -> None:
    mix = WavMix(tmp_path / "a.wav", 1_000)
    mix.add(0.5, tone(7))
    mix.add(2.0, tone(9))
    mix.close()
    sound = left(tmp_path / "a.wav")
    assert len(sound) == 2_100
    assert set(np.flatnonzero(sound == 7)) == set(range(500, 600))
    assert set(np.flatnonzero(sound == 9)) == set(range(2_000, 2_100))
    assert np.count_nonzero(sound) == 200


def test_overlaps_add_up_and_are_clipped(tmp_path: Path) -> None:
    mix = WavMix(tmp_path / "a.wav", 1_000)
    mix.add(0.0, tone(30_000))
    mix.add(0.05, tone(20_000))
    mix.add(0.0, tone(-5, 10))
    mix.close()
    assert left(tmp_path / "a.wav").tolist() == [29_995] * 10 + [30_000] * 40 + [32_767] * 50 + [20_000] * 50


def test_the_file_is_valid_at_any_moment(tmp_path: Path) -> None:
    mix = WavMix(tmp_path / "a.wav", 1_000)
    assert len(left(tmp_path / "a.wav")) == 0
    mix.add(0.1, tone(7))
    assert len(left(tmp_path / "a.wav")) == 200  # not closed, as after a crash
    mix.close()
    mix.close()


def test_speech_lies_on_its_side(tmp_path: Path) -> None:
    mix = WavMix(tmp_path / "a.wav", 1_000)
    mix.add(0.0, tone(1_000), -1.0)
    mix.add(0.1, tone(1_000), 1.0)
    mix.close()
    sound = read(tmp_path / "a.wav")
    assert sound[50].tolist() == [1_414, 0]
    assert sound[150].tolist() == [0, 1_414]


def test_another_rate_is_converted(tmp_path: Path) -> None:
    time_s = np.arange(1_600) / 16_000
    mix = WavMix(tmp_path / "a.wav", 22_050)
    mix.add(0.0, Speech((np.sin(2 * np.pi * 200 * time_s) * 10_000).astype(np.int16), 16_000))
    mix.close()
    sound = left(tmp_path / "a.wav")
    expected = np.sin(2 * np.pi * 200 * np.arange(len(sound)) / 22_050) * 10_000
    assert len(sound) == 2_205
    assert np.abs(sound[:-2] - expected[:-2]).max() < 50


def test_a_wav_longer_than_the_format_is_refused(tmp_path: Path) -> None:
    mix = WavMix(tmp_path / "a.wav", 22_050)
    with pytest.raises(OutputError, match="as long as"):
        mix.add(30 * 3_600.0, tone(1))
    mix.close()
    assert len(left(tmp_path / "a.wav")) == 0


# Transcript


def test_a_spoken_row_has_its_keys_in_order(tmp_path: Path) -> None:
    transcript = Transcript(tmp_path / "t.jsonl")
    said = utterance("Smiling – “gladly”.", Priority.NOTIFICATION, track=3)
    transcript.spoken(said, 1.23456)
    assert (tmp_path / "t.jsonl").read_text(encoding="utf-8") == (
        '{"time_s": 1.235, "text": "Smiling – “gladly”.", "spoken": true, "reason": "movement", '
        '"priority": "notification", "track": 3, "evidence": {"AU12": 0.9}}\n'
    )
    transcript.close()
    transcript.close()


def test_held_back_words_are_written_when_that_begins(tmp_path: Path) -> None:
    transcript = Transcript(tmp_path / "t.jsonl")
    for frame in range(50):
        transcript.suppressed(utterance("Smiling."), "not settled", frame / 10)
        transcript.suppressed(utterance("Brows raised."), "rate limit", frame / 10)
    transcript.suppressed(utterance("Smiling."), "rate limit", 5.0)
    transcript.suppressed(utterance("Smiling.", track=2), "rate limit", 5.0)
    transcript.suppressed(utterance("Smiling."), "not settled", 9.0)
    transcript.close()
    assert [(row["time_s"], row["text"], row["reason"], row["track"]) for row in rows(tmp_path / "t.jsonl")] == [
        (0.0, "Smiling.", "not settled", 1),
        (0.0, "Brows raised.", "rate limit", 1),
        (5.0, "Smiling.", "rate limit", 1),
        (5.0, "Smiling.", "rate limit", 2),
        (9.0, "Smiling.", "not settled", 1),
    ]
    assert not any(row["spoken"] for row in rows(tmp_path / "t.jsonl"))


def test_evidence_may_hold_numpy_numbers(tmp_path: Path) -> None:
    transcript = Transcript(tmp_path / "t.jsonl")
    said = utterance()
    object.__setattr__(said, "evidence", {"AU12": np.float32(0.123456), "people": 2, "dark": True, "why": "x"})
    transcript.spoken(said, 0.0)
    transcript.close()
    assert rows(tmp_path / "t.jsonl")[0]["evidence"] == {"AU12": 0.123, "people": 2, "dark": True, "why": "x"}


# Unwritable


@pytest.mark.parametrize("kind", [WavMix, Transcript])
def test_a_missing_folder_is_told(kind: type[Any], tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="cannot be written: No such file") as caught:
        kind(tmp_path / "none" / "file")
    assert "folder" in caught.value.remedy
    with pytest.raises(OutputError):
        kind(tmp_path)
