import pytest

from assistant.clock import ManualClock
from assistant.facs import AU_ORDER
from assistant.loop import NO_UNITS, Loop, Stages, brightness
from assistant.types import ActionUnits, Priority, Utterance
from assistant.vision.scene import SceneReader
from tests.app_builders import (
    CountingTracker,
    EagerPolicy,
    FixedUnits,
    ListCamera,
    PlainClassifier,
    ScriptedDetector,
    face,
    frame,
)

UNITS = ActionUnits((0.5,) * len(AU_ORDER), (True,) * len(AU_ORDER))
WORDS = Utterance("One person.", Priority.MESSAGE, 0.0, 3.0, "arrival")


class TickingClock:
    """Pass 10 ms at every look."""

    def __init__(self):
        self.now = 0.0

    def now_s(self):
        self.now += 0.01
        return self.now


class Mouth:
    def __init__(self):
        self.said, self.pumped = [], []

    def say(self, utterance, now_s):
        self.said.append((utterance.text, now_s))
        return True

    def pump(self, now_s):
        self.pumped.append(now_s)


class Notes:
    def __init__(self):
        self.seen = []

    def observe(self, frame, scene, considered, now_s):
        self.seen.append((frame.index, len(scene.people), considered.utterance, now_s))


def build(*faces, most_faces=4, utterance=None):
    units, mouth, notes, clock = FixedUnits(UNITS), Mouth(), Notes(), ManualClock(1.0)
    policy = EagerPolicy(utterance)
    stages = Stages(ScriptedDetector(*faces), CountingTracker(), units, units, PlainClassifier(), SceneReader(), policy)
    loop = Loop(stages, mouth, [notes], clock, TickingClock(), most_faces)
    return loop, units, mouth, notes, policy


def test_a_frame_goes_through_every_stage_and_its_words_are_said_at_the_loops_time():
    loop, units, mouth, notes, _ = build(face(), utterance=WORDS)
    scene = loop.step(frame())
    assert [person.face.track for person in scene.people] == [1]
    assert scene.people[0].expression.label == "happiness"
    assert (scene.width_px, scene.height_px) == (64, 48)
    assert mouth.said == [("One person.", 1.0)]
    assert notes.seen == [(0, 1, WORDS, 1.0)]
    assert units.calls == 1


def test_speech_is_pumped_every_frame_also_without_words():
    loop, _, mouth, _, _ = build()
    loop.run(ListCamera(frame(0), frame(1)))
    assert len(mouth.pumped) == 2
    assert not mouth.said


def test_only_the_largest_faces_are_read_but_all_are_counted():
    loop, units, *_ = build(face(0, 10), face(20, 30), face(5, 20), most_faces=2)
    people = loop.step(frame()).people
    assert units.calls == 2
    assert [person.face.width_px for person in people] == [30, 20, 10]
    assert people[2].units == NO_UNITS
    assert people[2].expression.label == "unclear"


def test_the_report_counts_frames_and_gives_percentiles():
    loop, *_ = build(face())
    loop.run(ListCamera(*(frame(i) for i in range(5))))
    report = loop.report()
    assert report["frames"] == 5
    assert report["fps"] == pytest.approx(5 / report["seconds"], rel=0.01)
    assert report["detect_ms_p50"] == pytest.approx(10)
    assert report["au_ms_p50"] == pytest.approx(10)
    assert report["frame_ms_p50"] == pytest.approx(50)
    assert report["frame_ms_p95"] == pytest.approx(50)


def test_nothing_timed_is_none_and_not_zero():
    loop, *_ = build()
    loop.run(ListCamera(frame()))
    assert loop.report()["au_ms_p50"] is None
    fresh, *_ = build()
    assert fresh.report()["fps"] is None


def test_brightness_is_luminance_between_0_and_1():
    assert brightness(frame(level=0)) == 0
    assert brightness(frame(level=255)) == pytest.approx(1)
    assert brightness(frame(level=51)) == pytest.approx(0.2)
