"""Decide what is worth saying, and when: who came or went, and which movement of a face is news."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, Literal

from assistant.speech import earcons, places
from assistant.speech.budget import WordBudget, count_words
from assistant.speech.crowd import Crowd, Track
from assistant.speech.light import Light
from assistant.speech.phrases import Claim, Phrases
from assistant.types import Considered, Face, Priority, Scene, Utterance

Verbosity = Literal["quiet", "normal", "detailed"]

_NEWS_LASTS_S: Final = 3.0
_CHANGE_LASTS_S: Final = 2.0
_ANSWER_LASTS_S: Final = 6.0
_FACE_GAP_S: Final = 2.5  # between two utterances about one face
_MINOR_LEAVES_WORDS: Final = 4  # room that common movements leave for a smile or an arrival
_PAUSE_S: Final = 3.0  # no scene for so long: what was known is not known any more


@dataclass(frozen=True, slots=True)
class _Candidate:
    """Something to say: the fullest text first; what to remember once it is said, and to take back if it was not."""

    texts: tuple[str, ...]
    priority: Priority
    lasts_s: float
    reason: str
    said: Callable[[str], None]
    undo: Callable[[], None]
    track: Track | None = None
    claim: Claim | None = None
    people: int = 0

    @property
    def face(self) -> Face | None:
        return self.track.person.face if self.track else None


class Policy:
    """Decide what is worth saying. Has no side effects but its memory; belongs to the loop's thread.

    Arrivals and departures are of priority MESSAGE, movements of a face NOTIFICATION, darkness IMPORTANT. Unprompted
    words keep to a budget in any ten seconds; what does not fit waits while it is true and news, then it is dropped.
    Tell `spoken` and `dropped` what became of the words, or the budget assumes the worst and less is said.

    Args:
        phrases: the words.
        emotions: whether hedged emotion words are used; off, since a face is no proof of a mind.
        verbosity: "quiet" tells who comes and goes, "normal" movements too, "detailed" also the common ones whenever
            the budget allows.
        camera_hfov_deg: what the camera sees from left to right; 70 is usual for a head or laptop camera.
        max_words_per_10_s: limit of unprompted words; 12 leave two thirds of the time for the conversation.
    """

    def __init__(
        self,
        phrases: Phrases,
        emotions: bool = False,
        verbosity: Verbosity = "normal",
        camera_hfov_deg: float = 70.0,
        max_words_per_10_s: int = 12,
    ) -> None:
        self._phrases, self._emotions, self._verbosity = phrases, emotions, verbosity
        self._hfov_deg = camera_hfov_deg
        self._budget = WordBudget(max_words_per_10_s)
        self._light = Light()
        self._crowd = Crowd(lambda person: phrases.claims(person, emotions), self._hold_back)
        self._undo: list[tuple[Utterance, Callable[[], None]]] = []
        self._now_s: float | None = None
        self._scene: Scene | None = None
        self._suppressed: list[tuple[Utterance, str]] = []

    def consider(self, scene: Scene, now_s: float) -> Considered:
        """Return at most one utterance for now, and what was kept back with the reason."""
        if self._now_s is not None and now_s - self._now_s > _PAUSE_S:
            self._crowd.forget()
        self._now_s, self._scene, self._suppressed = now_s, scene, []
        self._undo = [(u, undo) for u, undo in self._undo if now_s - u.expires_at_s < _PAUSE_S]
        dark = self._light.consider(scene.brightness, now_s)
        self._crowd.observe(scene, now_s, self._light.dim)
        self._hold_back_unclear(scene)
        if dark is not None:
            return Considered(self._alert(dark, now_s), tuple(self._suppressed))
        chosen: Utterance | None = None
        for candidate in self._candidates(scene, now_s):
            if chosen is None:
                chosen = self._try(candidate, scene, now_s)
        return Considered(chosen, tuple(self._suppressed))

    def spoken(self, utterance: Utterance, start_s: float, seconds: float) -> None:
        """Learn that words are heard, and when."""
        self._budget.spoken(utterance, start_s, seconds)

    def dropped(self, utterance: Utterance) -> None:
        """Learn that words will not be heard, so that they count as not said."""
        self._budget.release(utterance)
        for other, undo in self._undo:
            if other is utterance:
                undo()

    def describe_scene(self, scene: Scene) -> str:
        """Return the whole scene in words, as an answer."""
        return self._phrases.describe_scene(scene, self._emotions, self._hfov_deg)

    def answer(self, scene: Scene, now_s: float) -> Utterance:
        """Return the answer to "what is here": said at once, outside the budget, since the wearer asked."""
        evidence = {"people": len(scene.people)}
        text = self.describe_scene(scene)
        return Utterance(text, Priority.MESSAGE, now_s, now_s + _ANSWER_LASTS_S, "answer", evidence=evidence)

    # What could be said

    def _candidates(self, scene: Scene, now_s: float) -> Iterator[_Candidate]:
        """Yield what could be said now, the most urgent first."""
        if arrived := self._arrived(now_s):
            yield self._arrival(arrived, scene, now_s)
        if self._left(now_s):
            yield self._departure()
        tracks = [track for track in self._crowd.tracks.values() if track.greeted and track.last_s == now_s]
        fresh = [(track, track.claims[words]) for track in tracks for words in track.fresh if words in track.claims]
        for track, claim in sorted(fresh, key=lambda each: (each[1].rank, -each[0].person.face.width_px)):
            if not track.told(claim, now_s):  # a greater movement may have been said since
                yield self._change(track, claim, now_s)

    def _arrived(self, now_s: float) -> list[Track]:
        """Return who is in view and was not told of; give up those whose arrival is no news any more."""
        arrived = []
        for track in self._crowd.tracks.values():
            if track.confirmed_s is None or track.greeted:
                continue
            if now_s - track.confirmed_s > _NEWS_LASTS_S:
                track.greeted = True
                self._keep_back(f"{self._phrases.count(1)}.", Priority.MESSAGE, "arrival", "expired", track)
            elif track.last_s == now_s:
                arrived.append(track)
        return arrived

    def _left(self, now_s: float) -> bool:
        """Tell whether somebody left; give up departures that are no news any more."""
        recent = [left_s for left_s in self._crowd.left_s if now_s - left_s <= _NEWS_LASTS_S]
        if len(recent) < len(self._crowd.left_s):
            self._keep_back(self._phrases.sentence.left, Priority.MESSAGE, "departure", "expired")
            self._crowd.left_s = recent
        return bool(recent)

    def _arrival(self, arrived: list[Track], scene: Scene, now_s: float) -> _Candidate:
        people = self._crowd.confirmed
        several = len(arrived) > 1
        nearest = max(arrived, key=lambda track: track.person.face.width_px)
        claim = next((claim for claim in nearest.lasting() if not claim.minor), None)
        if self._verbosity == "quiet":
            claim = None
        who = self._phrases.count(people) if several or people == 1 else self._phrases.another()

        def full(more: str) -> str:
            place = self._phrases.place(nearest.person.face, scene, self._hfov_deg, more)
            return f"{who}. {self._phrases.nearest(place)}." if several else f"{who}, {place}."

        def said(text: str) -> None:
            for track in arrived:
                track.greeted = track.announced = True
                track.spoken_of_s = now_s
            if claim and claim.words in text:
                nearest.said[claim.words] = (claim, now_s)

        def undo() -> None:
            for track in arrived:
                track.announced = False
            if claim:
                nearest.said.pop(claim.words, None)

        texts = ([full(claim.words)] if claim else []) + [full(""), f"{who}."]
        return _Candidate(
            tuple(texts), Priority.MESSAGE, _NEWS_LASTS_S, "arrival", said, undo, nearest, claim, people=people
        )

    def _departure(self) -> _Candidate:
        sentence, crowd = self._phrases.sentence, self._crowd
        if crowd.confirmed:
            text = self._phrases.some_left(len(crowd.left_s))
        else:
            text = sentence.left if len(crowd.left_s) == 1 else sentence.all_left
        return _Candidate(
            (text,),
            Priority.MESSAGE,
            _NEWS_LASTS_S,
            "departure",
            said=lambda _text: crowd.left_s.clear(),
            undo=lambda: None,
            people=crowd.confirmed,
        )

    def _change(self, track: Track, claim: Claim, now_s: float) -> _Candidate:
        fresh_since_s = track.fresh[claim.words]

        def said(_text: str) -> None:
            track.said[claim.words] = (claim, now_s)
            track.spoken_of_s = now_s
            del track.fresh[claim.words]

        def undo() -> None:
            track.said.pop(claim.words, None)
            track.fresh[claim.words] = fresh_since_s

        text = self._change_text(track, claim)
        return _Candidate((text,), Priority.NOTIFICATION, _CHANGE_LASTS_S, "movement", said, undo, track, claim)

    def _change_text(self, track: Track, claim: Claim) -> str:
        """Return such as "Smiling.", or with several people in view "At one o'clock, smiling."."""
        sentence, scene = self._phrases.sentence, self._scene
        if scene is None or len(scene.people) == 1:
            return self._phrases.capitalised(sentence.change.format(movement=claim.words))
        direction = self._phrases.direction(track.person.face, scene, self._hfov_deg)
        return self._phrases.capitalised(sentence.change_of.format(movement=claim.words, direction=direction))

    # What is said

    def _try(self, candidate: _Candidate, scene: Scene, now_s: float) -> Utterance | None:
        """Return the fullest text that may be said now, and remember it as said; else keep it back with the reason."""
        reason = self._objection(candidate, now_s)
        left = self._budget.left(now_s)
        if candidate.claim and candidate.claim.minor and self._verbosity != "detailed":
            left -= _MINOR_LEAVES_WORDS
        text = next((text for text in candidate.texts if count_words(text) <= left), None)
        if reason or text is None:
            utterance = _utterance(candidate, candidate.texts[0], scene, now_s)
            self._suppressed.append((utterance, reason or "rate limit"))
            return None
        utterance = _utterance(candidate, text, scene, now_s)
        self._budget.reserve(utterance)
        self._undo.append((utterance, candidate.undo))
        candidate.said(text)
        return utterance

    def _objection(self, candidate: _Candidate, now_s: float) -> str:
        """Return why a candidate must not be said whatever its length, or ""."""
        if candidate.priority != Priority.NOTIFICATION or candidate.track is None:
            return ""
        if self._verbosity == "quiet":
            return "verbosity"
        return "rate limit" if now_s - candidate.track.spoken_of_s < _FACE_GAP_S else ""

    def _alert(self, dark: bool, now_s: float) -> Utterance:
        text = self._phrases.sentence.dark if dark else self._phrases.sentence.light
        expires_at_s = now_s + _ANSWER_LASTS_S
        return Utterance(
            text, Priority.IMPORTANT, now_s, expires_at_s, "alert", evidence={"dark": dark}, earcon=earcons.ALERT
        )

    # What is kept back

    def _hold_back(self, track: Track, claim: Claim, reason: str) -> None:
        self._keep_back(self._change_text(track, claim), Priority.NOTIFICATION, "movement", reason, track, claim)

    def _hold_back_unclear(self, scene: Scene) -> None:
        """Note the emotions that would be named if the classifier were sure."""
        if not self._emotions:
            return
        for person in scene.people:
            track = self._crowd.tracks.get(person.face.track)
            if track and (claim := self._phrases.unclear_emotion(person)):
                self._hold_back(track, claim, "below confidence")

    def _keep_back(
        self,
        text: str,
        priority: Priority,
        kind: str,
        reason: str,
        track: Track | None = None,
        claim: Claim | None = None,
    ) -> None:
        now_s = self._now_s or 0.0
        number = track.person.face.track if track else 0
        utterance = Utterance(text, priority, now_s, now_s, kind, number, claim.evidence if claim else {})
        self._suppressed.append((utterance, reason))


def _utterance(candidate: _Candidate, text: str, scene: Scene, now_s: float) -> Utterance:
    face, claim = candidate.face, candidate.claim
    evidence: dict[str, float] = {"people": candidate.people} if candidate.priority == Priority.MESSAGE else {}
    if claim and claim.words.casefold() in text.casefold():
        evidence.update(claim.evidence)
    return Utterance(
        text,
        candidate.priority,
        now_s,
        now_s + candidate.lasts_s,
        candidate.reason,
        face.track if face else 0,
        evidence,
        places.pan(face, scene.width_px) if face else 0.0,
    )
