"""Build people, scenes and fakes for the tests of speech."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from assistant.errors import SpeechError
from assistant.facs import AU_ORDER, EXPRESSIONS, UNCLEAR
from assistant.speech.phrases import Phrases
from assistant.types import ActionUnits, Expression, Face, Manner, Person, Place, Priority, Scene, Speech, Utterance

PHRASES_FILE = Path(__file__).resolve().parents[1] / "config" / "phrases" / "en.toml"
FRAME_WIDTH_PX, FRAME_HEIGHT_PX = 640, 480
FOCAL_PX = 457.0  # of 70 degrees from left to right


def phrases() -> Phrases:
    return Phrases.load(PHRASES_FILE)


def units(shown: Mapping[str, float | None] | None = None) -> ActionUnits:
    """All units absent at 0.05, but those given; present from 0.5; None is unknown."""
    values = dict.fromkeys(AU_ORDER, 0.05) | dict(shown or {})
    probability = tuple(values[au] for au in AU_ORDER)
    return ActionUnits(probability, tuple(None if p is None else p >= 0.5 for p in probability))


def expression(label: str = UNCLEAR, top: str = "neutral", confidence: float = 0.4) -> Expression:
    top = top if label == UNCLEAR else label
    rest = (1 - confidence) / (len(EXPRESSIONS) - 1)
    return Expression(label, confidence, tuple(confidence if each == top else rest for each in EXPRESSIONS), ("AU12",))


def person(
    *shown: str,
    track: int = 1,
    x: float = 320.0,
    width: float = 100.0,
    yaw_deg: float = 0.0,
    shows: Expression | None = None,
    probability: float = 0.95,
    manner: Manner | None = None,
) -> Person:
    """A face centred at x; 100 px wide in 640 at 70 degrees is 0.7 m away."""
    box = (x - width / 2, 200.0, x + width / 2, 200.0 + width)
    face = Face(box, np.zeros((6, 2), np.float32), 0.9, track, yaw_deg)
    place = Place(math.degrees(math.atan2(x - FRAME_WIDTH_PX / 2, FOCAL_PX)), 0.15 * FOCAL_PX / width)
    shows_units = units(dict.fromkeys(shown, probability))
    return Person(face, shows_units, shows or expression(), place=place, manner=manner or Manner())


def scene(*people: Person, brightness: float = 0.5, at_s: float = 0.0) -> Scene:
    return Scene(at_s, FRAME_WIDTH_PX, FRAME_HEIGHT_PX, people, brightness)


def utterance(
    text: str = "Smiling.",
    priority: Priority = Priority.NOTIFICATION,
    now_s: float = 0.0,
    lasts_s: float = 2.0,
    track: int = 1,
    earcon: str = "",
    reason: str = "movement",
    pan: float = 0.0,
) -> Utterance:
    return Utterance(text, priority, now_s, now_s + lasts_s, reason, track, {"AU12": 0.9}, pan, earcon)


class FakeVoice:
    """Speak a steady tone, as long as the words take at 240 words a minute; fail as often as asked."""

    name = "fake"

    def __init__(self, failures: int = 0, rate_hz: int = 1_000) -> None:
        self.failures, self.rate_hz = failures, rate_hz
        self.texts: list[str] = []
        self.closed = False

    def synthesise(self, text: str) -> Speech:
        if self.failures:
            self.failures -= 1
            raise SpeechError("The voice hangs.", "Restart it.")
        self.texts.append(text)
        return Speech(np.full(round(len(text.split()) * 0.25 * self.rate_hz), 1_000, np.int16), self.rate_hz)

    def close(self) -> None:
        self.closed = True


class FakePlayer:
    """Remember what was played; have the troubles it is given, in turn."""

    name = "fake"
    busy = False

    def __init__(self, troubles: list[str | None] | None = None) -> None:
        self.played: list[Speech] = []
        self.pans: list[float] = []
        self.chimes: list[Speech] = []
        self.gain = 1.0
        self.stops = 0
        self.closed = False
        self._troubles = troubles or []

    def play(self, speech: Speech, pan: float = 0.0) -> None:
        self.played.append(speech)
        self.pans.append(pan)

    def chime(self, sound: Speech, pan: float = 0.0) -> None:
        self.chimes.append(sound)

    def volume(self, gain: float) -> None:
        self.gain = gain

    def stop(self) -> None:
        self.stops += 1

    def trouble(self) -> str | None:
        return self._troubles.pop(0) if self._troubles and self.played else None

    def describe(self) -> tuple[str, str]:
        return self.name, "a test"

    def close(self) -> None:
        self.closed = True
