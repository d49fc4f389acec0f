"""Hold what could be said now, and build the words for who came, who went and what changed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from assistant.speech import earcons
from assistant.speech.claims import Claim, Rank
from assistant.speech.crowd import Crowd, Track
from assistant.speech.phrases import Phrases
from assistant.types import Face, Priority, Scene, Utterance

NEWS_LASTS_S = 3.0
_CHANGE_LASTS_S = 2.0


@dataclass(frozen=True, slots=True)
class Candidate:
    """Hold something to say: the fullest text first; what to remember once it is said, and to take back if not.

    Attributes:
        cue: the switch that it belongs to; also the reason in the transcript.
        rank: how newsworthy it is.
        texts: the fullest first.
        priority: of the utterance.
        lasts_s: how long it may wait for its turn to be spoken.
        said: called with the text once it is decided on.
        undo: called when the text was not heard after all: it may be said again while it is news.
        holds: asked with the text when it is to start: whether it is still so.
        level: verbosity from which it is said.
        track: whom it is about.
        claim: what is said of them, if anything.
        told: asked with a text what it tells of them.
        people: how many there are.
    """

    cue: str
    rank: Rank
    texts: tuple[str, ...]
    priority: Priority
    lasts_s: float
    said: Callable[[str], None]
    undo: Callable[[], None]
    level: int = 1
    track: Track | None = None
    claim: Claim | None = None
    told: Callable[[str], Sequence[Claim]] = lambda _text: ()
    people: int = 0
    holds: Callable[[str], bool] = lambda _text: True

    def utterance(self, text: str, width_px: int, now_s: float) -> Utterance:
        """Return the words with what is behind them."""
        face = self.track.person.face if self.track else None
        evidence: dict[str, float] = {"people": self.people} if self.people or self.cue == "departure" else {}
        for claim in self.told(text):
            evidence.update(claim.evidence)
        number, pan = (face.track, _pan(face, width_px)) if face else (0, 0.0)
        if self.cue == "arrival" and self.track and (place := self.track.person.place):
            evidence |= {"hour": place.hour, "bearing_deg": place.bearing_deg, "distance_m": place.distance_m}
        earcon = earcons.OF_CUE.get(self.cue, "")
        return Utterance(text, self.priority, now_s, now_s + self.lasts_s, self.cue, number, evidence, pan, earcon)


def _pan(face: Face, frame_width_px: int) -> float:
    """Return where to hear it: -1 at the left edge of the picture, 1 at the right."""
    middle = (face.box_xyxy[0] + face.box_xyxy[2]) / 2
    return min(max(2 * middle / frame_width_px - 1, -1.0), 1.0)


class Composer:
    """Build candidates. Has no memory of its own: what is said is remembered in the crowd's tracks.

    Args:
        phrases: the words.
    """

    def __init__(self, phrases: Phrases) -> None:
        self._phrases = phrases

    def arrival(self, arrived: list[Track], claim: Claim | None, crowd: Crowd, now_s: float) -> Candidate:
        """Tell who came, and of the nearest where and what they do.

        Args:
            arrived: who is new.
            claim: what is said of the nearest, if there is room.
            crowd: everybody.
            now_s: the loop's time.
        """
        people, several = crowd.confirmed, len(arrived) > 1
        nearest = nearest_of(arrived)
        who = self._phrases.count(people) if several or people == 1 else self._phrases.another()

        def full(more: str) -> str:
            place = self._phrases.place(nearest.person, more)
            if several and place:
                words = self._phrases.nearest if _is_nearest(nearest, crowd) else self._phrases.one
                return f"{self._phrases.whole(who)} {words(place)}"
            return self._phrases.placed(who, place)

        fullest = full(claim.words) if claim else None
        texts = (*([fullest] if fullest else []), full(""), self._phrases.whole(who))

        def told(text: str) -> list[Claim]:
            return [claim] if claim and text == fullest else []

        def said(text: str) -> None:
            for track in arrived:
                track.greeted = track.announced = True
                track.spoken_of_s = now_s
            nearest.tell(told(text), now_s)

        def undo() -> None:
            for track in arrived:
                track.greeted = track.announced = False
            if claim:
                nearest.said.pop(claim.key, None)

        def holds(text: str) -> bool:
            return nearest.shows(told(text))

        return Candidate(
            *("arrival", Rank.ARRIVAL, texts, Priority.MESSAGE, NEWS_LASTS_S, said, undo),
            track=nearest,
            claim=claim,
            told=told,
            people=people,
            holds=holds,
        )

    def departure(self, crowd: Crowd) -> Candidate:
        """Tell that somebody left."""
        sentence = self._phrases.sentence
        if crowd.confirmed:
            text = self._phrases.some_left(len(crowd.left_s))
        else:
            text = sentence.left if len(crowd.left_s) == 1 else sentence.all_left

        left_s, people = tuple(crowd.left_s), crowd.confirmed

        def said(_text: str) -> None:
            crowd.left_s.clear()

        def undo() -> None:
            crowd.left_s.extend(left_s)

        def holds(_text: str) -> bool:
            return crowd.confirmed <= people

        return Candidate(
            *("departure", Rank.DEPARTURE, (text,), Priority.MESSAGE, NEWS_LASTS_S, said, undo),
            people=people,
            holds=holds,
        )

    def change(self, track: Track, claim: Claim, scene: Scene, now_s: float, also: Claim | None = None) -> Candidate:
        """Tell what has changed about one person, who shows it since a moment ago or not yet for long.

        Args:
            track: the person.
            claim: what they show.
            scene: everybody in view.
            now_s: the loop's time.
            also: what else has changed about them, told in the same sentence where there is room.
        """
        together = self._change_text(track, self._phrases.both(claim, also), scene) if also else None
        fresh = {each.key: track.fresh.get(each.key, now_s) for each in (claim, also) if each}
        spoken_of_s = track.spoken_of_s

        def told(text: str) -> list[Claim]:
            return [each for each in (claim, also if text == together else None) if each]

        def said(text: str) -> None:
            track.spoken_of_s = now_s
            track.tell(told(text), now_s)

        def undo() -> None:
            track.spoken_of_s = spoken_of_s
            for key, since_s in fresh.items():
                if key in track.said and track.said[key][1] == now_s:
                    del track.said[key]
                    track.fresh[key] = since_s

        texts = tuple(self._change_text(track, words, scene) for words in (*claim.fuller, claim.words))
        if together:
            texts = (together, *texts)
        return Candidate(
            *(claim.cue, claim.rank, texts, Priority.NOTIFICATION, _CHANGE_LASTS_S, said, undo),
            level=claim.level,
            track=track,
            claim=claim,
            holds=lambda text: track.shows(told(text)),
            told=told,
        )

    def _change_text(self, track: Track, words: str, scene: Scene) -> str:
        """Return such as "Smiling.", or with several people in view "At one o'clock, smiling."."""
        sentence = self._phrases.sentence
        if len(scene.people) == 1:
            return self._phrases.capitalised(sentence.change.format(movement=words))
        direction = self._phrases.direction(track.person)
        return self._phrases.capitalised(sentence.change_of.format(movement=words, direction=direction))


def nearest_of(tracks: list[Track]) -> Track:
    """Return the track of who faces the camera and is the nearest."""
    return min(tracks, key=_salience)


def _is_nearest(track: Track, crowd: Crowd) -> bool:
    """Tell whether nobody is nearer: who faces the camera is told of first, near or not."""
    metres = [each.person.place.distance_m for each in crowd.tracks.values() if each.person.place]
    return track.person.place is not None and track.person.place.distance_m <= min(metres)


def _salience(track: Track) -> tuple[bool, float, float]:
    person = track.person
    return person.manner.facing is not True, person.place.distance_m if person.place else 0.0, -person.face.width_px
