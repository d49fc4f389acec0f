"""Decide what is worth saying, and when: who came or went, and which change about somebody is news."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from assistant.speech import earcons
from assistant.speech.budget import WordBudget, count_words
from assistant.speech.candidates import NEWS_LASTS_S, Candidate, Composer, nearest_of
from assistant.speech.claims import DEFAULT_CUES, Claim, Rank
from assistant.speech.crowd import Crowd, Track
from assistant.speech.light import Light
from assistant.speech.phrases import Phrases
from assistant.speech.reach import EVERYBODY_M, Reach
from assistant.types import Considered, Person, Priority, Scene, Utterance

_ANSWER_LASTS_S: Final = 6.0
_FACE_GAP_S: Final = 2.5  # between two utterances about one face
_PLAIN_LEAVES_WORDS: Final = 4  # room that plain movements leave for a smile or an arrival
_MOST_WORDS: Final = 9  # in one utterance
_OUT_OF_VIEW_S: Final = 0.5  # a face that is missed for longer is not spoken of
_PAUSE_S: Final = 3.0  # no scene for so long: what was known is not known any more
_KNOWN_OR_UNWANTED: Final = ("repeated", "stopped", "no voice")
"""Reasons for which dropped words are not tried again."""
_MOST_DESCRIBED: Final = {1: 1, 2: 3, 3: 4, 4: 6}
"""How many people an answer tells of, by verbosity."""


class Policy:
    """Decide what is worth saying. Has no side effects but its memory; belongs to the loop's thread.

    Arrivals and departures are of priority MESSAGE, what changes about somebody NOTIFICATION, darkness IMPORTANT. The
    most newsworthy is said first (`claims.Rank`). Unprompted words keep to a budget in any ten seconds; what does not
    fit waits while it is true and news, then it is dropped. Tell `spoken` and `dropped` what became of the words, or
    the budget assumes the worst and less is said.

    Args:
        phrases: the words.
        emotions: whether hedged emotion words are used; off, since a face is no proof of a mind.
        verbosity: 1 tells who comes and goes, 2 also who faces you, smiles and strong changes, 3 other movements too,
            4 also common ones, and who comes closer.
        max_words_per_10_s: limit of unprompted words; 12 leave two thirds of the time for the conversation.
        cues: what is said at all, of `claims.CUES`.
        farthest_m: who is farther is not spoken of unasked.
    """

    def __init__(
        self,
        phrases: Phrases,
        emotions: bool = False,
        verbosity: int = 2,
        max_words_per_10_s: int = 12,
        cues: frozenset[str] = DEFAULT_CUES,
        farthest_m: float = EVERYBODY_M,
    ) -> None:
        self._phrases, self._emotions = phrases, emotions
        self.verbosity, self.cues = verbosity, cues
        self._budget = WordBudget(max_words_per_10_s)
        self._composer = Composer(phrases)
        self._light, self._reach = Light(), Reach(farthest_m)
        self.covered = False
        self._crowd = Crowd(self._claims, self._hold_back)
        self._decided: list[tuple[Utterance, Candidate]] = []
        self._scene: Scene | None = None
        self._now_s = 0.0
        self._suppressed: list[tuple[Utterance, str]] = []

    def configure(
        self,
        phrases: Phrases | None = None,
        emotions: bool | None = None,
        verbosity: int | None = None,
        cues: frozenset[str] | None = None,
        max_words_per_10_s: int | None = None,
        farthest_m: float | None = None,
    ) -> None:
        """Take on other settings from the next scene on; None keeps what is. What was said stays known."""
        self._phrases = self._phrases if phrases is None else phrases
        self._emotions = self._emotions if emotions is None else emotions
        self.verbosity = self.verbosity if verbosity is None else verbosity
        self.cues = self.cues if cues is None else cues
        self._composer = Composer(self._phrases)
        if farthest_m is not None:
            self._reach.farthest_m = farthest_m
        if max_words_per_10_s is not None:
            self._budget.limit(max_words_per_10_s)

    def consider(self, scene: Scene, now_s: float) -> Considered:
        """Return at most one utterance for now, and what was kept back with the reason."""
        scene = self._reach.within(scene)
        if self._scene is not None and now_s - self._now_s > _PAUSE_S:
            self._crowd.forget()
        self._now_s, self._scene, self._suppressed = now_s, scene, []
        self._decided = [each for each in self._decided if now_s - each[0].expires_at_s < _PAUSE_S]
        dark = self._light.consider(scene.brightness, now_s, self.covered)
        self._crowd.observe(scene, now_s, self._light.dim)
        self._hold_back_unclear(scene)
        if dark is not None:
            return Considered(self._alert(dark, now_s), tuple(self._suppressed))
        chosen: Utterance | None = None
        for candidate in sorted(self._candidates(scene, now_s), key=lambda each: each.rank):
            told = candidate.track and candidate.claim and candidate.track.told(candidate.claim, now_s)
            if chosen is None and not (told and candidate.rank != Rank.ARRIVAL):
                chosen = self._try(candidate, scene, now_s)
        return Considered(chosen, tuple(self._suppressed))

    def spoken(self, utterance: Utterance, start_s: float, seconds: float) -> None:
        """Learn that words are heard, and when."""
        self._budget.spoken(utterance, start_s, seconds)

    def dropped(self, utterance: Utterance, reason: str = "") -> None:
        """Learn that words will not be heard: they count as not said, unless the wearer heard them or wants none.

        Args:
            utterance: as it was decided on.
            reason: the speaker's.
        """
        self._budget.release(utterance)
        if reason not in _KNOWN_OR_UNWANTED:
            for other, candidate in self._decided:
                if other is utterance:
                    candidate.undo()

    def still_true(self, utterance: Utterance) -> bool:
        """Tell whether words that were decided on still hold; the speaker asks at the moment they would start."""
        for other, candidate in self._decided:
            if other is utterance:
                return self._in_view(candidate.track) and candidate.holds(other.text)
        return True  # an answer, or a state that is not ours

    def _in_view(self, track: Track | None) -> bool:
        """Tell whether somebody is seen now, or was a moment ago; nobody is missing where nobody was meant."""
        if track is None:
            return True
        known = any(track is each for each in self._crowd.tracks.values())
        return known and self._now_s - track.last_s <= _OUT_OF_VIEW_S

    @property
    def phrases(self) -> Phrases:
        """The words of the moment."""
        return self._phrases

    @property
    def dim(self) -> bool:
        """Whether it is too dark to say that nobody is there."""
        return self._light.dim

    def describe_scene(self, scene: Scene) -> str:
        """Return the whole scene in words, as an answer."""
        most = _MOST_DESCRIBED[self.verbosity]
        return self._phrases.describe_scene(scene, self._emotions, most)

    def describe_person(self, person: Person) -> str:
        """Return one person in words, as an answer."""
        return self._phrases.describe_person(person, self._emotions)

    def answer(self, scene: Scene, now_s: float) -> Utterance:
        """Return the answer to "what is here": said at once, outside the budget, since the wearer asked."""
        evidence = {"people": len(scene.people)}
        text = self.describe_scene(scene)
        return Utterance(text, Priority.MESSAGE, now_s, now_s + _ANSWER_LASTS_S, "answer", evidence=evidence)

    # What could be said

    def _claims(self, person: Person) -> tuple[Claim, ...]:
        return self._phrases.claims(person, self._emotions)

    def _candidates(self, scene: Scene, now_s: float) -> Iterator[Candidate]:
        """Yield what could be said now; of the same rank, the more newsworthy and the nearer first."""
        if arrived := self._arrived(now_s):
            lasting = [each for each in nearest_of(arrived).lasting() if not self._switched_off(each.cue, each.level)]
            claim = next((each for each in lasting if each.rank < Rank.DEPARTURE), None)
            yield self._composer.arrival(arrived, claim, self._crowd, now_s)
        tracks = [track for track in self._crowd.tracks.values() if track.greeted and track.last_s == now_s]
        fresh = [(track, track.claims[key]) for track in tracks for key in track.fresh if key in track.claims]
        fresh.sort(key=lambda each: (each[1].salience, -each[0].person.face.width_px))
        for track, claim in fresh:
            others = [other for whose, other in fresh if whose is track and other is not claim]
            yield self._composer.change(track, claim, scene, now_s, self._also(track, claim, others, now_s))
        if self._left(now_s):
            yield self._composer.departure(self._crowd)

    def _also(self, track: Track, claim: Claim, others: list[Claim], now_s: float) -> Claim | None:
        """Return what else is news about somebody and goes into the same sentence: no plainer than what leads it."""
        for other in others:
            known = claim.tells(other) or other.tells(claim) or track.told(other, now_s)
            if not known and other.level <= max(claim.level, 2) and not self._switched_off(other.cue, other.level):
                return other
        return None

    def _arrived(self, now_s: float) -> list[Track]:
        """Return who is in view and was not told of; give up those whose arrival is no news any more."""
        arrived, who = [], self._phrases.whole(self._phrases.count(1))
        for track in self._crowd.tracks.values():
            if track.confirmed_s is None or track.greeted:
                continue
            if "arrival" not in self.cues:  # the wearer chose not to hear it, but may want to hear of the departure
                track.greeted = track.announced = True
                self._keep_back(who, Priority.MESSAGE, "arrival", "cue off", track)
            elif now_s - track.confirmed_s > NEWS_LASTS_S:
                track.greeted = True
                self._keep_back(who, Priority.MESSAGE, "arrival", "expired", track)
            elif track.last_s == now_s:
                arrived.append(track)
        return arrived

    def _left(self, now_s: float) -> bool:
        """Tell whether somebody left; give up departures that are no news any more."""
        recent = [left_s for left_s in self._crowd.left_s if now_s - left_s <= NEWS_LASTS_S]
        if len(recent) < len(self._crowd.left_s):
            self._keep_back(self._phrases.sentence.left, Priority.MESSAGE, "departure", "expired")
            self._crowd.left_s = recent
        return bool(recent)

    # What is said

    def _try(self, candidate: Candidate, scene: Scene, now_s: float) -> Utterance | None:
        """Return the fullest text that may be said now, and remember it as said; else keep it back with the reason."""
        reason = self._objection(candidate, now_s)
        left = min(self._budget.left(now_s), _MOST_WORDS)
        if candidate.level > 2:
            left = min(left, self._budget.left(now_s) - _PLAIN_LEAVES_WORDS)
        text = next((text for text in candidate.texts if count_words(text) <= left), None)
        if reason or text is None:
            kept = candidate.texts[0 if candidate.rank == Rank.ARRIVAL else -1]  # of a change, itself alone
            utterance = candidate.utterance(kept, scene.width_px, now_s)
            self._suppressed.append((utterance, reason or "rate limit"))
            return None
        utterance = candidate.utterance(text, scene.width_px, now_s)
        self._budget.reserve(utterance)
        self._decided.append((utterance, candidate))
        candidate.said(text)
        return utterance

    def _objection(self, candidate: Candidate, now_s: float) -> str:
        """Return why a candidate must not be said whatever its length, or ""."""
        if reason := self._switched_off(candidate.cue, candidate.level):
            return reason
        if candidate.priority != Priority.NOTIFICATION or candidate.track is None:
            return ""
        return "just spoken of" if now_s - candidate.track.spoken_of_s < _FACE_GAP_S else ""

    def _switched_off(self, cue: str, level: int) -> str:
        """Return why nothing of this kind is said, or ""."""
        if cue not in self.cues:
            return "cue off"
        return "verbosity" if level > self.verbosity else ""

    def _alert(self, dark: bool, now_s: float) -> Utterance:
        text = self._phrases.sentence.dark if dark else self._phrases.sentence.light
        expires_at_s = now_s + _ANSWER_LASTS_S
        return Utterance(
            text,
            Priority.IMPORTANT,
            now_s,
            expires_at_s,
            "alert",
            evidence={"dark": dark},
            earcon=earcons.LOW_LIGHT if dark else earcons.RESUMED,
        )

    # What is kept back

    def _hold_back(self, track: Track, claim: Claim, reason: str) -> None:
        """Note what is true and not said; the level and the switches explain more than that it is not settled."""
        if self._scene is not None:
            candidate = self._composer.change(track, claim, self._scene, self._now_s)
            utterance = candidate.utterance(candidate.texts[-1], self._scene.width_px, self._now_s)
            self._suppressed.append((utterance, self._switched_off(claim.cue, claim.level) or reason))

    def _hold_back_unclear(self, scene: Scene) -> None:
        """Note the emotions that would be named if the classifier were sure."""
        if not self._emotions:
            return
        for person in scene.people:
            track = self._crowd.tracks.get(person.face.track)
            if track and (claim := self._phrases.unclear_emotion(person)):
                self._hold_back(track, claim, "below confidence")

    def _keep_back(self, text: str, priority: Priority, cue: str, reason: str, track: Track | None = None) -> None:
        number = track.person.face.track if track else 0
        self._suppressed.append((Utterance(text, priority, self._now_s, self._now_s, cue, number), reason))
