"""espeak-ng speaks every phrase of every language, as words and not as letters."""

from pathlib import Path

import numpy as np
import pytest

from assistant.speech import lint, phrase_file
from assistant.speech.espeak import EspeakSynthesiser
from tests.speech_builders import PHRASES_FILE

FILES = sorted(PHRASES_FILE.parent.glob("*.toml"))
pytest.importorskip("espeakng_loader", reason="the voice espeak-ng is not installed")


EACH = [pytest.param(path, marks=() if path.stem == "en" else pytest.mark.slow, id=path.stem) for path in FILES]


@pytest.mark.parametrize("path", EACH)
def test_every_phrase_is_spoken(path: Path) -> None:
    words = phrase_file.read(path)
    voice = EspeakSynthesiser(words.language.voice, timeout_s=10.0)
    try:
        for key, phrase in lint.filled(words).items():
            speech = voice.synthesise(phrase)
            signs = sum(sign.isalpha() for sign in phrase)
            assert np.abs(speech.pcm).max(initial=0) > 1000, f"{key} is silent"
            # A word takes some 60 to 90 ms a letter; a letter by its name 200 ms and more.
            assert 0.02 * signs < speech.seconds < 0.5 + 0.14 * signs, f"{key}: {phrase!r} takes {speech.seconds:.2f} s"
    finally:
        voice.close()
