"""Real playback through PulseAudio's null sink: how soon words begin and end, where they are, what is kept."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from benchmarks.playback import NEEDED

ROOT = Path(__file__).resolve().parents[2]
NEEDS = "needs PulseAudio: apt install pulseaudio pulseaudio-utils libportaudio2 libasound2-plugins"
HAS_SERVER = all(shutil.which(name) for name in NEEDED)
CARDS = Path("/proc/asound/cards")
HAS_CARD = sys.platform != "linux" or (CARDS.is_file() and "no soundcards" not in CARDS.read_text())
HAS_PLUGIN = any(Path("/usr/lib").glob("*/alsa-lib/libasound_module_pcm_pulse.so"))

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not (HAS_SERVER and HAS_PLUGIN), reason=NEEDS),
]


def benchmark(*command: str) -> dict[str, Any]:
    """Run one, and return what it prints."""
    if os.getloadavg()[0] > 2 * (os.cpu_count() or 1):
        pytest.skip("the machine is so busy that the sound server runs dry")
    done = subprocess.run(
        [sys.executable, "-m", *command], cwd=ROOT, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr
    result: dict[str, Any] = json.loads(done.stdout)
    return result


@pytest.fixture(scope="module")
def measured() -> dict[str, Any]:
    return benchmark("benchmarks.playback", "--trials", "15")


def test_the_first_sample_is_heard_within_sixty_milliseconds_of_the_decision(measured: dict[str, Any]) -> None:
    assert measured["first_audible_ms"]["95"] <= 60


def test_stop_silences_within_fifty_milliseconds(measured: dict[str, Any]) -> None:
    assert measured["stop_to_silence_ms"]["100"] <= 50


def test_words_come_from_their_side(measured: dict[str, Any]) -> None:
    assert measured["right_over_left_db"]["-0.8"] < -10
    assert measured["right_over_left_db"]["0.8"] > 10


def test_the_wav_is_what_was_heard(measured: dict[str, Any]) -> None:
    assert measured["wav"]["stretches"] >= 15
    assert measured["wav"]["correlation"]["median"] > 0.999
    assert measured["wav"]["alike"] >= 0.8, "but for moments in which the sound server ran dry"
    assert measured["wav"]["gain"][1] < 1.02
