"""Keep in mind who is there, what their faces show steadily, and who has gone."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Final

from assistant.speech.claims import Claim, Rank
from assistant.speech.steadiness import Steady
from assistant.types import Face, Person, Scene

_CONFIRMED_AFTER_S: Final = 0.6  # seen without a break for so long; as long as a movement takes to be steady
_BREAK_S: Final = 0.5
_GONE_AFTER_S: Final = 1.5  # a turn of the head or a passer-by in between is shorter
_FRESH_S: Final = 4.0  # a movement that lasts is still news so long after it became steady
_LONG_AGO_S: Final = -1e9


@dataclass(slots=True)
class Track:
    """Hold what is known of one tracked face.

    Attributes:
        person: as last seen.
        since_s: since when it is seen without a break.
        last_s: when it was last seen.
        confirmed_s: since when it counts as a person; None before.
        greeted: whether the arrival is dealt with, said or not.
        announced: whether the wearer heard of the arrival.
        spoken_of_s: when it was last spoken of.
        steady: the keys of what it has shown for long enough.
        claims: what it shows in this frame, by key.
        fresh: the keys of what is steady and news, with the time since when.
        said: what was said of it, and when, by key.
    """

    person: Person
    since_s: float
    last_s: float
    confirmed_s: float | None = None
    greeted: bool = False
    announced: bool = False
    spoken_of_s: float = _LONG_AGO_S
    steady: Steady = field(default_factory=Steady)
    claims: dict[str, Claim] = field(default_factory=dict)
    fresh: dict[str, float] = field(default_factory=dict)
    said: dict[str, tuple[Claim, float]] = field(default_factory=dict)

    def lasting(self) -> list[Claim]:
        """Return what the face shows steadily and at this moment, the most newsworthy first."""
        return sorted((c for key, c in self.claims.items() if key in self.steady.on), key=lambda claim: claim.salience)

    def tell(self, claims: Collection[Claim], now_s: float) -> None:
        """Note that the wearer is told these: they are no news any more."""
        for claim in claims:
            self.said[claim.key] = (claim, now_s)
            self.fresh.pop(claim.key, None)

    def shows(self, claims: Collection[Claim]) -> bool:
        """Tell whether a face shows all of these now; a nod or another passing movement was seen and stays true."""
        return all(claim.lasts_s == 0 or claim.key in self.claims for claim in claims)

    def told(self, claim: Claim, now_s: float) -> bool:
        """Tell whether the wearer heard this of late, or heard more."""
        return any(now_s - at_s < claim.again_after_s and other.tells(claim) for other, at_s in self.said.values())


class Crowd:
    """Follow everybody in view. No identity: a face is forgotten 1.5 s after it is lost.

    Args:
        claims: returns what can be said of a face, the most newsworthy first.
        hold_back: told what is true and not said, with the reason.

    Attributes:
        tracks: by number.
        left_s: when faces were given up whose arrival the wearer heard of, until somebody clears it.
    """

    def __init__(
        self, claims: Callable[[Person], Collection[Claim]], hold_back: Callable[[Track, Claim, str], None]
    ) -> None:
        self._claims, self._hold_back = claims, hold_back
        self.tracks: dict[int, Track] = {}
        self.left_s: list[float] = []

    @property
    def confirmed(self) -> int:
        """How many people there are, as far as is sure."""
        return sum(track.confirmed_s is not None for track in self.tracks.values())

    def forget(self) -> None:
        """Start afresh, after a pause."""
        self.tracks.clear()
        self.left_s.clear()

    def observe(self, scene: Scene, now_s: float, dim: bool) -> None:
        """Take in one scene; in dim light nobody counts as gone."""
        seen = {person.face.track: person for person in scene.people if person.face.track}
        for number, person in seen.items():
            track = self.tracks.get(number) or self._adopt(person, seen.keys(), now_s)
            self.tracks[number] = track
            _see(track, person, now_s)
            self._follow(track, now_s)
        if dim:
            self.left_s.clear()
        for number, track in tuple(self.tracks.items()):
            if now_s - track.last_s >= _GONE_AFTER_S:
                del self.tracks[number]
                if track.announced and not dim:
                    self.left_s.append(now_s)

    def _adopt(self, person: Person, seen: Collection[int], now_s: float) -> Track:
        """Return the track of a face that was lost at that place a moment ago, or a new one."""
        lost = [
            (abs(_middle(track.person.face) - _middle(person.face)), number)
            for number, track in self.tracks.items()
            if number not in seen
        ]
        if lost:
            apart_px, number = min(lost)
            if apart_px < person.face.width_px:
                return self.tracks.pop(number)
        return Track(person, now_s, now_s)

    def _follow(self, track: Track, now_s: float) -> None:
        """Take in what a face shows; what has just become steady is fresh, unless the wearer knows it."""
        claims = self._claims(track.person)
        track.claims = {claim.key: claim for claim in claims}
        for key in track.steady.update({claim.key: claim.lasts_s for claim in claims}, now_s):
            if track.told(track.claims[key], now_s):
                self._hold_back(track, track.claims[key], "repeated")
            else:
                track.fresh[key] = now_s
        for key, since_s in tuple(track.fresh.items()):
            if key not in track.steady.on:
                del track.fresh[key]
            elif now_s - since_s > _FRESH_S:
                del track.fresh[key]
                if key in track.claims:
                    self._hold_back(track, track.claims[key], "expired")
        unsettled = [claim for claim in claims if claim.key not in track.steady.on and claim.rank != Rank.MINOR]
        if unsettled:
            self._hold_back(track, unsettled[0], "not settled")


def _see(track: Track, person: Person, now_s: float) -> None:
    """Note that a face is in view."""
    if track.confirmed_s is None:
        if now_s - track.last_s > _BREAK_S:
            track.since_s = now_s
        if now_s - track.since_s >= _CONFIRMED_AFTER_S:
            track.confirmed_s = now_s
    track.person, track.last_s = person, now_s


def _middle(face: Face) -> float:
    return (face.box_xyxy[0] + face.box_xyxy[2]) / 2
