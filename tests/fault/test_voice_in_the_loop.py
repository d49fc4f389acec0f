"""A voice or a sound output that fails while the program runs: what is heard, what is logged, how it goes on."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from assistant import app
from assistant.speech.espeak import EspeakSynthesiser
from tests.app_builders import face
from tests.fault_builders import Do, Room, shots

BUSY_S = 1.0
"""A busy machine may start Python so much later; the bar itself is 1 s."""


@pytest.fixture
def room(room: Room) -> Room:
    room.faces = lambda frame: (face(left=20.0, width=24.0),)
    return room


@pytest.mark.parametrize(("name", "number"), [("killed", signal.SIGKILL), ("hung", signal.SIGSTOP)])
def test_a_real_voice_that_is_killed_or_hangs_speaks_the_very_words(room: Room, name: str, number: int) -> None:
    voice: Any = EspeakSynthesiser()
    room.voice = voice
    took_s: list[float] = []
    synthesise: Callable[[str], Any] = voice.synthesise

    def timed(text: str) -> Any:
        start_s = time.monotonic()
        try:
            return synthesise(text)
        finally:
            took_s.append(time.monotonic() - start_s)

    voice.synthesise = timed
    outcome = room.run(Do(lambda: os.kill(voice.pid, number)), *shots(10))
    assert outcome.error is None
    assert any("person" in words for words in outcome.words()), outcome
    assert max(took_s) <= 1.0 + BUSY_S
    assert outcome.health.stages["voice"].state == "working"
    voice.close()


def test_a_voice_that_fails_is_told_once_and_an_earcon_sounds(room: Room) -> None:
    room.voice.failures = 2
    outcome = room.run(*shots(60))
    assert outcome.error is None
    assert outcome.logged.count("The voice hangs.") == 1
    assert room.player.played, "an earcon, because silence is ambiguous"
    assert len([problem for problem in outcome.health.problems if problem.stage == "voice"]) == 1


def test_a_voice_that_is_absent_leaves_text_and_earcons(
    room: Room, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    real = app.voice_or_text
    monkeypatch.setitem(__import__("sys").modules, "espeakng_loader", None)
    script = shots(10)
    room._patch(script, [], [])
    monkeypatch.setattr(
        Room,
        "_patch",
        lambda self, s, runs, made, patch=Room._patch: (
            patch(self, s, runs, made),
            monkeypatch.setattr(app, "voice_or_text", real),
        ),
    )
    outcome = room.run(*script)
    assert outcome.error is None
    assert "No voice: The voice espeak-ng is not installed." in outcome.logged
    assert any("person" in words for words in outcome.words()), "as text"
    assert outcome.health.voice == "text"
    assert outcome.health.stages["voice"].state == "lost"


def test_a_sound_device_that_goes_and_comes_is_told_once_and_recovers(room: Room) -> None:
    room.player._troubles = ["PortAudio: device unavailable"] * 3
    outcome = room.run(*shots(20))
    assert outcome.error is None
    assert outcome.logged.count("Nothing is heard (PortAudio: device unavailable).") == 1
    sound = [problem for problem in outcome.health.problems if problem.stage == "sound"]
    assert len(sound) == 1
    assert outcome.report["frames"] >= 190
