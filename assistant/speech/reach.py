"""Leave out who is too far away to be spoken of unasked."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from assistant.types import Person, Scene

EVERYBODY_M: Final = 10.0
"""Farther than any camera of today finds faces: nobody is left out."""
_STAYS: Final = 1.25  # whoever is in is out only this much farther: a distance that wavers must not flicker


class Reach:
    """Know who is near enough. Belongs to one thread.

    Args:
        farthest_m: who is farther is not spoken of unasked.
    """

    def __init__(self, farthest_m: float = EVERYBODY_M) -> None:
        self.farthest_m = farthest_m
        self._in: frozenset[int] = frozenset()

    def within(self, scene: Scene) -> Scene:
        """Return the scene without those who are too far away."""
        if self.farthest_m >= EVERYBODY_M:
            return scene
        people = tuple(each for each in scene.people if self._near(each))
        self._in = frozenset(each.face.track for each in people)
        return replace(scene, people=people)

    def _near(self, person: Person) -> bool:
        limit_m = self.farthest_m * (_STAYS if person.face.track in self._in else 1.0)
        return person.place is None or person.place.distance_m <= limit_m
