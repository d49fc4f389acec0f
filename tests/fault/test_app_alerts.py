"""What the wearer must know is said and printed; words are heard where there is a sound output."""

from dataclasses import replace

import pytest

from assistant import alerts, app, voice
from assistant import run as composition
from assistant.camera import watch
from assistant.errors import SourceError
from assistant.settings import Settings
from assistant.speech import players
from assistant.speech.null_voice import NullVoice
from assistant.speech.prosody import Prosody
from tests.app_builders import call, frame, tiny_models, use_models


class LosingCamera:
    """A live camera that is lost, comes back, and is lost for good."""

    name, live = "a camera", True

    def __init__(self, clock, on_state):
        self._clock, self._on_state = clock, on_state

    def frames(self):
        yield replace(frame(0), captured_at_s=self._clock.now_s())
        self._on_state(watch.LOST)
        self._on_state(watch.BACK)
        yield replace(frame(1), captured_at_s=self._clock.now_s())
        raise SourceError("a camera was lost.", "Check its cable.", "camera_lost")

    def close(self):
        pass


class LoudPlayer(players.SilentPlayer):
    name = "loud"

    def __init__(self, heard):
        super().__init__()
        self._heard = heard

    def play(self, speech, pan=0.0):
        self._heard.append(speech.seconds)


def test_a_lost_camera_is_said_once_and_its_return_too(tmp_path, monkeypatch):
    use_models(monkeypatch, tiny_models(tmp_path))
    monkeypatch.setattr(composition, "open_source", lambda spec, clock, speed, on_state: LosingCamera(clock, on_state))
    status, out, err = call("run", "--mute", "--speed", "max")
    assert status == 3
    assert out.splitlines()[0].endswith("Facecue is on.")
    assert out.count("Camera lost.") == 1
    assert err.splitlines()[-1] == "Facecue: a camera was lost. Check its cable."
    assert "Facecue: camera lost." in err


@pytest.mark.parametrize("state", watch.STATES)
def test_every_state_of_a_camera_has_words(state):
    assert alerts.CAMERA_WORDS[state]


def test_an_error_is_spoken_to_its_end(monkeypatch):
    heard, slept = [], []
    monkeypatch.setattr(voice, "open_player", lambda kind: LoudPlayer(heard))
    monkeypatch.setattr(voice.time, "sleep", slept.append)
    monkeypatch.setattr(voice, "SystemClock", lambda: SleepingClock(slept))
    app.speak_error(SourceError("It broke.", "Mend it."))
    assert len(heard) == 1
    assert heard[0] > 0.3
    assert sum(slept) >= heard[0]


class SleepingClock:
    """Time passes by sleeping only."""

    def __init__(self, slept):
        self._slept = slept

    def now_s(self):
        return sum(self._slept)


def test_without_any_sound_nothing_is_waited_for(monkeypatch):
    monkeypatch.setattr(voice, "open_player", lambda kind: players.SilentPlayer("No sound: no card."))
    monkeypatch.setattr(voice.time, "sleep", lambda _: pytest.fail("waited"))
    assert app.say_aloud(Settings(), "Hello.") == ["No sound: no card. Going on with text only."]


def test_words_take_their_time_without_a_voice():
    short, long = (NullVoice(260).synthesise(text).seconds for text in ("Smiling.", "One person, close, smiling."))
    assert 0.3 < short < long < 1.5


def test_the_other_engine_is_asked_for_by_name(monkeypatch):
    monkeypatch.setattr(voice, "SystemVoiceSynthesiser", lambda *given: given)
    settings = Settings.model_validate({"speech": {"engine": "pyttsx3", "voice": "anna"}})
    assert voice.open_voice(settings) == ("anna", Prosody(260))
