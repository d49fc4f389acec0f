"""The real espeak-ng: speed, voices, paths."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import espeakng_loader
import numpy as np
import pytest

from assistant.errors import SpeechError
from assistant.speech import espeak
from assistant.speech.espeak import EspeakSynthesiser

NINE = "There is one person close to you, smiling broadly."


@pytest.fixture(scope="module")
def voice() -> Iterator[EspeakSynthesiser]:
    voice = EspeakSynthesiser(timeout_s=20)
    yield voice
    voice.close()


def test_nine_words_take_what_they_take_at_260_words_a_minute(voice: EspeakSynthesiser) -> None:
    speech = voice.synthesise(NINE)
    assert speech.rate_hz == 22_050
    assert 1.5 < speech.seconds < 3.0
    assert np.abs(speech.pcm.astype(int)).max() > 5_000


def test_words_per_minute_are_obeyed_within_the_engine_s_limits(voice: EspeakSynthesiser) -> None:
    lengths = []
    for wpm in (10, 80, 175, 450, 2_000):
        other = EspeakSynthesiser(words_per_minute=wpm, timeout_s=20)
        lengths.append(other.synthesise(NINE).seconds)
        other.close()
    assert lengths[0] == lengths[1] > lengths[2] > voice.synthesise(NINE).seconds > lengths[3] == lengths[4]


def test_voices_are_those_the_option_takes(voice: EspeakSynthesiser) -> None:
    names = espeak.voices()
    assert {"en", "en-gb", "en-us", "de", "fr"} <= set(names)
    assert names == sorted(set(names))
    assert voice.voices() == names


def test_another_voice_sounds_different(voice: EspeakSynthesiser) -> None:
    german = EspeakSynthesiser("de", timeout_s=20)
    assert german.synthesise(NINE).seconds != voice.synthesise(NINE).seconds
    german.close()


def test_an_unknown_voice_names_the_nearest() -> None:
    with pytest.raises(SpeechError, match="has no voice 'en-uk'") as caught:
        EspeakSynthesiser("en-uk")
    assert "en-u" in caught.value.remedy or "en-gb" in caught.value.remedy


def test_a_long_data_path_is_made_short(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    deep = tmp_path
    while len(str(deep)) < 250:
        deep = deep / "a-folder-with-a-long-name"
    deep.mkdir(parents=True)
    data = deep / "espeak-ng-data"
    data.symlink_to(espeakng_loader.get_data_path(), target_is_directory=True)
    monkeypatch.setattr(espeakng_loader, "get_data_path", lambda: str(data))
    voice = EspeakSynthesiser(timeout_s=20)
    assert voice.synthesise(NINE).seconds > 1.5
    voice.close()
    voice.close()


def test_where_links_are_not_allowed_the_data_is_copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = tmp_path / "source"
    source.mkdir()
    (source / "phontab").write_bytes(b"x")

    def refused(self: Path, *_: object, **__: object) -> None:
        raise OSError("no right to link")

    monkeypatch.setattr(Path, "symlink_to", refused)
    target = espeak.short_copy(source, tmp_path)
    assert (target / "phontab").read_bytes() == b"x"
