"""The real espeak-ng: speed, voices, paths."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import espeakng_loader
import numpy as np
import pytest

from assistant.errors import SpeechError
from assistant.speech import espeak
from assistant.speech.espeak import EspeakSynthesiser
from assistant.speech.prosody import Prosody

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


def lasts_s(prosody: Prosody) -> float:
    other = EspeakSynthesiser(prosody=prosody, timeout_s=20)
    seconds = other.synthesise(NINE).seconds
    other.close()
    return seconds


def test_every_speed_from_80_to_500_is_obeyed() -> None:
    lengths_s = [lasts_s(Prosody(wpm)) for wpm in (10, 80, 200, 350, 440, 470, 500, 2_000)]
    assert lengths_s[0] == lengths_s[1]
    assert lengths_s[-1] == lengths_s[-2]
    assert lengths_s[1:-1] == sorted(lengths_s[1:-1], reverse=True)
    assert lengths_s[-1] == pytest.approx(lengths_s[2] * 200 / 500, rel=0.2)


def test_volume_pitch_and_punctuation_are_obeyed(voice: EspeakSynthesiser) -> None:
    def spoken(text: str, prosody: Prosody) -> np.ndarray[Any, Any]:
        other = EspeakSynthesiser(prosody=prosody, timeout_s=20)
        pcm = other.synthesise(text).pcm.astype(float)
        other.close()
        return pcm

    plain = voice.synthesise(NINE).pcm.astype(float)
    assert np.abs(spoken(NINE, Prosody(volume=50))).mean() == pytest.approx(np.abs(plain).mean() / 2, rel=0.1)
    low, high = (centre_hz(spoken("Ah", Prosody(pitch=pitch))) for pitch in (0, 100))
    assert high > 1.2 * low
    assert len(spoken("One; two.", Prosody(punctuation="all"))) > 1.5 * len(spoken("One; two.", Prosody()))


def centre_hz(pcm: np.ndarray[Any, Any]) -> float:
    """The tone of a voice: the period at which it is most like itself, from 60 to 400 Hz."""
    middle = pcm[len(pcm) // 4 : len(pcm) * 3 // 4]
    alike = np.correlate(middle, middle, "full")[len(middle) - 1 :]
    shortest, longest = 22_050 // 400, 22_050 // 60
    return 22_050 / (shortest + int(np.argmax(alike[shortest:longest])))


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
