"""Let one hear what settings would say: the policy at work on a made scene that is the same each time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from assistant.facs import AU_ORDER, EXPRESSIONS, UNCLEAR
from assistant.speech.budget import count_words
from assistant.speech.claims import DEFAULT_CUES
from assistant.speech.phrases import Phrases
from assistant.speech.policy import Policy
from assistant.types import ActionUnits, Expression, Face, Manner, Person, Place, Scene, Utterance

_STEP_S: Final = 0.1
_WORD_S: Final = 0.25  # 240 words a minute
_WIDTH_PX, _HEIGHT_PX = 640, 480
_BOX_XYXY: Final = (400.0, 200.0, 460.0, 260.0)
_BEARING_DEG: Final = 25.0
_STILL: Final = Manner()


@dataclass(frozen=True, slots=True)
class _Part:
    """One part of the story: from when on, what somebody shows and does, and how far away."""

    from_s: float
    units: tuple[str, ...] = ()
    manner: Manner = _STILL
    distance_m: float = 2.0
    label: str = UNCLEAR


_STORY: Final = (
    _Part(1.0),
    _Part(8.0, manner=Manner(facing=True)),
    _Part(14.0, ("AU06", "AU12", "AU25"), label="happiness"),
    _Part(20.0),
    _Part(24.0, manner=Manner(gesture="nodding")),
    _Part(26.0),
    _Part(32.0, ("AU01", "AU02")),
    _Part(36.0),
    _Part(42.0, manner=Manner(talking=True)),
    _Part(46.0),
    _Part(52.0, manner=Manner(motion="approaching"), distance_m=1.5),
    _Part(55.0, distance_m=1.0),
    _Part(62.0, ("AU24",), distance_m=1.0),
    _Part(66.0, distance_m=1.0),
    _Part(72.0, ("AU43",), Manner(eyes_closed_s=3.0), 1.0),
    _Part(76.0, distance_m=1.0),
)
_LEAVES_S, _END_S = 82.0, 86.0


def preview(
    phrases: Phrases,
    verbosity: int,
    cues: frozenset[str] = DEFAULT_CUES,
    emotions: bool = False,
    max_words_per_10_s: int = 12,
) -> tuple[Utterance, ...]:
    """Return what would be said while one person comes, turns, smiles, nods, talks, comes closer and leaves.

    Args:
        phrases: the words.
        verbosity: 1 to 4.
        cues: kinds of news that are switched on.
        emotions: whether hedged emotion words are used.
        max_words_per_10_s: limit of words.
    """
    policy = Policy(phrases, emotions, verbosity, max_words_per_10_s, cues)
    said = []
    for scene in _scenes():
        now_s = scene.captured_at_s
        if (utterance := policy.consider(scene, now_s).utterance) is not None:
            policy.spoken(utterance, now_s, count_words(utterance.text) * _WORD_S)
            said.append(utterance)
    return tuple(said)


def _scenes() -> Iterator[Scene]:
    for tick in range(round(_END_S / _STEP_S)):
        now_s = tick * _STEP_S
        part = next((part for part in reversed(_STORY) if part.from_s <= now_s < _LEAVES_S), None)
        yield Scene(now_s, _WIDTH_PX, _HEIGHT_PX, (_person(part),) if part else ())


def _person(part: _Part) -> Person:
    probability = tuple(0.9 if au in part.units else 0.05 for au in AU_ORDER)
    units = ActionUnits(probability, tuple(p > 0.5 for p in probability))
    top = "neutral" if part.label == UNCLEAR else part.label
    shares = tuple(0.9 if name == top else 0.1 / (len(EXPRESSIONS) - 1) for name in EXPRESSIONS)
    shown = Expression(part.label, 0.9, shares, part.units[:2])
    face = Face(_BOX_XYXY, np.zeros((6, 2), np.float32), 0.9, track=1)
    return Person(face, units, shown, place=Place(_BEARING_DEG, part.distance_m), manner=part.manner)
