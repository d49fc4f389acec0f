"""The real speech-dispatcher, heard through a null sink."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from assistant.speech.prosody import Prosody
from assistant.speech.speechd import DispatchingPlayer, SpeechDispatcher
from benchmarks.playback import RATE_HZ, Recorder
from tests.speech_builders import FakePlayer
from tests.voice_builders import DISPATCHER_NEEDS, running_dispatcher

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        any(shutil.which(name) is None for name in DISPATCHER_NEEDS),
        reason="needs apt install speech-dispatcher speech-dispatcher-espeak-ng pulseaudio pulseaudio-utils",
    ),
]
LONG = "Three people. The nearest is close, at one o'clock, smiling broadly at you and talking all the time."


@pytest.fixture(scope="module")
def socket_path(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with running_dispatcher(tmp_path_factory.mktemp("dispatcher")) as path:
        yield path


@pytest.fixture
def ears(socket_path: Path) -> Iterator[Recorder]:
    recorder = Recorder()
    for _ in range(100):
        time.sleep(0.05)
        if len(recorder.sound()[0]) > RATE_HZ // 10:
            break
    yield recorder
    recorder.close()


def test_words_are_heard_and_cut(socket_path: Path, ears: Recorder) -> None:
    voice = SpeechDispatcher("en", Prosody(), socket_path)
    player = DispatchingPlayer(FakePlayer(), lambda: voice)
    begun_s = time.monotonic()
    player.play(voice.synthesise(LONG))
    while not len(ears.audible(begun_s)) and time.monotonic() < begun_s + 10:
        time.sleep(0.02)
    assert len(ears.audible(begun_s)), "nothing was heard"
    stopped_s = time.monotonic()
    player.stop()
    time.sleep(1.0)
    assert max([stopped_s, *ears.audible(stopped_s)]) - stopped_s < 0.5, "it was not cut"
    assert player.trouble() is None
    voice.close()
