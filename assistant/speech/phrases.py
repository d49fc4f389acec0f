"""Put people into words. All words are in a phrase file, one a language; here is only how they are joined."""

from __future__ import annotations

from pathlib import Path
from typing import Final, Self

from assistant.errors import FacecueError
from assistant.facs import AU_ORDER, EXPRESSIONS, UNCLEAR
from assistant.speech import catalogue, grammar, phrase_file
from assistant.speech.claims import Claim, Rank
from assistant.speech.movements import MOVEMENTS, Movement
from assistant.types import Face, Person, Scene

_TURNED_AWAY_DEG: Final = 45.0  # beyond, half of the face is hidden, and movements of it are guesses
_CLOSE_M: Final = 1.2  # Hall's personal distance: nearer needs no number
_MOST_DESCRIBED: Final = 3  # an answer about more people is longer than it is useful
_LONG_CLOSED_S: Final = 2.0  # drowsy people close their eyes for longer than a blink of half a second (Dinges 1998)
_TURN_LASTS_S: Final = 0.4  # a glance past the camera is shorter
_HEAD: Final = (Rank.FACING, Rank.AWAY)
_RANK_OF_LEVEL: Final = {2: Rank.STRONG, 3: Rank.MOVEMENT, 4: Rank.MINOR}


class Phrases:
    """Find words for people, from one phrase file. Pure: no state, no I/O after `load`."""

    def __init__(self, words: catalogue.Catalogue) -> None:
        self._words = words

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read a phrase file (config/phrases/en.toml shows the form).

        Raises:
            SettingsError: it cannot be read, or says something that cannot be used; tell the person.
        """
        return cls(phrase_file.read(path))

    @property
    def language(self) -> str:
        """The language's code, such as "en"."""
        return self._words.language.code

    @property
    def voice(self) -> str:
        """The voice of espeak-ng that speaks this language."""
        return self._words.language.voice

    @property
    def sentence(self) -> catalogue.Sentence:
        """The whole sentences about people and light."""
        return self._words.sentence

    @property
    def state(self) -> catalogue.State:
        """The sentences about Facecue itself."""
        return self._words.state

    @property
    def control(self) -> catalogue.Control:
        """What is said to the wearer's keys."""
        return self._words.control

    @property
    def page(self) -> catalogue.Page:
        """What is said of the settings page."""
        return self._words.page

    def changed(self, by: str, settings: int) -> str:
        """Return such as "Anna changed 2 settings."."""
        return grammar.plural(self.language, self._words.page.changed, settings, by=by)

    def sound(self, name: str) -> str:
        """Return what a sound says, one of `earcons.NAMES`."""
        return str(getattr(self._words.sound, name))

    def cue(self, name: str) -> str:
        """Return a kind of news, such as "Smiles"."""
        return str(getattr(self._words.cue, name))

    def key(self, name: str) -> str:
        """Return a key's name, such as "space"; "" for one that is named alike in every language."""
        return str(getattr(self._words.key, name, ""))

    def action(self, name: str) -> str:
        """Return what a key does, such as "next person"."""
        return str(getattr(self._words.action, name))

    def error(self, error: FacecueError) -> str:
        """Return what the wearer hears of an error."""
        return str(getattr(self._words.error, error.key, error.spoken))

    def count(self, people: int) -> str:
        """Return such as "Two people"."""
        words = self._words.people
        if people == 0:
            return words.none
        return self._plural(words.count, people) if people <= len(words.numbers) else words.more

    def some_left(self, people: int) -> str:
        """Return such as "Two people left."."""
        return self._plural(self._words.sentence.some_left, people)

    def _plural(self, forms: catalogue.Plural, people: int) -> str:
        """Return the form for so many people, the number in words up to ten."""
        numbers = self._words.people.numbers
        word = numbers[people - 1] if 0 < people <= len(numbers) else ""
        return self.capitalised(grammar.plural(self.language, forms, people, word))

    def capitalised(self, text: str) -> str:
        """Return the text with a capital first letter, as the language writes it."""
        return grammar.capitalised(self.language, text)

    def another(self) -> str:
        """Return such as "Another person"."""
        return self._words.people.another

    def nearest(self, place: str) -> str:
        """Return such as "Nearest close, at one o'clock."."""
        return self._words.people.nearest.format(place=place)

    def one(self, place: str) -> str:
        """Return such as "One, close, at one o'clock."."""
        return self._words.people.one.format(place=place)

    def whole(self, words: str) -> str:
        """Return such as "Two people."."""
        return self.sentence.whole.format(words=words)

    def placed(self, who: str, place: str) -> str:
        """Return such as "One person, close, at one o'clock."; only who it is where the place is not known."""
        return self.sentence.placed.format(who=who, place=place) if place else self.whole(who)

    def direction(self, person: Person) -> str:
        """Return such as "at one o'clock"; nothing where it is not known."""
        return self._words.direction.hours[person.place.hour % 12] if person.place else ""

    def place(self, person: Person, more: str = "") -> str:
        """Return such as "close, at one o'clock, smiling"; `more` goes last."""
        if person.place is None:
            return ""
        distance = self.distance(person.place.distance_m)
        pattern = self.sentence.doing if more else self.sentence.place
        return pattern.format(distance=distance, direction=self.direction(person), movement=more)

    def distance(self, metres: float) -> str:
        """Return "close", such as "two metres", or "far"."""
        words = self._words.distance
        if metres < _CLOSE_M:
            return words.close
        return words.metres[round(metres) - 1] if round(metres) <= len(words.metres) else words.far

    def claims(self, person: Person, emotions: bool = False) -> tuple[Claim, ...]:
        """Return what can be said of somebody, the most newsworthy first; nothing of a face that is turned away."""
        found = self._manners(person)
        if not turned_away(person.face):
            found += [self._emotion(person, person.expression.label)] if emotions else []
            found += [self._movement(person, movement, order) for order, movement in enumerate(MOVEMENTS)]
        return tuple(sorted((claim for claim in found if claim is not None), key=lambda claim: claim.salience))

    def _manners(self, person: Person) -> list[Claim | None]:
        """Return what somebody does with head, mouth and feet. Its stage has seen to it that it lasts."""
        manner, words, face = person.manner, self._words.manner, person.face
        found: list[Claim | None] = []
        head = {"yaw_deg": face.yaw_deg, "pitch_deg": face.pitch_deg}
        if manner.facing is not None:
            key, rank, level = ("facing", Rank.FACING, 2) if manner.facing else ("away", Rank.AWAY, 3)
            said = words.facing if manner.facing else words.away
            found.append(Claim(key, said, head, rank, "facing", level, lasts_s=_TURN_LASTS_S, again_after_s=30.0))
        if manner.gesture:
            said = words.nodding if manner.gesture == "nodding" else words.shaking
            found.append(Claim(manner.gesture, said, head, Rank.GESTURE, "gesture", 2, lasts_s=0.0, again_after_s=4.0))
        if manner.talking:
            found.append(Claim("talking", words.talking, {}, Rank.TALKING, "talking", 3, again_after_s=30.0))
        if manner.motion and person.place:
            said = words.approaching if manner.motion == "approaching" else words.leaving
            far = {"distance_m": person.place.distance_m}
            found.append(Claim(manner.motion, said, far, Rank.APPROACH, "approach", 4, again_after_s=15.0))
        if manner.eyes_closed_s >= _LONG_CLOSED_S:
            closed = {"closed_s": manner.eyes_closed_s}
            found.append(Claim("long", words.eyes_closed, closed, Rank.EYES_CLOSED, "eyes_closed", 2, (), 0, 0.0, 30.0))
        return found

    def _movement(self, person: Person, movement: Movement, order: int) -> Claim | None:
        evidence = movement.evidence(person.units)
        if evidence is None:
            return None
        rank = Rank.SMILE if movement.cue == "smile" else _RANK_OF_LEVEL[movement.level]
        words: str = getattr(self._words.movement, movement.name)
        return Claim(movement.name, words, evidence, rank, movement.cue, movement.level, order=order)

    def both(self, claim: Claim, other: Claim) -> str:
        """Return such as "facing you, smiling"."""
        return self.sentence.both.format(movement=claim.words, other=other.words)

    def unclear_emotion(self, person: Person) -> Claim | None:
        """Return the emotion words that would be said if the classifier were sure; None where it is."""
        if person.expression.label != UNCLEAR or turned_away(person.face):
            return None
        probabilities = person.expression.probabilities
        return self._emotion(person, EXPRESSIONS[probabilities.index(max(probabilities))])

    def _emotion(self, person: Person, label: str) -> Claim | None:
        """Return hedged words for an expression, fuller with the units behind it; None where it is unclear."""
        words: str | None = getattr(self._words.emotion, label, None)
        if words is None:
            return None
        units = dict(zip(AU_ORDER, person.units.probability, strict=True))
        evidence = {label: person.expression.probabilities[EXPRESSIONS.index(label)]}
        evidence.update({au: p for au in person.expression.evidence if (p := units[au]) is not None})
        cue = "smile" if label == "happiness" else "movement"
        return Claim(
            label, words, evidence, Rank.EMOTION, cue, 2, self._with_reasons(words, person.expression.evidence)
        )

    def _with_reasons(self, movement: str, evidence: tuple[str, ...]) -> tuple[str, ...]:
        """Return the words with two Action Units as reasons, and with one; fewer where there are fewer."""
        units = [getattr(self._words.unit, au) for au in evidence[:2]]
        patterns = (self.sentence.because_both, self.sentence.because)[2 - len(units) :]
        return tuple(pattern.format(movement=movement, unit=units[0], other=units[-1]) for pattern in patterns)

    def describe_scene(self, scene: Scene, emotions: bool = False, most: int = _MOST_DESCRIBED) -> str:
        """Return the whole scene: how many there are, and a sentence for each of the first.

        Args:
            scene: what is seen; one frame is enough.
            emotions: whether hedged emotion words may be used.
            most: people who get a sentence.
        """
        people = scene.people
        if not people:
            return self.whole(self.count(0))
        spots = [self._spot(person, emotions) for person in people[:most]]
        if len(people) == 1:
            return self.placed(self.count(1), spots[0])
        each = [self.one(spot) for spot in spots if spot]
        return " ".join([self.whole(self.count(len(people))), *each])

    def describe_person(self, person: Person, emotions: bool = False) -> str:
        """Return one of the people in a scene, such as "One person, close, ahead, smiling."."""
        return self.placed(self.count(1), self._spot(person, emotions))

    def _spot(self, person: Person, emotions: bool) -> str:
        """Return where somebody is and what they show: the face before the manner, which is the news of a moment."""
        if turned_away(person.face):
            return self.place(person, self._words.manner.away)
        shown = sorted(self.claims(person, emotions), key=lambda claim: claim.rank in _HEAD)
        return self.place(person, shown[0].words if shown else "")


def turned_away(face: Face) -> bool:
    """Tell whether the head is turned so far that movements of the face cannot be claimed."""
    return abs(face.yaw_deg) > _TURNED_AWAY_DEG
