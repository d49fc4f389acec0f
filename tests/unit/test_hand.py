"""Keys reach what speaks and decides at any time: beside the loop, beside a slow voice, while paused."""

import threading
import time

import numpy as np
import pytest

from assistant import languages
from assistant.camera import watch
from assistant.clock import ManualClock, SystemClock
from assistant.controls.actions import Action
from assistant.errors import DependencyError, SpeechError
from assistant.hand import Hand
from assistant.settings.schema import ControlSettings
from assistant.shared import PolicyTuning, Shared
from assistant.speech import earcons
from assistant.speech.policy import Policy
from assistant.speech.speaker import Dropped, QueueSpeaker, Spoken
from assistant.types import Considered, Frame, Priority, Speech, Utterance
from tests.control_builders import ACTIONS, FakeBus, FakeDevice
from tests.speech_builders import FakePlayer, FakeVoice, person, phrases, scene, utterance

KEY = {action: name for name, action in reversed(list(ControlSettings().key_map().items()))}


class TimedPlayer(FakePlayer):
    """Tell when something was heard."""

    def __init__(self):
        super().__init__()
        self.heard = threading.Event()
        self.names = []

    def play(self, speech, pan=0.0):
        super().play(speech, pan)
        self.heard.set()

    def chime(self, sound, pan=0.0):
        super().chime(sound, pan)
        known = (earcons.KEY, earcons.PAUSED, earcons.RESUMED, earcons.ERROR, earcons.ERROR)
        self.names.append(next(name for name in known if np.array_equal(earcons.earcon(name).pcm, sound.pcm)))
        self.heard.set()


class StuckVoice(FakeVoice):
    """Take as long over a sentence as somebody holds it."""

    def __init__(self):
        super().__init__()
        self.asked, self.go = threading.Event(), threading.Event()

    def synthesise(self, text) -> Speech:
        self.asked.set()
        assert self.go.wait(10)
        return super().synthesise(text)


class Run:
    """Everything from a key to a player, without sources; the caller is the loop's thread."""

    def __init__(self, voice=None, clock=None, settings=None, player=None):
        self.clock = clock or SystemClock()
        self.voice, self.player, self.policy = voice or FakeVoice(), player or TimedPlayer(), Policy(phrases())
        self.said, self.dropped, self.told, self.alerts = [], [], [], []
        speaker = QueueSpeaker(self.voice, self.player, self.clock, self.heard)
        self.hushes = []
        self.shared = Shared(self.policy, speaker, self.player, self.clock, on_hush=self.hushes.append)
        self.answered = threading.Condition()
        self.hand = Hand(
            self.shared,
            PolicyTuning(self.policy),
            lambda: self.policy.phrases,
            self.clock,
            settings or ControlSettings(keyboard=False),
            self.alert,
            self.told.append,
        )

    def heard(self, event):
        self.hand.heard(event)
        if isinstance(event, Spoken):
            with self.answered:
                self.said.append(event.utterance.text)
                self.answered.notify_all()
        elif isinstance(event, Dropped):
            self.dropped.append(event)

    def alert(self, words, detail):
        self.alerts.append(words)
        now_s = self.clock.now_s()
        self.shared.say(Utterance(words, Priority.IMPORTANT, now_s, now_s + 10, "alert", earcon=earcons.ERROR), now_s)

    def press(self, action):
        """Press an action's key, and wait until it is answered in words."""
        with self.answered:
            count = len(self.said)
            self.hand.press(KEY[action])
            assert self.answered.wait_for(lambda: len(self.said) > count, 10), action
            return self.said[-1]

    def look(self, *people, brightness=0.5):
        now_s = self.clock.now_s()
        return self.shared.consider(scene(*people, brightness=brightness, at_s=now_s), now_s)

    def frame(self, level, at_s):
        image = np.full((48, 64, 3), level, np.uint8)
        if level > 50:
            image[:, 32:] = 255
        self.hand.observe(Frame(0, at_s, image), scene(), Considered(None), at_s)

    def __enter__(self):
        self.hand.start(lens=True)
        return self

    def __exit__(self, *_):
        self.hand.close()


SPEAKS = [action for action in ACTIONS if action is not Action.STOP]


@pytest.mark.parametrize("action", SPEAKS)
def test_every_action_is_answered_in_words_and_by_a_sound(action):
    with Run() as run:
        run.look(person())
        assert run.press(action)
        assert run.player.names[0] == earcons.KEY


def test_stop_is_answered_by_its_sound_and_silence():
    with Run() as run:
        now_s = run.clock.now_s()
        run.shared.say(utterance("Smiling broadly ahead of you.", now_s=now_s, lasts_s=60), now_s)
        run.player.heard.clear()
        run.hand.press(KEY[Action.STOP])
        assert run.player.heard.wait(10)
        run.press(Action.HELP)  # taken after it
        assert run.player.stops >= 1
        assert run.player.names[:2] == [earcons.KEY, earcons.KEY]  # taken, and again after the cut


def test_an_action_waits_neither_for_a_frame_nor_for_the_next():
    with Run() as run:
        run.look(person())
        # The loop's thread is this one, and it takes no step: as while a slow frame is computed, or no camera is there.
        waits = []
        for _ in range(9):
            run.player.heard.clear()
            start = time.perf_counter()
            run.hand.press(KEY[Action.HERE])
            assert run.player.heard.wait(10)
            waits.append(time.perf_counter() - start)
        assert sorted(waits)[4] < 0.1


class SlowVoice(FakeVoice):
    """Take a third of a second over every sentence, by the clock of the test."""

    def __init__(self, clock):
        super().__init__()
        self._clock = clock

    def synthesise(self, text) -> Speech:
        self._clock.set(self._clock.now_s() + 0.3)
        return super().synthesise(text)


class PunctualPlayer(TimedPlayer):
    """Note by the clock of the test when something was first heard after a key."""

    def __init__(self, clock):
        super().__init__()
        self._clock, self.first_s = clock, None

    def play(self, speech, pan=0.0):
        self._note()
        super().play(speech, pan)

    def chime(self, sound, pan=0.0):
        self._note()
        super().chime(sound, pan)

    def _note(self):
        self.first_s = self._clock.now_s() if self.first_s is None else self.first_s


@pytest.mark.parametrize("state", ["quiet", "talking", "paused"])
@pytest.mark.parametrize("action", ACTIONS)
def test_every_action_is_heard_within_a_tenth_of_a_second_though_the_voice_is_slow(action, state):
    clock = ManualClock()
    with Run(SlowVoice(clock), clock, player=PunctualPlayer(clock)) as run:
        run.look(person())
        if state == "talking":
            run.shared.say(utterance("Smiling and so on for a long while.", lasts_s=60), 0.0)
        elif state == "paused":
            run.press(Action.PAUSE)
        pressed_s, run.player.first_s = clock.now_s(), None
        run.player.heard.clear()
        run.hand.press(KEY[action])
        assert run.player.heard.wait(10)
        assert run.player.first_s - pressed_s < 0.1


def test_a_key_sounds_while_the_voice_is_stuck():
    voice = StuckVoice()
    with Run(voice) as run:
        now_s = run.clock.now_s()
        loop = threading.Thread(target=run.shared.say, args=(utterance(now_s=now_s, lasts_s=60), now_s))
        loop.start()
        assert voice.asked.wait(10)  # the loop's thread holds the lock now
        run.hand.press(KEY[Action.HERE])
        assert run.player.heard.wait(10)
        assert run.player.names == [earcons.KEY]
        assert not run.player.played
        voice.go.set()
        loop.join()


def test_an_answer_that_cuts_words_sounds_again_before_a_slow_voice():
    voice = StuckVoice()
    voice.go.set()
    with Run(voice) as run:
        now_s = run.clock.now_s()
        run.shared.say(utterance("Smiling and so on for a long while.", now_s=now_s, lasts_s=60), now_s)
        voice.asked.clear()
        voice.go.clear()
        run.hand.press(KEY[Action.HERE])
        assert voice.asked.wait(10)  # the words are cut, the answer's are being made
        assert run.player.stops == 1
        assert run.player.names == [earcons.KEY, earcons.KEY]
        voice.go.set()


def test_while_paused_nothing_unasked_is_said_but_answers_are():
    with Run() as run:
        run.press(Action.PAUSE)
        now_s = run.clock.now_s()
        run.shared.say(utterance("Smiling.", now_s=now_s), now_s)
        for _ in range(3):
            assert run.look(person()).utterance is None
        assert run.press(Action.HERE).startswith("One person")
        assert "Smiling." not in run.said
        assert run.press(Action.PAUSE) == "Resumed."
        assert run.hushes == [True, False]


def test_a_change_of_settings_is_heard_while_paused():
    with Run(clock=ManualClock()) as run:
        run.press(Action.PAUSE)
        change = utterance("Anna set verbosity to 4.", Priority.MESSAGE, lasts_s=30.0, reason="settings")
        run.shared.say(change, 0.0)
        run.clock.set(20.0)
        with run.answered:
            assert run.answered.wait_for(lambda: "Anna set verbosity to 4." in run.said, 10), run.said


def test_an_alert_sounds_while_paused_and_is_said_afterwards():
    with Run() as run:
        run.press(Action.PAUSE)
        run.alert("Camera lost.", "")
        assert run.player.names[-1] == earcons.ERROR
        assert "Camera lost." not in run.said
        run.hand.press(KEY[Action.PAUSE])
        with run.answered:
            assert run.answered.wait_for(lambda: "Camera lost." in run.said, 10)


def test_after_a_pause_who_is_there_is_news_again():
    clock = ManualClock()
    run = Run(clock=clock)

    def follow(until_s):
        said = []
        while clock.now_s() < until_s:
            clock.set(clock.now_s() + 0.1)
            said.append(run.look(person()).utterance)
        return [each.text for each in said if each]

    assert follow(2.0)
    run.shared.hush(True)
    assert follow(6.0) == []
    run.shared.hush(False)
    assert follow(9.0)[0].startswith("One person")


def test_here_without_sight_says_so():
    clock = ManualClock()
    run = Run(clock=clock)
    assert run.shared.scene() is None  # before the first frame
    run.look(person())
    assert run.shared.scene() is not None
    clock.set(2.5)
    assert run.shared.scene() is None  # the camera gives none any more
    run.look(brightness=0.01)
    assert run.shared.scene() is None  # dark, and nobody to be seen
    run.look(brightness=0.5)
    assert run.shared.scene() is not None
    run.shared.covered = True
    assert run.shared.scene() is None


def test_a_hand_over_the_lens_pauses_and_the_camera_watch_does_not_complain():
    with Run() as run:
        for tick in range(10):
            run.frame(120, tick / 10)
        for tick in range(10, 25):
            run.frame(4, tick / 10)
        assert run.said == ["Camera covered. Paused."]
        assert run.hand.paused
        assert run.hand.expects(watch.BLACK)
        assert run.hand.expects(watch.BACK)  # the watch sees light before the pause ends
        for tick in range(25, 35):
            run.frame(120, tick / 10)
        with run.answered:
            assert run.answered.wait_for(lambda: run.said[-1] == "Resumed.", 10)
        assert not run.hand.expects(watch.BACK)


@pytest.mark.parametrize("state", [watch.BLACK, watch.FROZEN, watch.LOST, watch.BACK])
def test_without_a_hand_over_it_every_state_of_the_camera_is_told(state):
    assert not Run().hand.expects(state)


def test_a_camera_lost_under_the_hand_is_told_and_so_is_its_return():
    run = Run()
    run.shared.covered = True
    assert run.hand.expects(watch.BLACK)
    assert not run.hand.expects(watch.LOST)
    assert not run.hand.expects(watch.BACK)


def test_a_cover_is_not_looked_for_where_the_settings_or_the_source_have_none():
    run = Run(settings=ControlSettings(keyboard=False, cover=False))
    run.hand.start(lens=True)
    for tick in range(40):
        run.frame(120 if tick < 10 else 4, tick / 10)
    run.hand.close()
    assert not run.hand.paused


def test_mute_cue_is_of_the_last_news():
    with Run() as run:
        now_s = run.clock.now_s()
        words = Utterance("Smiling.", Priority.NOTIFICATION, now_s, now_s + 9, "smile", track=1)
        run.shared.say(words, now_s)
        assert run.press(Action.MUTE_CUE) == "Smiles off."
        assert "smile" not in run.policy.cues
        assert run.press(Action.MUTE_CUE) == "Smiles on."
        assert "smile" in run.policy.cues


def test_more_and_less_change_the_policy():
    with Run() as run:
        run.press(Action.MORE)
        assert run.policy.verbosity == 3
        run.press(Action.LESS)
        assert run.policy.verbosity == 2


def test_what_is_changed_by_key_is_kept():
    kept = []
    tuning = PolicyTuning(Policy(phrases()), kept.append)
    tuning.tune(3, tuning.cues)
    tuning.tune(3, tuning.cues - {"smile"})
    tuning.tune(3, tuning.cues)
    assert kept == [{"speech.verbosity": 3}, {"cues.smile": False}]


def test_answers_are_in_the_language_of_the_moment():
    with Run() as run:
        run.policy.configure(phrases=languages.phrases("de"))
        assert run.press(Action.MORE) == "Drei: auch Bewegungen."
        assert run.press(Action.HERE) == "Ich sehe gerade nichts."
        assert " Leertaste: still sein. " in run.press(Action.HELP)


def test_an_unmapped_key_does_nothing():
    with Run() as run:
        run.hand.press("f11")
        run.press(Action.HERE)
        assert run.player.names == [earcons.KEY]


def test_words_go_on_while_no_frame_comes():
    with Run() as run:
        now_s = run.clock.now_s()
        for text in ("One.", "Two."):
            run.shared.say(Utterance(text, Priority.IMPORTANT, now_s, now_s + 60, "alert"), now_s)
        with run.answered:
            assert run.answered.wait_for(lambda: run.said == ["One.", "Two."], 10)


def test_a_failure_is_told_and_the_next_key_is_taken():
    with Run() as run:
        run.policy.describe_scene = lambda _scene: (_ for _ in ()).throw(SpeechError("It broke.", "Mend it."))
        run.look(person())
        run.hand.press(KEY[Action.HERE])
        assert run.press(Action.MORE)
        assert run.told == ["It broke. Mend it."]
        assert earcons.ERROR in run.player.names


def test_a_remote_works_and_its_loss_is_said():
    device = FakeDevice("/dev/input/event5", "Remote")
    bus = FakeBus(device)
    run = Run(settings=ControlSettings(keyboard=False, remote="remote"))
    run.hand.start(lens=False, bus=lambda: bus)
    try:
        device.press("enter")
        with run.answered:
            assert run.answered.wait_for(lambda: run.said, 10)
        assert run.said == ["I cannot see now."]
        del bus.devices[device.path]
        device.unplug()
        with run.answered:
            assert run.answered.wait_for(lambda: "Remote lost." in run.said, 10)
    finally:
        run.hand.close()


def test_a_missing_package_for_remotes_is_said_and_the_rest_works():
    def none():
        raise DependencyError("No evdev.", "Install it.")

    run = Run(settings=ControlSettings(keyboard=False, remote="auto"))
    run.hand.start(lens=False, bus=none)
    assert run.alerts == ["Something is not installed."]
    assert run.press(Action.REPEAT)
    run.hand.close()
