"""How many words are really said, in every language: of each sentence, and in any ten seconds."""

from __future__ import annotations

import itertools
import random
import statistics

import pytest

from assistant import languages
from assistant.clock import ManualClock
from assistant.speech import lint, phrase_file
from assistant.speech.budget import count_words
from assistant.speech.phrases import Phrases
from assistant.speech.policy import Policy
from assistant.speech.scheduler import Scheduler
from assistant.speech.speaker import Dropped, QueueSpeaker, SpeechEvent, Spoken
from assistant.types import Manner, Person, Place
from tests.speech_builders import PHRASES_FILE, FakePlayer, FakeVoice, expression, person, scene

CODES = sorted(path.stem for path in PHRASES_FILE.parent.glob("*.toml"))
ENGLISH = phrase_file.read(PHRASES_FILE)
SHOWN = (
    *(
        (),
        ("AU12",),
        ("AU06", "AU12", "AU25"),
        ("AU06", "AU12", "AU26"),
        ("AU01", "AU02", "AU26"),
        ("AU15",),
        ("AU09",),
    ),
    *(
        ("AU04",),
        ("AU01", "AU02"),
        ("AU43",),
        ("AU05",),
        ("AU10",),
        ("AU01",),
        ("AU20",),
        ("AU26",),
        ("AU24",),
        ("AU17",),
    ),
)
MANNERS = (
    *(Manner(), Manner(facing=True), Manner(facing=False), Manner(gesture="nodding"), Manner(gesture="shaking")),
    *(Manner(talking=True), Manner(motion="approaching"), Manner(motion="leaving"), Manner(eyes_closed_s=3.0)),
)


class Street:
    """Let people come and go by chance, the same at every run, and note what is heard of them."""

    def __init__(self, words: Phrases, verbosity: int, emotions: bool) -> None:
        self.clock, self._chance = ManualClock(), random.Random(verbosity)
        self.policy = Policy(words, emotions, verbosity)
        scheduler = Scheduler(self.policy.still_true)
        self.speaker = QueueSpeaker(FakeVoice(), FakePlayer(), self.clock, self._heard, scheduler=scheduler)
        self.heard: list[Spoken] = []

    def walk(self, minutes: float) -> None:
        crowd: list[Person] = []
        until_s = 0.0
        for tick in range(round(minutes * 300)):
            now_s = tick * 0.2
            self.clock.set(now_s)
            if now_s >= until_s:
                until_s = now_s + self._chance.uniform(0.8, 9.0)
                crowd = [self._somebody(track) for track in range(1, self._chance.choice((0, 1, 1, 1, 2, 2, 3, 5)) + 1)]
            utterance = self.policy.consider(scene(*crowd, at_s=now_s), now_s).utterance
            self.speaker.pump(now_s)
            if utterance is not None:
                self.speaker.say(utterance, now_s)

    def _somebody(self, track: int) -> Person:
        pick = self._chance.choice
        shows = expression(pick(("happiness", "surprise", "anger")), confidence=0.9)
        return person(
            *pick(SHOWN),
            track=track,
            x=pick((50, 320, 590)),
            width=pick((8, 20, 45, 120)),
            manner=pick(MANNERS),
            shows=shows,
        )

    def _heard(self, event: SpeechEvent) -> None:
        if isinstance(event, Spoken):
            self.heard.append(event)
            for part in event.told:
                self.policy.spoken(part, event.start_s, event.seconds)
        elif isinstance(event, Dropped):
            self.policy.dropped(event.utterance, event.reason)


@pytest.mark.parametrize(("verbosity", "emotions"), [(2, False), (4, True)], ids=["default", "everything"])
@pytest.mark.parametrize("code", CODES)
def test_what_is_really_said_unasked_is_short(code: str, verbosity: int, emotions: bool) -> None:
    street = Street(languages.phrases(code), verbosity, emotions)
    street.walk(minutes=2)
    counts = [count_words(event.utterance.text) for event in street.heard]
    assert len(counts) >= 20
    assert max(counts) <= 9, max((event.utterance.text for event in street.heard), key=count_words)
    assert statistics.median(counts) <= 5
    ends = [event.start_s + event.seconds for event in street.heard]
    for window_s in ends:  # the fullest windows of ten seconds begin where words end
        heard = [
            event
            for event, end_s in zip(street.heard, ends, strict=True)
            if end_s >= window_s and event.start_s <= window_s + 10
        ]
        assert sum(count_words(event.utterance.text) for event in heard) <= 12, [
            event.utterance.text for event in heard
        ]


@pytest.mark.parametrize("code", CODES)
def test_there_is_room_for_the_place_of_whoever_comes(code: str) -> None:
    words = languages.phrases(code)
    who = [*(words.count(people) for people in (1, 2, 5, 10, 11)), words.another()]
    for name, hour, metres in itertools.product(who, range(12), (0.5, *range(2, 12))):
        somebody = Person(*_face(), place=Place(hour * 30.0, metres))
        place = words.place(somebody)
        assert count_words(words.placed(name, place)) <= 9
        assert count_words(words.nearest(place)) <= 9


def _face() -> tuple[object, ...]:
    plain = person()
    return plain.face, plain.units, plain.expression


FORBIDDEN = {
    # age, gender, looks, identity, verdict
    "cs": ["starší", "muž", "černý", "přítel", "lže"],
    "de": ["alte", "Frau", "schwarze", "Freundin", "lügt"],
    "en": ["elderly", "woman", "handsome", "friend", "lying"],
    "es": ["vieja", "chica", "guapo", "amiga", "mentiroso"],
    "fr": ["vieille", "femme", "blanche", "inconnue", "malade"],
    "hi": ["बूढ़ा", "महिला", "गोरा", "दोस्त", "झूठा"],
    "it": ["anziana", "donna", "brutto", "amico", "stanca"],
    "nl": ["oude", "meisje", "knappe", "vriend", "dronken"],
    "pl": ["starszy", "kobieta", "gruby", "znajomy", "pijany"],
    "pt": ["velho", "mulher", "bonita", "amiga", "cansado"],
    "sv": ["gammal", "kvinna", "snygg", "vän", "trött"],
    "tr": ["yaşlı", "kadın", "güzel", "arkadaş", "yorgun"],
}
KINDS = ("age", "gender", "looks", "identity", "verdict")


def test_the_table_has_every_language() -> None:
    assert sorted(FORBIDDEN) == CODES


@pytest.mark.parametrize("code", CODES)
def test_who_somebody_is_and_what_to_think_of_them_is_never_said(code: str) -> None:
    words = phrase_file.read(PHRASES_FILE.with_stem(code))
    for kind, word in zip(KINDS, FORBIDDEN[code], strict=True):
        for said in (word, word.capitalize(), f"{word.upper()}, {words.movement.smiling}"):
            wrong = words.model_copy(update={"movement": words.movement.model_copy(update={"smiling": said})})
            assert any(f"tells of {kind}" in complaint for complaint in lint.complaints(wrong, ENGLISH)), (kind, said)


@pytest.mark.parametrize("code", CODES)
def test_feelings_are_named_only_where_they_are_hedged(code: str) -> None:
    words = phrase_file.read(PHRASES_FILE.with_stem(code))
    for key, phrase in words.emotion.model_dump().items():
        wrong = words.model_copy(update={"movement": words.movement.model_copy(update={"smiling": phrase})})
        assert any("tells of feeling" in complaint for complaint in lint.complaints(wrong, ENGLISH)), (key, phrase)
