"""Settings change while it runs: from the file, by key and by undo; no frame is needed for it."""

import threading

import pytest

from assistant import live_settings
from assistant.clock import ManualClock
from assistant.health import Health
from assistant.live_settings import ChangingVoice, LiveSettings
from assistant.settings.store import Store
from assistant.speech.policy import Policy
from assistant.vision.scene import SceneReader
from tests.speech_builders import FakeVoice, phrases


class Live:
    """Settings of a run of which no frame ever comes."""

    def __init__(self, folder):
        self.file = folder / "settings.toml"
        self.file.write_text("[speech]\nverbosity = 2\n", encoding="utf-8")
        self.said, self.warned, self.spoken = [], [], threading.Condition()
        self.policy, clock = Policy(phrases(), verbosity=2), ManualClock()
        self.health = Health(clock)
        voice, configure = ChangingVoice(FakeVoice()), self.policy.configure

        def configured(**settings):
            configure(**settings)
            with self.spoken:
                self.spoken.notify_all()

        self.policy.configure = configured
        self.live = LiveSettings(
            Store(self.file),
            self.policy,
            SceneReader(),
            voice,
            self.say,
            clock,
            self.health,
            self.warned.append,
            threading.RLock(),
        )

    def say(self, utterance, now_s):
        with self.spoken:
            self.said.append((utterance.text, utterance.reason))
            self.spoken.notify_all()

    def hears(self, text, reason):
        with self.spoken:
            assert self.spoken.wait_for(lambda: (text, reason) in self.said, 10), self.said

    def holds(self, verbosity):
        with self.spoken:
            assert self.spoken.wait_for(lambda: self.policy.verbosity == verbosity, 10), self.policy.verbosity

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.live.close()


@pytest.fixture
def live(tmp_path):
    with Live(tmp_path) as live:
        yield live


def test_a_changed_file_is_announced_and_in_force_without_a_frame(live):
    live.file.write_text("[speech]\nverbosity = 4\n", encoding="utf-8")
    live.hears("The settings file set verbosity to 4.", "settings")
    live.holds(4)


def test_what_the_wearer_takes_back_is_answered_without_a_frame(live):
    live.live.change({"speech.verbosity": 3})
    live.live.undo()
    live.hears("You set verbosity to 2.", "answer")
    live.live.undo()
    live.hears("There is nothing to take back.", "answer")
    assert live.policy.verbosity == 2


def test_a_voice_that_is_not_there_is_a_problem_until_it_is_another(live, monkeypatch):
    opened = threading.Semaphore(0)

    def voice_or_text(settings):
        opened.release()
        wrong = settings.speech.voice == "xx"
        return FakeVoice(), "There is no voice xx. Going on with the voice fake." if wrong else ""

    monkeypatch.setattr(live_settings, "voice_or_text", voice_or_text)
    live.live.change({"speech.voice": "xx"})
    assert opened.acquire(timeout=10)
    live.live.undo()
    assert opened.acquire(timeout=10)
    live.live.close()
    (problem,) = live.health.report().problems
    assert problem.message == "There is no voice xx. Going on with the voice fake."
    assert problem.over_s is not None


def test_a_wrong_file_is_told_and_the_last_good_settings_hold(live):
    live.file.write_text("[speech]\nverbosity = 9\n", encoding="utf-8")
    live.hears("Settings file wrong; earlier settings stay.", "settings")
    assert "line 2" in live.warned[0]
    assert live.policy.verbosity == 2


def test_without_a_page_there_is_no_code(live):
    live.live.open_code()
    live.hears("The settings page is off.", "answer")
