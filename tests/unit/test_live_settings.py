"""Settings change while it runs: from the file, by key and by undo; no frame is needed for it."""

import threading

import pytest

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
        voice = ChangingVoice(FakeVoice())
        self.live = LiveSettings(
            Store(self.file),
            self.policy,
            SceneReader(),
            voice,
            self.say,
            clock,
            Health(clock),
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
    live.live.close()
    assert live.policy.verbosity == 4


def test_what_the_wearer_takes_back_is_answered_without_a_frame(live):
    live.live.change({"speech.verbosity": 3})
    live.live.undo()
    live.hears("You set verbosity to 2.", "answer")
    live.live.undo()
    live.hears("There is nothing to take back.", "answer")
    assert live.policy.verbosity == 2


def test_a_wrong_file_is_told_and_the_last_good_settings_hold(live):
    live.file.write_text("[speech]\nverbosity = 9\n", encoding="utf-8")
    live.hears("Settings file wrong; earlier settings stay.", "settings")
    assert "line 2" in live.warned[0]
    assert live.policy.verbosity == 2


def test_without_a_page_there_is_no_code(live):
    live.live.open_code()
    live.hears("The settings page is off.", "answer")
