"""Sounds and sentences one after another, for whoever learns them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from assistant import voice
from assistant.clock import ManualClock
from assistant.settings import Settings
from assistant.speech import earcons
from assistant.speech.players import SilentPlayer
from tests.app_builders import call
from tests.speech_builders import FakePlayer, FakeVoice, phrases


class Room:
    """A voice and a player in a room where time passes only while something waits."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, missing: str = "") -> None:
        self.voice, self.clock = FakeVoice(), ManualClock()
        self.player: Any = SilentPlayer(missing) if missing else FakePlayer()
        self.order: list[str] = []
        monkeypatch.setattr(voice, "voice_or_text", lambda _: (self.voice, ""))
        monkeypatch.setattr(voice, "sound_or_silence", lambda *_: (self.player, missing))
        monkeypatch.setattr(voice, "SystemClock", lambda: self.clock)
        monkeypatch.setattr(voice.time, "sleep", self.wait)
        if not missing:
            monkeypatch.setattr(self.player, "play", lambda *_: self.order.append(self.voice.texts[-1]))
            monkeypatch.setattr(self.player, "chime", lambda sound, *_: self.order.append(self._name(sound)))

    def wait(self, seconds: float) -> None:
        self.clock.set(self.clock.now_s() + seconds)

    @staticmethod
    def _name(sound: Any) -> str:
        return next(name for name in earcons.NAMES if earcons.earcon(name).pcm.tobytes() == sound.pcm.tobytes())


def test_every_sound_is_named_and_then_played(monkeypatch: pytest.MonkeyPatch) -> None:
    room = Room(monkeypatch)
    status, out, err = call("sounds")
    assert (status, err) == (0, "")
    assert room.order == [heard for name in earcons.NAMES for heard in (phrases().sound(name), name)]
    assert out.splitlines() == [f"{name}: {phrases().sound(name)}" for name in earcons.NAMES]


def test_one_sound_in_another_language(monkeypatch: pytest.MonkeyPatch) -> None:
    room = Room(monkeypatch)
    assert call("sounds", "smiled", "--language", "de")[1] == "smiled: Jemand lächelt.\n"
    assert room.order == ["Jemand lächelt.", "smiled"]


def test_a_level_is_named_and_then_heard(monkeypatch: pytest.MonkeyPatch) -> None:
    room = Room(monkeypatch)
    out = call("preview", "--verbosity", "1")[1]
    assert room.order == ["One: who comes and goes.", "One person, two metres, at one o'clock.", "They left."]
    assert [line.strip() for line in out.splitlines()] == room.order


def test_without_a_sound_device_the_meanings_are_printed_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    room = Room(monkeypatch, "No sound: no card. Going on with text only.")
    status, out, err = call("sounds")
    assert status == 0
    assert len(out.splitlines()) == len(earcons.NAMES)
    assert err == "Facecue: No sound: no card. Going on with text only.\n"
    assert room.clock.now_s() == 0


def test_muted_nothing_is_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(voice, "voice_or_text", lambda _: pytest.fail("opened"))
    assert call("sounds", "key", "--mute")[1] == "key: A key was understood.\n"
    assert json.loads(call("sounds", "key", "--json")[1]) == {"key": "A key was understood."}


def test_a_sound_that_there_is_not_is_told_with_the_list(monkeypatch: pytest.MonkeyPatch) -> None:
    status, _, err = call("sounds", "kez", "--mute")
    assert status == 2
    assert "'kez'" in err
    assert ", ".join(earcons.NAMES) in err


def test_each_sentence_is_said_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    room = Room(monkeypatch)
    with voice.Aloud(Settings()) as aloud:
        aloud.say("One two three four.")
        said_s = room.clock.now_s()
        aloud.say("Five.")
    assert room.order == ["One two three four.", "Five."]
    assert said_s >= 1.0
    assert room.voice.closed
